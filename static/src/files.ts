// The project's files as far as they were looked at: folders are listed when they are opened.

import { type Api, ApiError } from "./api";
import { type Disposable, DisposableStore, Emitter } from "./lifecycle";
import type { Deletion, Entry } from "./wire";

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
}

export interface Listing {
  readonly folder: string;
  readonly entries: readonly Entry[];
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

/** The first of `a.txt`, `a copy.txt`, `a copy 2.txt`, … that is not taken. */
export function freeName(name: string, isTaken: (candidate: string) => boolean): string {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let number = 0; ; number += 1) {
    const candidate = number === 0 ? name : `${stem} copy${number > 1 ? ` ${number}` : ""}${ending}`;
    if (!isTaken(candidate)) return candidate;
  }
}

/** The folder of a row, or that it is; the project's for none. */
export function folderOf(row: Row | null): string {
  if (!row) return "";
  return row.folder ? row.path : parentOf(row.path);
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

// Above it the rules of languages take too long: the order is by letters and numbers alone.
const MOST_COLLATED = 5000;

function sorted(entries: Entry[]): readonly Entry[] {
  if (entries.length <= MOST_COLLATED) return entries.sort(compareEntries);
  const key = (entry: Entry): string => (isFolder(entry) ? "0" : "1") + entry.path.toLowerCase().replaceAll(/\d+/g, (digits) => digits.padStart(20, "0"));
  const keyed = entries.map((entry) => ({ key: key(entry), entry }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ entry }) => entry);
}

/** Without those that lie within another of them, in the same order. */
export function topmost(paths: Iterable<string>): readonly string[] {
  const all = new Set(paths);
  const isCovered = (path: string): boolean => path !== "" && (all.has(parentOf(path)) || isCovered(parentOf(path)));
  return [...all].filter((path) => !isCovered(path));
}

// A folder that takes longer than this to list rests twice as long before it is listed again.
const SLOW_MS = 100;

