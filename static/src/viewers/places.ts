// What a person writes to get about in a large file.

export type Place = { readonly kind: "line"; readonly line: number } | { readonly kind: "offset"; readonly offset: number };

/** `120`, `50 %` or `0x1f`; plain numbers are lines, or bytes where there are no lines. Null for what is none of it. */
export function parsePlace(text: string, inBytes: boolean, size: number): Place | null {
  const [, percent] = /^\s*(\d+(?:[.,]\d+)?)\s*%\s*$/.exec(text) ?? [];
  if (percent !== undefined) return { kind: "offset", offset: Math.round((Math.min(100, Number(percent.replace(",", "."))) / 100) * size) };
  const [, hex] = /^\s*0x([0-9a-f]{1,12})\s*$/i.exec(text) ?? [];
  if (hex !== undefined) return { kind: "offset", offset: Number.parseInt(hex, 16) };
  const [, number] = /^\s*(\d{1,15})\s*$/.exec(text) ?? [];
  if (number === undefined) return null;
  return inBytes ? { kind: "offset", offset: Number(number) } : { kind: "line", line: Math.max(1, Number(number)) };
}

/** What is searched for, and how many bytes it has. */
export interface Find {
  readonly text: string;
  readonly encoding: string;
  readonly length: number;
}

/** A text, or among bytes `0xdead`. Null for nothing. */
export function findOf(text: string, inBytes: boolean, encoding: string): Find | null {
  if (text === "") return null;
  const [, hex] = inBytes ? (/^\s*0x((?:[0-9a-f]{2}\s*)+)$/i.exec(text) ?? []) : [];
  if (hex !== undefined) return { text: hex, encoding: "hex", length: hex.replaceAll(/\s/g, "").length / 2 };
  const length = encoding === "utf-8" ? new TextEncoder().encode(text).length : encoding === "windows-1252" ? text.length : text.length * 2;
  return { text, encoding, length };
}
