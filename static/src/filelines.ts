// The list of lines in files, each file with a head that folds: what a search has found, problems, references.

import { h, icon } from "./dom";
import { nameOf, parentOf } from "./files";
import { formatName } from "./format";
import { icons } from "./icons";

export interface FileLinesActions {
  /** A line was chosen, counted from 0 in its file. */
  open(path: string, index: number): void;
  /** The person leaves out a file, or one line of it. Without this nothing can be. */
  dismiss?(path: string, index: number | null): void;
  /** The arrow key leads up from the first row. */
  leave?(): void;
}

/** A file for `show`. Its lines are made anew when its key is another. */
export interface ShownFile {
  readonly path: string;
  readonly key: string;
  readonly lines: () => readonly HTMLElement[];
}

interface File {
  readonly element: HTMLElement;
  readonly lines: HTMLElement;
  readonly total: HTMLElement;
  key: string;
}

export class FileLines {
  readonly element: HTMLElement;
  private readonly files = new Map<string, File>();

  constructor(
    label: string,
    private readonly actions: FileLinesActions,
  ) {
    this.element = h("div", { class: "search-results", role: "tree", "aria-label": label });
    this.element.addEventListener("keydown", (event) => this.handleKey(event));
    this.element.addEventListener("click", (event) => this.handleClick(event));
  }

  clear(): void {
    this.files.clear();
    this.element.replaceChildren();
  }

  /** How many lines of the file there are. */
  count(path: string): number {
    return this.files.get(path)?.lines.childElementCount ?? 0;
  }

  /** Adds lines to a file, which comes last when it is new. */
  append(path: string, lines: readonly HTMLElement[]): void {
    const file = this.files.get(path) ?? this.addFile(path, this.files.size === 0 ? 0 : -1);
    file.lines.append(...lines);
    file.total.textContent = String(file.lines.childElementCount);
  }

  /** Gives a file other lines, at its place in the list. */
  renew(path: string, lines: readonly HTMLElement[]): void {
    if (lines.length === 0) return this.remove(path);
    const file = this.files.get(path);
    const focused = this.rows().indexOf(document.activeElement as HTMLElement);
    file?.lines.replaceChildren();
    this.append(path, lines);
    if (file && focused >= 0 && !document.activeElement?.closest("[role=treeitem]")) this.focusRow(this.rows()[focused] ?? this.rows().at(-1));
  }

  /** These files in this order and no others. What is folded stays so, and the keyboard at its row. */
  show(files: readonly ShownFile[]): void {
    const focused = this.element.contains(document.activeElement) ? this.rows().findIndex((row) => row === document.activeElement) : -1;
    const wanted = new Set(files.map(({ path }) => path));
    for (const path of [...this.files.keys()]) if (!wanted.has(path)) this.remove(path);
    for (const [index, { path, key, lines }] of files.entries()) {
      const file = this.files.get(path) ?? this.addFile(path, -1);
      const present = this.element.children[index];
      if (present && present !== file.element) present.before(file.element);
      if (file.key === key) continue;
      file.key = key;
      file.lines.replaceChildren();
      this.append(path, lines());
    }
    const rows = this.rows();
    if (focused >= 0) this.focusRow(rows[Math.min(focused, rows.length - 1)]);
    else if (!rows.some(({ tabIndex }) => tabIndex === 0)) rows.find((row) => !row.hasAttribute("aria-expanded"))?.setAttribute("tabindex", "0");
  }

  remove(path: string): void {
    this.files.get(path)?.element.remove();
    this.files.delete(path);
    if (!this.element.querySelector('[tabindex="0"]')) this.rows()[0]?.setAttribute("tabindex", "0");
  }

  /** Takes the keyboard, to the row that had it last; false when there is none. */
  focus(): boolean {
    const rows = this.rows();
    const row = rows.find((one) => one.tabIndex === 0) ?? rows[0];
    this.focusRow(row);
    return row !== undefined;
  }

  /** Marks the line where the person is; none when there is no such line. */
  mark(path: string, index: number): void {
    this.element.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const file = this.files.get(path);
    const row = file?.lines.children[index];
    const head = file?.element.firstElementChild;
    if (!(row instanceof HTMLElement) || !(head instanceof HTMLElement)) return;
    fold(head, true);
    row.setAttribute("aria-current", "true");
    this.turnTo(row);
    row.scrollIntoView({ block: "nearest" });
  }

