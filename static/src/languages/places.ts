// Between the places that the protocol names and those of the page: addresses and paths, lines and offsets.

import type { Text } from "@codemirror/state";
import type { Position, Range } from "vscode-languageserver-protocol";

/** The file's address below the project's; null for a name that is no Unicode, which no address can have. */
export function uriOf(root: string, path: string): string | null {
  try {
    return `${root.replace(/\/$/, "")}/${path.split("/").map(encodeURIComponent).join("/")}`;
  } catch {
    return null;
  }
}

/** The path of a file below the project's folder; null for any other. Servers encode addresses differently. */
export function pathOf(root: string, uri: string): string | null {
  try {
    const folder = `${decodeURIComponent(root).replace(/\/$/, "")}/`;
    const whole = decodeURIComponent(uri);
    const path = whole.startsWith(folder) ? whole.slice(folder.length) : "";
    return path === "" || path.split("/").some((part) => part === "" || part === "." || part === "..") ? null : path;
  } catch {
    return null;
  }
}

/** The place of an offset. */
export function positionOf(text: Text, offset: number): Position {
  const line = text.lineAt(offset);
  return { line: line.number - 1, character: offset - line.from };
}

export function rangeBetween(text: Text, from: number, to: number): Range {
  return { start: positionOf(text, from), end: positionOf(text, to) };
}

/** Characters from the beginning. What lies beyond a line or the text is at its end, as the protocol has it. */
export function offsetOf(text: Text, { line, character }: Position): number {
  if (!(line >= 0)) return 0;
  if (line >= text.lines) return text.length;
  const { from, length } = text.line(Math.floor(line) + 1);
  return from + Math.min(length, Math.max(0, Math.floor(character) || 0));
}
