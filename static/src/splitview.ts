// Things beside and below each other, with a line between two of them that can be moved. On a phone only the one in use shows.

import { h } from "./dom";
import { type Disposable, DisposableStore } from "./lifecycle";
import type { Line, Place, Splits } from "./splits";
import { Splitter } from "./widgets/splitter";

const LEAST = { width: 120, height: 80 };

export class SplitView implements Disposable {
  readonly element: HTMLElement;
  private readonly lines = new DisposableStore();
  private splitters: readonly HTMLElement[] = [];
  private arrangement = "";

  /** `label` is for the lines; `moved` is called when the person has moved one. */
  constructor(
    private readonly splits: Splits,
    className: string,
    private readonly label: string,
    private readonly moved: () => void,
  ) {
    this.element = h("div", { class: `splits ${className}` });
  }

  /** Lays out the elements of what shows, which are in this one already. Nothing is moved in the page: what has the focus keeps it. */
  render(elementOf: (name: string) => HTMLElement | undefined): void {
    const { lines, places } = this.splits;
    const arrangement = JSON.stringify([this.splits.names, lines.map(({ path, upright }) => [path, upright])]);
    if (arrangement !== this.arrangement) this.makeLines(lines, elementOf);
    this.arrangement = arrangement;
    for (const [name, place] of places) {
      const element = elementOf(name);
      if (!element) continue;
      put(element, place);
      element.classList.toggle("active", name === this.splits.active);
    }
    for (const [index, { upright, first, second }] of lines.entries()) {
      const splitter = this.splitters[index];
      if (splitter) put(splitter, upright ? { ...second, width: 0 } : { ...first, y: second.y, height: 0 });
    }
  }

  dispose(): void {
    this.lines.dispose();
  }

  private makeLines(lines: readonly Line[], elementOf: (name: string) => HTMLElement | undefined): void {
    this.lines.clear();
    this.splitters = lines.map((line, index) => this.makeLine(line, index, elementOf(this.splits.names[index] ?? "")));
  }

  private makeLine({ upright }: Line, index: number, first: HTMLElement | undefined): HTMLElement {
    const least = upright ? LEAST.width : LEAST.height;
    const now = (): Line | undefined => this.splits.lines[index];
    const pixels = (place: Place | undefined): number => (place ? (upright ? place.width * this.element.offsetWidth : place.height * this.element.offsetHeight) : 0);
    const both = (): number => pixels(now()?.first) + pixels(now()?.second);
    const splitter = new Splitter({
      label: `${upright ? "Width" : "Height"} of the ${this.label}`,
      orientation: upright ? "vertical" : "horizontal",
      after: false,
      controls: first?.id ?? "",
      initial: pixels(now()?.first),
      least,
      most: () => both() - least,
    });
    const { element } = splitter;
    const divide = (part: number): void => {
      const line = now();
      if (!line) return;
      this.splits.divide(line, part);
      this.moved();
    };
    const measure = (): void => void splitter.place(pixels(now()?.first));
    measure();
    element.addEventListener("pointerenter", measure);
    element.addEventListener("focus", measure);
    // Back to halves, not to the size at the beginning.
    element.addEventListener("dblclick", () => divide(0.5));
    const listener = splitter.onResize((size) => divide(size / both()));
    this.element.append(element);
    this.lines.add({
      dispose: () => {
        listener.dispose();
        element.remove();
      },
    });
    return element;
  }
}

function put(element: HTMLElement, place: Place): void {
  for (const side of ["x", "y", "width", "height"] as const) element.style.setProperty(`--split-${side}`, String(place[side]));
}
