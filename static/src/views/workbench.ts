// Where the panes are: beside each other with lines to drag on a wide screen, one at a time on a narrow one.

import { h, icon, listen, replace, setProps } from "../dom";
import { icons } from "../icons";
import { DisposableStore, Emitter, watch } from "../lifecycle";
import { recall, remember } from "../storage";
import type { Pane, Store } from "../store";
import { isObject } from "../wire";
import { iconButton } from "../widgets/button";
import { Splitter, type SplitterOptions } from "../widgets/splitter";
import type { Region } from "./header";
import type { View } from "./view";

interface Layout {
  readonly shown: Readonly<Record<Region, boolean>>;
  readonly sizes: Readonly<Record<Region, number>>;
}

const LEAST_EDITOR = { width: 280, height: 120 };
// Below this the style sheet shows one pane at a time.
export const NARROW = "(max-width: 719px)";
const WIDE_ENOUGH_FOR_PREVIEW = 1080;

function initialLayout(): Layout {
  return {
    shown: { files: true, bottom: true, preview: innerWidth >= WIDE_ENOUGH_FOR_PREVIEW },
    sizes: { files: 240, bottom: 260, preview: Math.round(innerWidth * 0.32) },
  };
}

function isLayout(value: unknown): value is Layout {
  if (!isObject(value) || !isObject(value["shown"]) || !isObject(value["sizes"])) return false;
  const { shown, sizes } = value as { shown: Record<string, unknown>; sizes: Record<string, unknown> };
  return ["files", "bottom", "preview"].every((region) => typeof shown[region] === "boolean" && typeof sizes[region] === "number");
}

export interface Panes {
  readonly files: HTMLElement;
  readonly editor: HTMLElement;
  readonly terminal: HTMLElement;
  readonly logs: HTMLElement;
  readonly preview: HTMLElement;
}

