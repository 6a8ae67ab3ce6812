// Pasting into a terminal.

import { h } from "../dom";
import { ask } from "../widgets/dialog";
import { linesToRun } from "./clipboard";

// oxlint-disable-next-line no-control-regex -- escape characters in a paste could end bracketed paste and run what follows
const HARMFUL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;
const SHOWN_LINES = 8;

/** The text without characters that no clipboard needs and that a terminal obeys. */
export function cleanPaste(text: string): string {
  return text.replaceAll(HARMFUL, "");
}

/** `text` in one line, its line breaks turned into spaces. */
export function joinLines(text: string): string {
  return text.trim().replaceAll(/\s*[\r\n]+\s*/g, " ");
}

/** What to paste: asks when lines of it would run at once, which only a program with bracketed paste prevents. Null for nothing. */
export async function settlePaste(text: string, bracketed: boolean): Promise<string | null> {
  const clean = cleanPaste(text);
  const count = linesToRun(clean);
  if (bracketed || count === 0) return clean;
  const lines = clean.split(/\r\n?|\n/);
  const shown = lines.slice(0, SHOWN_LINES).join("\n") + (lines.length > SHOWN_LINES ? "\n…" : "");
  const choices = [
    { label: "Cancel", value: null },
    { label: "Paste as one line", value: joinLines(clean) },
    { label: "Paste", value: clean, kind: "primary" as const },
  ];
  const title = count === 1 ? "Paste a line that runs at once?" : `Paste ${count} lines that run at once?`;
  return ask<string | null>({ title, body: h("pre", { class: "paste-preview" }, shown), choices, otherwise: null });
}
