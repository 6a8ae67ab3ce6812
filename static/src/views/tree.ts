// The file tree: only the rows in sight are in the page, so that a large project costs what a small one does.

import { browserClock } from "../clock";
import type { Decorations } from "../decorations";
import { h, listen, replace, setProps } from "../dom";
import { type FileTree, folderOf, isWithin, join, nameOf, parentOf, type Row } from "../files";
import { icons } from "../icons";
import { DisposableStore, MutableDisposable } from "../lifecycle";
import { Selection } from "../tree/selection";
import { nameProblem, newProblem, treeMove, TypeAhead } from "../treekeys";
import { iconButton } from "../widgets/button";
import { NameField } from "../tree/namefield";
import type { TreeActions } from "../tree/actions";
import { TreeDrag } from "../tree/drag";
import { RowElement, type RowState } from "../tree/row";
import type { View } from "./view";

/** A name being typed: for a new entry of the folder `path`, or for the entry at `path` itself. */
interface Edit {
  readonly kind: "file" | "folder" | "rename";
  readonly path: string;
}

const SPARE_ROWS = 8;
// Who goes past files doesn't look at each.
const RESTS_AFTER_MS = 250;

export class TreeView implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly scroller: HTMLElement;
  private readonly canvas = h("div", { class: "tree-canvas", role: "none" });
  private readonly note = h("p", { class: "tree-empty", hidden: true }, "No files yet. Make one with the buttons above, or drop some here.");
  private readonly notes = { progress: h("p", { class: "tree-note" }), late: h("p", { class: "tree-note", role: "status" }) };
  private readonly shown = new Map<string, RowElement>();
  private readonly selection = new Selection();
  private readonly resting = this.disposables.add(new MutableDisposable());
  private current: string | null = null;
  private edit: Edit | null = null;
  private field: NameField | null = null;
  private readonly typed = new TypeAhead();
  private dropFolder: string | null = null;
  private frame = 0;
  private rowCount = 0;
  private rowHeight = 28;

  constructor(
    private readonly files: FileTree,
    private readonly decorations: Decorations,
    private readonly actions: TreeActions,
  ) {
    this.scroller = h("div", { class: "tree", role: "tree", tabindex: 0, "aria-label": "Files", "aria-multiselectable": "true", id: "file-tree" }, this.canvas);
    this.element = h("section", { class: "pane", "aria-label": "Files" }, this.toolbar(), this.note, this.scroller, this.notes.progress, this.notes.late);
    this.disposables.add(files.onChange(() => this.schedule()));
    this.disposables.add(files.onMoved((moved) => this.selection.follow(moved)));
    this.disposables.add(files.onRemoved((path) => this.selection.leave(path, files.rows.map((row) => row.path))));
    this.disposables.add(decorations.onChange(() => this.schedule()));
    this.disposables.add(listen(this.scroller, "scroll", () => this.schedule(), { passive: true }));
    this.disposables.add(listen(this.scroller, "keydown", (event) => this.handleKey(event)));
    this.disposables.add(listen(this.scroller, "click", (event) => this.handleClick(event)));
    this.disposables.add(listen(this.scroller, "dblclick", (event) => this.handleDoubleClick(event)));
    this.disposables.add(listen(this.scroller, "contextmenu", (event) => this.handleMenu(event)));
    this.disposables.add(listen(this.scroller, "focus", () => this.handleFocus()));
    this.disposables.add(this.makeDrag());
    const observer = new ResizeObserver(() => this.measure());
    observer.observe(this.scroller);
    this.disposables.add({ dispose: () => observer.disconnect() });
  }

  focus(): void {
    this.scroller.focus();
  }

  /** Marks the file that the editor shows, without moving the keyboard's cursor while the tree has it. */
  select(path: string | null): void {
    this.current = path;
    if (path !== null && document.activeElement !== this.scroller) this.selection.only(path);
    if (path !== null) this.scrollTo(path);
    this.schedule();
  }

  /** Shows a sentence below the rows; null for none. */
  say(about: "progress" | "late", sentence: string | null): void {
    replace(this.notes[about], sentence);
  }

  startCreate(kind: "file" | "folder", folder = folderOf(this.cursorRow)): void {
    if (folder) this.files.expand(folder).catch(this.actions.report);
    this.begin({ kind, path: folder });
  }

  startRename(path: string): void {
    this.scrollTo(path);
    this.begin({ kind: "rename", path });
  }

  /** At once, not with the next frame: the next key belongs into the field. */
  private begin(edit: Edit): void {
    this.endEdit(false);
    this.edit = edit;
    this.render();
    this.field?.focus();
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

  private get cursorRow(): Row | null {
    return this.files.row(this.selection.cursor);
  }

  /** What a key or a menu at `row` is about: all that is chosen when the row is among it, or the row alone. */
  private subjects(row: Row | null): readonly string[] {
    if (!row) return [];
    return this.selection.has(row.path) ? this.selection.paths : [row.path];
  }

  private schedule(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.render());
  }

  private measure(): void {
    this.rowHeight = Number.parseFloat(getComputedStyle(this.scroller).getPropertyValue("--row")) || this.rowHeight;
    this.schedule();
  }

  // ---- rendering

  /** The line on which a name is typed, and whether it takes the place of a row. */
  private get editLine(): { readonly at: number; readonly replaces: boolean; readonly depth: number } | null {
    if (!this.edit) return null;
    const at = this.files.indexOf(this.edit.path);
    const depth = this.files.rows[at]?.depth ?? -1;
    if (this.edit.kind === "rename") return { at: Math.max(0, at), replaces: at >= 0, depth };
    return { at: at + 1, replaces: false, depth: depth + 1 };
  }

  private render(): void {
    const { rows } = this.files;
    const line = this.editLine;
    const height = this.rowHeight;
    const count = rows.length + (line && !line.replaces ? 1 : 0);
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / height) - SPARE_ROWS);
    const last = Math.min(count, Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / height) + SPARE_ROWS);
    this.canvas.style.height = `${count * height}px`;
    const visible: (readonly [Row, number])[] = [];
    for (let index = first; index < last; index += 1) {
      if (index === line?.at) continue;
      const row = rows[line && !line.replaces && index > line.at ? index - 1 : index];
      if (!row) continue;
      visible.push([row, index * height]);
    }
    this.renderRows(visible);
    if (line && this.edit) this.renderField(this.edit, line.depth).style.transform = `translateY(${line.at * height}px)`;
    this.note.hidden = count > 0 || !this.files.isLoaded;
    const active = this.selection.cursor === null ? undefined : this.shown.get(this.selection.cursor);
    setProps(this.scroller, { "aria-activedescendant": active?.element.id });
  }

  /** Shows these rows and no other: elements of rows that are out of sight serve those that came into it. */
  private renderRows(visible: readonly (readonly [Row, number])[]): void {
    const paths = new Set(visible.map(([row]) => row.path));
    const free: RowElement[] = [];
    for (const [path, shown] of this.shown) {
      if (paths.has(path)) continue;
      this.shown.delete(path);
      free.push(shown);
    }
    for (const [row, top] of visible) {
      const shown = this.shown.get(row.path) ?? free.pop() ?? new RowElement(`tree-row-${(this.rowCount += 1)}`);
      if (!shown.element.isConnected) this.canvas.append(shown.element);
      this.shown.set(row.path, shown);
      shown.update(row, this.stateOf(row), top);
    }
    for (const { element } of free) element.remove();
  }

  private stateOf(row: Row): RowState {
    return {
      decoration: this.decorations.of(row.path, row.folder),
      chosen: this.selection.has(row.path),
      cursor: row.path === this.selection.cursor,
      current: row.path === this.current,
      drop: this.dropFolder !== null && this.dropFolder !== "" && isWithin(row.path, this.dropFolder),
    };
  }

  private renderField(edit: Edit, depth: number): HTMLElement {
    if (this.field) return this.field.element;
    const folder = edit.kind === "rename" ? parentOf(edit.path) : edit.path;
    const before = edit.kind === "rename" ? nameOf(edit.path) : "";
    this.field = new NameField({
      kind: edit.kind,
      before,
      depth,
      problem: (name) => (edit.kind === "rename" ? nameProblem : newProblem)(name, (other) => other !== before && this.files.has(folder, other)),
      commit: (name) => this.commit(edit, join(folder, name)),
      cancel: (focus) => this.endEdit(focus),
    });
    this.canvas.append(this.field.element);
    return this.field.element;
  }

  private commit(edit: Edit, path: string): void {
    this.endEdit(true);
    this.selection.only(path);
    if (edit.kind === "file") this.actions.createFile(path);
    else if (edit.kind === "folder") this.actions.createFolder(path);
    else if (path !== edit.path) this.actions.rename(edit.path, path);
  }

  private endEdit(focus: boolean): void {
    this.edit = null;
    this.field?.element.remove();
    this.field = null;
    if (focus) this.scroller.focus();
    this.schedule();
  }

  // ---- keys

  private handleFocus(): void {
    const first = this.current ?? this.files.rows[0]?.path;
    if (this.selection.cursor === null && first !== undefined) this.selection.only(first);
    this.schedule();
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.altKey) return;
    if (event.key.length > 1 && event.key !== "Shift") this.typed.end();
    this.selection.retain((path) => this.files.indexOf(path) >= 0);
    const done = event.ctrlKey || event.metaKey ? this.handleWithControl(event) : this.handlePlain(event);
    if (!done) return;
    event.preventDefault();
    this.schedule();
  }

  private handlePlain(event: KeyboardEvent): boolean {
    const row = this.cursorRow;
    const move = treeMove(this.files.rows, this.files.indexOf(this.selection.cursor ?? ""), event.key);
    if (move?.kind === "move") {
      this.moveTo(move.path, event.shiftKey ? "extend" : "only");
      if (!event.shiftKey) this.lookSoon(move.path);
    } else if (move) this.toggle(move.path);
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) this.openMenuAt(row);
    else if (row && (event.key === "Enter" || event.key === " ")) this.activate(row, event.key === "Enter");
    else if (row && event.key === "F2") this.startRename(row.path);
    else if (row && event.key === "Delete") this.actions.remove(this.subjects(row));
    else if (row && event.key === "Escape") this.selection.only(row.path);
    else return event.key.length === 1 && this.jump(event);
    return true;
  }

  private handleWithControl(event: KeyboardEvent): boolean {
    const row = this.cursorRow;
    const move = treeMove(this.files.rows, this.files.indexOf(this.selection.cursor ?? ""), event.key);
    const key = event.key.toLowerCase();
    if (move?.kind === "move") this.moveTo(move.path, "look");
    else if (key === "a") this.selection.all(this.files.rows.map(({ path }) => path));
    else if (row && key === " ") this.selection.toggle(row.path);
    else if (row && (key === "c" || key === "x")) this.actions.keep(this.subjects(row), key === "c" ? "copy" : "move");
    else if (key === "v") this.actions.paste(folderOf(row));
    else if (key === "z" && !event.shiftKey) this.actions.undo();
    else return false;
    return true;
  }

  private jump(event: KeyboardEvent): boolean {
    const found = this.typed.find(this.files.rows, this.selection.cursor, event);
    if (found !== null) this.moveTo(found, "only");
    return found !== null;
  }

  /** Has the cursor go to `path`: choosing it only, the stretch up to it, or nothing. */
  private moveTo(path: string, how: "only" | "extend" | "look"): void {
    if (how === "only") this.selection.only(path);
    else if (how === "extend") this.extendTo(path);
    else this.selection.cursor = path;
    this.scrollTo(path);
    this.schedule();
  }

  private lookSoon(path: string): void {
    this.resting.value = browserClock.after(RESTS_AFTER_MS, () => {
      if (path === this.selection.cursor && this.files.row(path)?.folder === false) this.actions.look(path);
    });
  }

  private extendTo(path: string): void {
    this.selection.extendTo(path, this.files.rows.map((row) => row.path));
  }

  private scrollTo(path: string): void {
    const at = this.files.indexOf(path);
    if (at < 0) return;
    const [top, bottom] = [at * this.rowHeight, (at + 1) * this.rowHeight];
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (bottom > this.scroller.scrollTop + this.scroller.clientHeight) this.scroller.scrollTop = bottom - this.scroller.clientHeight;
  }

  private toggle(path: string): void {
    if (this.files.row(path)?.expanded) this.files.collapse(path);
    else this.files.expand(path).catch(this.actions.report);
  }

  private activate(row: Row, focus: boolean): void {
    if (row.folder) this.toggle(row.path);
    else this.actions.open(row.path, focus);
  }

  // ---- the mouse

  private rowAt(event: Event): Row | null {
    const element = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-path]") : null;
    return this.files.row(element?.dataset["path"] ?? null);
  }

  private handleClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (!row) return;
    if (event.target instanceof Element && event.target.closest(".row-menu")) this.openMenuAt(row);
    else if (event.shiftKey) this.extendTo(row.path);
    else if (event.ctrlKey || event.metaKey) this.selection.toggle(row.path);
    else {
      this.selection.only(row.path);
      this.activate(row, false);
    }
    this.schedule();
  }

  private handleDoubleClick(event: MouseEvent): void {
    const row = this.rowAt(event);
    if (row && !row.folder && !event.ctrlKey && !event.shiftKey) this.actions.open(row.path, true);
  }

  private handleMenu(event: MouseEvent): void {
    event.preventDefault();
    const row = this.rowAt(event);
    if (row && !this.selection.has(row.path)) this.moveTo(row.path, "only");
    this.actions.menu(this.subjects(row), { x: event.clientX, y: event.clientY });
  }

  private openMenuAt(row: Row | null): void {
    if (row && !this.selection.has(row.path)) this.selection.only(row.path);
    const { left, bottom } = (this.shown.get(row?.path ?? "")?.element ?? this.scroller).getBoundingClientRect();
    this.actions.menu(this.subjects(row), { x: left + 32, y: bottom });
  }

  private makeDrag(): TreeDrag {
    return new TreeDrag({
      scroller: this.scroller,
      rowAt: (event) => this.rowAt(event),
      take: (row) => {
        if (!this.selection.has(row.path)) this.moveTo(row.path, "only");
        return this.subjects(row);
      },
      mark: (folder) => {
        this.dropFolder = folder;
        this.scroller.classList.toggle("drop", folder === "");
        this.schedule();
      },
      expand: (folder) => void this.files.expand(folder).catch(this.actions.report),
      drop: (paths, folder, how) => this.actions.place(paths, folder, how),
      upload: (folder, items) => this.actions.upload(folder, items),
    });
  }
}
