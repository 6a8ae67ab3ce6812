// How the editor looks to this person.

import { type Observable, Value } from "./lifecycle";
import { recall, remember } from "./storage";

export const SMALLEST_FONT = 8;
export const LARGEST_FONT = 32;

function isFontSize(value: unknown): value is number {
  return typeof value === "number" && value >= SMALLEST_FONT && value <= LARGEST_FONT;
}

/** Keeps the size of code in the page in step with the choice. */
export class EditorPreferences {
  private readonly size = new Value<number | null>(recall("editor.fontSize", isFontSize));

  /** In pixels; null for the usual size. */
  readonly fontSize: Observable<number | null> = this.size;

  constructor(private readonly root: HTMLElement) {
    this.apply();
  }

  /** As near to `size` as can be read; null for the usual one. */
  setFontSize(size: number | null): void {
    this.size.set(size === null ? null : Math.min(LARGEST_FONT, Math.max(SMALLEST_FONT, size)));
    remember("editor.fontSize", this.size.get());
    this.apply();
  }

  private apply(): void {
    const size = this.size.get();
    if (size === null) this.root.style.removeProperty("--code-size");
    else this.root.style.setProperty("--code-size", `${size}px`);
  }
}
