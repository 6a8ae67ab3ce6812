// How terminals look to this person, remembered by the browser and shared by all panels of the page.

import { type Observable, Value } from "../lifecycle";
import { onRemembered, recall, remember } from "../storage";

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

  constructor() {
    // There may be several of these in a page, and one person.
    onRemembered("terminal.fontSize", () => this.size.set(recall("terminal.fontSize", isFontSize) ?? DEFAULT_SIZE));
    onRemembered("terminal.screenReader", () => this.reader.set(recall("terminal.screenReader", isBoolean) ?? false));
  }

  /** Makes the font larger or smaller by `steps` pixels; 0 goes back to the usual size. */
  zoom(steps: number): void {
    this.setFontSize(steps === 0 ? DEFAULT_SIZE : this.size.get() + steps);
  }

  /** In pixels, as near to `size` as can be read. */
  setFontSize(size: number): void {
    remember("terminal.fontSize", Math.min(LARGEST, Math.max(SMALLEST, size)));
  }

  toggleScreenReader(): void {
    remember("terminal.screenReader", !this.reader.get());
  }
}
