// The panel that searches in all files, and replaces what was found.

import { messageOf } from "../api";
import { h, replace, setProps } from "../dom";
import { FileLines, lineRow } from "../filelines";
import { plural } from "../format";
import { icons } from "../icons";
import { DisposableStore, watch } from "../lifecycle";
import { type Outcome, type Replacer, replacer, type Replacing } from "../replacing";
import type { FoundFile, Match, Search, SearchQuery } from "../search";
import { button, iconButton } from "../widgets/button";
import type { View } from "./view";

export interface SearchActions {
  open(path: string, match: Match): void;
}

const TYPING_MS = 300;
// Of a thousand finds each key would wait for the page to show what all become.
const REPLACING_MS = 150;
// What an automatic search begins with: a single letter is in every line.
const LEAST_TYPED = 2;
// Characters of a line before its first find.
const MOST_BEFORE = 16;
type Toggle = "case" | "word" | "regex" | "replace";

export class SearchPanel implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly input = field("Search", "Search in files");
  private readonly replacement = field("Replace", "Replace with");
  private readonly include = field("Files to search, such as src, *.ts", "Only these");
  private readonly exclude = field("Files to leave out", "Leave out");
  private readonly ignored = h("input", { type: "checkbox" });
  private readonly toggles = new Map<Toggle, HTMLButtonElement>();
  private readonly replaceRow = h("div", { class: "search-row", hidden: true });
  private readonly summary = h("p", { class: "search-summary", role: "status" });
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private readonly results: FileLines;
  private readonly outcome = h("div", { class: "search-outcome", role: "status" });
  private timer: ReturnType<typeof setTimeout> | undefined;
  private renderTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly search: Search,
    private readonly replacing: Replacing,
    actions: SearchActions,
  ) {
    const matchAt = (path: string, index: number): Match | undefined => search.files.find((file) => file.path === path)?.matches[index];
    this.results = new FileLines("Found", {
      open: (path, index) => {
        const match = matchAt(path, index);
        if (match) actions.open(path, match);
      },
      dismiss: (path, index) => search.dismiss(path, index === null ? null : matchAt(path, index)),
      leave: () => this.input.focus(),
    });
    this.element = h("div", { class: "search" }, this.makeForm(), this.problem, this.summary, this.outcome, this.results.element);
    this.disposables.add(watch(search.state, () => this.renderSummary()));
    this.disposables.add(search.onFound((file) => this.renderFile(file)));
    this.disposables.add(search.onRenewed(({ path, matches }) => this.results.renew(path, this.rowsOf(matches))));
    this.disposables.add(search);
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  /** Searches for a text, such as what is selected in the editor. */
  fill(text: string): void {
    if (text) this.input.value = text;
    if (text) this.start();
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.renderTimer);
    this.disposables.dispose();
  }

  private makeForm(): HTMLElement {
    const toggle = (id: Toggle, label: string, path: string): HTMLButtonElement => {
      const made = iconButton(label, path, () => this.toggle(id));
      made.setAttribute("aria-pressed", "false");
      this.toggles.set(id, made);
      return made;
    };
    const options = [toggle("case", "Match case", icons.caseSensitive), toggle("word", "Whole words", icons.wholeWord), toggle("regex", "Regular expression", icons.regex)];
    const all = button("All", () => void this.replaceAll());
    setProps(all, { "aria-label": "Replace all", title: "Replace all" });
    this.replaceRow.append(this.replacement, all);
    const details = h(
      "details",
      { class: "search-more" },
      h("summary", {}, "Which files"),
      labelled("Only these", this.include),
      labelled("Leave out", this.exclude),
      h("label", { class: "search-check" }, this.ignored, "Ignored files too"),
    );
    const form = h(
      "form",
      { class: "search-form", role: "search", "aria-label": "Files" },
      h("div", { class: "search-row" }, this.input, ...options, toggle("replace", "Replace", icons.replace)),
      this.replaceRow,
      details,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    for (const input of [this.input, this.include, this.exclude]) input.addEventListener("input", () => this.startSoon());
    this.ignored.addEventListener("change", () => this.start());
    this.replacement.addEventListener("input", () => {
      clearTimeout(this.renderTimer);
      this.renderTimer = setTimeout(() => this.renderAll(), REPLACING_MS);
    });
    this.input.addEventListener("keydown", (event) => event.key === "ArrowDown" && this.results.focus());
    return form;
  }

  private toggle(id: Toggle): void {
    const on = !this.isOn(id);
    this.toggles.get(id)?.setAttribute("aria-pressed", String(on));
    if (id !== "replace") return this.start();
    this.replaceRow.hidden = !on;
    if (on) this.replacement.focus();
    this.renderAll();
  }

  private isOn(id: Toggle): boolean {
    return this.toggles.get(id)?.getAttribute("aria-pressed") === "true";
  }

  private startSoon(): void {
    clearTimeout(this.timer);
    if (this.input.value.length === 0 || this.input.value.length >= LEAST_TYPED) this.timer = setTimeout(() => this.start(), TYPING_MS);
  }

  private start(): void {
    clearTimeout(this.timer);
    this.results.clear();
    replace(this.outcome, this.replacing.canUndo && button("Undo the last replace", () => void this.undo()));
    this.problem.textContent = "";
    const query: SearchQuery = {
      q: this.input.value,
      regex: this.isOn("regex"),
      case: this.isOn("case"),
      word: this.isOn("word"),
      include: this.include.value,
      exclude: this.exclude.value,
      ignored: this.ignored.checked,
    };
    if (!query.q) return this.search.clear();
    this.search.start(query).catch((error: unknown) => {
      this.problem.textContent = messageOf(error);
      // Not to say besides that there is nothing.
      this.renderSummary();
    });
  }

  private renderSummary(): void {
    const { running, finds, files, notes } = this.search.state.get();
    const found = `${plural(finds, "result")} in ${plural(files, "file")}`;
    const none = this.input.value && this.search.query && !this.problem.textContent ? "Nothing found." : "";
    this.summary.textContent = [running ? `Searching… ${finds > 0 ? found : ""}` : finds > 0 ? `${found}.` : none, ...notes].filter(Boolean).join(" ");
  }

  private renderAll(): void {
    this.results.clear();
    for (const file of this.search.files) this.renderFile(file);
  }

  private renderFile({ path, matches }: FoundFile): void {
    this.results.append(path, this.rowsOf(matches.slice(this.results.count(path))));
  }

  private rowsOf(matches: readonly Match[]): readonly HTMLElement[] {
    const replace = this.currentReplacer();
    return matches.map((match) => matchRow(match, replace));
  }

  private currentReplacer(): Replacer | null {
    const { query } = this.search;
    return this.isOn("replace") && query ? replacer(query, this.replacement.value) : null;
  }

  private async replaceAll(): Promise<void> {
    const replace = this.currentReplacer();
    const files = this.search.files;
    if (!replace || files.length === 0) return;
    const outcome = await this.replacing.run(files, replace);
    for (const path of outcome.done) {
      this.search.dismiss(path);
      this.results.remove(path);
    }
    this.tell("Replaced in", outcome);
  }

  private async undo(): Promise<void> {
    this.tell("Undone in", await this.replacing.undo());
    this.input.focus();
  }

  private tell(what: string, { done, unsaved, left }: Outcome): void {
    const sentence = `${what} ${plural(done.length, "file")}${unsaved.length > 0 ? `, ${unsaved.length} of them with text that is not saved` : ""}.`;
    const undo = this.replacing.canUndo ? button("Undo", () => void this.undo()) : null;
    const reasons = left.map(({ path, why }) => h("li", {}, `${path}: ${why}.`));
    replace(this.outcome, h("p", {}, sentence), undo, reasons.length > 0 && h("p", {}, "Left as they are:"), reasons.length > 0 && h("ul", {}, ...reasons));
  }
}

