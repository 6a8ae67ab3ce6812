// The file tree: only the rows in sight are in the page, so that a large project costs what a small one does.

import { h, icon, listen, replace, setProps } from "../dom";
import { type FileTree, isWithin, join, nameOf, parentOf, type Row } from "../files";
import { formatName } from "../format";
import { icons } from "../icons";
import { DisposableStore } from "../lifecycle";
import { nameProblem, treeMove, typeAhead } from "../treekeys";
import { iconButton } from "../widgets/button";
import type { View } from "./view";

export interface TreeActions {
  /** `focus` when the person wants to type there now, not only to look. */
  open(path: string, focus: boolean): void;
  createFile(path: string): void;
  createFolder(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  upload(folder: string, items: DataTransfer): void;
  /** Opens the menu of a row, or of the root for "". */
  menu(path: string, place: { readonly x: number; readonly y: number }): void;
  readonly report: (error: unknown) => void;
}

/** A name being typed: for a new entry of the folder `path`, or for the entry at `path` itself. */
interface Edit {
  readonly kind: "file" | "folder" | "rename";
  readonly path: string;
}

type Line = { readonly row: Row } | { readonly edit: Edit; readonly depth: number };

const SPARE_ROWS = 8;
const TYPE_AHEAD_MS = 800;

export class TreeView implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly scroller: HTMLElement;
  private readonly canvas = h("div", { class: "tree-canvas", role: "none" });
  private readonly note = h("p", { class: "tree-empty", hidden: true }, "No files yet. Make one with the buttons above, or drop some here.");
  private readonly late = h("p", { class: "tree-late", role: "status" });
  private readonly shown = new Map<string, HTMLElement>();
  private cursor: string | null = null;
  private selected: string | null = null;
  private edit: Edit | null = null;
  private input: HTMLElement | null = null;
  private typed = "";
  private typedAt = 0;
  private frame = 0;
  private rowCount = 0;

  constructor(
    private readonly files: FileTree,
    private readonly actions: TreeActions,
  ) {
    this.scroller = h("div", { class: "tree", role: "tree", tabindex: 0, "aria-label": "Files", id: "file-tree" }, this.canvas);
    this.element = h("section", { class: "pane", "aria-label": "Files" }, this.toolbar(), this.note, this.scroller, this.late);
    this.disposables.add(files.onChange(() => this.schedule()));
    this.disposables.add(listen(this.scroller, "scroll", () => this.schedule(), { passive: true }));
    this.disposables.add(listen(this.scroller, "keydown", (event) => this.handleKey(event)));
    this.disposables.add(listen(this.scroller, "click", (event) => this.handleClick(event)));
    this.disposables.add(listen(this.scroller, "dblclick", (event) => this.handleDoubleClick(event)));
    this.disposables.add(listen(this.scroller, "contextmenu", (event) => this.handleMenu(event)));
    this.disposables.add(listen(this.scroller, "focus", () => this.handleFocus()));
    this.acceptDrops();
    const observer = new ResizeObserver(() => this.schedule());
    observer.observe(this.scroller);
    this.disposables.add({ dispose: () => observer.disconnect() });
  }

  show(): void {
    this.schedule();
  }

  focus(): void {
    this.scroller.focus();
  }

  /** Marks the file that the editor shows, without moving the keyboard's cursor while the tree has it. */
  select(path: string | null): void {
    this.selected = path;
    if (path !== null && document.activeElement !== this.scroller) this.cursor = path;
    if (path !== null) this.scrollTo(path);
    this.schedule();
  }

  /** Says why programs' changes are not told as they happen; null when there is nothing to say. */
  showLate(reason: string | null): void {
    replace(this.late, reason && `Programs’ changes show late: ${reason}.`);
  }

  startCreate(kind: "file" | "folder", folder = this.folderAtCursor()): void {
    this.edit = { kind, path: folder };
    this.files.expand(folder).catch(this.actions.report);
    this.schedule();
  }

  startRename(path: string): void {
    this.edit = { kind: "rename", path };
    this.scrollTo(path);
    this.schedule();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.disposables.dispose();
  }

  private toolbar(): HTMLElement {
    return h(
      "div",
      { class: "pane-head" },
      h("h2", { class: "pane-title" }, "Files"),
      iconButton("New file", icons.newFile, () => this.startCreate("file")),
      iconButton("New folder", icons.newFolder, () => this.startCreate("folder")),
      iconButton("Collapse all folders", icons.collapse, () => this.files.collapseAll()),
    );
  }

  private folderAtCursor(): string {
    const row = this.files.rows.find((candidate) => candidate.path === this.cursor);
    if (!row) return "";
    return row.folder ? row.path : parentOf(row.path);
  }

