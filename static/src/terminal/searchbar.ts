// The search of a terminal or of the log, in a strip above it.

import { h, setProps } from "../dom";
import { icons } from "../icons";
import { type Disposable, DisposableStore } from "../lifecycle";
import { iconButton } from "../widgets/button";
import type { TerminalScreen } from "./screen";

const ARROW_UP = "M8 13V3M4 7l4-4 4 4";
const ARROW_DOWN = "M8 3v10M4 9l4 4 4-4";

export class SearchBar implements Disposable {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly input: HTMLInputElement;
  private readonly count = h("span", { class: "search-count", role: "status" });
  private readonly caseButton: HTMLButtonElement;
  private readonly regexButton: HTMLButtonElement;

  /** With `listAll` more can be searched than the screen holds: it is to list all lines that `matches` is true of. */
  constructor(
    private readonly screen: TerminalScreen,
    private readonly listAll?: (matches: (line: string) => boolean, sought: string) => void,
  ) {
    this.input = h("input", {
      class: "input code-input",
      type: "search",
      placeholder: "Find",
      "aria-label": "Find in the output",
      spellcheck: "false",
      autocapitalize: "off",
      on: { input: () => this.find({ incremental: true }), keydown: (event) => this.handleKey(event) },
    });
    this.caseButton = this.makeToggle("Aa", "Match case");
    this.regexButton = this.makeToggle(".*", "Regular expression");
    const previous = iconButton("Previous match (Enter)", ARROW_UP, () => this.find({ back: true }));
    const next = iconButton("Next match (Shift+Enter)", ARROW_DOWN, () => this.find({}));
    const close = iconButton("Close search (Escape)", icons.close, () => this.hide());
    this.element = h("div", { class: "terminal-search", role: "search", hidden: true }, this.input, this.count, this.caseButton, this.regexButton, previous, next);
    if (listAll) this.element.append(h("button", { type: "button", class: "button plain compact", title: "List the lines of the whole log that have it", on: { click: () => this.list() } }, "List all"));
    this.element.append(close);
    this.disposables.add(screen.onFound(({ index, count }) => this.showCount(index, count)));
  }

  /** Opens the strip with the selected text in it. */
  show(): void {
    this.element.hidden = false;
    const selected = this.screen.terminal.getSelection();
    if (selected && !selected.includes("\n")) this.input.value = selected;
    this.input.focus();
    this.input.select();
    if (this.input.value) this.find({ incremental: true });
  }

  hide(): void {
    this.element.hidden = true;
    this.screen.endFind();
    this.screen.focus();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private makeToggle(text: string, label: string): HTMLButtonElement {
    const toggle = h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, "aria-pressed": "false" }, text);
    toggle.addEventListener("click", () => {
      setProps(toggle, { "aria-pressed": String(!isPressed(toggle)) });
      this.find({ incremental: true });
    });
    return toggle;
  }

  private find(options: { readonly back?: boolean; readonly incremental?: boolean }): void {
    const text = this.input.value;
    if (!text) {
      this.screen.endFind();
      this.count.textContent = "";
      return;
    }
    this.screen.find(text, { ...options, caseSensitive: isPressed(this.caseButton), regex: isPressed(this.regexButton) });
  }

  private list(): void {
    const text = this.input.value;
    if (!text) return this.input.focus();
    try {
      const pattern = new RegExp(isPressed(this.regexButton) ? text : text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), isPressed(this.caseButton) ? "" : "i");
      this.listAll?.((line) => pattern.test(line), text);
    } catch {
      this.count.textContent = "No regular expression";
    }
  }

  private showCount(index: number, count: number): void {
    if (!this.input.value) this.count.textContent = "";
    else if (count === 0) this.count.textContent = "None";
    else this.count.textContent = index < 0 ? `${count}+` : `${index + 1} of ${count}`;
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.key === "Enter") this.find({ back: !event.shiftKey });
    else if (event.key === "Escape") this.hide();
    else return;
    event.preventDefault();
  }
}

function isPressed(button: HTMLButtonElement): boolean {
  return button.getAttribute("aria-pressed") === "true";
}
