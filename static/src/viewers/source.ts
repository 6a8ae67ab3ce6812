// A file that is read in pieces as they are looked at, all of one version.

import { ApiError } from "../api";
import type { FileContent } from "../content";

/** What a file is now. */
export interface Version {
  readonly size: number;
  readonly etag: string;
}

const PIECE = 128 * 1024;
// Pieces that are kept: what scrolling back and forth needs again.
const MOST_KEPT = 16;
// A file that changes with every look is shown as it comes.
const MOST_TRIES = 3;

export class PagedSource {
  private readonly pieces = new Map<number, Uint8Array>();

  /** `fetchPart` gives at most `most` bytes from `start` on, with the version they are of. Throws ApiError. */
  constructor(
    private readonly fetchPart: (start: number, most: number) => Promise<FileContent>,
    private current: Version,
  ) {}

  get version(): Version {
    return this.current;
  }

  /** The file was found to have this version. */
  adopt(version: Version): void {
    if (version.etag === this.current.etag) return;
    this.pieces.clear();
    this.current = { size: version.size, etag: version.etag };
  }

  /** The bytes from `start` to `end`, as far as there are. Another version may be the current one afterwards. Throws ApiError. */
  async read(start: number, end: number): Promise<Uint8Array> {
    for (let tries = 1; ; tries += 1) {
      const { etag } = this.current;
      const parts: Uint8Array[] = [];
      for (let at = start - (start % PIECE); at < Math.min(end, this.current.size); at += PIECE) {
        const piece = await this.piece(at);
        parts.push(piece.subarray(Math.max(0, start - at), Math.max(0, end - at)));
      }
      if (etag === this.current.etag || tries === MOST_TRIES) return joined(parts);
    }
  }

  private async piece(at: number): Promise<Uint8Array> {
    const known = this.pieces.get(at);
    if (known) this.pieces.delete(at);
    const bytes = known ?? (await this.fetch(at));
    this.pieces.set(at, bytes);
    for (const oldest of this.pieces.keys()) if (this.pieces.size > MOST_KEPT) this.pieces.delete(oldest);
    return bytes;
  }

  private async fetch(at: number): Promise<Uint8Array> {
    try {
      const content = await this.fetchPart(at, PIECE);
      this.adopt(content);
      return content.bytes;
    } catch (error) {
      // It has become shorter.
      if (!(error instanceof ApiError && error.status === 416)) throw error;
      this.adopt(await this.fetchPart(0, 1));
      return new Uint8Array();
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0]) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