export class WorkbenchView implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly visibleEmitter = this.disposables.add(new Emitter<Pane>());
  private readonly layoutEmitter = this.disposables.add(new Emitter<void>());
  private readonly narrow = matchMedia(NARROW);
  private readonly bottom: HTMLElement;
  private readonly bottomTabs = new Map<"terminal" | "logs", HTMLElement>();
  private readonly splitters: Readonly<Record<Region, Splitter>>;
  private layout: Layout;
  private bottomTab: "terminal" | "logs" = "terminal";

  /** A pane has come into sight. */
  readonly onVisible = this.visibleEmitter.event;
  /** Which regions show has changed. */
  readonly onLayout = this.layoutEmitter.event;

  constructor(
    private readonly store: Store,
    private readonly panes: Panes,
  ) {
    this.layout = recall("layout", isLayout) ?? initialLayout();
    panes.preview.id = "pane-preview";
    this.bottom = this.makeBottom();
    this.splitters = this.makeSplitters();
    const { files, bottom, preview } = this.splitters;
    this.element = h(
      "main",
      { class: "workbench", id: "main" },
      panes.files,
      files.element,
      panes.editor,
      bottom.element,
      this.bottom,
      preview.element,
      panes.preview,
    );
    for (const region of ["files", "bottom", "preview"] as const) this.disposables.add(this.splitters[region].onResize((size) => this.resize(region, size)));
    this.disposables.add(listen(window, "resize", () => this.apply()));
    this.disposables.add(listen(this.narrow, "change", () => this.apply()));
    this.disposables.add(watch(store.pane, (pane) => this.reveal(pane)));
  }

  get isNarrow(): boolean {
    return this.narrow.matches;
  }

  isShown(region: Region): boolean {
    return this.layout.shown[region];
  }

  isVisible(pane: Pane): boolean {
    if (this.narrow.matches) return this.store.pane.get() === pane;
    if (pane === "editor") return true;
    if (pane === "files" || pane === "preview") return this.layout.shown[pane];
    return this.layout.shown.bottom && this.bottomTab === pane;
  }

  toggle(region: Region): void {
    this.setShown(region, !this.layout.shown[region]);
  }

  setShown(region: Region, shown: boolean): void {
    this.change({ ...this.layout, shown: { ...this.layout.shown, [region]: shown } });
  }

  /** To be called once the element is in the page and has a size. */
  start(): void {
    this.apply();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /** On a wide screen a pane that was asked for comes up in its region; the rest stays as it is. */
  private reveal(pane: Pane): void {
    if (pane === "terminal" || pane === "logs") this.bottomTab = pane;
    const region = pane === "terminal" || pane === "logs" ? "bottom" : pane;
    if (region !== "editor" && !this.narrow.matches) this.setShown(region, true);
    this.apply();
  }

  private makeBottom(): HTMLElement {
    const tabs = h("div", { class: "pane-tabs", role: "tablist", "aria-label": "Bottom panel" });
    for (const [pane, label] of [["terminal", "Terminal"], ["logs", "Logs"]] as const) {
      const tab = h("button", { type: "button", class: "pane-tab", role: "tab", id: `tab-${pane}`, "aria-controls": `pane-${pane}` }, icon(icons[pane]), label);
      tab.addEventListener("click", () => this.store.show(pane));
      this.bottomTabs.set(pane, tab);
      tabs.append(tab);
      setProps(this.panes[pane], { id: `pane-${pane}`, role: "tabpanel", "aria-labelledby": `tab-${pane}` });
    }
    tabs.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      this.store.show(this.bottomTab === "terminal" ? "logs" : "terminal");
      this.bottomTabs.get(this.bottomTab)?.focus();
    });
    const hide = iconButton("Hide panel", icons.close, () => this.setShown("bottom", false));
    const head = h("div", { class: "pane-head bottom-head" }, tabs, h("div", { class: "spacer" }), hide);
    return h("section", { class: "pane bottom", id: "pane-bottom", "aria-label": "Terminal and logs" }, head, this.panes.terminal, this.panes.logs);
  }

  private makeSplitters(): Readonly<Record<Region, Splitter>> {
    const side = (region: Region, label: string, options: Partial<SplitterOptions>): Splitter =>
      new Splitter({
        label,
        orientation: "vertical",
        after: true,
        controls: `pane-${region}`,
        initial: this.layout.sizes[region],
        least: 160,
        most: () => this.room(region),
        ...options,
      });
    return {
      files: side("files", "Width of the files", { after: false }),
      bottom: side("bottom", "Height of the terminal and logs", { orientation: "horizontal", least: 96 }),
      preview: side("preview", "Width of the preview", { least: 240 }),
    };
  }

  private room(region: Region): number {
    const { width, height } = this.element.getBoundingClientRect();
    if (region === "bottom") return height - LEAST_EDITOR.height;
    const other = region === "files" ? "preview" : "files";
    return width - LEAST_EDITOR.width - (this.layout.shown[other] ? this.layout.sizes[other] : 0);
  }

  private resize(region: Region, size: number): void {
    this.change({ ...this.layout, sizes: { ...this.layout.sizes, [region]: size } });
  }

  private change(layout: Layout): void {
    this.layout = layout;
    remember("layout", layout);
    this.apply();
    this.layoutEmitter.fire();
  }

  private apply(): void {
    if (!this.element.isConnected) return;
    this.element.dataset["pane"] = this.store.pane.get();
    for (const region of ["files", "bottom", "preview"] as const) {
      const size = this.splitters[region].place(this.layout.sizes[region]);
      this.element.style.setProperty(`--${region}-size`, `${size}px`);
      this.element.classList.toggle(`no-${region}`, !this.layout.shown[region]);
    }
    for (const [pane, tab] of this.bottomTabs) {
      const chosen = pane === this.bottomTab;
      setProps(tab, { "aria-selected": String(chosen), tabindex: chosen ? 0 : -1 });
      this.panes[pane].hidden = !chosen;
    }
    for (const pane of ["files", "editor", "terminal", "logs", "preview"] as const) if (this.isVisible(pane)) this.visibleEmitter.fire(pane);
  }
}

/** The bar at the bottom of a narrow screen. */
export class PaneBarView implements View {
  readonly element = h("nav", { class: "pane-bar", "aria-label": "Panes" });
  private readonly disposables = new DisposableStore();

  constructor(store: Store, tabs: readonly (readonly [Pane, string, string])[]) {
    const buttons = tabs.map(([pane, label, path]) => {
      const button = h("button", { type: "button", on: { click: () => store.show(pane) } }, icon(path), h("span", {}, label));
      this.disposables.add(watch(store.pane, (shown) => setProps(button, { "aria-current": shown === pane ? "page" : null })));
      return button;
    });
    replace(this.element, ...buttons);
  }

  dispose(): void {
    this.disposables.dispose();
  }
}
