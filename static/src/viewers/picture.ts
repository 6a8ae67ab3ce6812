// A picture, at a size that fits or at any other, on a checkerboard that shows where it is transparent.

import { h } from "../dom";
import type { OpaqueDocument } from "../editor/opaque";
import { nameOf } from "../files";
import { formatName, formatSize } from "../format";
import { icons } from "../icons";
import { DisposableStore, watch } from "../lifecycle";
import { button, iconButton } from "../widgets/button";
import type { Viewer } from "./viewer";

const LEAST = 1 / 16;
const MOST = 64;

export class PictureViewer implements Viewer {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly picture = h("img", { class: "picture" });
  private readonly stage = h("div", { class: "picture-stage", tabindex: 0, role: "group" });
  private readonly size = h("span", { class: "paged-position", role: "status" });
  /** Pixels of the screen for one of the picture; null for as many as fit. */
  private zoom: number | null = null;

  constructor(private readonly document: OpaqueDocument) {
    const download = h("a", { class: "button plain", href: document.url, download: nameOf(document.path.get()) }, "Download");
    const tools = [
      iconButton("Smaller", icons.minus, () => this.step(0.5)),
      iconButton("Larger", icons.plus, () => this.step(2)),
      button("Fit", () => this.setZoom(null)),
      button("100 %", () => this.setZoom(1)),
    ];
    this.stage.append(this.picture);
    this.element = h("div", { class: "paged" }, h("div", { class: "paged-bar" }, ...tools, this.size, h("span", { class: "spacer" }), download), this.stage);
    this.picture.addEventListener("load", () => this.render());
    this.picture.addEventListener("error", () => (this.size.textContent = "The browser can’t show this picture."));
    this.stage.addEventListener("keydown", (event) => this.handleKey(event));
    this.stage.addEventListener("wheel", (event) => this.handleWheel(event), { passive: false });
    this.picture.addEventListener("dblclick", () => this.setZoom(this.zoom === null ? 1 : null));
    this.disposables.add(watch(document.version, () => this.load()));
    this.disposables.add(document.path.onChange(() => this.load()));
  }

  focus(): void {
    this.stage.focus();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private load(): void {
    const { document } = this;
    const name = formatName(nameOf(document.path.get()));
    this.picture.alt = name;
    this.stage.setAttribute("aria-label", `${name}. Plus and minus change its size, 0 fits it.`);
    // The version in the address has the browser ask for the picture again.
    this.picture.src = `${document.url}?v=${encodeURIComponent(document.version.get().etag)}`;
  }

  private render(): void {
    const { picture, zoom } = this;
    const { naturalWidth: width, naturalHeight: height } = picture;
    this.stage.classList.toggle("fit", zoom === null);
    this.stage.classList.toggle("crisp", zoom !== null && zoom > 2);
    picture.style.width = zoom === null ? "" : `${width * zoom}px`;
    const scale = zoom ?? (width > 0 ? picture.clientWidth / width : 1);
    this.size.textContent = `${width} × ${height} · ${formatSize(this.document.version.get().size)} · ${Math.round(scale * 100)} %`;
  }

  private setZoom(zoom: number | null): void {
    this.zoom = zoom;
    this.render();
  }

  private step(factor: number): void {
    const now = this.zoom ?? this.picture.clientWidth / Math.max(1, this.picture.naturalWidth);
    this.setZoom(Math.min(MOST, Math.max(LEAST, 2 ** Math.round(Math.log2(now * factor)))));
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "+" || event.key === "=") this.step(2);
    else if (event.key === "-") this.step(0.5);
    else if (event.key === "0") this.setZoom(null);
    else if (event.key === "1") this.setZoom(1);
    else return;
    event.preventDefault();
  }

  private handleWheel(event: WheelEvent): void {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.step(event.deltaY < 0 ? 2 : 0.5);
  }
}

/** Makes the viewer, for who loads this module when it is used. */
export function pictureViewer(document: OpaqueDocument): Viewer {
  return new PictureViewer(document);
}
