// Where the panes are: beside each other with lines to drag on a wide screen, one at a time on a narrow one.

import { h, icon, listen, replace, setProps } from "../dom";
import { icons } from "../icons";
import { DisposableStore, Emitter, watch } from "../lifecycle";
import { recall, remember } from "../storage";
import type { ListPane, Pane, Store } from "../store";
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

type BottomPane = "terminal" | "logs" | ListPane;
const BOTTOM: readonly (readonly [BottomPane, string, string])[] = [
  ["terminal", "Terminal", icons.terminal],
  ["logs", "Logs", icons.logs],
  ["problems", "Problems", icons.warning],
  ["references", "References", icons.link],
];

const PANES: readonly Pane[] = ["files", "editor", ...BOTTOM.map(([pane]) => pane), "preview"];
const LISTS: readonly ListPane[] = ["problems", "references"];

export type Panes = Readonly<Record<Pane, HTMLElement>>;

export class WorkbenchView implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly visibleEmitter = this.disposables.add(new Emitter<Pane>());
  private readonly layoutEmitter = this.disposables.add(new Emitter<void>());
  private readonly leftEmitter = this.disposables.add(new Emitter<void>());
  private readonly narrow = matchMedia(NARROW);
  private readonly bottom: HTMLElement;
  private readonly bottomTabs = new Map<BottomPane, HTMLElement>();
  private readonly splitters: Readonly<Record<Region, Splitter>>;
  private layout: Layout;
  private bottomTab: BottomPane = "terminal";
  /** Whether the region at the bottom came up for a list alone. */
  private raised = false;

  /** A pane has come into sight. */
  readonly onVisible = this.visibleEmitter.event;
  /** Which regions show has changed. */
  readonly onLayout = this.layoutEmitter.event;
  /** What had the keyboard is hidden. */
  readonly onLeft = this.leftEmitter.event;

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
    return this.layout.shown[regionOf(pane) ?? "bottom"] && (!isAtBottom(pane) || this.bottomTab === pane);
  }

  /** Tells whether the person has gone to another pane since this was called, and is not in the editor. */
  watchLeaving(): () => boolean {
    const { pane } = this.store;
    const focused = (): Pane | null => PANES.find((one) => this.panes[one].contains(document.activeElement)) ?? null;
    const before = { asked: pane.get(), focused: focused() };
    return () => {
      if (pane.get() !== before.asked) return pane.get() !== "editor";
      return ![before.focused, "editor", null].includes(focused());
    };
  }

  toggle(region: Region): void {
    this.raised = false;
    this.setShown(region, !this.layout.shown[region]);
  }

  setShown(region: Region, shown: boolean): void {
    this.change({ ...this.layout, shown: { ...this.layout.shown, [region]: shown } });
    // So that it comes back when it is asked for again.
    if (!shown && regionOf(this.store.pane.get()) === region && !this.narrow.matches) this.store.show("editor");
  }

  /** Takes away a list and its tab. */
  close(pane: ListPane): void {
    setProps(this.bottomTabs.get(pane) ?? this.bottom, { hidden: true });
    const [other] = LISTS.filter((list) => this.bottomTabs.get(list)?.hidden === false);
    if (this.bottomTab === pane) this.bottomTab = other ?? "terminal";
    if (this.raised && !other) this.setShown("bottom", false);
    this.store.show("editor");
    this.apply();
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
    const region = regionOf(pane);
    if (isAtBottom(pane)) {
      this.bottomTab = pane;
      this.raised = isList(pane) && (this.raised || !this.layout.shown.bottom);
      setProps(this.bottomTabs.get(pane) ?? this.bottom, { hidden: false });
    }
    if (region && !this.narrow.matches) this.setShown(region, true);
    this.apply();
  }

  private makeBottom(): HTMLElement {
    const tabs = h("div", { class: "pane-tabs", role: "tablist", "aria-label": "Bottom panel" });
    for (const [pane, label, path] of BOTTOM) {
      const tab = h("button", { type: "button", class: "pane-tab", role: "tab", id: `tab-${pane}`, "aria-controls": `pane-${pane}`, hidden: isList(pane) }, icon(path), label);
      tab.addEventListener("click", () => this.store.show(pane));
      this.bottomTabs.set(pane, tab);
      tabs.append(tab);
      setProps(this.panes[pane], { id: `pane-${pane}`, role: "tabpanel", "aria-labelledby": `tab-${pane}` });
    }
    tabs.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      const open = BOTTOM.map(([pane]) => pane).filter((pane) => this.bottomTabs.get(pane)?.hidden === false);
      this.store.show(open[(open.indexOf(this.bottomTab) + step + open.length) % open.length] ?? "terminal");
      this.bottomTabs.get(this.bottomTab)?.focus();
    });
    const hide = iconButton("Hide panel", icons.close, () => this.setShown("bottom", false));
    const head = h("div", { class: "pane-head bottom-head" }, tabs, h("div", { class: "spacer" }), hide);
    return h("section", { class: "pane bottom", id: "pane-bottom", "aria-label": "Terminal and logs" }, head, ...BOTTOM.map(([pane]) => this.panes[pane]));
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
    const places = { files: this.panes.files, bottom: this.bottom, preview: this.panes.preview };
    const left = (["files", "bottom", "preview"] as const).some((region) => !layout.shown[region] && places[region].contains(document.activeElement));
    this.layout = layout;
    remember("layout", layout);
    this.apply();
    this.layoutEmitter.fire();
    if (left && !this.narrow.matches) this.leftEmitter.fire();
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
    for (const pane of PANES) if (this.isVisible(pane)) this.visibleEmitter.fire(pane);
  }
}

function isAtBottom(pane: Pane): pane is BottomPane {
  return regionOf(pane) === "bottom";
}

function isList(pane: Pane): pane is ListPane {
  return pane === "problems" || pane === "references";
}

/** Null for the editor, which always shows. */
function regionOf(pane: Pane): Region | null {
  if (pane === "editor") return null;
  return pane === "files" || pane === "preview" ? pane : "bottom";
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
