// The part of a file that is on the page: a few blocks of lines, one after the other, that move through the file.

import type { Layout, Lines } from "./layout";
import type { PagedSource } from "./source";

export interface Block extends Lines {
  /** Offsets in the file. */
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** A line on the page, from 0, and UTF-16 units in it. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

// Bytes on the page that are kept before and after what is looked at.
const MOST_HELD = 512 * 1024;
// How far back the beginning of a line is looked for.
const LOOK_BACK = 16 * 1024;

export class Blocks {
  private list: Block[] = [];
  /** The number of the first line on the page, from 1; null while nobody knows. */
  firstNumber: number | null = null;

  constructor(
    private readonly source: PagedSource,
    readonly layout: Layout,
  ) {}

  get start(): number {
    return this.list[0]?.start ?? 0;
  }

  get end(): number {
    return this.list.at(-1)?.end ?? 0;
  }

  get texts(): readonly string[] {
    return this.list.flatMap((block) => block.texts);
  }

  /** Shows what is around `offset`, in the place of all else. Throws ApiError. */
  async jump(offset: number): Promise<void> {
    const start = await this.lineStart(Math.max(0, Math.min(offset, this.source.version.size)));
    const block = await this.read(start);
    this.list = [block];
    this.firstNumber = block.start === 0 ? 1 : null;
    // So that one can scroll up at once.
    await this.extendUp();
  }

  /** The lines that come next, and how many were dropped at the top for them; null at the end of the file. */
  async extendDown(): Promise<{ readonly added: readonly string[]; readonly dropped: number } | null> {
    if (this.end >= this.source.version.size) return null;
    const block = await this.read(this.end);
    this.list.push(block);
    let dropped = 0;
    for (let first = this.list[0]; first && this.held - (first.end - first.start) > MOST_HELD; first = this.list[0]) {
      this.list.shift();
      if (this.firstNumber !== null) this.firstNumber += first.feeds;
      dropped += first.texts.length;
    }
    return { added: block.texts, dropped };
  }

  /** The same for the lines before, with those that were dropped at the end. */
  async extendUp(): Promise<{ readonly added: readonly string[]; readonly dropped: number } | null> {
    const end = this.start;
    if (end === 0) return null;
    const from = this.layout.align(Math.max(0, end - this.layout.part));
    const bytes = await this.source.read(from, end);
    const cut = from === 0 ? 0 : this.layout.firstCut(bytes);
    const block = await this.blockOf(from + cut, bytes.subarray(cut), false);
    this.list.unshift(block);
    if (this.firstNumber !== null) this.firstNumber -= block.feeds;
    let dropped = 0;
    for (let last = this.list.at(-1); last && this.held - (last.end - last.start) > MOST_HELD; last = this.list.at(-1)) {
      this.list.pop();
      dropped += last.texts.length;
    }
    return { added: block.texts, dropped };
  }

  /** The offset in the file at which a line of the page begins. */
  offsetOf(line: number): number {
    const { block, index } = this.at(line);
    return block ? block.start + (block.starts[index] ?? 0) : 0;
  }

  /** What stands beside a line: its number, or its offset; "" where there is none. */
  labelOf(line: number): string {
    const { block, index, feeds } = this.at(line);
    if (!block) return "";
    if (!this.layout.numbered) return (block.start + (block.starts[index] ?? 0)).toString(16).padStart(8, "0");
    const number = block.numbers[index] ?? null;
    if (number === null) return "↪";
    return this.firstNumber === null ? "·" : String(this.firstNumber + feeds + number);
  }

  /** Where a byte of the file is on the page; null when it isn't. */
  placeOf(offset: number): Place | null {
    let before = 0;
    for (const block of this.list) {
      if (offset < block.start) return null;
      if (offset < block.end || block === this.list.at(-1)) {
        const at = Math.min(offset, block.end) - block.start;
        let index = block.starts.length - 1;
        while (index > 0 && (block.starts[index] ?? 0) > at) index -= 1;
        return { line: before + index, column: this.layout.width(block.bytes.subarray(block.starts[index] ?? 0, at)) };
      }
      before += block.texts.length;
    }
    return null;
  }

  private get held(): number {
    return this.end - this.start;
  }

  private at(line: number): { readonly block: Block | undefined; readonly index: number; readonly feeds: number } {
    let index = line;
    let feeds = 0;
    for (const block of this.list) {
      if (index < block.texts.length || block === this.list.at(-1)) return { block, index: Math.min(index, block.texts.length - 1), feeds };
      index -= block.texts.length;
      feeds += block.feeds;
    }
    return { block: undefined, index: 0, feeds };
  }

  private async lineStart(offset: number): Promise<number> {
    if (!this.layout.numbered) return this.layout.align(Math.max(0, Math.min(offset, this.source.version.size - 1)));
    const from = this.layout.align(Math.max(0, offset - LOOK_BACK));
    const bytes = await this.source.read(from, offset);
    const cut = bytes.length > 0 ? this.layout.lastCut(bytes) : 0;
    // Within a very long line any character will do.
    return from > 0 || this.layout.isLineEnd(bytes.subarray(0, cut)) ? from + cut : 0;
  }

  private async read(start: number): Promise<Block> {
    const bytes = await this.source.read(start, start + this.layout.part);
    const isLast = start + bytes.length >= this.source.version.size;
    return this.blockOf(start, isLast ? bytes : bytes.subarray(0, this.layout.lastCut(bytes)), isLast);
  }

  private async blockOf(start: number, bytes: Uint8Array, isLast: boolean): Promise<Block> {
    const before = await this.source.read(Math.max(0, start - 2), start);
    return { start, end: start + bytes.length, bytes, ...this.layout.lines(bytes, start > 0 && !this.layout.isLineEnd(before), isLast) };
  }
}
