// The bytes of a stream that this page keeps, for a download. Bounded: the oldest go first.

export class HeldBytes {
  private pieces: Uint8Array<ArrayBuffer>[] = [];
  private total = 0;

  constructor(private readonly most: number) {}

  get size(): number {
    return this.total;
  }

  push(piece: Uint8Array<ArrayBuffer>): void {
    this.pieces.push(piece);
    this.total += piece.length;
    let drop = 0;
    while (this.total > this.most && drop < this.pieces.length - 1) this.total -= this.pieces[drop++]?.length ?? 0;
    if (drop) this.pieces.splice(0, drop);
  }

  text(): string {
    const decoder = new TextDecoder();
    return this.pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
  }

  clear(): void {
    this.pieces = [];
    this.total = 0;
  }
}