  private schedule(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.render());
  }

  private lines(): readonly Line[] {
    const { edit } = this;
    const lines: Line[] = this.files.rows.map((row) => ({ row }));
    if (!edit) return lines;
    const at = this.files.rows.findIndex((row) => row.path === edit.path);
    const depth = this.files.rows[at]?.depth ?? -1;
    if (edit.kind === "rename") lines.splice(at, at < 0 ? 0 : 1, { edit, depth });
    else lines.splice(at + 1, 0, { edit, depth: depth + 1 });
    return lines;
  }

  private get rowHeight(): number {
    return Number.parseFloat(getComputedStyle(this.scroller).getPropertyValue("--row")) || 28;
  }

  private render(): void {
    const lines = this.lines();
    const height = this.rowHeight;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / height) - SPARE_ROWS);
    const last = Math.min(lines.length, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / height) + SPARE_ROWS);
    this.canvas.style.height = `${lines.length * height}px`;
    const kept = new Set<string>();
    for (let index = first; index < last; index += 1) {
      const line = lines[index];
      if (!line) continue;
      const element = "row" in line ? this.renderRow(line.row) : this.renderEdit(line.edit, line.depth);
      element.style.transform = `translateY(${index * height}px)`;
      if ("row" in line) kept.add(line.row.path);
    }
    for (const [path, element] of this.shown) {
      if (kept.has(path)) continue;
      element.remove();
      this.shown.delete(path);
    }
    if (!this.edit) this.input?.remove();
    this.renderEmpty(lines.length === 0);
    const active = this.cursor === null ? undefined : this.shown.get(this.cursor);
    setProps(this.scroller, { "aria-activedescendant": active?.id });
  }

  private renderEmpty(empty: boolean): void {
    this.note.hidden = !empty || !this.files.isLoaded;
  }

  private renderRow(row: Row): HTMLElement {
    let element = this.shown.get(row.path);
    if (!element) {
      element = h("div", { class: "tree-row", role: "treeitem", id: `tree-row-${(this.rowCount += 1)}` });
      element.dataset["path"] = row.path;
      this.shown.set(row.path, element);
      this.canvas.append(element);
    }
    const look = `${row.folder} ${row.expanded} ${row.symlink} ${row.name}`;
    if (element.dataset["look"] !== look) {
      element.dataset["look"] = look;
      const kind = row.folder ? icons.folder : row.symlink ? icons.link : icons.file;
      const twist = h("span", { class: row.expanded ? "twist open" : "twist" }, row.folder && icon(icons.chevron));
      const more = h("button", { type: "button", class: "row-menu", tabindex: -1, "aria-label": `Actions for ${formatName(row.name)}` }, icon(icons.dots));
      replace(element, twist, icon(kind), h("span", { class: "tree-name" }, formatName(row.name)), more);
    }
    element.style.setProperty("--depth", String(row.depth));
    setProps(element, {
      title: formatName(row.path),
      "aria-level": row.depth + 1,
      "aria-posinset": row.position,
      "aria-setsize": row.siblings,
      "aria-expanded": row.folder ? String(row.expanded) : null,
      "aria-selected": String(row.path === this.selected),
    });
    element.classList.toggle("cursor", row.path === this.cursor);
    return element;
  }

  private renderEdit(edit: Edit, depth: number): HTMLElement {
    if (this.input?.isConnected) return this.input;
    const before = edit.kind === "rename" ? nameOf(edit.path) : "";
    const label = edit.kind === "rename" ? `New name for ${before}` : `Name of the new ${edit.kind}`;
    const input = h("input", { class: "input", "aria-label": label, "aria-describedby": "tree-problem", spellcheck: "false", autocapitalize: "off" });
    const problem = h("span", { class: "problem", id: "tree-problem", role: "alert" });
    const place = { class: "tree-row edit", role: "treeitem", "aria-level": depth + 1, "aria-selected": "false", "aria-label": label };
    const element = h("div", place, h("span", { class: "twist" }), icon(edit.kind === "folder" ? icons.folder : icons.file), input, problem);
    element.style.setProperty("--depth", String(depth));
    input.value = before;
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.endEdit(true);
      else if (event.key === "Enter" && !event.isComposing) this.commit(edit, input, problem);
    });
    // Leaving the field keeps what was typed if it can be kept, as a person who clicks elsewhere expects.
    input.addEventListener("blur", () => {
      if (this.edit !== edit) return;
      if (input.value && input.value !== before && !this.problemWith(edit, input.value)) this.commit(edit, input, problem);
      else this.endEdit(false);
    });
    input.addEventListener("input", () => replace(problem));
    this.input = element;
    this.canvas.append(element);
    input.focus();
    const dot = before.lastIndexOf(".");
    input.setSelectionRange(0, dot > 0 ? dot : before.length);
    return element;
  }

  private problemWith(edit: Edit, name: string): string | null {
    const folder = edit.kind === "rename" ? parentOf(edit.path) : edit.path;
    return nameProblem(name, (other) => this.files.rows.some((row) => row.path === join(folder, other) && row.path !== edit.path));
  }

  private commit(edit: Edit, input: HTMLInputElement, problem: HTMLElement): void {
    const wrong = this.problemWith(edit, input.value);
    if (wrong) return replace(problem, wrong);
    this.endEdit(true);
    const path = join(edit.kind === "rename" ? parentOf(edit.path) : edit.path, input.value);
    this.cursor = path;
    if (edit.kind === "file") this.actions.createFile(path);
    else if (edit.kind === "folder") this.actions.createFolder(path);
    else if (path !== edit.path) this.actions.rename(edit.path, path);
  }

  private endEdit(focus: boolean): void {
    this.edit = null;
    this.input?.remove();
    this.input = null;
    if (focus) this.scroller.focus();
    this.schedule();
  }

  private handleFocus(): void {
    this.cursor ??= this.selected ?? this.files.rows[0]?.path ?? null;
    this.schedule();
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.files.rows.find((candidate) => candidate.path === this.cursor);
    const move = treeMove(this.files.rows, this.cursor, event.key);
    if (move?.kind === "move") this.moveTo(move.path);
    else if (move) this.toggle(move.path);
    else if (row && (event.key === "Enter" || event.key === " ")) this.activate(row, true);
    else if (row && event.key === "F2") this.startRename(row.path);
    else if (row && event.key === "Delete") this.actions.remove(row.path);
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) this.openMenuAt(row?.path ?? "");
    else if (event.key.length !== 1 || !this.jump(event)) return;
    event.preventDefault();
  }

  private jump(event: KeyboardEvent): boolean {
    this.typed = event.timeStamp - this.typedAt < TYPE_AHEAD_MS ? this.typed + event.key : event.key;
    this.typedAt = event.timeStamp;
    const found = typeAhead(this.files.rows, this.cursor, this.typed);
    if (found !== null) this.moveTo(found);
    return found !== null;
  }

  private moveTo(path: string): void {
    this.cursor = path;
    this.scrollTo(path);
    this.schedule();
  }

  private scrollTo(path: string): void {
    const at = this.files.rows.findIndex((row) => row.path === path);
    if (at < 0) return;
    const height = this.rowHeight;
    const [top, bottom] = [at * height, (at + 1) * height];
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (bottom > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = bottom - this.scroller.clientHeight;
  }

  private toggle(path: string): void {
    const row = this.files.rows.find((candidate) => candidate.path === path);
    if (row?.expanded) this.files.collapse(path);
    else this.files.expand(path).catch(this.actions.report);
  }

  private activate(row: Row, focus: boolean): void {
    if (row.folder) this.toggle(row.path);
    else this.actions.open(row.path, focus);
  }

  private rowAt(event: Event): Row | null {
    const element = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-path]") : null;
    const path = element?.dataset["path"];
    return this.files.rows.find((row) => row.path === path) ?? null;
  }

  private handleClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (!row) return;
    this.cursor = row.path;
    const button = event.target instanceof Element ? event.target.closest(".row-menu") : null;
    if (button) this.openMenuAt(row.path);
    else this.activate(row, false);
    this.schedule();
  }

  private handleDoubleClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (row && !row.folder) this.actions.open(row.path, true);
  }

  private handleMenu(event: MouseEvent): void {
    event.preventDefault();
    const row = this.rowAt(event);
    if (row) this.moveTo(row.path);
    this.actions.menu(row?.path ?? "", { x: event.clientX, y: event.clientY });
  }

  private openMenuAt(path: string): void {
    const { left, bottom } = (this.shown.get(path) ?? this.scroller).getBoundingClientRect();
    this.actions.menu(path, { x: left + 32, y: bottom });
  }

  private acceptDrops(): void {
    const mark = (folder: string | null): void => {
      for (const [path, element] of this.shown) element.classList.toggle("drop", folder !== null && folder !== "" && isWithin(path, folder));
      this.scroller.classList.toggle("drop", folder === "");
    };
    const folderAt = (event: DragEvent): string => {
      const row = this.rowAt(event);
      return row ? (row.folder ? row.path : parentOf(row.path)) : "";
    };
    this.disposables.add(listen(this.scroller, "dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      mark(folderAt(event));
    }));
    this.disposables.add(listen(this.scroller, "dragleave", () => mark(null)));
    this.disposables.add(listen(this.scroller, "drop", (event) => {
      event.preventDefault();
      mark(null);
      if (event.dataTransfer) this.actions.upload(folderAt(event), event.dataTransfer);
    }));
  }
}
