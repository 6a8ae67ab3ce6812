// How terminals look to this person, remembered by the browser and shared by all panels of the page.

import { type Observable, Value } from "../lifecycle";
import { recall, remember } from "../storage";

const SMALLEST = 8;
const LARGEST = 32;
const DEFAULT_SIZE = 13;

function isFontSize(value: unknown): value is number {
  return typeof value === "number" && value >= SMALLEST && value <= LARGEST;
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

export class TerminalPreferences {
  private readonly size = new Value<number>(recall("terminal.fontSize", isFontSize) ?? DEFAULT_SIZE);
  private readonly reader = new Value<boolean>(recall("terminal.screenReader", isBoolean) ?? false);

  /** In pixels. */
  readonly fontSize: Observable<number> = this.size;
  /** Output is read out, and the screen's lines can be walked through. Costs speed, so it is off until asked for. */
  readonly screenReader: Observable<boolean> = this.reader;

  /** Makes the font larger or smaller by `steps` pixels; 0 goes back to the usual size. */
  zoom(steps: number): void {
    const next = steps === 0 ? DEFAULT_SIZE : this.size.get() + steps;
    this.size.set(Math.min(LARGEST, Math.max(SMALLEST, next)));
    remember("terminal.fontSize", this.size.get());
  }

  toggleScreenReader(): void {
    this.reader.set(!this.reader.get());
    remember("terminal.screenReader", this.reader.get());
  }
}
