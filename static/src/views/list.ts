// A panel with lines of files: what they are in short, a button that closes it, and the list.

import { h } from "../dom";
import { FileLines, type FileLinesActions, type ShownFile } from "../filelines";
import { DisposableStore, type Observable } from "../lifecycle";
import { button } from "../widgets/button";
import type { View } from "./view";

/** What the panel shows now. */
export interface Listing {
  readonly summary: string;
  readonly files: readonly ShownFile[];
  /** Where the person is in the list. */
  readonly mark: { readonly path: string; readonly index: number } | null;
}

export interface ListActions extends Pick<FileLinesActions, "open"> {
  close(): void;
  /** Escape: the list stays. */
  leave(): void;
}

export class ListPanel implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly summary = h("p", { class: "search-summary", role: "status" });
  private readonly close: HTMLElement;
  private readonly lines: FileLines;
  private frame = 0;

  /** Reads what it shows whenever `changed` does and it is in sight, at most once for each frame. */
  constructor(
    label: string,
    changed: Observable<unknown>,
    private readonly read: () => Listing,
    actions: ListActions,
  ) {
    this.lines = new FileLines(label, { open: actions.open });
    this.close = button("Close", () => actions.close());
    this.close.setAttribute("aria-label", `Close ${label.toLowerCase()}`);
    this.element = h("div", { class: "search" }, h("div", { class: "lines-head" }, this.summary, this.close), this.lines.element);
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      actions.leave();
    });
    this.disposables.add(changed.onChange(() => (this.frame ||= requestAnimationFrame(() => this.render()))));
  }

  show(): void {
    this.render();
  }

  focus(): void {
    this.render();
    if (!this.lines.focus()) this.close.focus();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.disposables.dispose();
  }

  private render(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.element.offsetParent === null) return;
    const { summary, files, mark } = this.read();
    if (this.summary.textContent !== summary) this.summary.textContent = summary;
    this.lines.show(files);
    this.lines.mark(mark?.path ?? "", mark?.index ?? -1);
  }
}
