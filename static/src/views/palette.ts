// A list to choose from by typing: files and commands.

import { h, listen, replace, setProps } from "../dom";
import { formatName } from "../format";
import { Finder, type Match } from "../fuzzy";
import { DisposableStore } from "../lifecycle";

export interface PaletteItem {
  /** What is matched and shown. */
  readonly text: string;
  /** Shown at the right. */
  readonly hint?: string;
  /** `line` is the one that was typed behind a path: `src/index.js:12`. */
  readonly run: (line: number | null) => void;
}

export interface PaletteSource {
  readonly label: string;
  readonly placeholder: string;
  /** What is said where there are no items at all. */
  readonly empty?: string;
  readonly items: readonly PaletteItem[] | Promise<readonly PaletteItem[]>;
  /** The text is a path: its name is shown before its folder. */
  readonly paths?: boolean;
}

/** Of files; commands are all to be seen. */
const MOST_PATHS = 60;

/** Opens the palette as a modal dialog; it goes away with a choice, Escape or a press elsewhere. */
export class Palette {
  private readonly listeners = new DisposableStore();
  private readonly input: HTMLInputElement;
  private readonly list = h("ul", { class: "palette-list", role: "listbox", id: "palette-list" });
  private readonly dialog: HTMLDialogElement;
  private finder = new Finder<PaletteItem>([], (item) => item.text);
  private matches: readonly Match<PaletteItem>[] = [];
  private chosen = 0;
  private line: number | null = null;

  constructor(private readonly source: PaletteSource) {
    this.input = h("input", {
      class: "palette-input",
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": "palette-list",
      "aria-autocomplete": "list",
      "aria-label": source.label,
      placeholder: source.placeholder,
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
    });
    this.list.setAttribute("aria-label", source.label);
    this.dialog = h("dialog", { class: "palette", "aria-label": source.label }, this.input, this.list);
    this.listeners.add(listen(this.input, "input", () => this.search()));
    this.listeners.add(listen(this.input, "keydown", (event) => this.handleKey(event)));
    this.listeners.add(listen(this.dialog, "click", (event) => event.target === this.dialog && this.dialog.close()));
    this.listeners.add(listen(this.dialog, "close", () => this.handleClose()));
  }

  async open(): Promise<void> {
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.input.focus();
    replace(this.list, h("li", { class: "palette-note" }, "Looking…"));
    this.finder = new Finder(await this.source.items, (item) => item.text);
    this.search();
  }

  private handleClose(): void {
    this.listeners.dispose();
    this.dialog.remove();
  }

  private search(): void {
    // A column may follow, as compilers write it.
    const [, text = "", line] = (this.source.paths && /^(.+?)(?::(\d*)(?::\d*)?)?$/.exec(this.input.value)) || [null, this.input.value];
    this.line = line ? Number(line) : null;
    this.matches = this.finder.find(text, this.source.paths ? MOST_PATHS : Infinity);
    this.chosen = 0;
    this.render();
  }

  private render(): void {
    const rows = this.matches.map((match, index) => this.renderMatch(match, index));
    replace(this.list, ...(rows.length > 0 ? rows : [h("li", { class: "palette-note" }, (this.input.value === "" && this.source.empty) || "Nothing like that.")]));
    setProps(this.input, { "aria-activedescendant": rows.length > 0 ? `palette-${this.chosen}` : null });
    rows[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  private renderMatch({ item, positions }: Match<PaletteItem>, index: number): HTMLElement {
    const marked = new Set(positions);
    const cut = this.source.paths ? item.text.lastIndexOf("/") + 1 : 0;
    const name = h("span", { class: "palette-name" }, ...highlighted(item.text, marked, cut, item.text.length));
    const folder = cut > 0 ? h("span", { class: "palette-folder" }, ...highlighted(item.text, marked, 0, cut - 1)) : null;
    const hint = item.hint ? h("span", { class: "key" }, item.hint) : null;
    const props = { role: "option", id: `palette-${index}`, "aria-selected": String(index === this.chosen) };
    const row = h("li", props, name, folder, hint);
    row.addEventListener("click", () => this.choose(index));
    return row;
  }

  private choose(index: number): void {
    const match = this.matches[index];
    this.dialog.close();
    match?.item.run(this.line);
  }

  private handleKey(event: KeyboardEvent): void {
    const count = this.matches.length;
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    const step = steps[event.key];
    if (event.key === "Enter" && !event.isComposing) {
      this.choose(this.chosen);
    } else if (step !== undefined && count > 0) {
      const next = this.chosen + step;
      this.chosen = Math.abs(step) === 1 ? (next + count) % count : Math.min(count - 1, Math.max(0, next));
      this.render();
    } else {
      return;
    }
    event.preventDefault();
  }
}

function highlighted(text: string, marked: ReadonlySet<number>, from: number, to: number): (string | HTMLElement)[] {
  const parts: (string | HTMLElement)[] = [];
  for (let index = from; index < to; index += 1) {
    const unit = text.charAt(index);
    // Half a character that takes two must stay as it is.
    const letter = /[\ud800-\udfff]/.test(unit) ? unit : formatName(unit);
    const last = parts.at(-1);
    if (marked.has(index)) parts.push(h("mark", {}, letter));
    else if (typeof last === "string") parts[parts.length - 1] = last + letter;
    else parts.push(letter);
  }
  return parts;
}
