// What the tree's menu and keys do to files, with the questions that go before.

import { type Api, ApiError } from "./api";
import type { Documents } from "./documents";
import { h } from "./dom";
import { type FileTree, freeName, isWithin, join, type Moved, nameOf, parentOf, topmost } from "./files";
import { type Change, FileUndo } from "./fileundo";
import { formatName } from "./format";
import { browserClock } from "./clock";
import { Value } from "./lifecycle";
import { filesOf, type LocalFile, Uploader } from "./upload";
import { confirm } from "./widgets/dialog";
import type { NoticeAction } from "./widgets/notices";
import type { Deletion } from "./wire";

export class FileActions {
  /** What is being uploaded, as a sentence; null for nothing. */
  readonly progress = new Value<string | null>(null);
  private readonly changes = new FileUndo();
  private kept: { readonly paths: readonly string[]; readonly how: "move" | "copy" } | null = null;

  constructor(
    private readonly api: Api,
    private readonly project: string,
    private readonly files: FileTree,
    private readonly documents: Documents,
    private readonly notify: (sentence: string, action?: NoticeAction) => void,
    private readonly report: (error: unknown) => void,
  ) {}

  /** What `undo` would take back. */
  get lastChange(): Change | null {
    return this.changes.last;
  }

  /** Takes back the last delete, move or rename of this page. Throws ApiError. */
  undo(): Promise<void> {
    return this.changes.undo();
  }

  async createFolder(path: string): Promise<void> {
    await this.files.createFolder(path);
    await this.files.expand(path);
  }

  /** Deletes them, and what they hold. Asks first when that can't be undone. */
  remove(paths: readonly string[]): Promise<void> {
    return this.changes.run(() => this.discard(topmost(paths)));
  }

  /** What can be restored, the newest first. */
  deletions(): Promise<Deletion[]> {
    return this.api.deletions(this.project);
  }

  async restore(deletion: Deletion): Promise<void> {
    await this.files.restore(deletion);
    await this.documents.check(deletion.paths);
    this.notify(`Restored ${counted(deletion.paths)}.`);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.move(`Rename ${formatName(nameOf(from))}`, { from, to });
  }

  /** A copy beside it, under the first free name. */
  async duplicate(path: string): Promise<void> {
    await this.copyInto([path], parentOf(path));
  }

  /** Copies them into `folder`, under the first free name where one is taken. */
  async copyInto(paths: readonly string[], folder: string): Promise<void> {
    const all = topmost(paths);
    if (this.holdsItself(all, folder)) return;
    if (folder) await this.files.load(folder);
    await this.files.copy(...all.map((from) => ({ from, to: join(folder, this.freeName(folder, nameOf(from))) })));
  }

  /** Moves them into `folder`; those that are there already stay. */
  async moveInto(paths: readonly string[], folder: string): Promise<void> {
    const all = topmost(paths).filter((path) => parentOf(path) !== folder);
    if (this.holdsItself(all, folder)) return;
    await this.move(`Move ${counted(all)}`, ...all.map((from) => ({ from, to: join(folder, nameOf(from)) })));
  }

  /** Keeps them for `paste`. */
  keep(paths: readonly string[], how: "move" | "copy"): void {
    this.kept = { paths: topmost(paths), how };
    this.notify(`${counted(paths)} will be ${how === "move" ? "moved" : "copied"} where you paste.`);
  }

  get canPaste(): boolean {
    return this.kept !== null;
  }

  async paste(folder: string): Promise<void> {
    if (!this.kept) return;
    const { paths, how } = this.kept;
    if (how === "copy") return this.copyInto(paths, folder);
    this.kept = null;
    await this.moveInto(paths, folder);
  }

  /** Has the browser download a file, or a folder as a zip archive. */
  download(path: string): void {
    const file = path !== "" && !this.files.row(path)?.folder;
    const href = file ? this.api.fileUrl(this.project, path) : this.api.archiveUrl(this.project, path);
    // Without a value the server's name for it counts.
    h("a", { href, download: file ? nameOf(path) : true }).click();
  }

  async upload(folder: string, items: DataTransfer): Promise<void> {
    await this.take(await filesOf(items, folder));
  }

