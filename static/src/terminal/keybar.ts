// The keys that a phone's keyboard lacks, in a bar under the terminal.

import { h, setProps } from "../dom";
import { type BarKey, sequenceOf, withControl } from "./keys";
import type { TerminalScreen } from "./screen";

const KEYS: readonly (readonly [label: string, key: BarKey, name: string])[] = [
  ["Esc", "escape", "Esc"],
  ["Tab", "tab", "Tab"],
  ["←", "left", "Left"],
  ["↓", "down", "Down"],
  ["↑", "up", "Up"],
  ["→", "right", "Right"],
  ["Home", "home", "Home"],
  ["End", "end", "End"],
  ["PgUp", "pageUp", "PgUp, page up"],
  ["PgDn", "pageDown", "PgDn, page down"],
];
const CHARACTERS = ["|", "~", "/", "-"];

export class KeyBar {
  readonly element = h("div", { class: "key-bar", role: "toolbar", "aria-label": "Terminal keys" });
  private readonly control: HTMLButtonElement;

  constructor(private readonly screen: TerminalScreen) {
    const [escape, tab, ...rest] = KEYS.map(([label, key, name]) => this.makeKey(label, name, () => sequenceOf(key, screen.terminal.modes.applicationCursorKeysMode)));
    this.control = this.makeButton("Ctrl", "Ctrl, for the next key", () => this.setControl(!this.isControl));
    setProps(this.control, { "aria-pressed": "false" });
    const characters = CHARACTERS.map((character) => this.makeKey(character, character, () => character));
    for (const key of [escape, tab, this.control, ...rest.slice(0, 4), ...characters, ...rest.slice(4)]) if (key) this.element.append(key);
  }

  /** What the next key sends, with the control key of this bar applied to it once. */
  apply(data: string): string {
    if (!this.isControl || data.length !== 1) return data;
    this.setControl(false);
    return withControl(data);
  }

  private get isControl(): boolean {
    return this.control.getAttribute("aria-pressed") === "true";
  }

  private setControl(on: boolean): void {
    setProps(this.control, { "aria-pressed": String(on) });
  }

  private makeKey(label: string, name: string, data: () => string): HTMLButtonElement {
    return this.makeButton(label, name, () => this.screen.terminal.input(data(), true));
  }

  private makeButton(label: string, name: string, run: () => void): HTMLButtonElement {
    const key = h("button", { type: "button", class: "bar-key", "aria-label": name, tabindex: -1 }, label);
    // Focus stays in the terminal: else the phone's keyboard would go and come back with each key.
    key.addEventListener("pointerdown", (event) => event.preventDefault());
    key.addEventListener("click", run);
    return key;
  }
}
