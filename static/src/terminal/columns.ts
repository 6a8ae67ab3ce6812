// Terminals side by side, with a line between two of them that can be moved. On a phone only the one in use shows.

import { h } from "../dom";
import { type Disposable, DisposableStore } from "../lifecycle";
import { Splitter } from "../widgets/splitter";
import type { Splits } from "./splits";

const NARROWEST = 120;

export class Columns implements Disposable {
  readonly element = h("div", { class: "terminal-body" });
  private readonly lines = new DisposableStore();
  private shown: readonly HTMLElement[] = [];

  /** `moved` is called when the person has moved a line. */
  constructor(
    private readonly splits: Splits,
    private readonly moved: () => void,
  ) {}

  /** Lays out the elements of the columns, which are in this one already. Nothing is moved in the page: what has the focus keeps it. */
  render(elements: readonly HTMLElement[]): void {
    if (elements.length !== this.shown.length || elements.some((element, index) => element !== this.shown[index])) this.arrange(elements);
    // Factors below one would leave room empty.
    const smallest = Math.min(...this.splits.columns.map(({ weight }) => weight));
    for (const [index, { name, weight }] of this.splits.columns.entries()) {
      const element = elements[index];
      if (!element) continue;
      element.style.flexGrow = String(weight / smallest);
      element.classList.toggle("active", name === this.splits.active);
    }
  }

  dispose(): void {
    this.lines.dispose();
  }

  private arrange(elements: readonly HTMLElement[]): void {
    this.shown = elements;
    this.lines.clear();
    for (const [index, element] of elements.entries()) {
      element.style.order = String(2 * index);
      const next = elements[index + 1];
      if (next) this.addLine(index, element, next);
    }
  }

  private addLine(index: number, left: HTMLElement, right: HTMLElement): void {
    const both = (): number => left.offsetWidth + right.offsetWidth;
    const splitter = new Splitter({
      label: "Width of the terminals",
      orientation: "vertical",
      after: false,
      controls: left.id,
      initial: left.offsetWidth,
      least: NARROWEST,
      most: () => both() - NARROWEST,
    });
    const { element } = splitter;
    element.style.order = String(2 * index + 1);
    const measure = (): void => void splitter.place(left.offsetWidth);
    element.addEventListener("pointerenter", measure);
    element.addEventListener("focus", measure);
    // Back to halves, not to the width at the beginning.
    element.addEventListener("dblclick", () => this.divide(index, 0.5));
    const listener = splitter.onResize((width) => this.divide(index, width / both()));
    this.element.append(element);
    this.lines.add({
      dispose: () => {
        listener.dispose();
        element.remove();
      },
    });
  }

  private divide(index: number, part: number): void {
    this.splits.divide(index, part);
    this.moved();
  }
}
