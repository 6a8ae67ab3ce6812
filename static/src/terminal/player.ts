// Plays a recording on a screen: the one clock and position of it. No DOM.

import { browserClock, type Clock } from "../clock";
import { type Disposable, DisposableStore, MutableDisposable, type Observable, Value } from "../lifecycle";
import { type Cast, parseSize, withoutPauses } from "./cast";
import type { Size } from "./session";

export interface PlayerScreen {
  /** Calls `parsed` when all of `text` has taken effect. */
  write(text: string, parsed: () => void): void;
  resize(size: Size): void;
}

const FRAME_MS = 33;
/** The longest pause, in seconds, while pauses are skipped. */
const LONGEST_PAUSE = 1;
const RESET = "\x18\x1bc";

export class Player implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new MutableDisposable());
  private readonly positionValue = this.disposables.add(new Value<number>(0));
  private readonly playingValue = this.disposables.add(new Value<boolean>(false));
  private times: readonly number[];
  private next = 0;
  private busy = false;
  private ticked = 0;
  private factor = 1;

  /** In seconds. */
  readonly position: Observable<number> = this.positionValue;
  readonly playing: Observable<boolean> = this.playingValue;

  constructor(
    private readonly cast: Cast,
    private readonly screen: PlayerScreen,
    private readonly clock: Clock = browserClock,
  ) {
    this.times = withoutPauses(cast.events, LONGEST_PAUSE);
    screen.resize(cast);
  }

  /** In seconds. */
  get duration(): number {
    return this.times.at(-1) ?? 0;
  }

  /** From the beginning when it has ended. */
  play(): void {
    if (this.playing.get()) return;
    if (this.position.get() >= this.duration) this.seek(0);
    this.playingValue.set(true);
    this.ticked = this.clock.now();
    this.tick();
  }

  pause(): void {
    this.timer.value = undefined;
    this.playingValue.set(false);
  }

  seek(seconds: number): void {
    this.positionValue.set(Math.min(this.duration, Math.max(0, seconds)));
    this.draw();
  }

  setSpeed(factor: number): void {
    this.factor = factor;
  }

  /** Cuts long pauses short, or plays them as they were. The place in the recording stays. */
  skipPauses(on: boolean): void {
    this.times = on ? withoutPauses(this.cast.events, LONGEST_PAUSE) : this.cast.events.map(({ time }) => time);
    this.seek(this.times[this.next - 1] ?? 0);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private tick(): void {
    const now = this.clock.now();
    const at = this.position.get() + ((now - this.ticked) / 1000) * this.factor;
    this.ticked = now;
    this.seek(at);
    if (at >= this.duration) this.pause();
    else this.timer.value = this.clock.after(FRAME_MS, () => this.tick());
  }

  /** Brings the screen to the position. One write at a time: what is asked for meanwhile is drawn after it, and once. */
  private draw(): void {
    if (this.busy || this.disposables.isDisposed) return;
    const at = this.position.get();
    let text = "";
    if (this.next > 0 && (this.times[this.next - 1] ?? 0) > at) {
      // There is no way back but from the beginning.
      this.next = 0;
      this.screen.resize(this.cast);
      text = RESET;
    }
    for (; this.next < this.times.length && (this.times[this.next] ?? 0) <= at; this.next += 1) {
      const event = this.cast.events[this.next];
      // A size counts for what comes after it, so all that came before must have been drawn.
      if (event?.code === "r" && text) break;
      if (event?.code === "r") this.screen.resize(parseSize(event.data));
      else if (event?.code === "o") text += event.data;
    }
    if (!text) return;
    this.busy = true;
    this.screen.write(text, () => {
      this.busy = false;
      this.draw();
    });
  }
}
