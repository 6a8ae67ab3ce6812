// Shows files that are not edited, by modules that are loaded when the first such file is opened.

import { h, replace } from "../dom";
import type { OpaqueDocument } from "../editor/opaque";
import { type Disposable, DisposableStore } from "../lifecycle";
import { load } from "../loading";

export interface Viewer extends Disposable {
  readonly element: HTMLElement;
  focus(): void;
}

/** The place of a viewer until it is there, and afterwards. */
export class ViewerSurface implements Viewer {
  readonly element = h("div", { class: "surface", tabindex: -1 });
  private readonly disposables = new DisposableStore();
  private viewer: Viewer | null = null;

  /** `edit` opens a large text in the editor all the same. */
  constructor(
    private readonly document: OpaqueDocument,
    private readonly edit: () => void,
  ) {
    void this.show().catch(document.context.report);
  }

  use(): void {
    // Nothing can be typed here.
  }

  moveTo(panel: HTMLElement): void {
    panel.append(this.element);
  }

  focus(): void {
    (this.viewer ?? this.element).focus();
  }

  dispose(): void {
    this.disposables.dispose();
    this.element.remove();
  }

  private async show(): Promise<void> {
    const { document } = this;
    const make = await (document.kind === "picture" ? load(async () => (await import("./picture")).pictureViewer) : load(async () => (await import("./paged")).pagedViewer));
    if (this.disposables.isDisposed) return;
    const viewer = this.disposables.add(make(document, this.edit));
    const hadFocus = this.element === window.document.activeElement;
    this.viewer = viewer;
    replace(this.element, viewer.element);
    if (hadFocus) viewer.focus();
  }
}
