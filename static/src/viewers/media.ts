// Sound and video, in the browser's own player. Nothing of the file is asked for before it is played, and then only what is.

import { h } from "../dom";
import { mediaOf, type OpaqueDocument } from "../editor/opaque";
import { nameOf } from "../files";
import { formatName, formatSize } from "../format";
import { type Disposable, DisposableStore, watch } from "../lifecycle";
import { button } from "../widgets/button";
import type { Viewer } from "./viewer";

export class MediaViewer implements Viewer {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly player: HTMLMediaElement;
  private readonly note = h("span", { class: "paged-note", role: "status" });
  private readonly size = h("span", { class: "paged-position" });

  /** `showBytes` shows the file in hex instead. */
  constructor(
    private readonly document: OpaqueDocument,
    showBytes: () => void,
  ) {
    // As with pictures, whatever the file holds is decoded and never run: no markup comes to life in a player.
    this.player = h(mediaOf(document.path.get()) === "video" ? "video" : "audio", { class: "media", controls: true, preload: "none" });
    const download = h("a", { class: "button plain", href: document.url, download: nameOf(document.path.get()) }, "Download");
    const bar = h("div", { class: "paged-bar" }, this.size, this.note, h("span", { class: "spacer" }), button("As bytes", showBytes), download);
    this.element = h("div", { class: "paged" }, bar, h("div", { class: "media-stage" }, this.player));
    this.player.addEventListener("error", () => (this.note.textContent = "The browser can’t play this file."));
    this.disposables.add(watch(document.version, () => this.load()));
    this.disposables.add(document.path.onChange(() => this.load()));
  }

  focus(): void {
    this.player.focus();
  }

  dispose(): void {
    // Out of the page it would play on, and hold its connection.
    this.player.removeAttribute("src");
    this.player.load();
    this.disposables.dispose();
  }

  private load(): void {
    const { document, player } = this;
    const { size, etag } = document.version.get();
    player.setAttribute("aria-label", formatName(nameOf(document.path.get())));
    this.size.textContent = formatSize(size);
    this.note.textContent = "";
    // The version in the address has the browser ask anew for a file that changed.
    player.src = `${document.url}?v=${encodeURIComponent(etag)}`;
  }
}

/** Makes the viewer, for who loads this module when it is used. */
export function mediaViewer(document: OpaqueDocument, showBytes: () => void): Viewer & Disposable {
  return new MediaViewer(document, showBytes);
}
