// The tabs of one group. Arrow keys move between them, Delete and the middle button close, a double click keeps a preview.

import type { Document, Documents } from "../documents";
import { h, icon, listen, replace, setProps } from "../dom";
import { nameOf, parentOf } from "../files";
import { formatName } from "../format";
import type { Group, Tab } from "../groups";
import { icons } from "../icons";
import { DisposableStore } from "../lifecycle";
import type { TabDrag } from "../tabdrag";
import { button, iconButton } from "../widgets/button";
import type { View } from "./view";

export interface TabsActions {
  close(document: Document, group: Group): void;
  save(): void;
  split(): void;
  nextSplit(): void;
  /** The person goes on in the editor of the tab that they chose. */
  focus(): void;
}

export class TabsView implements View {
  readonly element: HTMLElement;
  private readonly list = h("div", { class: "tabs", role: "tablist", "aria-label": "Open files" });
  private readonly saveButton: HTMLElement;
  /** For where one split shows at a time. */
  private readonly nextButton: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly tabs = new Map<Tab, HTMLElement>();

  constructor(
    private readonly group: Group,
    private readonly documents: Documents,
    private readonly drag: TabDrag,
    private readonly actions: TabsActions,
  ) {
    this.saveButton = button("Save", () => actions.save());
    this.nextButton = button("", () => actions.nextSplit());
    this.nextButton.classList.add("next-split");
    const split = iconButton("Split to the right", icons.split, () => actions.split());
    split.classList.add("wide-only");
    this.element = h("div", { class: "tab-bar" }, this.list, this.saveButton, this.nextButton, split);
    this.disposables.add(documents.groups.onChange(() => this.render()));
    this.disposables.add(documents.open.onChange(() => this.render()));
    this.disposables.add(documents.onDirty(() => this.render()));
    this.disposables.add(listen(this.list, "keydown", (event) => this.handleKey(event)));
    this.disposables.add(listen(this.list, "wheel", (event) => this.handleWheel(event), { passive: true }));
    drag.dropAmong(this.list, group, (event) => this.tabAfter(event.clientX), (before, over) => this.mark(before, over));
    this.render();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private render(): void {
    const { tabs, front } = this.group;
    for (const [tab, element] of this.tabs) {
      if (tabs.includes(tab)) continue;
      element.remove();
      this.tabs.delete(tab);
    }
    for (const [index, tab] of tabs.entries()) {
      const element = this.renderTab(tab);
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    }
    if (front) this.tabs.get(front)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.element.hidden = tabs.length === 0;
    const { all } = this.documents.groups;
    const place = all.indexOf(this.group) + 1;
    this.nextButton.hidden = all.length === 1;
    setProps(this.nextButton, { "aria-label": `${place}/${all.length}, next split` });
    replace(this.nextButton, icon(icons.split), `${place}/${all.length}`);
    this.saveButton.hidden = !(front?.document.kind === "text" && front.document.dirty.get());
  }

  private renderTab(tab: Tab): HTMLElement {
    const { tabs, front, preview } = this.group;
    const element = this.tabs.get(tab) ?? this.makeTab(tab);
    const { document } = tab;
    const path = document.path.get();
    const dirty = document.kind === "text" && document.dirty.get();
    const twin = tabs.some((other) => other !== tab && nameOf(other.document.path.get()) === nameOf(path));
    const folder = twin ? h("span", { class: "tab-folder" }, formatName(parentOf(path)) || "/") : null;
    const look = `${path} ${dirty} ${twin} ${tab === preview}`;
    if (element.dataset["look"] !== look) {
      element.dataset["look"] = look;
      const state = dirty ? ", unsaved changes" : tab === preview ? ", preview" : null;
      const mark = h("span", { class: "tab-close", "aria-hidden": "true", title: "Close" }, icon(icons.close));
      replace(element, h("span", { class: "tab-name" }, formatName(nameOf(path))), folder, state && h("span", { class: "sr-only" }, state), mark);
      element.classList.toggle("dirty", dirty);
      element.classList.toggle("preview", tab === preview);
    }
    setProps(element, { title: formatName(path), "aria-selected": String(tab === front), tabindex: tab === front ? 0 : -1 });
    return element;
  }

  private makeTab(tab: Tab): HTMLElement {
    const { groups } = this.documents;
    const element = h("div", { class: "tab", role: "tab", id: `tab-${tab.id}`, "aria-controls": `editor-panel-${this.group.name}` });
    element.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest(".tab-close")) this.actions.close(tab.document, this.group);
      else {
        groups.activate(this.group, tab);
        // On a phone that would bring up its keyboard.
        if (event.pointerType !== "touch") this.actions.focus();
      }
    });
    element.addEventListener("dblclick", () => groups.keep(tab.document));
    element.addEventListener("auxclick", (event) => event.button === 1 && this.actions.close(tab.document, this.group));
    // Or the middle button would start to scroll.
    element.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    this.drag.take(element, tab, this.group);
    this.tabs.set(tab, element);
    return element;
  }

  /** The tab before which one would be put that is dropped here; null for behind all. */
  private tabAfter(x: number): Tab | null {
    const middle = (element: HTMLElement): number => element.getBoundingClientRect().left + element.offsetWidth / 2;
    return this.group.tabs.find((tab) => x < middle(this.tabs.get(tab) ?? this.list)) ?? null;
  }

  private mark(before: Tab | null, over: boolean): void {
    for (const [tab, element] of this.tabs) element.classList.toggle("drop-before", over && tab === before);
    this.list.classList.toggle("drop-end", over && before === null);
  }

  private handleKey(event: KeyboardEvent): void {
    const { tabs, front } = this.group;
    const at = tabs.findIndex((tab) => tab === front);
    const steps: Readonly<Record<string, number>> = { ArrowRight: at + 1, ArrowLeft: at - 1 + tabs.length, Home: 0, End: tabs.length - 1 };
    const step = steps[event.key];
    const next = step === undefined ? undefined : tabs[step % tabs.length];
    if (next) {
      this.documents.groups.activate(this.group, next);
      this.tabs.get(next)?.focus();
    } else if (event.key === "Delete" && front) {
      this.actions.close(front.document, this.group);
    } else {
      return;
    }
    event.preventDefault();
  }

  private handleWheel(event: WheelEvent): void {
    if (event.deltaX === 0) this.list.scrollLeft += event.deltaY;
  }
}
