// Input on its way to the shell: a big paste leaves in pieces, so that Ctrl-C and acks do not wait behind all of it.

import type { Clock } from "../clock";
import { type Disposable, DisposableStore } from "../lifecycle";

export interface Wire {
  readonly bufferedAmount: number;
  /** False when there is no connection. */
  send(data: Uint8Array<ArrayBuffer>): boolean;
}

/** Far below the 256 KiB that the server takes in one frame. */
const PIECE = 16 * 1024;
/** Bytes that the browser may hold before the next piece waits. */
const HIGH_WATER = 64 * 1024;
const LOOK_AGAIN_MS = 20;
// Interrupt, quit, suspend: whoever types one wants what was pasted before it to stop.
const INTERRUPTS: ReadonlySet<string> = new Set(["\x03", "\x1c", "\x1a"]);

export class Outbox implements Disposable {
  private readonly timers = new DisposableStore();
  private pending: Uint8Array<ArrayBuffer>[] = [];

  constructor(
    private readonly wire: Wire,
    private readonly clock: Clock,
  ) {}

  /** Bytes not yet given to the connection. */
  get size(): number {
    return this.pending.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** Sends text as UTF-8. An interrupt takes the place of what still waits. */
  text(data: string): void {
    if (INTERRUPTS.has(data)) this.clear();
    this.bytes(new TextEncoder().encode(data));
  }

  bytes(data: Uint8Array<ArrayBuffer>): void {
    for (let start = 0; start < data.length; start += PIECE) this.pending.push(data.subarray(start, start + PIECE));
    this.flush();
  }

  /** Forgets what waits. */
  clear(): void {
    this.pending = [];
    this.timers.clear();
  }

  dispose(): void {
    this.clear();
    this.timers.dispose();
  }

  private flush(): void {
    this.timers.clear();
    while (this.wire.bufferedAmount < HIGH_WATER) {
      const piece = this.pending.shift();
      if (!piece) return;
      if (!this.wire.send(piece)) return this.clear();
    }
    if (this.pending.length) this.timers.add(this.clock.after(LOOK_AGAIN_MS, () => this.flush()));
  }
}
