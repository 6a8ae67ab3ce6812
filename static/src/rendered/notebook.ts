// A Jupyter notebook as it was left: its cells and what they had put out, made HTML. Nothing is run, and nothing here is safe to show.

import { escapeHtml, renderMarkdown } from "./markdown";

type Fields = Readonly<Record<string, unknown>>;

/** Throws Error with a sentence for what is no notebook. */
export function renderNotebook(text: string): string {
  const notebook = fieldsOf(parse(text));
  // Before version 4 the cells lay in sheets.
  const cells = listOf(notebook["cells"] ?? fieldsOf(listOf(notebook["worksheets"])[0])["cells"]);
  if (!("cells" in notebook) && !("worksheets" in notebook)) throw new Error("This is no notebook: it has no cells.");
  return cells.map((cell) => renderCell(fieldsOf(cell))).join("\n");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is no notebook: ${error instanceof Error ? error.message : "it is no JSON"}`);
  }
}

function renderCell(cell: Fields): string {
  const source = textOf(cell["source"] ?? cell["input"]);
  if (cell["cell_type"] === "markdown") return `<section class="cell">${withAttachments(renderMarkdown(source), cell)}</section>`;
  if (cell["cell_type"] !== "code") return `<section class="cell"><pre>${escapeHtml(source)}</pre></section>`;
  const count = cell["execution_count"] ?? cell["prompt_number"];
  const label = `<div class="count">[${typeof count === "number" ? count : " "}]</div>`;
  const outputs = listOf(cell["outputs"]).map((output) => `<div class="output">${renderOutput(fieldsOf(output))}</div>`);
  return `<section class="cell code">${label}<pre class="source"><code>${escapeHtml(source)}</code></pre>${outputs.join("")}</section>`;
}

/** Pictures that lie in the cell itself. */
function withAttachments(html: string, cell: Fields): string {
  const attachments = fieldsOf(cell["attachments"]);
  return html.replaceAll(/src="attachment:([^"]*)"/g, (whole, name: string) => {
    const picture = pictureOf(fieldsOf(attachments[decodeURI(name)]));
    return picture ? `src="${picture}"` : whole;
  });
}

function renderOutput(output: Fields): string {
  switch (output["output_type"]) {
    case "stream":
      return `<pre${output["name"] === "stderr" || output["stream"] === "stderr" ? ' class="stderr"' : ""}>${plain(textOf(output["text"]))}</pre>`;
    case "error":
    case "pyerr":
      return `<pre class="stderr">${plain(listOf(output["traceback"]).map(textOf).join("\n") || `${textOf(output["ename"])}: ${textOf(output["evalue"])}`)}</pre>`;
    default:
      return renderData(fieldsOf(output["data"] ?? output));
  }
}

/** The richest of the forms in which a value was put out. */
function renderData(data: Fields): string {
  const html = textOf(data["text/html"]);
  if (html) return html;
  const picture = pictureOf(data);
  if (picture) return `<img src="${picture}" alt="${escapeHtml(textOf(data["text/plain"])) || "Output"}">`;
  const markdown = textOf(data["text/markdown"]);
  if (markdown) return renderMarkdown(markdown);
  return `<pre>${plain(textOf(data["text/plain"] ?? data["text"] ?? data["text/latex"] ?? ""))}</pre>`;
}

function pictureOf(data: Fields): string | null {
  const svg = textOf(data["image/svg+xml"]);
  if (svg) return `data:image/svg+xml,${encodeURIComponent(svg)}`;
  for (const type of ["image/png", "image/jpeg", "image/gif", "image/webp"]) {
    const base64 = textOf(data[type]).replaceAll(/\s/g, "");
    if (/^[A-Za-z0-9+/=]+$/.test(base64)) return `data:${type};base64,${base64}`;
  }
  return null;
}

// Colours and cursor movements of a terminal.
const ESCAPES = /\x1b\[[0-?]*[ -/]*[@-~]/g;

function plain(text: string): string {
  // A progress bar writes its line anew after each carriage return.
  return escapeHtml(text.replaceAll(ESCAPES, "").replaceAll(/^.*\r(?!\n)/gm, ""));
}

/** Text is one string or a list of its lines. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join("");
  return typeof value === "string" ? value : "";
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
