// Shows files that are not edited, by modules that are loaded when the first such file is opened.

import { h, replace } from "../dom";
import type { OpaqueDocument } from "../editor/opaque";
import { type Disposable, MutableDisposable } from "../lifecycle";
import { load } from "../loading";

export interface Viewer extends Disposable {
  readonly element: HTMLElement;
  focus(): void;
}

/** The place of a viewer until it is there, and afterwards. */
export class ViewerSurface implements Viewer {
  readonly element = h("div", { class: "surface", tabindex: -1 });
  private readonly viewer = new MutableDisposable<Viewer>();

  /** `edit` opens a large text in the editor all the same. */
  constructor(
    private readonly document: OpaqueDocument,
    private readonly edit: () => void,
  ) {
    this.show();
  }

  use(): void {
    // Nothing can be typed here.
  }

  moveTo(panel: HTMLElement): void {
    panel.append(this.element);
  }

  focus(): void {
    (this.viewer.value ?? this.element).focus();
  }

  dispose(): void {
    this.viewer.dispose();
    this.element.remove();
  }

  private show(asBytes = false): void {
    this.make(asBytes).then((viewer) => {
      const hadFocus = this.element.contains(window.document.activeElement);
      this.viewer.value = viewer;
      if (this.viewer.value !== viewer) return;
      replace(this.element, viewer.element);
      if (hadFocus) viewer.focus();
    }, this.document.context.report);
  }

  private async make(asBytes: boolean): Promise<Viewer> {
    const { document } = this;
    if (document.kind === "picture") return (await load(async () => (await import("./picture")).pictureViewer))(document);
    if (document.kind === "media" && !asBytes) return (await load(async () => (await import("./media")).mediaViewer))(document, () => this.show(true));
    return (await load(async () => (await import("./paged")).pagedViewer))(document, document.kind === "media" ? () => this.show() : this.edit);
  }
}
