// A list to choose from by typing: files and commands.

import { h, listen, replace, setProps } from "../dom";
import { formatName } from "../format";
import { Finder, type Match } from "../fuzzy";
import { DisposableStore } from "../lifecycle";
import { messageOf } from "../api";

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
  /** A function is asked anew for each text that is typed, and gets all of it. */
  readonly items: readonly PaletteItem[] | Promise<readonly PaletteItem[]> | ((text: string) => Promise<readonly PaletteItem[]>);
  /** The text is a path: its name is shown before its folder. */
  readonly paths?: boolean;
  /** Lists that are shown instead while the text begins with their character. */
  readonly others?: Readonly<Record<string, () => PaletteSource>>;
}

/** Of files; commands are all to be seen, and most files' symbols. */
const MOST_PATHS = 60;
const MOST = 1000;
/** Who types a word asks once. */
const PAUSE_MS = 150;

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
  private source: PaletteSource;
  /** The character for which this list is shown; "" for the first. */
  private prefix = "";
  /** What was asked for last, and until that has come. */
  private asked: string | null = null;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private loading = false;
  /** Enter was pressed for what is typed, before there was anything to choose. */
  private entered = false;

  constructor(private readonly first: PaletteSource) {
    this.source = first;
    this.input = h("input", {
      class: "palette-input",
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": "palette-list",
      "aria-autocomplete": "list",
      placeholder: first.placeholder,
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
    });
    this.dialog = h("dialog", { class: "palette" }, this.input, this.list);
    this.listeners.add(listen(this.input, "input", () => this.handleInput()));
    this.listeners.add(listen(this.input, "keydown", (event) => this.handleKey(event)));
    this.listeners.add(listen(this.dialog, "click", (event) => event.target === this.dialog && this.dialog.close()));
    this.listeners.add(listen(this.dialog, "close", () => this.handleClose()));
  }

  async open(): Promise<void> {
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.input.focus();
    await this.load();
  }

  private async load(): Promise<void> {
    const { source } = this;
    for (const element of [this.input, this.list, this.dialog]) element.setAttribute("aria-label", source.label);
    this.asked = null;
    this.take([]);
    replace(this.list, h("li", { class: "palette-note" }, "Looking…"));
    this.loading = typeof source.items !== "function";
    if (typeof source.items === "function") return this.search();
    try {
      const items = await source.items;
      if (source === this.source) this.take(items);
    } finally {
      if (source === this.source) this.loading = false;
    }
    if (source === this.source) this.searchNew();
  }

  private searchNew(): void {
    this.search();
    if (this.entered) this.choose(this.chosen);
  }

  private take(items: readonly PaletteItem[]): void {
    this.finder = new Finder(items, (item) => item.text);
    this.matches = [];
  }

  private handleInput(): void {
    this.entered = false;
    const prefix = this.first.others && Object.hasOwn(this.first.others, this.input.value.charAt(0)) ? this.input.value.charAt(0) : "";
    if (prefix === this.prefix) return this.search();
    clearTimeout(this.asking);
    this.prefix = prefix;
    this.source = this.first.others?.[prefix]?.() ?? this.first;
    this.load().catch((error: unknown) => replace(this.list, h("li", { class: "palette-note" }, messageOf(error))));
  }

  private handleClose(): void {
    this.entered = false;
    clearTimeout(this.asking);
    this.listeners.dispose();
    this.dialog.remove();
  }

  private search(): void {
    const typed = this.input.value.slice(this.prefix.length);
    // A column may follow, as compilers write it.
    const [, text = "", line] = (this.source.paths && /^(.+?)(?::(\d*)(?::\d*)?)?$/.exec(typed)) || [null, typed];
    this.ask(text);
    this.line = line ? Number(line) : null;
    this.matches = this.finder.find(text, this.source.paths ? MOST_PATHS : MOST);
    this.chosen = 0;
    this.render();
  }

  /** What is there already is searched meanwhile. */
  private ask(text: string): void {
    const { source } = this;
    if (typeof source.items !== "function" || text === this.asked) return;
    const { items } = source;
    this.asked = text;
    clearTimeout(this.asking);
    const take = (found: readonly PaletteItem[]): void => {
      if (source !== this.source || text !== this.asked) return;
      this.asking = undefined;
      this.take(found);
      this.searchNew();
    };
    this.asking = setTimeout(() => items(text).then(take, () => take([])), PAUSE_MS);
  }

  private render(): void {
    const rows = this.matches.map((match, index) => this.renderMatch(match, index));
    const nothing = (this.input.value === "" && this.source.empty) || "Nothing like that.";
    replace(this.list, ...(rows.length > 0 ? rows : [h("li", { class: "palette-note" }, this.asking === undefined ? nothing : "Looking…")]));
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
    // It may yet come.
    if (!match && (this.loading || this.asking !== undefined)) return void (this.entered = true);
    this.entered = false;
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
