// The project's files as far as they were looked at: folders are listed when they are opened.

import { type Api, ApiError } from "./api";
import { type Disposable, DisposableStore, Emitter } from "./lifecycle";
import type { Entry } from "./wire";

/** One visible line of the tree. */
export interface Row {
  readonly path: string;
  readonly name: string;
  readonly folder: boolean;
  readonly symlink: boolean;
  readonly expanded: boolean;
  readonly depth: number;
  /** From 1, among the entries of its folder. */
  readonly position: number;
  readonly siblings: number;
  readonly size: number;
}

export interface Moved {
  readonly from: string;
  readonly to: string;
}

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function join(folder: string, name: string): string {
  return folder ? `${folder}/${name}` : name;
}

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === "" || path === folder || path.startsWith(`${folder}/`);
}

/** Where `path` is after `from` became `to`. */
export function rebase(path: string, { from, to }: Moved): string {
  return isWithin(path, from) ? to + path.slice(from.length) : path;
}

const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function isFolder(entry: Entry): boolean {
  return entry.type === "directory";
}

/** Folders first, then by name the way people count. */
export function compareEntries(a: Entry, b: Entry): number {
  return Number(isFolder(b)) - Number(isFolder(a)) || order.compare(a.path, b.path) || (a.path < b.path ? -1 : 1);
}

export class FileTree implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly changeEmitter = this.disposables.add(new Emitter<void>());
  private readonly movedEmitter = this.disposables.add(new Emitter<Moved>());
  private readonly removedEmitter = this.disposables.add(new Emitter<string>());
  private readonly listings = new Map<string, readonly Entry[]>();
  private readonly expanded = new Set<string>();
  private readonly loading = new Map<string, Promise<void>>();
  private readonly stale = new Set<string>();
  private visible: readonly Row[] | null = null;

  /** The rows changed. */
  readonly onChange = this.changeEmitter.event;
  /** A file or folder was moved by this page. */
  readonly onMoved = this.movedEmitter.event;
  /** A file or folder was deleted by this page. */
  readonly onRemoved = this.removedEmitter.event;

  constructor(
    private readonly api: Api,
    private readonly project: string,
  ) {}

  /** Whether the root was listed; before that there are no rows because nobody asked. */
  get isLoaded(): boolean {
    return this.listings.has("");
  }

  get rows(): readonly Row[] {
    this.visible ??= this.rowsOf("", 0);
    return this.visible;
  }

  get expandedFolders(): readonly string[] {
    return [...this.expanded];
  }

  /** Lists `folder` unless it is listed already. Throws ApiError. */
  async load(folder: string): Promise<void> {
    if (!this.listings.has(folder)) await this.list(folder);
  }

  async expand(folder: string): Promise<void> {
    this.expanded.add(folder);
    this.changed();
    await this.load(folder);
  }

  collapse(folder: string): void {
    if (this.expanded.delete(folder)) this.changed();
  }

  collapseAll(): void {
    this.expanded.clear();
    this.changed();
  }

  /** Opens every folder on the way to `path`, as far as they exist. */
  async reveal(path: string): Promise<void> {
    const parts = path.split("/").slice(0, -1);
    for (let length = 1; length <= parts.length; length += 1) await this.expand(parts.slice(0, length).join("/"));
  }

  /** Lists again what is known of the folders that hold `paths`; "" stands for everything. */
  async refresh(paths: readonly string[]): Promise<void> {
    const known = [...this.listings.keys()];
    const all = paths.includes("");
    const folders = new Set(paths.flatMap((path) => [parentOf(path), path]));
    await Promise.allSettled(known.filter((folder) => all || folders.has(folder)).map((folder) => this.list(folder)));
  }

  async createFile(path: string): Promise<void> {
    await this.api.writeFile(this.project, path, new Uint8Array(), "absent");
    await this.appeared(path);
  }

  async createFolder(path: string): Promise<void> {
    await this.api.makeFolder(this.project, path);
    await this.appeared(path);
  }

  async move(from: string, to: string): Promise<void> {
    await this.api.move(this.project, from, to);
    for (const folder of [...this.expanded]) {
      if (!isWithin(folder, from)) continue;
      this.expanded.delete(folder);
      this.expanded.add(rebase(folder, { from, to }));
    }
    this.forget(from);
    this.movedEmitter.fire({ from, to });
    await this.refresh([from]);
    await this.appeared(to);
    await Promise.allSettled(this.expandedFolders.filter((folder) => isWithin(folder, to)).map((folder) => this.load(folder)));
  }

  async copy(from: string, to: string): Promise<void> {
    await this.api.copy(this.project, from, to);
    await this.appeared(to);
  }

  async remove(path: string): Promise<void> {
    await this.api.deleteFile(this.project, path);
    this.forget(path);
    this.removedEmitter.fire(path);
    await this.refresh([path]);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async appeared(path: string): Promise<void> {
    await this.reveal(path);
    await this.refresh([path]);
  }

  private forget(path: string): void {
    for (const folder of [...this.listings.keys()]) if (isWithin(folder, path)) this.listings.delete(folder);
  }

  /** One listing at a time per folder; what is asked for meanwhile is answered by one more after it. */
  private list(folder: string): Promise<void> {
    const running = this.loading.get(folder);
    if (running) {
      this.stale.add(folder);
      return running;
    }
    const listing = this.listUntilFresh(folder).finally(() => this.loading.delete(folder));
    this.loading.set(folder, listing);
    return listing;
  }

  private async listUntilFresh(folder: string): Promise<void> {
    do {
      this.stale.delete(folder);
      try {
        const entries = await this.api.tree(this.project, folder);
        this.listings.set(folder, entries.filter((entry) => parentOf(entry.path) === folder).sort(compareEntries));
      } catch (error) {
        if (folder && error instanceof ApiError && error.status === 404) {
          this.forget(folder);
          this.expanded.delete(folder);
          this.changed();
        }
        throw error;
      }
      this.changed();
    } while (this.stale.has(folder));
  }

  private changed(): void {
    this.visible = null;
    this.changeEmitter.fire();
  }

  private rowsOf(folder: string, depth: number): Row[] {
    const entries = this.listings.get(folder) ?? [];
    return entries.flatMap((entry, index) => {
      const expanded = isFolder(entry) && this.expanded.has(entry.path);
      const row: Row = {
        path: entry.path,
        name: nameOf(entry.path),
        folder: isFolder(entry),
        symlink: entry.type === "symlink",
        expanded,
        depth,
        position: index + 1,
        siblings: entries.length,
        size: entry.size,
      };
      return expanded ? [row, ...this.rowsOf(entry.path, depth + 1)] : [row];
    });
  }
}
