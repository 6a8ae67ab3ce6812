// Markdown as GitHub has it, made HTML. Nothing here is safe to show: what the text holds of HTML comes through as it is.

import type { SyntaxNode } from "@lezer/common";
import { GFM, parser } from "@lezer/markdown";

const markdown = parser.configure(GFM);

// Deeper nesting shows as the text that it is.
const MOST_DEPTH = 60;

interface Target {
  readonly href: string;
  readonly title: string;
}

export function renderMarkdown(text: string): string {
  return new Renderer(text).render();
}

/** The text with what HTML would take for its own as it is to be read. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

class Renderer {
  private readonly targets = new Map<string, Target>();
  private depth = 0;

  constructor(private readonly text: string) {}

  render(): string {
    const root = markdown.parse(this.text).topNode;
    root.cursor().iterate((node) => {
      if (node.name === "LinkReference") this.define(node.node);
    });
    return this.blocks(root, true);
  }

  private slice(node: { readonly from: number; readonly to: number }): string {
    return this.text.slice(node.from, node.to);
  }

  private define(node: SyntaxNode): void {
    const label = node.getChild("LinkLabel");
    const url = node.getChild("URL");
    const name = label && normalized(this.slice(label));
    if (name && url && !this.targets.has(name)) this.targets.set(name, { href: destination(this.slice(url)), title: this.titleOf(node) });
  }

  private titleOf(node: SyntaxNode): string {
    const title = node.getChild("LinkTitle");
    return title ? unescape(this.slice(title).slice(1, -1)) : "";
  }

  private blocks(parent: SyntaxNode, isTop = false, isTight = false): string {
    this.depth += 1;
    const parts: string[] = [];
    for (let node = parent.firstChild; node; node = node.nextSibling) {
      const html = this.depth > MOST_DEPTH ? `<p>${escapeHtml(this.slice(node))}</p>` : this.block(node, isTight);
      // Where it stands in the text, for who scrolls both.
      if (html) parts.push(isTop ? html.replace(/^<([a-z]\w*)(?=[\s>])/, `<$1 data-at="${node.from}"`) : html);
    }
    this.depth -= 1;
    return parts.join("\n");
  }

  private block(node: SyntaxNode, isTight: boolean): string {
    const [, level] = /^(?:ATX|Setext)Heading(\d)$/.exec(node.name) ?? [];
    if (level !== undefined) {
      const content = this.inline(node).trim();
      return `<h${level} id="${slug(content)}">${content}</h${level}>`;
    }
    switch (node.name) {
      case "Paragraph":
        return isTight ? this.inline(node) : `<p>${this.inline(node)}</p>`;
      case "Task":
        return this.task(node);
      case "Blockquote":
        return `<blockquote>${this.blocks(node)}</blockquote>`;
      case "BulletList":
      case "OrderedList":
        return this.list(node);
      case "FencedCode":
      case "CodeBlock":
        return `<pre><code>${node.getChildren("CodeText").map((part) => escapeHtml(this.slice(part))).join("")}</code></pre>`;
      case "HorizontalRule":
        return "<hr>";
      case "HTMLBlock":
        return this.raw(node);
      case "Table":
        return this.table(node);
      default:
        // Marks, comments, and what links were defined by.
        return "";
    }
  }

  private list(node: SyntaxNode): string {
    const isTight = !this.isLoose(node);
    const items = node.getChildren("ListItem").map((item) => `<li>${this.blocks(item, false, isTight)}</li>`);
    if (node.name === "BulletList") return `<ul>${items.join("")}</ul>`;
    const [, start] = /^\s*(\d+)/.exec(this.slice(node)) ?? [];
    return `<ol start="${Number(start ?? 1)}">${items.join("")}</ol>`;
  }

  /** Whether there are blank lines between the items of a list, or in one between its parts. */
  private isLoose(list: SyntaxNode): boolean {
    const hasGap = (parent: SyntaxNode): boolean => {
      for (let node = parent.firstChild; node?.nextSibling; node = node.nextSibling) if (/\n[ \t>]*\n/.test(this.text.slice(node.to, node.nextSibling.from))) return true;
      return false;
    };
    return hasGap(list) || list.getChildren("ListItem").some(hasGap);
  }

  private task(node: SyntaxNode): string {
    const marker = node.getChild("TaskMarker");
    const done = marker !== null && /x/i.test(this.slice(marker));
    return `<p><input type="checkbox" disabled${done ? " checked" : ""}>${this.inline(node)}</p>`;
  }

  private table(node: SyntaxNode): string {
    const delimiter = node.getChild("TableDelimiter");
    const columns = delimiter ? this.slice(delimiter).replace(/^\s*\||\|\s*$/g, "").split("|") : [];
    const aligned = columns.map((column) => /^\s*(:?)-+(:?)\s*$/.exec(column)).map((found) => (found?.[2] ? (found[1] ? "center" : "right") : ""));
    const row = (line: SyntaxNode, tag: "th" | "td"): string => {
      const cells = Array.from({ length: columns.length }, () => "");
      // Of empty cells there is no node, only the lines around them.
      let at = this.slice(line).startsWith("|") ? -1 : 0;
      for (let child = line.firstChild; child; child = child.nextSibling) {
        if (child.name === "TableDelimiter") at += 1;
        else if (child.name === "TableCell" && at >= 0 && at < cells.length) cells[at] = this.inline(child);
      }
      return `<tr>${cells.map((cell, index) => `<${tag}${aligned[index] ? ` align="${aligned[index]}"` : ""}>${cell}</${tag}>`).join("")}</tr>`;
    };
    const head = node.getChild("TableHeader");
    return `<table><thead>${head ? row(head, "th") : ""}</thead><tbody>${node.getChildren("TableRow").map((line) => row(line, "td")).join("")}</tbody></table>`;
  }

  /** What a node holds of HTML, without the marks of the quotes that it is in. */
  private raw(node: SyntaxNode): string {
    let html = "";
    let at = node.from;
    for (const mark of node.getChildren("QuoteMark")) {
      html += this.text.slice(at, mark.from);
      at = mark.to;
    }
    return html + this.text.slice(at, node.to);
  }

  /** The content of a node, or of the part of it from `from` to `to`. */
  private inline(node: SyntaxNode, from = node.from, to = node.to): string {
    this.depth += 1;
    let html = "";
    let at = from;
    for (let child = this.depth > MOST_DEPTH ? null : node.firstChild; child; child = child.nextSibling) {
      if (child.from < at || child.to > to) continue;
      html += escapeHtml(this.text.slice(at, child.from)) + this.inlineNode(child);
      at = child.to;
    }
    this.depth -= 1;
    return html + escapeHtml(this.text.slice(at, to));
  }

  private inlineNode(node: SyntaxNode): string {
    switch (node.name) {
      case "Emphasis":
        return `<em>${this.inline(node)}</em>`;
      case "StrongEmphasis":
        return `<strong>${this.inline(node)}</strong>`;
      case "Strikethrough":
        return `<del>${this.inline(node)}</del>`;
      case "InlineCode":
        return `<code>${this.inline(node).replaceAll("\n", " ").replace(/^ (.*[^ ].*) $/, "$1")}</code>`;
      case "Link":
        return this.link(node);
      case "Image":
        return this.image(node);
      case "Autolink":
      case "URL":
        return this.autolink(node);
      case "Escape":
        return escapeHtml(this.slice(node).slice(1));
      case "Entity":
      case "HTMLTag":
        return this.raw(node);
      case "HardBreak":
        return "<br>\n";
      default:
        return "";
    }
  }

  private autolink(node: SyntaxNode): string {
    const url = this.slice(node).replace(/^<|>$/g, "");
    const href = /^[a-z][a-z\d+.-]*:/i.test(url) ? url : url.includes("@") ? `mailto:${url}` : `https://${url}`;
    return `<a href="${escapeHtml(href)}">${escapeHtml(url)}</a>`;
  }

  private link(node: SyntaxNode): string {
    const { target, from, to } = this.partsOf(node);
    const content = this.inline(node, from, to);
    if (!target) return escapeHtml(this.text.slice(node.from, from)) + content + escapeHtml(this.text.slice(to, node.to));
    return `<a href="${escapeHtml(target.href)}"${titled(target)}>${content}</a>`;
  }

  private image(node: SyntaxNode): string {
    const { target, from, to } = this.partsOf(node);
    if (!target) return escapeHtml(this.slice(node));
    const alt = this.inline(node, from, to).replaceAll(/<[^>]*>/g, "");
    return `<img src="${escapeHtml(target.href)}" alt="${alt}"${titled(target)}>`;
  }

  /** Where a link or picture leads, null for nowhere, and where its text is. */
  private partsOf(node: SyntaxNode): { readonly target: Target | null; readonly from: number; readonly to: number } {
    const [opening, closing] = node.getChildren("LinkMark");
    const [from, to] = [opening?.to ?? node.from, closing?.from ?? node.to];
    const url = node.getChild("URL");
    if (url && url.from >= to) return { target: { href: destination(this.slice(url)), title: this.titleOf(node) }, from, to };
    const label = node.getChild("LinkLabel");
    const name = label && this.slice(label) !== "[]" ? this.slice(label) : `[${this.text.slice(from, to)}]`;
    const isEmpty = !label && this.text.slice(to, node.to) === "]()";
    return { target: isEmpty ? { href: "", title: "" } : (this.targets.get(normalized(name)) ?? null), from, to };
  }
}

function titled({ title }: Target): string {
  return title ? ` title="${escapeHtml(title)}"` : "";
}

function unescape(text: string): string {
  return text.replaceAll(/\\([!-/:-@[-`{-~])/g, "$1");
}

function destination(url: string): string {
  return unescape(url.startsWith("<") ? url.slice(1, -1) : url);
}

function normalized(label: string): string {
  return label.slice(1, -1).trim().replaceAll(/\s+/g, " ").toLowerCase();
}

/** What the links of a table of contents call a heading. */
function slug(html: string): string {
  const text = html.replaceAll(/<[^>]*>|&\w+;/g, "").toLowerCase();
  return text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(/\s/g, "-");
}
