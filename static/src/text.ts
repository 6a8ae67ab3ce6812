// Between the bytes of a file and the text of an editor, so that what was not edited is written back as it was.

export type LineBreak = "\n" | "\r\n" | "\r";

/** What the text alone doesn't say about the bytes. */
export interface Format {
  readonly bom: boolean;
  /** Of the whole file; null when it mixes several, which then stay in the text as they are. */
  readonly lineBreak: LineBreak | null;
  /** The encoding's name as TextDecoder knows it. Only UTF-8 can be written. */
  readonly encoding: "utf-8" | "utf-16le" | "utf-16be" | "windows-1252";
}

export interface Decoded {
  /** With "\n" for every line break, unless the file mixes them. */
  readonly text: string;
  readonly format: Format;
}

export const PLAIN: Format = { bom: false, lineBreak: "\n", encoding: "utf-8" };

// What Git looks at too: a text file has no NUL this early.
const BINARY_PROBE = 8000;

/** Whether the bytes are no text in any encoding that we show. */
export function isBinary(bytes: Uint8Array): boolean {
  return utf16Of(bytes) === null && bytes.subarray(0, BINARY_PROBE).includes(0);
}

/** The text of a file. `partial` bytes may end within a character, which is then left out. */
export function decode(bytes: Uint8Array, partial = false): Decoded {
  const wide = utf16Of(bytes);
  if (wide) return normalize(new TextDecoder(wide).decode(bytes), { bom: true, encoding: wide });
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const body = bom ? bytes.subarray(3) : bytes;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body, { stream: partial });
    return normalize(text, { bom, encoding: "utf-8" });
  } catch {
    return normalize(new TextDecoder("windows-1252").decode(bytes), { bom: false, encoding: "windows-1252" });
  }
}

/** The bytes of a text that `decode` gave with this format. Throws for an encoding other than UTF-8. */
export function encode(text: string, format: Format): Uint8Array<ArrayBuffer> {
  if (format.encoding !== "utf-8") throw new Error(`expected UTF-8, got ${format.encoding}`);
  const broken = format.lineBreak && format.lineBreak !== "\n" ? text.replaceAll("\n", format.lineBreak) : text;
  return new TextEncoder().encode(format.bom ? `\uFEFF${broken}` : broken);
}

function utf16Of(bytes: Uint8Array): "utf-16le" | "utf-16be" | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return null;
}

function normalize(text: string, rest: Omit<Format, "lineBreak">): Decoded {
  const found = new Set<LineBreak>();
  for (const [lineBreak] of text.matchAll(/\r\n|\n|\r/g)) {
    found.add(lineBreak as LineBreak);
    if (found.size > 1) return { text, format: { ...rest, lineBreak: null } };
  }
  const [lineBreak = "\n"] = found;
  return { text: lineBreak === "\n" ? text : text.replaceAll(lineBreak, "\n"), format: { ...rest, lineBreak } };
}

export interface Indent {
  readonly unit: string;
  readonly size: number;
}

/** The indentation that most lines of a text use; two spaces when it has none. */
export function indentOf(text: string): Indent {
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
  const [size, count] = [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best), [2, 0]);
  return tabs > count ? { unit: "\t", size: 4 } : { unit: " ".repeat(size), size };
}