export class FileTree implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly changeEmitter = this.disposables.add(new Emitter<void>());
  private readonly listedEmitter = this.disposables.add(new Emitter<Listing>());
  private readonly movedEmitter = this.disposables.add(new Emitter<Moved>());
  private readonly removedEmitter = this.disposables.add(new Emitter<string>());
  private readonly listings = new Map<string, readonly Entry[]>();
  private readonly expanded = new Set<string>();
  private readonly loading = new Map<string, Promise<void>>();
  private readonly stale = new Set<string>();
  private visible: readonly Row[] | null = null;
  private places: ReadonlyMap<string, number> | null = null;

  /** The rows changed. */
  readonly onChange = this.changeEmitter.event;
  /** A folder was listed. */
  readonly onListed = this.listedEmitter.event;
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
    this.visible ??= this.visibleRows();
    return this.visible;
  }

  /** Where the row of `path` is; -1 when it is not visible. */
  indexOf(path: string): number {
    this.places ??= new Map(this.rows.map((row, index) => [row.path, index]));
    return this.places.get(path) ?? -1;
  }

  row(path: string | null): Row | null {
    return path === null ? null : (this.rows[this.indexOf(path)] ?? null);
  }

  /** The names in `folder` as far as it was listed. */
  has(folder: string, name: string): boolean {
    return (this.listings.get(folder) ?? []).some((entry) => nameOf(entry.path) === name);
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
    const all = paths.includes("");
    // Those that could not be listed yet are to be now.
    const known = [...new Set(all ? ["", ...this.listings.keys(), ...this.expanded] : this.listings.keys())];
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

  /** Moves one after the other. What can't be moved stays; then the first reason is thrown at the end. */
  async move(...moves: readonly Moved[]): Promise<void> {
    try {
      await this.each(moves, async (moved) => {
        await this.api.move(this.project, moved.from, moved.to);
        for (const folder of this.expandedFolders) {
          if (!isWithin(folder, moved.from)) continue;
          this.expanded.delete(folder);
          this.expanded.add(rebase(folder, moved));
        }
        this.forget(moved.from);
        this.movedEmitter.fire(moved);
      });
    } finally {
      await this.revealAll(moves);
      await Promise.allSettled(this.expandedFolders.map((folder) => this.load(folder)));
    }
  }

  /** The same for copies. */
  async copy(...copies: readonly Moved[]): Promise<void> {
    try {
      await this.each(copies, ({ from, to }) => this.api.copy(this.project, from, to));
    } finally {
      await this.revealAll(copies);
    }
  }

  /** Deletes all of them, so that they can be restored, or none. Throws ApiError with the reason "not-kept" for what couldn't be. */
  async discard(paths: readonly string[]): Promise<Deletion> {
    const deletion = await this.api.discard(this.project, paths);
    for (const path of paths) this.removed(path);
    await this.refresh(paths);
    return deletion;
  }

  async restore({ id }: Deletion): Promise<void> {
    const { paths } = await this.api.restore(this.project, id);
    for (const folder of new Set(paths.map(parentOf))) await this.appeared(join(folder, ""));
  }

  /** Deletes one after the other for good. What can't be deleted stays; then the first reason is thrown at the end. */
  async remove(...paths: readonly string[]): Promise<void> {
    const gone = paths.map((path) => ({ from: path, to: path }));
    await this.each(gone, async ({ from }) => {
      await this.api.deleteFile(this.project, from);
      this.removed(from);
    });
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async each(changes: readonly Moved[], change: (moved: Moved) => Promise<void>): Promise<void> {
    let failure: unknown;
    for (const moved of changes) {
      await change(moved).catch((error: unknown) => (failure ??= error));
    }
    await this.refresh(changes.flatMap(({ from, to }) => [from, to]));
    if (failure !== undefined) throw failure;
  }

  private async revealAll(changes: readonly Moved[]): Promise<void> {
    const folders = new Set(changes.map(({ to }) => parentOf(to)).filter((folder) => folder !== ""));
    await Promise.allSettled([...folders].map((folder) => this.reveal(`${folder}/`)));
  }

  private async appeared(path: string): Promise<void> {
    await this.reveal(path);
    // Folders on the way may be new too.
    const parts = path.split("/");
    await this.refresh(parts.map((_, index) => parts.slice(0, index + 1).join("/")));
  }

  private removed(path: string): void {
    this.forget(path);
    this.removedEmitter.fire(path);
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
      const began = performance.now();
      try {
        const entries = await this.api.tree(this.project, folder);
        const listing = { folder, entries: sorted(entries.filter((entry) => parentOf(entry.path) === folder)) };
        this.listings.set(folder, listing.entries);
        this.listedEmitter.fire(listing);
      } catch (error) {
        if (folder && error instanceof ApiError && error.status === 404) {
          this.forget(folder);
          this.expanded.delete(folder);
          this.changed();
        }
        throw error;
      }
      this.changed();
      const took = performance.now() - began;
      if (took > SLOW_MS && this.stale.has(folder)) await new Promise((resolve) => setTimeout(resolve, 2 * took));
    } while (this.stale.has(folder));
  }

  private changed(): void {
    this.visible = null;
    this.places = null;
    this.changeEmitter.fire();
  }

  private visibleRows(): readonly Row[] {
    const rows: Row[] = [];
    const add = (folder: string, depth: number): void => {
      const entries = this.listings.get(folder) ?? [];
      entries.forEach((entry, index) => {
        const expanded = isFolder(entry) && this.expanded.has(entry.path);
        rows.push({
          path: entry.path,
          name: nameOf(entry.path),
          folder: isFolder(entry),
          symlink: entry.type === "symlink",
          expanded,
          depth,
          position: index + 1,
          siblings: entries.length,
        });
        if (expanded) add(entry.path, depth + 1);
      });
    };
    add("", 0);
    return rows;
  }
}
