// The open documents of a project: how they come, follow the disk, and go.

import type { StateEffect } from "@codemirror/state";
import { type Api, ApiError, type FileContent } from "./api";
import type { ChosenEncodings } from "./chosenencodings";
import { MOST_AT_ALL, MOST_EDITABLE } from "./editor/bytes";
import { type DocumentContext, TextDocument } from "./editor/document";
import { type Language, loadLanguage } from "./editor/languages";
import { isPicture, mediaOf, OpaqueDocument } from "./editor/opaque";
import { isWithin, type Moved, rebase } from "./files";
import { Groups, Tab } from "./groups";
import { type Disposable, DisposableStore, Emitter, MutableDisposable, type Observable, Value, watch } from "./lifecycle";
import { Recovery } from "./recovery";
import type { GroupSession, Session } from "./session";
import { isBinary } from "./text";

export type Document = TextDocument | OpaqueDocument;

/** What to do with unsaved changes. */
export type Decision = "save" | "discard" | "cancel";

export interface FirstFile {
  /** What the page's address names. */
  readonly linked?: string | undefined;
  /** Called when it can be shown; the others are waited for no more than for this. */
  readonly ready?: () => Promise<void>;
}

// Enough to tell what a file is; a picture or an archive is not downloaded for that.
const PROBE = 64 * 1024;
const GONE_MS = 2000;

