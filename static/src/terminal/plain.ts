// A stream's bytes as plain text, for those who can't use a terminal's picture of it: screen readers, downloads, a few last lines.

// oxlint-disable no-control-regex -- these are control sequences
// OSC and the other strings up to their end, CSI, and the two-character sequences.
const SEQUENCE = /\x1b(?:[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\[[0-?]*[ -/]*[@-~]|[ -/]*[0-OQ-WYZ`-~])/g;
const UNFINISHED = /\x1b(?:[\]PX^_][^\x07\x1b\x9c]*|\[[0-?]*[ -/]*|[ -/]*)$/;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;
/** No sequence that means something is longer; what claims to be one is given up. */
const LONGEST_SEQUENCE = 4096;

/** Text without its control sequences; of a line drawn over and over, as progress is, the last state stays. */
export function stripControls(text: string): string {
  const plain = text.replaceAll(SEQUENCE, "").replaceAll(/\r+\n/g, "\n");
  const lines = plain.split("\n").map((line) => line.slice(line.replace(/\r+$/, "").lastIndexOf("\r") + 1));
  return lines.join("\n").replaceAll(CONTROLS, "");
}

/** The last lines of a stream. Bytes come in pieces that may end in the middle of a character, a sequence or a line. */
export class PlainTail {
  private readonly decoder = new TextDecoder();
  private readonly finished: string[] = [];
  private open = "";

  constructor(private readonly most: number) {}

  push(bytes: Uint8Array): void {
    const text = this.open + this.decoder.decode(bytes, { stream: true });
    const lastBreak = text.lastIndexOf("\n");
    this.open = this.bounded(text.slice(lastBreak + 1));
    if (lastBreak < 0) return;
    // Only the end is kept, so only the end is looked at: a flood must not cost what nobody sees.
    const from = startOfLast(text, lastBreak, this.most);
    this.finished.push(...stripControls(text.slice(from, lastBreak)).split("\n"));
    if (this.finished.length > this.most) this.finished.splice(0, this.finished.length - this.most);
  }

  /** The last `count` lines, the unfinished one too unless it is empty. */
  lines(count = this.most): readonly string[] {
    const open = stripControls(this.open.replace(UNFINISHED, ""));
    const all = open ? [...this.finished, open] : this.finished;
    return all.slice(-count);
  }

  clear(): void {
    this.finished.length = 0;
    this.open = "";
  }

  private bounded(text: string): string {
    return text.length > 16 * LONGEST_SEQUENCE ? text.slice(-LONGEST_SEQUENCE) : text;
  }
}

/** Where the last `count` lines before `end` begin. */
function startOfLast(text: string, end: number, count: number): number {
  let at = end;
  for (let line = 0; line < count && at > 0; line += 1) at = text.lastIndexOf("\n", at - 1);
  return Math.max(0, at + (text[at] === "\n" ? 1 : 0));
}