function field(placeholder: string, label: string): HTMLInputElement {
  return h("input", { class: "input", type: "text", placeholder, "aria-label": label, spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
}

function labelled(label: string, input: HTMLElement): HTMLElement {
  return h("label", { class: "search-field" }, label, input);
}

/** A line with its finds marked; with a replacement what would come in their place too. */
function matchRow(match: Match, replace: Replacer | null): HTMLElement {
  const parts: (Node | string)[] = [];
  let at = 0;
  for (const [start, end] of match.ranges) {
    const [from, to] = [start - match.skipped, end - match.skipped];
    if (from < at || to > match.text.length) break;
    const next = replace?.(" ".repeat(match.skipped) + match.text, start, end) ?? null;
    parts.push(match.text.slice(at, from), h(replace ? "del" : "mark", {}, match.text.slice(from, to)));
    if (next !== null) parts.push(h("ins", {}, next));
    at = to;
  }
  parts.push(match.text.slice(at));
  const text = match.long ? "A line that is too long to be shown" : "";
  return lineRow(match.line, h("span", { class: "search-text" }, ...(text ? [text] : trimmed(parts))));
}

/** Without the indentation, and with the first find near the beginning: a list is narrow. */
function trimmed(parts: readonly (Node | string)[]): readonly (Node | string)[] {
  const [first, ...rest] = parts;
  if (typeof first !== "string") return parts;
  const before = first.trimStart();
  return [before.length > MOST_BEFORE ? `…${before.slice(-MOST_BEFORE)}` : before, ...rest];
}
