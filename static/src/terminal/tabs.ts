// The tabs of the terminals. Arrow keys move between them, with Ctrl they and a click show one beside the present one. Delete and the middle button close, F2 and a double click rename, Enter goes
// into the terminal.

import { h, icon, listen, replace, setProps } from "../dom";
import { icons } from "../icons";
import { type Disposable, DisposableStore } from "../lifecycle";

export interface Tab {
  readonly name: string;
  readonly label: string;
  /** Shown on hover. */
  readonly hint: string;
  readonly ended: boolean;
  /** It can be seen, whether it is the one in use or not. */
  readonly shown: boolean;
  readonly viewers: number;
  readonly recorded: boolean;
}

export interface TabActions {
  /** With `beside` next to the one in use, not in its place. */
  readonly choose: (name: string, beside?: boolean) => void;
  readonly close: (name: string) => void;
  readonly rename: (name: string) => void;
  /** Moves the focus into the chosen terminal. */
  readonly enter: () => void;
}

export class TerminalTabs implements Disposable {
  readonly element = h("div", { class: "tabs", role: "tablist", "aria-label": "Terminals" });
  private readonly disposables = new DisposableStore();
  private readonly elements = new Map<string, HTMLElement>();
  private shown: readonly Tab[] = [];
  private chosen: string | null = null;

  constructor(private readonly actions: TabActions) {
    this.disposables.add(listen(this.element, "keydown", (event) => this.handleKey(event)));
  }

  /** The id of a terminal's tab, which labels its panel. */
  static idOf(name: string): string {
    return `terminal-tab-${name}`;
  }

  render(tabs: readonly Tab[], chosen: string | null): void {
    this.shown = tabs;
    this.chosen = chosen;
    for (const [name, element] of this.elements) {
      if (tabs.some((tab) => tab.name === name)) continue;
      element.remove();
      this.elements.delete(name);
    }
    for (const tab of tabs) this.renderTab(tab);
    if (chosen !== null) this.elements.get(chosen)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private renderTab(tab: Tab): void {
    const element = this.elements.get(tab.name) ?? this.makeTab(tab.name);
    const chosen = tab.name === this.chosen;
    const look = `${tab.label} ${tab.ended} ${tab.recorded} ${tab.viewers}`;
    if (element.dataset["look"] !== look) {
      element.dataset["look"] = look;
      const ended = tab.ended ? h("span", { class: "sr-only" }, ", ended") : null;
      const recorded = tab.recorded ? h("span", { class: "recording-dot", title: "Being recorded" }, h("span", { class: "sr-only" }, "Being recorded: ")) : null;
      const shared = tab.viewers > 1 ? h("span", { class: "tab-viewers" }, icon(icons.eye), String(tab.viewers), h("span", { class: "sr-only" }, " viewers")) : null;
      const mark = h("span", { class: "tab-close", "aria-hidden": "true", title: "Close" }, icon(icons.close));
      replace(element, recorded, h("span", { class: "tab-name" }, tab.label), ended, shared, mark);
      element.classList.toggle("ended", tab.ended);
    }
    element.classList.toggle("shown", tab.shown);
    setProps(element, { title: tab.hint, "aria-selected": String(chosen), tabindex: chosen ? 0 : -1 });
  }

  private makeTab(name: string): HTMLElement {
    const element = h("div", { class: "tab", role: "tab", id: TerminalTabs.idOf(name), "aria-controls": `terminal-panel-${name}` });
    element.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest(".tab-close")) this.actions.close(name);
      else this.actions.choose(name, event.ctrlKey || event.metaKey);
    });
    element.addEventListener("dblclick", () => this.actions.rename(name));
    element.addEventListener("auxclick", (event) => event.button === 1 && this.actions.close(name));
    // Or the middle button would start to scroll.
    element.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    this.elements.set(name, element);
    this.element.append(element);
    return element;
  }

  private handleKey(event: KeyboardEvent): void {
    const at = this.shown.findIndex(({ name }) => name === this.chosen);
    const count = this.shown.length;
    const steps: Readonly<Record<string, number>> = { ArrowRight: at + 1, ArrowLeft: at - 1 + count, Home: 0, End: count - 1 };
    const step = steps[event.key];
    const next = step === undefined ? undefined : this.shown[step % count];
    if (next) {
      this.actions.choose(next.name, event.ctrlKey || event.metaKey);
      this.elements.get(next.name)?.focus();
    } else if (event.key === "Delete" && this.chosen !== null) {
      this.actions.close(this.chosen);
    } else if (event.key === "F2" && this.chosen !== null) {
      this.actions.rename(this.chosen);
    } else if (event.key === "Enter" || event.key === " " || event.key === "ArrowDown") {
      this.actions.enter();
    } else {
      return;
    }
    event.preventDefault();
  }
}
