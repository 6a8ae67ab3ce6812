// Dragging in the tree: entries onto other folders, and files from outside onto any.

import { listen } from "../dom";
import { folderOf, type Row } from "../files";
import { DisposableStore } from "../lifecycle";

const ENTRIES = "application/x-hutch-entries";
/** A folder that something is held over opens, so that its folders can be reached. */
const OPENS_AFTER_MS = 700;

export interface DragTarget {
  readonly scroller: HTMLElement;
  rowAt(event: Event): Row | null;
  /** The entries to drag when `row` is taken hold of. */
  take(row: Row): readonly string[];
  /** Shows where a drop would go; null for nowhere. */
  mark(folder: string | null): void;
  expand(folder: string): void;
  drop(paths: readonly string[], folder: string, how: "move" | "copy"): void;
  upload(folder: string, items: DataTransfer): void;
}

export class TreeDrag extends DisposableStore {
  private dragged: readonly string[] = [];
  private over: string | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly target: DragTarget) {
    super();
    const { scroller } = target;
    this.add(listen(scroller, "dragstart", (event) => this.handleStart(event)));
    this.add(listen(scroller, "dragover", (event) => this.handleOver(event)));
    this.add(listen(scroller, "dragleave", () => this.hover(null, null)));
    this.add(listen(scroller, "dragend", () => this.hover(null, null)));
    this.add(listen(scroller, "drop", (event) => this.handleDrop(event)));
    this.add({ dispose: () => clearTimeout(this.timer) });
  }

  private handleStart(event: DragEvent): void {
    const row = this.target.rowAt(event);
    if (!row || !event.dataTransfer) return;
    this.dragged = this.target.take(row);
    // The names are for whatever else takes a drop of text, a terminal for one.
    event.dataTransfer.setData(ENTRIES, "");
    event.dataTransfer.setData("text/plain", this.dragged.join("\n"));
    event.dataTransfer.effectAllowed = "copyMove";
  }

  private handleOver(event: DragEvent): void {
    const { dataTransfer } = event;
    const inside = dataTransfer?.types.includes(ENTRIES) ?? false;
    if (!dataTransfer || !(inside || dataTransfer.types.includes("Files"))) return;
    event.preventDefault();
    dataTransfer.dropEffect = inside && !event.ctrlKey ? "move" : "copy";
    const row = this.target.rowAt(event);
    this.hover(folderOf(row), row);
  }

  private handleDrop(event: DragEvent): void {
    const { dataTransfer } = event;
    const folder = folderOf(this.target.rowAt(event));
    this.hover(null, null);
    if (!dataTransfer) return;
    event.preventDefault();
    if (dataTransfer.types.includes(ENTRIES)) this.target.drop(this.dragged, folder, event.ctrlKey ? "copy" : "move");
    else if (dataTransfer.types.includes("Files")) this.target.upload(folder, dataTransfer);
  }

  private hover(folder: string | null, row: Row | null): void {
    if (folder === this.over) return;
    this.over = folder;
    this.target.mark(folder);
    clearTimeout(this.timer);
    if (row?.folder && !row.expanded) this.timer = setTimeout(() => this.target.expand(row.path), OPENS_AFTER_MS);
  }
}