export class Documents implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly list = new Value<readonly Document[]>([]);
  private readonly dirtyEmitter = this.disposables.add(new Emitter<Document>());
  private readonly editEmitter = this.disposables.add(new Emitter<TextDocument>());
  private readonly opening = new Map<string, Promise<Document>>();
  private readonly closed: string[] = [];
  private readonly laterLook = this.disposables.add(new MutableDisposable());
  private turn = 0;
  /** By path, the last turn in which a document was asked for that is still on its way. */
  private readonly asked = new Map<string, number>();
  private readonly waiting = new Value<string | null>(null);
  /** What could not be read of the last session, although it may be there. */
  private missing: readonly GroupSession[] = [];

  readonly groups = new Groups();
  readonly recovery: Recovery;
  readonly encodings: ChosenEncodings;
  readonly open: Observable<readonly Document[]> = this.list;
  /** The one in front in the group in use. */
  readonly active: Observable<Document | null> = this.groups.front;
  /** The path of the file that was asked for last, while it is on its way. */
  readonly awaited: Observable<string | null> = this.waiting;
  /** The document has got or lost unsaved changes. */
  readonly onDirty = this.dirtyEmitter.event;
  /** The text of the document has changed, whoever changed it. */
  readonly onEdit = this.editEmitter.event;

  /** `decide` asks the person when a document with unsaved changes is to be closed. */
  constructor(
    private readonly context: DocumentContext,
    private readonly decide: (document: TextDocument) => Promise<Decision>,
  ) {
    this.recovery = new Recovery(context.drafts);
    this.encodings = context.encodings;
    this.disposables.add(context.styles.onChange(() => this.list.get().forEach((document) => document instanceof TextDocument && void document.restyle())));
  }

  get dirty(): readonly TextDocument[] {
    return this.list.get().filter((document): document is TextDocument => isDirty(document));
  }

  get session(): Session {
    const pathOf = (tab: Tab | null): string | null => tab?.document.path.get() ?? null;
    const groups = this.groups.all.map(({ name, tabs, front, preview }) => {
      const cursors = tabs.flatMap(({ document, cursor }) => (cursor > 0 ? [[document.path.get(), cursor]] : []));
      const missing = this.missing.find((group) => group.name === name);
      const paths = new Set([...tabs.map(({ document }) => document.path.get()), ...(missing?.paths ?? [])]);
      return { name, paths: [...paths], front: pathOf(front), preview: pathOf(preview), cursors: { ...missing?.cursors, ...Object.fromEntries(cursors) } };
    });
    return { groups, layout: this.groups.splits.parts, active: this.groups.splits.active };
  }

  find(path: string): Document | null {
    return this.list.get().find((document) => document.path.get() === path) ?? null;
  }

  /** Opens the file, or finds it open, and brings it to the front, as a preview if it is only looked at. Throws ApiError. */
  async show(path: string, preview = false): Promise<Document> {
    const turn = (this.turn += 1);
    const { choices } = this.groups;
    this.asked.set(path, turn);
    this.waiting.set(this.find(path) ? null : path);
    try {
      const document = await this.load(path);
      // Who looks at one file after the other wants to see the last, not the one that came last; and who has chosen a tab
      // meanwhile wants to see that.
      const behind = choices !== this.groups.choices;
      if (!preview || (turn === this.turn && !behind)) this.release(this.groups.show(document, { preview, behind }));
      // Whoever asked for it again, as a double click does, is about to show it.
      else if (this.asked.get(path) === turn) this.release(document);
      return document;
    } finally {
      if (this.asked.get(path) === turn) this.asked.delete(path);
      if (turn === this.turn) this.waiting.set(null);
    }
  }

  activate(document: Document): void {
    this.groups.show(document);
  }

  /** Closes the document's tab in a group. False when the person chose to stay. Throws ApiError when saving failed. */
  async close(document: Document, group = this.groups.active): Promise<boolean> {
    if (this.groups.tabsOf(document).length <= 1 && isDirty(document) && !(await this.settle(document))) return false;
    const tab = group.tabOf(document);
    if (tab) this.groups.close(group, tab);
    this.closed.push(document.path.get());
    this.release(document);
    return true;
  }

  /** Closes all tabs of a group but that of `except`. */
  async closeAll(except: Document | null = null, group = this.groups.active): Promise<void> {
    for (const { document } of group.tabs) if (document !== except && !(await this.close(document, group))) return;
  }

  /** Opens again what was closed last and is not open. Throws ApiError. */
  async reopenClosed(): Promise<void> {
    let path = this.closed.pop();
    while (path !== undefined && this.find(path)) path = this.closed.pop();
    if (path !== undefined) await this.show(path);
  }

  /** Opens a large text in the editor all the same, or bytes as the text that they are in the encoding chosen for them. Throws ApiError. */
  async editAnyway(document: OpaqueDocument): Promise<void> {
    const { api, project } = this.context;
    const path = document.path.get();
    const content = await api.readFile(project, path, { most: MOST_AT_ALL, otherwise: PROBE });
    if (content.size <= content.bytes.length) this.replace(document, await this.edit(path, content, MOST_AT_ALL));
  }

  /** Has the person decide about what is unsaved. False when it still is. Throws ApiError when saving failed. */
  async settle(document: TextDocument): Promise<boolean> {
    const decision = await this.decide(document);
    if (decision === "save") await document.save();
    else if (decision === "discard") await document.discard();
    return !document.dirty.get();
  }

  /** Has another document of the same file in the tabs of this one. False when something was typed meanwhile, which stays. Throws ApiError. */
  async readAnew(document: Document): Promise<boolean> {
    const next = await this.read(document.path.get());
    const typed = isDirty(document);
    if (typed) this.release(next);
    else this.replace(document, next);
    return !typed;
  }

  /** Saves each with unsaved changes. Throws the first failure after all were tried. */
  async saveAll(): Promise<void> {
    const results = await Promise.allSettled(this.dirty.map((document) => document.save()));
    const failed = results.find((result): result is PromiseRejectedResult => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Takes over what changed on disk; "" stands for any path. Failures go to the context's report. */
  async check(paths: readonly string[]): Promise<void> {
    if (paths.includes("")) await Promise.all([this.reopenMissing(), this.lookForLeft()]);
    const touched = this.list.get().filter((document) => paths.some((path) => isWithin(document.path.get(), path)));
    await Promise.all(touched.map((document) => this.checkOne(document)));
  }

  async handleMoved(moved: Moved): Promise<void> {
    this.encodings.handleMoved(moved);
    for (const document of this.list.get()) {
      const path = document.path.get();
      const next = rebase(path, moved);
      if (next === path) continue;
      if (document instanceof TextDocument) {
        await document.moveTo(next);
        void document.restyle();
        // The server may have told of the move before it answered: then the file seemed to be gone.
        await document.check();
      } else {
        document.path.set(next);
      }
    }
    this.list.set([...this.list.get()]);
  }

  /** Closes what was deleted by this page, unless it has unsaved changes. */
  async handleRemoved(path: string): Promise<void> {
    for (const document of this.list.get()) {
      if (!isWithin(document.path.get(), path)) continue;
      if (isDirty(document)) await document.check();
      else this.drop(document);
    }
  }

  /** Opens the files of the last session and all that have unsaved changes in the journal: the linked or else the front one before the others. */
  async restore({ groups, layout, active }: Session, first: FirstFile = {}): Promise<void> {
    const unsaved = await this.recovery.paths();
    this.groups.arrange(layout, groups.map(({ name }) => name), active);
    const used = groups.find(({ name }) => name === this.groups.active.name);
    const paths = [...new Set([...groups.flatMap((group) => group.paths), ...unsaved])];
    const front = first.linked ?? used?.front ?? used?.paths[0] ?? paths[0];
    const missing = new Set<string>();
    const reopen = async (path: string): Promise<void> => void ((await this.reopen(path)) || missing.add(path));
    if (front !== undefined) {
      this.waiting.set(front);
      await reopen(front);
      if (this.waiting.get() === front) this.waiting.set(null);
    }
    this.place(groups);
    await first.ready?.();
    await Promise.all(paths.filter((path) => path !== front).map(reopen));
    this.place(groups);
    this.groups.prune();
    this.setMissing(groups, missing);
  }

  /** Changes a setting of every open editor. */
  configure(effect: StateEffect<unknown>): void {
    for (const document of this.list.get()) if (document instanceof TextDocument) document.dispatch({ effects: effect });
  }

  /** Brings the journal up to date, before the page goes away. */
  async writeJournals(): Promise<void> {
    await Promise.all(this.dirty.map((document) => document.writeJournal()));
  }

  dispose(): void {
    for (const document of this.list.get()) document.dispose();
    this.list.set([]);
    this.disposables.dispose();
  }

  /** Gives the tabs of a document to another of the same file; where it was closed meanwhile there are none. */
  private replace(document: Document, next: Document): void {
    this.groups.replace(document, next);
    this.release(document);
    this.release(next);
  }

  private async checkOne(document: Document): Promise<void> {
    try {
      if ((await document.check()) === "unfit") await this.reload(document);
    } catch (error) {
      const status = error instanceof ApiError ? error.status : null;
      // A picture that is gone has nothing to keep; without a connection there is nothing to say.
      if (status === 404 || status === 409) this.drop(document);
      else if (status !== 0) this.context.report(error);
    }
  }

  /** What can't be edited any more is shown as such files are. */
  private async reload(document: Document): Promise<void> {
    // What was typed meanwhile is told of by the next look.
    await this.readAnew(document);
  }

  private async lookForLeft(again = true): Promise<void> {
    // A tab that was closed just now may not be gone yet.
    if (again) this.laterLook.value = this.context.clock.after(GONE_MS, () => void this.lookForLeft(false));
    await Promise.allSettled(this.list.get().map(async (document) => document instanceof TextDocument && this.recovery.look(document)));
  }

  private load(path: string): Promise<Document> {
    const open = this.find(path);
    if (open) return Promise.resolve(open);
    const opening = this.opening.get(path) ?? this.read(path).finally(() => this.opening.delete(path));
    this.opening.set(path, opening);
    return opening;
  }

  private async read(path: string): Promise<Document> {
    const { api, project } = this.context;
    const content = await readForDisplay(api, project, path);
    const kind = isPicture(path) ? "picture" : isBinary(content.bytes) && !this.encodings.of(path) ? (mediaOf(path) ? "media" : "binary") : content.size > content.bytes.length ? "large" : "text";
    if (kind !== "text") return this.add(new OpaqueDocument(this.context, kind, path, content));
    return this.edit(path, content, MOST_EDITABLE);
  }

  private async edit(path: string, content: FileContent, most: number): Promise<TextDocument> {
    const document = new TextDocument(this.context, path, content, most);
    await this.recovery.bringBack(document, content);
    this.follow(document);
    return this.add(document);
  }

  /** False when it is not known whether there is anything to open. */
  private async reopen(path: string): Promise<boolean> {
    try {
      await this.load(path);
    } catch (error) {
      if (error instanceof ApiError && (error.status === 0 || error.status === 401 || error.status >= 429)) return false;
      await this.recover(path);
    }
    return true;
  }

  private async reopenMissing(): Promise<void> {
    const groups = this.missing;
    const paths = [...new Set(groups.flatMap((group) => group.paths))];
    const read = await Promise.all(paths.map((path) => this.reopen(path)));
    this.setMissing(groups, new Set(paths.filter((_, index) => !read[index])));
    if (read.includes(true)) this.place(groups);
  }

  private setMissing(groups: readonly GroupSession[], missing: ReadonlySet<string>): void {
    this.missing = groups.map((group) => ({ ...group, paths: group.paths.filter((path) => missing.has(path)) }));
  }

  /** Gives the groups the tabs of those documents that are there; those that nobody had a tab of are shown in the group in use. */
  private place(groups: readonly GroupSession[]): void {
    for (const { name, paths, front, preview, cursors } of groups) {
      const group = this.groups.named(name);
      const tabs = paths.flatMap((path) => {
        const document = this.find(path);
        return document ? [new Tab(document, cursors[path])] : [];
      });
      if (group) this.groups.fill(group, tabs, this.find(front ?? ""), this.find(preview ?? ""));
    }
    for (const document of this.list.get()) {
      if (this.groups.tabsOf(document).length === 0) this.groups.fill(this.groups.active, [...this.groups.active.tabs, new Tab(document)], document, null);
    }
  }

  /** A draft whose file is gone becomes a document again: what was typed is worth more than the file. */
  private async recover(path: string): Promise<void> {
    const nothing = { bytes: new Uint8Array(), etag: "", size: 0 };
    const document = new TextDocument(this.context, path, nothing);
    if (!(await this.recovery.bringBack(document, nothing))) return document.dispose();
    this.follow(document);
    this.add(document);
    await document.check().catch(this.context.report);
  }

  private follow(document: TextDocument): void {
    watch(document.language, (language) => void this.loadLanguage(document, language));
    void document.restyle();
    document.onEdit(() => this.editEmitter.fire(document));
    document.dirty.onChange((dirty) => {
      // What was typed into is no mere look.
      if (dirty) this.groups.keep(document);
      this.dirtyEmitter.fire(document);
    });
  }

  private add<D extends Document>(document: D): D {
    this.list.set([...this.list.get(), document]);
    return document;
  }

  private drop(document: Document): void {
    for (const group of this.groups.all) {
      const tab = group.tabOf(document);
      if (tab) this.groups.close(group, tab);
    }
    this.release(document);
  }

  /** Forgets a document that has no tab any more. */
  private release(document: Document | null): void {
    const before = this.list.get();
    if (!document || this.groups.tabsOf(document).length > 0 || !before.includes(document)) return;
    this.list.set(before.filter((other) => other !== document));
    document.dispose();
  }

  private async loadLanguage(document: TextDocument, language: Language | null): Promise<void> {
    try {
      const extension = await loadLanguage(language);
      if (language === document.language.get()) document.useLanguage(extension);
    } catch (error) {
      this.context.report(error);
    }
  }
}

function isDirty(document: Document): document is TextDocument {
  return document instanceof TextDocument && document.dirty.get();
}

async function readForDisplay(api: Api, project: string, path: string): Promise<FileContent> {
  return api.readFile(project, path, { most: isPicture(path) ? PROBE : MOST_EDITABLE, otherwise: PROBE });
}