  /** Lets the person choose files; for those who can't drag. */
  choose(folder: string, report: (error: unknown) => void): void {
    const input = h("input", { type: "file", multiple: true, hidden: true });
    document.body.append(input);
    input.addEventListener("cancel", () => input.remove());
    input.addEventListener("change", () => {
      input.remove();
      const uploads = [...(input.files ?? [])].map((file) => ({ path: join(folder, file.name), file }));
      this.take(uploads).catch(report);
    });
    input.click();
  }

  private async discard(all: readonly string[]): Promise<void> {
    try {
      const deletion = await this.files.discard(all);
      const change = this.changes.add({ what: `Delete ${counted(all)}`, undo: () => this.restore(deletion) });
      const undo = (): void => void this.changes.undo(change).catch(this.report);
      this.notify(`Deleted ${counted(all)}.`, { label: "Undo", run: undo });
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== "not-kept") throw error;
      const title = all.length > 1 ? `Delete these ${all.length} for good: ${listed(all)}?` : `Delete ${counted(all)} for good?`;
      if (await confirm(title, `This can't be undone: ${error.detail}.`, "Delete for good")) await this.files.remove(...all);
    }
  }

  private move(what: string, ...moves: readonly Moved[]): Promise<void> {
    return this.changes.run(() => this.moveAll(what, moves));
  }

  private async moveAll(what: string, moves: readonly Moved[]): Promise<void> {
    const done: Moved[] = [];
    const listening = this.files.onMoved((moved) => done.unshift({ from: moved.to, to: moved.from }));
    try {
      await this.files.move(...moves);
    } finally {
      listening.dispose();
      if (done.length > 0) this.changes.add({ what, undo: () => this.files.move(...done) });
    }
  }

  private showProgress(path: string, part: number): void {
    this.progress.set(`Uploading ${formatName(nameOf(path))}${part > 0 ? `: ${Math.floor(part * 100)} %` : ""}`);
  }

  private holdsItself(paths: readonly string[], folder: string): boolean {
    const itself = paths.find((path) => isWithin(folder, path));
    if (itself !== undefined) this.notify(`${formatName(nameOf(itself))} can't be put into itself.`);
    return itself !== undefined;
  }

  private freeName(folder: string, name: string): string {
    return freeName(name, (candidate) => this.files.has(folder, candidate));
  }

  private async take(uploads: readonly LocalFile[]): Promise<void> {
    if (uploads.length === 0) return;
    const uploader = new Uploader(
      this.api,
      this.project,
      browserClock,
      (path, part) => this.showProgress(path, part),
      (path, part) => this.notify(`The upload of ${formatName(nameOf(path))} is resumed at ${Math.floor(part * 100)} %.`),
    );
    try {
      const existing = await uploader.sendNew(uploads);
      const names = listed(existing.map((upload) => upload.path));
      const title = existing.length === 1 ? `Replace ${names}?` : `Replace ${existing.length} files?`;
      const replace = existing.length > 0 && (await confirm(title, `Already there: ${names}. The uploaded files would take their place.`, "Replace"));
      if (replace) await uploader.sendOver(existing);
      const count = uploads.length - (replace ? 0 : existing.length);
      this.notify(count === 1 ? `Uploaded ${formatName(nameOf(uploads[0]?.path ?? ""))}.` : `Uploaded ${count} files.`);
    } finally {
      this.progress.set(null);
      await this.files.refresh([""]);
      await this.files.reveal(uploads[0]?.path ?? "");
      await this.documents.check(uploads.map((upload) => upload.path));
    }
  }
}

/** The name of one, the number of several. */
function counted(paths: readonly string[]): string {
  return paths.length === 1 ? formatName(nameOf(paths[0] ?? "")) : `${paths.length} files and folders`;
}

const MOST_LISTED = 5;

/** Their names as a sentence has them. */
function listed(paths: readonly string[]): string {
  const names = paths.slice(0, MOST_LISTED).map((path) => formatName(nameOf(path)));
  return names.join(", ") + (paths.length > MOST_LISTED ? " and more" : "");
}
