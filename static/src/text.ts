// Between the bytes of a file and the text of an editor, so that what was not edited is written back as it was.

import { bytesIn, type Encoding } from "./encodings";

export type LineBreak = "\n" | "\r\n" | "\r";

/** What the text alone doesn't say about the bytes. */
export interface Format {
  readonly bom: boolean;
  /** Of the whole file; null when it mixes several, which then stay in the text as they are. */
  readonly lineBreak: LineBreak | null;
  readonly encoding: Encoding;
}

export interface Decoded {
  /** With "\n" for every line break, unless the file mixes them. */
  readonly text: string;
  readonly format: Format;
  /** There are bytes that mean nothing: written back, the file would be another. */
  readonly damaged: boolean;
}

export const PLAIN: Format = { bom: false, lineBreak: "\n", encoding: "utf-8" };

// What Git looks at too: a text file has no NUL this early.
const BINARY_PROBE = 8000;

/** Whether the bytes are no text in any encoding that we show. */
export function isBinary(bytes: Uint8Array): boolean {
  return utf16Of(bytes) === null && bytes.subarray(0, BINARY_PROBE).includes(0);
}

export interface DecodeOptions {
  /** In what the person has chosen to read it; null has the bytes tell. */
  readonly as?: Encoding | null;
  /** The bytes may end within a character, which is then left out. */
  readonly partial?: boolean;
}

/** The text of a file. */
export function decode(bytes: Uint8Array, { as = null, partial = false }: DecodeOptions = {}): Decoded {
  if (as) return decodeAs(bytes, as);
  const wide = utf16Of(bytes);
  if (wide) return normalize(...read(bytes.subarray(2), wide, partial), { bom: true, encoding: wide });
  const bom = hasUtf8Mark(bytes);
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bom ? bytes.subarray(3) : bytes, { stream: partial });
    return normalize(text, false, { bom, encoding: "utf-8" });
  } catch {
    return normalize(new TextDecoder("windows-1252").decode(bytes), false, { bom: false, encoding: "windows-1252" });
  }
}

/** It counts as damaged, too, where several bytes mean the same character and others would be written. */
function decodeAs(bytes: Uint8Array, encoding: Encoding): Decoded {
  const mark = encoding === "utf-8" ? (hasUtf8Mark(bytes) ? 3 : 0) : utf16Of(bytes) === encoding ? 2 : 0;
  const decoded = normalize(...read(bytes.subarray(mark), encoding, false), { bom: mark > 0, encoding });
  const written = decoded.damaged ? null : encode(decoded.text, decoded.format);
  return { ...decoded, damaged: written?.length !== bytes.length || written.some((byte, at) => byte !== bytes[at]) };
}

function read(bytes: Uint8Array, encoding: Encoding, partial: boolean): [text: string, damaged: boolean] {
  try {
    return [new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: partial }), false];
  } catch {
    return [new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes), true];
  }
}

/** The bytes of a text in this format. Null when its encoding has none for one of the characters. */
export function encode(text: string, format: Format): Uint8Array<ArrayBuffer> | null {
  const broken = format.lineBreak && format.lineBreak !== "\n" ? text.replaceAll("\n", format.lineBreak) : text;
  return bytesIn((format.bom ? "\uFEFF" : "") + broken, format.encoding);
}

/** The bytes of a text in which those that are no UTF-8 stand as lone surrogates (https://peps.python.org/pep-0383); null where none do. */
export function escapedBytes(text: string): Uint8Array | null {
  if (!/\p{Cs}/u.test(text)) return null;
  const encoder = new TextEncoder();
  return Uint8Array.from(Array.from(text).flatMap((character) => (/\p{Cs}/u.test(character) ? [character.charCodeAt(0) & 0xff] : [...encoder.encode(character)])));
}

function hasUtf8Mark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function utf16Of(bytes: Uint8Array): "utf-16le" | "utf-16be" | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return null;
}

function normalize(text: string, damaged: boolean, rest: Omit<Format, "lineBreak">): Decoded {
  const found = new Set<LineBreak>();
  for (const [lineBreak] of text.matchAll(/\r\n|\n|\r/g)) {
    found.add(lineBreak as LineBreak);
    if (found.size > 1) return { text, format: { ...rest, lineBreak: null }, damaged };
  }
  const [lineBreak = "\n"] = found;
  return { text: lineBreak === "\n" ? text : text.replaceAll(lineBreak, "\n"), format: { ...rest, lineBreak }, damaged };
}

export interface Indent {
  /** A step: spaces, or a tab. */
  readonly unit: string;
  /** Columns of a tab. */
  readonly tabWidth: number;
}

export const TAB_WIDTH = 4;

/** The indentation that most lines of a text use; `otherwise` when it has none. */
export function indentOf(text: string, otherwise = "  "): Indent {
  const votes = new Map<number, number>();
  let tabs = 0;
  let previous = 0;
  for (const line of text.slice(0, 50_000).split("\n")) {
    const blank = /^[ \t]*/.exec(line)?.[0] ?? "";
    if (blank.length === line.length) continue;
    if (blank.startsWith("\t")) tabs += 1;
    const step = Math.abs(blank.length - previous);
    if (!blank.startsWith("\t") && step >= 2 && step <= 8) votes.set(step, (votes.get(step) ?? 0) + 1);
    previous = blank.length;
  }
  const [size, count] = [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best), [0, 0]);
  const unit = tabs > count ? "\t" : count > 0 ? " ".repeat(size) : otherwise;
  return { unit, tabWidth: TAB_WIDTH };
}
