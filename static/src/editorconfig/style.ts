// How a file is to be written, by what .editorconfig files say of it.

import type { Encoding } from "../encodings";
import { join } from "../files";
import type { Event } from "../lifecycle";
import type { Indent, LineBreak } from "../text";
import type { Property } from "./parse";

export const EDITOR_CONFIG = ".editorconfig";
const WIDEST = 32;
const FLAGS: ReadonlyMap<string, boolean> = new Map([["true", true], ["false", false]]);
const LINE_BREAKS: ReadonlyMap<string, LineBreak> = new Map([["lf", "\n"], ["crlf", "\r\n"], ["cr", "\r"]]);
// Where browsers say Latin-1 they mean the code page that has it within.
const CHARSETS: ReadonlyMap<string, Charset> = new Map([
  ["utf-8", { encoding: "utf-8", bom: false }],
  ["utf-8-bom", { encoding: "utf-8", bom: true }],
  ["latin1", { encoding: "windows-1252", bom: false }],
  ["utf-16le", { encoding: "utf-16le", bom: true }],
  ["utf-16be", { encoding: "utf-16be", bom: true }],
]);

export interface Charset {
  readonly encoding: Encoding;
  readonly bom: boolean;
}

/** Null stands for what no file says. */
export interface Style {
  /** `size` is that of a step in columns. */
  readonly indent: { readonly kind: "tab" | "space" | null; readonly size: number | null; readonly tabWidth: number | null };
  /** The file that says how lines are indented. */
  readonly indentFrom: string | null;
  readonly lineBreak: LineBreak | null;
  readonly charset: Charset | null;
  readonly trims: boolean;
  readonly finalNewline: boolean | null;
}

export interface Styles {
  /** How the file is to be written. Never rejects. */
  styleOf(path: string): Promise<Style>;
  /** Files have other styles now. */
  readonly onChange: Event<void>;
}

export const NO_STYLE: Style = {
  indent: { kind: null, size: null, tabWidth: null },
  indentFrom: null,
  lineBreak: null,
  charset: null,
  trims: false,
  finalNewline: null,
};

/** What cannot be understood counts as not said. */
export function styleOf(properties: ReadonlyMap<string, Property>): Style {
  const value = (name: string): string => properties.get(name)?.value ?? "";
  const kind = value("indent_style");
  const said = ["indent_style", "indent_size", "tab_width"].map((name) => properties.get(name)).find((property) => property);
  const size = numberOf(value("indent_size"));
  return {
    indent: { kind: kind === "tab" || kind === "space" ? kind : null, size: size ?? numberOf(value("tab_width")), tabWidth: numberOf(value("tab_width")) ?? size },
    indentFrom: said ? join(said.folder, EDITOR_CONFIG) : null,
    lineBreak: LINE_BREAKS.get(value("end_of_line")) ?? null,
    charset: CHARSETS.get(value("charset")) ?? null,
    trims: FLAGS.get(value("trim_trailing_whitespace")) ?? false,
    finalNewline: FLAGS.get(value("insert_final_newline")) ?? null,
  };
}

function numberOf(text: string): number | null {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= WIDEST ? number : null;
}

/** The indentation to use in a text that has `found`. */
export function indentBy({ indent: { kind, size, tabWidth } }: Style, found: Indent): Indent {
  const tabs = kind === null ? found.unit === "\t" : kind === "tab";
  const width = tabWidth ?? found.tabWidth;
  if (tabs) return { unit: "\t", tabWidth: width };
  return { unit: size === null ? (found.unit === "\t" ? "    " : found.unit) : " ".repeat(size), tabWidth: width };
}
