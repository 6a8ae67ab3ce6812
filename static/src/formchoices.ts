// What the person chooses of the form of the front file: its encoding, its line breaks, its indentation and its language.

import { reindenting } from "./editor/changes";
import type { TextDocument } from "./editor/document";
import type { FormChoice } from "./editor/form";
import { LANGUAGES } from "./editor/languages";
import { ENCODINGS, type Encoding } from "./encodings";
import type { Ide } from "./ide";
import { readAs } from "./rereading";
import type { Indent, LineBreak } from "./text";
import { Palette, type PaletteItem } from "./views/palette";

const NOW = "now";
const STEPS = [2, 4, 8];
const NAMES = Object.entries(ENCODINGS) as readonly (readonly [Encoding, string])[];

const LINE_BREAKS: Readonly<Record<LineBreak, string>> = { "\n": "LF, as on Linux", "\r\n": "CRLF, as on Windows", "\r": "CR, as on old Macs" };

/** Has the front file read in another encoding. */
export async function chooseReading(ide: Ide): Promise<void> {
  const { documents } = ide;
  const document = documents.active.get();
  if (!document) return;
  const chosen = documents.encodings.of(document.path.get());
  const current = document.kind === "text" ? document.form.format.get().encoding : null;
  const read = (encoding: Encoding | null) => (): void => act(ide, () => readAs(documents, document, encoding));
  const auto = { text: "As its bytes tell", hint: chosen === null ? NOW : "", run: read(null) };
  const items = NAMES.map(([encoding, text]) => ({ text, hint: encoding === current && chosen !== null ? NOW : "", run: read(encoding) }));
  await new Palette({ label: "Read in another encoding", placeholder: "In what was this file written?", items: [auto, ...items] }).open();
}

/** Has the front text written in another encoding. */
export async function chooseWriting(ide: Ide): Promise<void> {
  const document = frontText(ide);
  if (!document) return;
  const now = document.form.format.get();
  const item = (encoding: Encoding, text: string, bom: boolean): PaletteItem => ({
    text,
    hint: encoding === now.encoding && bom === now.bom ? NOW : "",
    run: () => save(ide, document, { encoding, bom }, text),
  });
  const items = NAMES.map(([encoding, name]) => item(encoding, name, encoding.startsWith("utf-16")));
  items.splice(1, 0, item("utf-8", "UTF-8 with BOM", true));
  await new Palette({ label: "Save in another encoding", placeholder: "In what is this file to be written?", items }).open();
}

export async function chooseLineBreaks(ide: Ide): Promise<void> {
  const document = frontText(ide);
  if (!document) return;
  const now = document.form.format.get().lineBreak;
  const items = (Object.entries(LINE_BREAKS) as readonly (readonly [LineBreak, string])[]).map(([lineBreak, text]) => ({
    text,
    hint: lineBreak === now ? NOW : "",
    run: () => save(ide, document, { lineBreak }, text),
  }));
  await new Palette({ label: "Save with other line breaks", placeholder: "How are lines to end?", items }).open();
}

export async function chooseIndentation(ide: Ide): Promise<void> {
  const document = frontText(ide);
  if (!document) return;
  const now = document.form.indentation.get().indent;
  const spaces = STEPS.map((count) => ({ name: `${count} spaces`, indent: { unit: " ".repeat(count), tabWidth: now.tabWidth } }));
  const tabs = STEPS.map((tabWidth) => ({ name: `tabs, ${tabWidth} wide`, indent: { unit: "\t", tabWidth } }));
  const isNow = ({ unit, tabWidth }: Indent): boolean => unit === now.unit && tabWidth === now.tabWidth;
  const use = (indent: Indent) => (): void =>
    act(ide, async () => {
      document.form.choose({ indent });
      await document.restyle();
    });
  const convert = (indent: Indent) => (): void =>
    act(ide, async () => {
      document.dispatch({ changes: reindenting(document.state.doc, now, indent), userEvent: "input.indent" });
      use(indent)();
    });
  const all = [...spaces, ...tabs];
  const items = all.map(({ name, indent }) => ({ text: `Indent by ${name}`, hint: isNow(indent) ? NOW : "", run: use(indent) }));
  const conversions = document.readOnly ? [] : all.filter(({ indent }) => !isNow(indent)).map(({ name, indent }) => ({ text: `Convert the lines to ${name}`, run: convert(indent) }));
  await new Palette({ label: "Indentation of this file", placeholder: "How are lines to be indented?", items: [...items, ...conversions] }).open();
}

export async function chooseLanguage(ide: Ide): Promise<void> {
  const document = frontText(ide);
  if (!document) return;
  const now = document.language.get();
  const named = [...LANGUAGES].sort((a, b) => a.name.localeCompare(b.name));
  const items = [null, ...named].map((language) => ({
    text: language?.name ?? "Plain text",
    hint: language === now ? NOW : "",
    run: () => act(ide, async () => document.language.set(language)),
  }));
  await new Palette({ label: "Language of this file", placeholder: "What is this file written in?", items }).open();
}

function frontText(ide: Ide): TextDocument | null {
  const document = ide.documents.active.get();
  return document?.kind === "text" ? document : null;
}

function save(ide: Ide, document: TextDocument, choice: FormChoice, name: string): void {
  act(ide, async () => {
    await document.saveAs(choice);
    if (document.isContested) ide.store.notify("Not saved: choose first between your text and what the disk has.");
    else ide.store.announce(`Saved: ${name}.`);
  });
}

/** The keyboard goes back to the text; what goes wrong is said. */
function act(ide: Ide, task: () => Promise<void>): void {
  ide.editor.focus();
  void task().catch(ide.report);
}
