// Rows of package names and ranges, each with what the server says of it.

import { type Dependency, firstTwice, parseDependencies } from "../dependencies";
import { h, replace } from "../dom";
import { messageOf } from "../api";
import { icons } from "../icons";
import { button, iconButton } from "../widgets/button";
import type { View } from "./view";

interface RowElements {
  readonly element: HTMLElement;
  readonly name: HTMLInputElement;
  readonly range: HTMLInputElement;
  readonly problem: HTMLElement;
}

export class DependenciesView implements View {
  readonly element: HTMLElement;
  private readonly list = h("div", { class: "dependency-rows", role: "list" });
  private readonly pasteProblem = h("p", { class: "problem", id: "paste-problem", role: "alert" });
  private readonly pasteArea: HTMLTextAreaElement;
  private readonly pastePlace: HTMLElement;
  private readonly rows: RowElements[] = [];
  private count = 0;

  constructor(initial: readonly Dependency[]) {
    this.pasteArea = h("textarea", {
      class: "input code-input",
      rows: 5,
      "aria-label": "Dependencies as JSON",
      "aria-describedby": "paste-problem",
      placeholder: '{\n  "express": "^4.18.2"\n}',
      spellcheck: "false",
    });
    const take = button("Take these", () => this.takePasted());
    this.pastePlace = h("div", { class: "paste-place", hidden: true }, this.pasteArea, this.pasteProblem, take);
    this.element = h(
      "fieldset",
      { class: "dependencies" },
      h("legend", {}, "Dependencies"),
      h("p", { class: "hint" }, "Packages from npm, installed when the project first runs."),
      this.list,
      h("div", { class: "row" }, button("Add a package", () => this.add({ name: "", range: "" }).name.focus()), button("Paste JSON…", () => this.togglePaste())),
      this.pastePlace,
    );
    for (const dependency of initial) this.add(dependency);
  }

  get value(): readonly Dependency[] {
    return this.rows.map((row) => ({ name: row.name.value, range: row.range.value }));
  }

  /** Shows a sentence at the row of this package. False when there is no such row. */
  showProblem(name: string, sentence: string): boolean {
    const row = this.rows.find((candidate) => candidate.name.value.trim() === name) ?? this.rows.find((candidate) => name.endsWith("…") && candidate.name.value.trim().startsWith(name.slice(0, -1)));
    if (!row) return false;
    this.mark(row, sentence);
    row.name.focus();
    return true;
  }

  /** True when the rows make sense on their own. */
  check(): boolean {
    for (const row of this.rows) this.mark(row, null);
    const twice = this.rows[firstTwice(this.value)];
    if (twice) this.mark(twice, "This package is in the list already.");
    return !twice;
  }

  dispose(): void {
    this.element.remove();
  }

  private mark(row: RowElements, sentence: string | null): void {
    replace(row.problem, sentence);
    for (const input of [row.name, row.range]) input.setAttribute("aria-invalid", String(sentence !== null));
  }

  private add({ name, range }: Dependency): RowElements {
    const id = `dependency-${(this.count += 1)}`;
    const input = (label: string, value: string, placeholder: string): HTMLInputElement =>
      h("input", { class: "input code-input", value, placeholder, "aria-label": label, "aria-describedby": id, spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
    const elements = { name: input("Package", name, "express"), range: input("Version range", range, "latest") };
    const problem = h("p", { class: "problem", id, role: "alert" });
    const remove = iconButton("Remove this package", icons.close, () => this.remove(row));
    const element = h("div", { class: "dependency-row", role: "listitem" }, elements.name, elements.range, remove, problem);
    const row: RowElements = { ...elements, problem, element };
    elements.name.addEventListener("paste", (event) => this.handlePaste(event));
    for (const field of [elements.name, elements.range]) {
      field.addEventListener("input", () => this.mark(row, null));
      field.addEventListener("keydown", (event) => this.handleKey(event, row));
    }
    this.rows.push(row);
    this.list.append(element);
    return row;
  }

  /** Enter goes on to the next row, so that a list is typed without reaching for the mouse. */
  private handleKey(event: KeyboardEvent, row: RowElements): void {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = this.rows[this.rows.indexOf(row) + 1] ?? (row.name.value.trim() ? this.add({ name: "", range: "" }) : row);
    next.name.focus();
  }

  private handlePaste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    if (!text.startsWith("{")) return;
    event.preventDefault();
    this.pasteArea.value = text;
    this.takePasted();
  }

  private togglePaste(): void {
    this.pastePlace.hidden = !this.pastePlace.hidden;
    if (!this.pastePlace.hidden) this.pasteArea.focus();
  }

  private takePasted(): void {
    try {
      this.merge(parseDependencies(this.pasteArea.value));
      this.pasteArea.value = "";
      this.pastePlace.hidden = true;
      replace(this.pasteProblem);
    } catch (error) {
      this.pastePlace.hidden = false;
      replace(this.pasteProblem, messageOf(error));
    }
  }

  private merge(dependencies: readonly Dependency[]): void {
    for (const dependency of dependencies) {
      const row = this.rows.find((candidate) => candidate.name.value.trim() === dependency.name) ?? this.rows.find((candidate) => candidate.name.value.trim() === "");
      if (row) [row.name.value, row.range.value] = [dependency.name, dependency.range];
      else this.add(dependency);
    }
    this.check();
  }

  private remove(row: RowElements): void {
    const at = this.rows.indexOf(row);
    this.rows.splice(at, 1);
    row.element.remove();
    const next = this.rows[Math.min(at, this.rows.length - 1)];
    if (next) next.name.focus();
    else this.element.querySelector("button")?.focus();
  }
}
