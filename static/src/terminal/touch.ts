// Scrolling a terminal with a finger; xterm.js knows only the wheel.

import type { Terminal } from "@xterm/xterm";
import { listen } from "../dom";
import { type Disposable, DisposableStore } from "../lifecycle";

// A finger that moved less still taps.
const SLOP = 8;
// What is left of the speed after each frame of the glide.
const FRICTION = 0.95;
const SLOWEST = 0.02;

/**
 * Moves the lines under the finger and lets them glide. Where a program has the whole screen or the mouse, the movement becomes the
 * wheel's, which xterm.js turns into what the program asked for.
 */
export function touchScrolling(element: HTMLElement, terminal: Terminal): Disposable {
  const scrolling = new Scrolling(element, terminal);
  const store = new DisposableStore();
  store.add(listen(element, "touchstart", (event) => scrolling.start(event), { passive: true }));
  store.add(listen(element, "touchmove", (event) => scrolling.move(event), { passive: false }));
  store.add(listen(element, "touchend", () => scrolling.end(), { passive: true }));
  store.add(listen(element, "touchcancel", () => scrolling.stop(), { passive: true }));
  store.add({ dispose: () => scrolling.stop() });
  return store;
}

class Scrolling {
  private at: { x: number; y: number; time: number } | null = null;
  private moving = false;
  /** Pixels for each millisecond; positive towards newer lines. */
  private speed = 0;
  private rest = 0;
  private frame = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly terminal: Terminal,
  ) {}

  start(event: TouchEvent): void {
    this.stop();
    const touch = event.touches.length === 1 ? event.touches[0] : undefined;
    if (touch) this.at = { x: touch.clientX, y: touch.clientY, time: event.timeStamp };
  }

  move(event: TouchEvent): void {
    const touch = event.touches[0];
    if (!this.at || !touch || event.touches.length !== 1) return;
    const by = this.at.y - touch.clientY;
    if (!this.moving && Math.abs(by) < SLOP) return;
    this.moving = true;
    if (event.cancelable) event.preventDefault();
    this.speed = by / Math.max(1, event.timeStamp - this.at.time);
    this.at = { x: touch.clientX, y: touch.clientY, time: event.timeStamp };
    this.scroll(by);
  }

  end(): void {
    this.at = null;
    if (!this.moving) return;
    this.moving = false;
    this.glide(performance.now());
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.at = null;
    this.moving = false;
    this.speed = 0;
    this.rest = 0;
  }

  private glide(before: number): void {
    this.frame = requestAnimationFrame((now) => {
      this.scroll(this.speed * (now - before));
      this.speed *= FRICTION;
      if (Math.abs(this.speed) > SLOWEST) this.glide(now);
    });
  }

  private scroll(pixels: number): void {
    const height = this.element.clientHeight / this.terminal.rows;
    this.rest += pixels;
    const lines = Math.trunc(this.rest / height);
    if (lines === 0) return;
    this.rest -= lines * height;
    if (this.terminal.buffer.active.type === "normal" && this.terminal.modes.mouseTrackingMode === "none") this.terminal.scrollLines(lines);
    else this.wheel(lines);
  }

  private wheel(lines: number): void {
    const { x, y } = this.at ?? { x: 0, y: 0 };
    const target = this.terminal.element?.querySelector(".xterm-screen");
    const init = { deltaY: lines, deltaMode: WheelEvent.DOM_DELTA_LINE, clientX: x, clientY: y, bubbles: true, cancelable: true };
    target?.dispatchEvent(new WheelEvent("wheel", init));
  }
}
