// How a part of a file becomes lines to look at: as text, or as a hex dump.

import type { Format } from "../text";

/** The lines of a part of a file, none of them too long to be shown. */
export interface Lines {
  readonly texts: readonly string[];
  /** Where each begins: bytes from the beginning of the part. */
  readonly starts: readonly number[];
  /** How many line feeds come before it in the part; null for what goes on with a line that was broken. */
  readonly numbers: readonly (number | null)[];
  /** Line feeds in the part. */
  readonly feeds: number;
}

export interface Layout {
  /** Bytes that are laid out at once. */
  readonly part: number;
  /** Lines by their numbers, not by the offsets of their bytes. */
  readonly numbered: boolean;
  /** The first place of the bytes at which a part may begin: that of a line where there is one. */
  firstCut(bytes: Uint8Array): number;
  /** The last place at which it may end. Never 0. */
  lastCut(bytes: Uint8Array): number;
  /** A line may begin at this offset of the file. */
  align(offset: number): number;
  /** Whether the bytes end where a line does. */
  isLineEnd(bytes: Uint8Array): boolean;
  /** `continues` when the bytes do not begin with a line, `ends` when they are the last of the file. */
  lines(bytes: Uint8Array, continues: boolean, ends: boolean): Lines;
  /** UTF-16 units that the bytes take in a line. */
  width(bytes: Uint8Array): number;
}

const FEED = 10;
// Bytes of a line that are shown as one; editors get slow with longer ones. Even, for UTF-16.
const MOST_LINE = 2048;

export class TextLayout implements Layout {
  readonly part = 128 * 1024;
  readonly numbered = true;
  private readonly decoder: TextDecoder;
  private readonly unit: 1 | 2;

  constructor(readonly encoding: Format["encoding"]) {
    this.decoder = new TextDecoder(encoding);
    this.unit = encoding.startsWith("utf-16") ? 2 : 1;
  }

  firstCut(bytes: Uint8Array): number {
    const line = this.afterFeed(bytes, 0);
    if (line > 0 && line < bytes.length) return line;
    let at = 0;
    while (at < Math.min(4, bytes.length) && !this.isBoundary(bytes, at)) at += this.unit;
    return at;
  }

  lastCut(bytes: Uint8Array): number {
    const line = this.afterLastFeed(bytes);
    return line > 0 ? line : this.boundaryBefore(bytes, 0, bytes.length);
  }

  align(offset: number): number {
    return offset - (offset % this.unit);
  }

  isLineEnd(bytes: Uint8Array): boolean {
    return bytes.length > 0 && this.afterLastFeed(bytes) === bytes.length;
  }

  lines(bytes: Uint8Array, continues: boolean, ends: boolean): Lines {
    const lines = { texts: [] as string[], starts: [] as number[], numbers: [] as (number | null)[], feeds: 0 };
    const add = (start: number, end: number, isBegun: boolean): void => {
      lines.texts.push(this.decoder.decode(bytes.subarray(start, end)).replace(/\r?\n$/, ""));
      lines.starts.push(start);
      lines.numbers.push(isBegun ? null : lines.feeds);
    };
    let isBegun = continues;
    for (let at = 0; at < bytes.length; ) {
      const feed = this.afterFeed(bytes, at);
      const limit = Math.min(feed > 0 ? feed : bytes.length, at + MOST_LINE);
      const end = limit === feed || limit === bytes.length ? limit : this.boundaryBefore(bytes, at, limit);
      add(at, end, isBegun);
      isBegun = end !== feed;
      if (!isBegun) lines.feeds += 1;
      at = end;
    }
    // What follows the last line feed is a line too.
    if (ends && !isBegun) add(bytes.length, bytes.length, false);
    return lines;
  }

  width(bytes: Uint8Array): number {
    return this.decoder.decode(bytes).length;
  }

  /** The place after the first line feed from `from` on; 0 for none. */
  private afterFeed(bytes: Uint8Array, from: number): number {
    for (let at = bytes.indexOf(FEED, from); at >= 0; at = bytes.indexOf(FEED, at + 1)) if (this.isFeed(bytes, at)) return this.align(at) + this.unit;
    return 0;
  }

  private afterLastFeed(bytes: Uint8Array): number {
    for (let at = bytes.lastIndexOf(FEED); at >= 0; at = at > 0 ? bytes.lastIndexOf(FEED, at - 1) : -1) if (this.isFeed(bytes, at)) return this.align(at) + this.unit;
    return 0;
  }

  private isFeed(bytes: Uint8Array, at: number): boolean {
    if (this.unit === 1) return true;
    const low = this.encoding === "utf-16le" ? 0 : 1;
    return at % 2 === low && bytes[low === 0 ? at + 1 : at - 1] === 0;
  }

  private boundaryBefore(bytes: Uint8Array, start: number, limit: number): number {
    for (let at = this.align(limit); at > Math.max(start, limit - 5); at -= this.unit) if (this.isBoundary(bytes, at)) return at;
    // No text of this encoding: cut anywhere.
    return limit;
  }

  /** Whether a character may begin there. */
  private isBoundary(bytes: Uint8Array, at: number): boolean {
    if (this.encoding === "windows-1252") return true;
    // At the end it shows whether the last character is whole.
    if (this.encoding === "utf-8") return at < bytes.length ? !isContinuation(bytes[at]) : isWhole(bytes);
    const high = (unit: number): number => bytes[this.encoding === "utf-16le" ? unit + 1 : unit] ?? 0;
    // Of a pair the first half has 0xd8 to 0xdb there, the second 0xdc to 0xdf.
    return at < bytes.length ? high(at) >> 2 !== 0x37 : high(at - 2) >> 2 !== 0x36;
  }
}

function isContinuation(byte = 0): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Whether the bytes end with a whole character of UTF-8. */
function isWhole(bytes: Uint8Array): boolean {
  let at = bytes.length - 1;
  while (at > bytes.length - 4 && isContinuation(bytes[at])) at -= 1;
  const first = bytes[at] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return at + length <= bytes.length;
}

export class HexLayout implements Layout {
  readonly part = 32 * 1024;
  readonly numbered = false;

  /** `row` is how many bytes a line has; a power of two. */
  constructor(readonly row: number) {}

  firstCut(): number {
    return 0;
  }

  lastCut(bytes: Uint8Array): number {
    return this.align(bytes.length) || bytes.length;
  }

  align(offset: number): number {
    return offset - (offset % this.row);
  }

  isLineEnd(): boolean {
    return true;
  }

  lines(bytes: Uint8Array): Lines {
    const starts = Array.from({ length: Math.max(1, Math.ceil(bytes.length / this.row)) }, (_, index) => index * this.row);
    return { texts: starts.map((start) => this.line(bytes.subarray(start, start + this.row))), starts, numbers: starts.map(() => null), feeds: 0 };
  }

  width(bytes: Uint8Array): number {
    return bytes.length * 3;
  }

  private line(bytes: Uint8Array): string {
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    return `${hex.padEnd(this.row * 3 - 1)}  ${text}`;
  }
}
