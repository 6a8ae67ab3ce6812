// The line between two panes: drag it, or focus it and use the arrow keys.

import { h } from "../dom";
import { Emitter } from "../lifecycle";

export interface SplitterOptions {
  readonly label: string;
  /** "vertical" is an upright line, moved to the left and right. */
  readonly orientation: "vertical" | "horizontal";
  /** The pane whose size it sets lies after the line, to the right of or below it. */
  readonly after: boolean;
  readonly controls: string;
  readonly initial: number;
  readonly least: number;
  /** The size at which nothing is left for the other pane. */
  readonly most: () => number;
}

const STEP = 16;

export class Splitter {
  readonly element: HTMLElement;
  private readonly resizeEmitter = new Emitter<number>();
  private size: number;

  /** The size in pixels that the person chose. */
  readonly onResize = this.resizeEmitter.event;

  constructor(private readonly options: SplitterOptions) {
    this.size = options.initial;
    this.element = h("div", {
      class: `splitter ${options.orientation}`,
      role: "separator",
      tabindex: 0,
      "aria-label": options.label,
      "aria-orientation": options.orientation,
      "aria-controls": options.controls,
      on: {
        pointerdown: (event) => this.handlePointer(event),
        keydown: (event) => this.handleKey(event),
        dblclick: () => this.resize(options.initial),
      },
    });
  }

  /** Sets the size without telling; it is brought into the limits. Returns what it came to. */
  place(size: number): number {
    const most = Math.max(this.options.least, this.options.most());
    this.size = Math.round(Math.min(most, Math.max(this.options.least, size)));
    this.element.setAttribute("aria-valuenow", String(this.size));
    this.element.setAttribute("aria-valuemin", String(this.options.least));
    this.element.setAttribute("aria-valuemax", String(Math.round(most)));
    return this.size;
  }

  private resize(size: number): void {
    this.resizeEmitter.fire(this.place(size));
  }

  private handlePointer(down: PointerEvent): void {
    if (down.button !== 0) return;
    down.preventDefault();
    const vertical = this.options.orientation === "vertical";
    const start = this.size;
    const sign = this.options.after ? -1 : 1;
    // Captured, so that the drag goes on over the preview's frame.
    this.element.setPointerCapture(down.pointerId);
    this.element.classList.add("dragging");
    const move = (event: PointerEvent): void => {
      this.resize(start + sign * (vertical ? event.clientX - down.clientX : event.clientY - down.clientY));
    };
    const end = (): void => {
      this.element.classList.remove("dragging");
      this.element.removeEventListener("pointermove", move);
    };
    this.element.addEventListener("pointermove", move);
    this.element.addEventListener("lostpointercapture", end, { once: true });
  }

  private handleKey(event: KeyboardEvent): void {
    const vertical = this.options.orientation === "vertical";
    const sign = this.options.after ? -1 : 1;
    const steps: Readonly<Record<string, number>> = {
      [vertical ? "ArrowLeft" : "ArrowUp"]: this.size - sign * STEP,
      [vertical ? "ArrowRight" : "ArrowDown"]: this.size + sign * STEP,
      Home: this.options.least,
      End: this.options.most(),
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.resize(next);
  }
}
