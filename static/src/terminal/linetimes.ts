// Puts the time at which it came before each line of a log. No DOM.

import { browserClock, type Clock } from "../clock";
import { type Disposable, DisposableStore, MutableDisposable } from "../lifecycle";
import type { LogTimes } from "../wire";

interface Known {
  readonly offset: number;
  /** In milliseconds since 1970. */
  readonly time: number;
}

const [BREAK, RETURN] = [10, 13];
const WIDTH = 12;
const encoder = new TextEncoder();

/** `14:05:09.120`, or for another day than that of `now` `11-23 14:05`; as wide either way. Both in milliseconds since 1970. */
export function formatLineTime(time: number | null, now: number): string {
  if (time === null) return "".padEnd(WIDTH);
  const [at, today] = [new Date(time), new Date(now)];
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() !== today.toDateString()) return `${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`.padEnd(WIDTH);
  return `${clock}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** Knows what came when, and stamps the lines. Pieces come in the order of the stream. */
export class LineTimes {
  private known: Known[] = [];
  private before = BREAK;

  constructor(private readonly now: () => number) {}

  learn(entries: readonly Known[]): void {
    const last = this.known.at(-1)?.offset ?? -1;
    this.known.push(...entries.filter(({ offset }) => offset > last));
  }

  /** A line that is drawn anew from its beginning, as progress is, gets its time again. */
  stamp(piece: Uint8Array<ArrayBuffer>, offset: number): Uint8Array<ArrayBuffer> {
    const parts: Uint8Array[] = [];
    let start = 0;
    for (let at = 0; at < piece.length; at += 1) {
      const byte = piece[at];
      if (this.before === BREAK || (this.before === RETURN && byte !== BREAK && byte !== RETURN)) {
        parts.push(piece.subarray(start, at), this.mark(offset + at));
        start = at;
      }
      this.before = byte ?? BREAK;
    }
    parts.push(piece.subarray(start));
    return joined(parts);
  }

  private mark(offset: number): Uint8Array {
    while ((this.known[1]?.offset ?? Infinity) <= offset) this.known.shift();
    const first = this.known[0];
    const time = first && first.offset <= offset ? first.time : null;
    // The program's colours are kept: saved before the time, restored after it, with the cursor, which then passes it.
    return encoder.encode(`\x1b7\x1b[0;90m${formatLineTime(time, this.now())} \x1b8\x1b[${WIDTH + 1}C`);
  }
}

export type ShowTimed = (data: Uint8Array<ArrayBuffer>, parsed: () => void) => void;

interface Waiting {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Null for what is not of the stream. */
  readonly offset: number | null;
  readonly parsed: () => void;
}

// Many small pieces are asked for together.
const GATHER_MS = 100;

/** Holds output back until it is known when it came, then shows it with its times. The order stays. */
export class TimedOutput implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new MutableDisposable());
  private readonly lines: LineTimes;
  private waiting: Waiting[] = [];
  private asking = false;

  /** `ask` gets the times from an offset on; when it fails, output is shown without. `now` is in milliseconds since 1970. */
  constructor(
    private readonly ask: (offset: number) => Promise<LogTimes>,
    private readonly show: ShowTimed,
    private readonly clock: Clock = browserClock,
    now: () => number = Date.now,
  ) {
    this.lines = new LineTimes(now);
  }

  push(data: Uint8Array<ArrayBuffer>, offset: number | null, parsed: () => void): void {
    this.waiting.push({ data, offset, parsed });
    if (!this.asking && !this.timer.value) this.timer.value = this.clock.after(GATHER_MS, () => void this.release());
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async release(): Promise<void> {
    this.timer.value = undefined;
    this.asking = true;
    const ready = this.waiting;
    this.waiting = [];
    await this.learn(ready);
    this.asking = false;
    if (this.disposables.isDisposed) return;
    for (const { data, offset, parsed } of ready) this.show(offset === null ? data : this.lines.stamp(data, offset), parsed);
    if (this.waiting.length > 0) this.timer.value = this.clock.after(GATHER_MS, () => void this.release());
  }

  private async learn(ready: readonly Waiting[]): Promise<void> {
    const offsets = ready.flatMap(({ offset, data }) => (offset === null ? [] : [offset, offset + data.length]));
    let [from, end] = [offsets[0], offsets.at(-1) ?? 0];
    while (from !== undefined) {
      try {
        const { times, more } = await this.ask(from);
        this.lines.learn(times.map(({ offset, time }) => ({ offset, time: Date.parse(time) })));
        const last: number | undefined = times.at(-1)?.offset;
        from = more && last !== undefined && last > from && last < end ? last : undefined;
      } catch {
        return;
      }
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
