// The tabs of the open documents. Arrow keys move between them, Delete and the middle button close.

import type { Document, Documents } from "../documents";
import { h, icon, listen, replace, setProps } from "../dom";
import { nameOf, parentOf } from "../files";
import { formatName } from "../format";
import { icons } from "../icons";
import { DisposableStore } from "../lifecycle";
import { button } from "../widgets/button";
import type { View } from "./view";

export class TabsView implements View {
  readonly element: HTMLElement;
  private readonly list = h("div", { class: "tabs", role: "tablist", "aria-label": "Open files" });
  private readonly saveButton: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly tabs = new Map<Document, HTMLElement>();
  private readonly ids = new WeakMap<Document, string>();
  private count = 0;

  constructor(
    private readonly documents: Documents,
    private readonly close: (document: Document) => void,
    save: () => void,
  ) {
    this.saveButton = button("Save", save);
    this.element = h("div", { class: "tab-bar" }, this.list, this.saveButton);
    this.disposables.add(documents.open.onChange(() => this.render()));
    this.disposables.add(documents.active.onChange(() => this.render()));
    this.disposables.add(documents.onDirty(() => this.render()));
    this.disposables.add(listen(this.list, "keydown", (event) => this.handleKey(event)));
    this.disposables.add(listen(this.list, "wheel", (event) => this.handleWheel(event), { passive: true }));
    this.render();
  }

  /** The id of the document's tab, which labels its panel. */
  idOf(document: Document): string {
    const id = this.ids.get(document) ?? `tab-${(this.count += 1)}`;
    this.ids.set(document, id);
    return id;
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private render(): void {
    const open = this.documents.open.get();
    for (const [document, tab] of this.tabs) {
      if (open.includes(document)) continue;
      tab.remove();
      this.tabs.delete(document);
    }
    for (const document of open) this.renderTab(document, open);
    const active = this.documents.active.get();
    if (active) this.tabs.get(active)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.element.hidden = open.length === 0;
    this.saveButton.hidden = !(active?.kind === "text" && active.dirty.get());
  }

  private renderTab(document: Document, open: readonly Document[]): void {
    const tab = this.tabs.get(document) ?? this.makeTab(document);
    const path = document.path.get();
    const dirty = document.kind === "text" && document.dirty.get();
    const twin = open.some((other) => other !== document && nameOf(other.path.get()) === nameOf(path));
    const active = document === this.documents.active.get();
    const folder = twin ? h("span", { class: "tab-folder" }, formatName(parentOf(path)) || "/") : null;
    const look = `${path} ${dirty} ${twin}`;
    if (tab.dataset["look"] !== look) {
      tab.dataset["look"] = look;
      const state = dirty ? h("span", { class: "sr-only" }, ", unsaved changes") : null;
      const mark = h("span", { class: "tab-close", "aria-hidden": "true", title: "Close" }, icon(icons.close));
      replace(tab, h("span", { class: "tab-name" }, formatName(nameOf(path))), folder, state, mark);
      tab.classList.toggle("dirty", dirty);
    }
    setProps(tab, { title: formatName(path), "aria-selected": String(active), tabindex: active ? 0 : -1 });
  }

  private makeTab(document: Document): HTMLElement {
    const tab = h("div", { class: "tab", role: "tab", id: this.idOf(document), "aria-controls": "editor-panel" });
    tab.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest(".tab-close")) this.close(document);
      else this.documents.activate(document);
    });
    tab.addEventListener("auxclick", (event) => event.button === 1 && this.close(document));
    // Or the middle button would start to scroll.
    tab.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    this.tabs.set(document, tab);
    this.list.append(tab);
    return tab;
  }

  private handleKey(event: KeyboardEvent): void {
    const open = this.documents.open.get();
    const active = this.documents.active.get();
    const at = open.findIndex((document) => document === active);
    const steps: Readonly<Record<string, number>> = { ArrowRight: at + 1, ArrowLeft: at - 1 + open.length, Home: 0, End: open.length - 1 };
    const step = steps[event.key];
    const next = step === undefined ? undefined : open[step % open.length];
    if (next) {
      this.documents.activate(next);
      this.tabs.get(next)?.focus();
    } else if (event.key === "Delete" && active) {
      this.close(active);
    } else {
      return;
    }
    event.preventDefault();
  }

  private handleWheel(event: WheelEvent): void {
    if (event.deltaX === 0) this.list.scrollLeft += event.deltaY;
  }
}
