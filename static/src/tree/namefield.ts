// The field in a row of the tree in which the name of a new or renamed entry is typed.

import { h, icon, replace } from "../dom";
import { formatName, parseName } from "../format";
import { icons } from "../icons";

export interface NameFieldOptions {
  readonly kind: "file" | "folder" | "rename";
  /** The name until now; "" for a new entry. */
  readonly before: string;
  readonly depth: number;
  /** What is wrong with a name; null when it can be used. */
  problem(name: string): string | null;
  commit(name: string): void;
  /** `focus` when the keyboard is to go back to the tree. */
  cancel(focus: boolean): void;
}

/** A row with the field; call `focus` once it is in the page. */
export class NameField {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly problem = h("span", { class: "problem", id: "tree-problem", role: "alert" });
  private readonly shown: string;
  private done = false;

  constructor(private readonly options: NameFieldOptions) {
    const { kind, before, depth } = options;
    const label = kind === "rename" ? `New name for ${formatName(before)}` : `Name of the new ${kind}`;
    this.input = h("input", {
      class: "input", "aria-label": label, "aria-describedby": "tree-problem", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
      on: { keydown: (event) => this.handleKey(event), blur: () => this.handleBlur(), input: () => replace(this.problem) },
    });
    this.shown = formatName(before);
    this.input.value = this.shown;
    const place = { class: "tree-row edit", role: "treeitem", "aria-level": depth + 1, "aria-selected": "false", "aria-label": label };
    this.element = h("div", place, h("span", { class: "twist" }), icon(kind === "folder" ? icons.folder : icons.file), this.input, this.problem);
    this.element.style.setProperty("--depth", String(depth));
  }

  /** Begins the typing, with the name but not its ending selected. */
  focus(): void {
    this.input.focus();
    const dot = this.shown.lastIndexOf(".");
    this.input.setSelectionRange(0, dot > 0 ? dot : this.shown.length);
  }

  private handleKey(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Escape") this.finish(() => this.options.cancel(true));
    else if (event.key === "Enter" && !event.isComposing) this.commit();
  }

  /** Leaving the field keeps what was typed if it can be kept, as a person who clicks elsewhere expects. */
  private handleBlur(): void {
    if (this.input.value && this.input.value !== this.shown && !this.options.problem(this.name)) this.commit();
    else this.finish(() => this.options.cancel(false));
  }

  private commit(): void {
    const { name } = this;
    const wrong = this.options.problem(name);
    if (wrong) replace(this.problem, wrong);
    else this.finish(() => this.options.commit(name));
  }

  /** A field can't hold line breaks: what can't be seen is written out in it. */
  private get name(): string {
    return parseName(this.input.value, this.options.before);
  }

  /** Once: taking the field out of the page makes it lose the focus again. */
  private finish(how: () => void): void {
    if (this.done) return;
    this.done = true;
    how();
  }
}
