// What a server says of an entry in the list of completions, as it is shown beside that.

import type { LSPPlugin } from "@codemirror/lsp-client";
import type { CompletionItem } from "vscode-languageserver-protocol";
import { h } from "../dom";
import { isObject } from "../wire";

const LONGEST = 20_000;

/** Null where nothing is said. */
export function documentationOf({ detail, documentation }: Pick<CompletionItem, "detail" | "documentation">, plugin: LSPPlugin): HTMLElement | null {
  const head = typeof detail === "string" && detail ? h("p", { class: "completion-detail" }, detail.slice(0, LONGEST)) : null;
  const text = textOf(documentation);
  if (!head && !text) return null;
  return h("div", { class: "cm-lsp-documentation" }, head, ...(text ? nodesOf(plugin.docToHTML(text)) : []));
}

function textOf(documentation: unknown): string | { kind: "plaintext" | "markdown"; value: string } | null {
  if (typeof documentation === "string") return documentation.slice(0, LONGEST);
  if (!isObject(documentation) || typeof documentation["value"] !== "string" || documentation["value"] === "") return null;
  return { kind: documentation["kind"] === "markdown" ? "markdown" : "plaintext", value: documentation["value"].slice(0, LONGEST) };
}

/** Of HTML that the client has made safe: parsed in a document of its own, in which nothing runs or loads. Some servers end with an empty block of code. */
function nodesOf(html: string): readonly Node[] {
  const nodes = [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
  return nodes.filter(({ nodeName, textContent }) => nodeName !== "PRE" || textContent?.trim());
}
