// The region on the left: the files, or what is shown in their place.

import { h, icon, setProps } from "../dom";
import { Value, watch } from "../lifecycle";
import type { View } from "./view";

export interface SidePart {
  readonly id: string;
  readonly label: string;
  readonly icon: string;
  readonly element: HTMLElement;
}

export class SidebarView implements View {
  readonly element: HTMLElement;
  /** The part that shows. */
  readonly chosen: Value<string>;
  private readonly tabs = new Map<string, HTMLElement>();
  private readonly watching;

  constructor(private readonly parts: readonly SidePart[]) {
    this.chosen = new Value(parts[0]?.id ?? "");
    const list = h("div", { class: "side-tabs", role: "tablist", "aria-label": "Side bar", on: { keydown: (event) => this.handleKey(event) } });
    for (const part of parts) {
      const props = { type: "button", class: "pane-tab", role: "tab", id: `tab-${part.id}`, "aria-controls": `side-${part.id}`, title: part.label };
      const tab = h("button", props, icon(part.icon), h("span", {}, part.label));
      tab.addEventListener("click", () => this.chosen.set(part.id));
      this.tabs.set(part.id, tab);
      list.append(tab);
      setProps(part.element, { role: "tabpanel", id: `side-${part.id}`, "aria-labelledby": `tab-${part.id}`, "aria-label": null });
    }
    this.element = h("section", { class: "pane files", id: "pane-files", "aria-label": "Side bar" }, list, ...parts.map((part) => part.element));
    this.watching = watch(this.chosen, (id) => this.render(id));
  }

  dispose(): void {
    this.watching.dispose();
    this.chosen.dispose();
  }

  private render(id: string): void {
    for (const part of this.parts) {
      part.element.hidden = part.id !== id;
      setProps(this.tabs.get(part.id) ?? this.element, { "aria-selected": String(part.id === id), tabindex: part.id === id ? 0 : -1 });
    }
  }

  private handleKey(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    const at = this.parts.findIndex((part) => part.id === this.chosen.get());
    const next = this.parts[(at + step + this.parts.length) % this.parts.length];
    if (!next) return;
    this.chosen.set(next.id);
    this.tabs.get(next.id)?.focus();
    event.preventDefault();
  }
}
