// Where a viewer stands in a stream of bytes: what was received, what the screen has parsed, what the server was told. No I/O.

/** An ack is due at once when this much was parsed since the last one; the server sends 512 KiB beyond it at most. */
export const ACK_EVERY = 64 * 1024;
/** The ring of a terminal: a replay is never longer. */
export const RING = 1024 * 1024;

export class Cursor {
  /** Offset of the next byte from the server; null before the first `ready`. Here a new connection goes on. */
  private next: number | null = null;
  private done = 0;
  private told = 0;
  // Output before this offset was made before this connection; what the screen replies to it was asked by nobody now.
  private replayEnd = 0;

  get received(): number | null {
    return this.next;
  }

  get parsed(): number {
    return this.done;
  }

  /** All that was received is on the screen. */
  get isDrained(): boolean {
    return this.done === (this.next ?? 0);
  }

  /**
   * A connection goes on at `offset`. Returns the bytes lost since what was received before, 0 on a first connection. A negative
   * number says that the stream is another one, shorter than what was received of the old.
   */
  begin(offset: number, fresh: boolean): number {
    const lost = this.next === null ? 0 : offset - this.next;
    if (lost < 0) return lost;
    if (this.next === null) this.done = offset;
    this.next = offset;
    this.told = offset;
    this.replayEnd = fresh ? offset : offset + RING;
    return lost;
  }

  /** Forgets the stream; the next `begin` is a first one. What the screen still parses of it is without effect. */
  reset(): void {
    this.next = null;
    this.done = this.told = this.replayEnd = 0;
  }

  /** Takes in `length` bytes and returns the offset after them. */
  receive(length: number): number {
    this.next = (this.next ?? 0) + length;
    return this.next;
  }

  /** The stream goes on at `offset`. Returns how many bytes are gone. */
  skip(offset: number): number {
    const lost = Math.max(0, offset - (this.next ?? 0));
    this.next = Math.max(offset, this.next ?? 0);
    return lost;
  }

  parse(end: number): void {
    this.done = Math.max(this.done, end);
  }

  /** The server has nothing more to replay. */
  settle(): void {
    this.replayEnd = Math.min(this.replayEnd, this.next ?? 0);
  }

  /** Whether the byte that the screen parses now was made before this connection. */
  get isReplaying(): boolean {
    return this.done < this.replayEnd;
  }

  get isAckDue(): boolean {
    return this.done - this.told >= ACK_EVERY;
  }

  /** The offset to acknowledge, or null when the server knows it. */
  takeAck(): number | null {
    if (this.done <= this.told) return null;
    this.told = this.done;
    return this.done;
  }
}