  private addFile(path: string, tabindex: 0 | -1): File {
    const lines = h("div", { role: "group" });
    const total = h("span", { class: "search-total" });
    // For the mouse; the row's own key does the same.
    const dismiss =
      this.actions.dismiss && h("button", { type: "button", class: "icon-button search-dismiss", tabindex: -1, "aria-hidden": "true", title: "Leave out (Delete)" }, icon(icons.close));
    const head = h(
      "div",
      { class: "search-file", role: "treeitem", "aria-expanded": "true", "aria-level": 1, tabindex },
      h("span", { class: "twist open" }, icon(icons.chevron)),
      h("span", { class: "search-name" }, formatName(nameOf(path))),
      h("span", { class: "search-folder" }, parentOf(path)),
      total,
      dismiss,
    );
    const element = h("div", { role: "none" }, head, lines);
    element.dataset["path"] = path;
    this.element.append(element);
    const file = { element, lines, total, key: "" };
    this.files.set(path, file);
    return file;
  }

  // ---- rows

  private rows(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>("[role=treeitem]")].filter((row) => row.offsetParent !== null);
  }

  private turnTo(row: HTMLElement): void {
    for (const other of this.element.querySelectorAll('[tabindex="0"]')) other.setAttribute("tabindex", "-1");
    row.setAttribute("tabindex", "0");
  }

  private focusRow(row: HTMLElement | undefined): void {
    if (!row) return;
    this.turnTo(row);
    row.focus();
  }

  private handleKey(event: KeyboardEvent): void {
    const rows = this.rows();
    const at = rows.findIndex((row) => row === document.activeElement);
    const row = rows[at];
    if (!row) return;
    const folds = row.hasAttribute("aria-expanded");
    const moves: Readonly<Record<string, (() => void) | false | undefined>> = {
      ArrowDown: () => this.focusRow(rows[at + 1]),
      ArrowUp: () => (at === 0 ? this.actions.leave?.() : this.focusRow(rows[at - 1])),
      Home: () => this.focusRow(rows[0]),
      End: () => this.focusRow(rows.at(-1)),
      ArrowRight: () => (folds ? fold(row, true) : undefined),
      ArrowLeft: () => (folds ? fold(row, false) : this.focusRow(row.parentElement?.parentElement?.querySelector<HTMLElement>("[aria-expanded]") ?? undefined)),
      Enter: () => this.activate(row),
      Delete:
        this.actions.dismiss &&
        (() => {
          this.dismiss(row);
          this.focusRow(this.rows()[Math.min(at, this.rows().length - 1)]);
        }),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }

  private handleClick(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const row = target?.closest<HTMLElement>("[role=treeitem]");
    if (!row) return;
    if (target?.closest(".search-dismiss")) return this.dismiss(row);
    this.focusRow(row);
    this.activate(row);
  }

  private activate(row: HTMLElement): void {
    const { path, index } = placeOf(row);
    if (index === null) fold(row, row.getAttribute("aria-expanded") === "false");
    else this.actions.open(path, index);
  }

  private dismiss(row: HTMLElement): void {
    const { path, index } = placeOf(row);
    this.actions.dismiss?.(path, index);
    if (index !== null) row.remove();
    if (index === null || this.count(path) === 0) this.remove(path);
    else this.append(path, []);
  }
}

/** A row for a line of a file. */
export function lineRow(line: number, ...content: readonly (Node | string)[]): HTMLElement {
  return h("div", { role: "treeitem", class: "search-line", "aria-level": 2, tabindex: -1 }, h("span", { class: "search-number" }, line), ...content);
}

function placeOf(row: HTMLElement): { readonly path: string; readonly index: number | null } {
  const path = row.closest<HTMLElement>("[data-path]")?.dataset["path"] ?? "";
  return { path, index: row.hasAttribute("aria-expanded") ? null : [...(row.parentElement?.children ?? [])].indexOf(row) };
}

function fold(row: HTMLElement, open: boolean): void {
  row.setAttribute("aria-expanded", String(open));
  row.querySelector(".twist")?.classList.toggle("open", open);
}
