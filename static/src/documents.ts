// The open documents of a project: which there are, and which is in front.

import type { StateEffect } from "@codemirror/state";
import { type Api, ApiError, type FileContent } from "./api";
import { type DocumentContext, MOST_EDITABLE, TextDocument } from "./editor/document";
import { languageOf } from "./editor/languages";
import { isPicture, OpaqueDocument } from "./editor/opaque";
import { isWithin, type Moved, nameOf, rebase } from "./files";
import { type Disposable, DisposableStore, Emitter, type Observable, Value } from "./lifecycle";
import { load } from "./loading";
import { isBinary } from "./text";

export type Document = TextDocument | OpaqueDocument;

/** What to do with unsaved changes. */
export type Decision = "save" | "discard" | "cancel";

export interface Session {
  readonly paths: readonly string[];
  readonly active: string | null;
  /** Where the cursors were: characters from the beginning, by path. */
  readonly cursors?: Readonly<Record<string, number>>;
}

// Enough to tell what a file is; a picture or an archive is not downloaded for that.
const PROBE = 64 * 1024;

export class Documents implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly list = new Value<readonly Document[]>([]);
  private readonly front = new Value<Document | null>(null);
  private readonly dirtyEmitter = this.disposables.add(new Emitter<Document>());
  private readonly opening = new Map<string, Promise<Document>>();
  private readonly used: Document[] = [];

  readonly open: Observable<readonly Document[]> = this.list;
  readonly active: Observable<Document | null> = this.front;
  /** The document has got or lost unsaved changes. */
  readonly onDirty = this.dirtyEmitter.event;

  /** `decide` asks the person when a document with unsaved changes is to be closed. */
  constructor(
    private readonly context: DocumentContext,
    private readonly decide: (document: TextDocument) => Promise<Decision>,
  ) {}

  get dirty(): readonly TextDocument[] {
    return this.list.get().filter((document): document is TextDocument => isDirty(document));
  }

  get session(): Session {
    const documents = this.list.get();
    const cursors = documents.flatMap((document) => (document instanceof TextDocument && document.cursor > 0 ? [[document.path.get(), document.cursor]] : []));
    return { paths: documents.map((document) => document.path.get()), active: this.front.get()?.path.get() ?? null, cursors: Object.fromEntries(cursors) };
  }

  find(path: string): Document | null {
    return this.list.get().find((document) => document.path.get() === path) ?? null;
  }

  /** Opens the file, or finds it open, and brings it to the front. Throws ApiError. */
  async show(path: string): Promise<Document> {
    const document = await this.load(path);
    this.activate(document);
    return document;
  }

  activate(document: Document): void {
    const at = this.used.indexOf(document);
    if (at >= 0) this.used.splice(at, 1);
    this.used.push(document);
    this.front.set(document);
  }

  /** The document `step` places to the right, around the end. */
  cycle(step: number): void {
    const documents = this.list.get();
    const at = documents.findIndex((document) => document === this.front.get());
    const next = documents[(at + step + documents.length) % documents.length];
    if (next) this.activate(next);
  }

  /** False when the person chose to stay. Throws ApiError when saving failed. */
  async close(document: Document): Promise<boolean> {
    if (document instanceof TextDocument && document.dirty.get()) {
      const decision = await this.decide(document);
      if (decision === "cancel") return false;
      if (decision === "save") await document.save();
      else await document.discard();
      if (document.dirty.get()) return false;
    }
    this.drop(document);
    return true;
  }

  async closeAll(except: Document | null = null): Promise<void> {
    for (const document of this.list.get()) if (document !== except && !(await this.close(document))) return;
  }

  /** Saves each with unsaved changes. Throws the first failure after all were tried. */
  async saveAll(): Promise<void> {
    const results = await Promise.allSettled(this.dirty.map((document) => document.save()));
    const failed = results.find((result): result is PromiseRejectedResult => result.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Takes over what changed on disk; "" stands for any path. Failures go to the context's report. */
  async check(paths: readonly string[]): Promise<void> {
    const touched = this.list.get().filter((document) => paths.some((path) => isWithin(document.path.get(), path)));
    await Promise.all(touched.map((document) => this.checkOne(document)));
  }

  async handleMoved(moved: Moved): Promise<void> {
    for (const document of this.list.get()) {
      const path = document.path.get();
      const next = rebase(path, moved);
      if (next === path) continue;
      if (document instanceof TextDocument) {
        await document.moveTo(next);
        void this.loadLanguage(document);
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

  /** Opens the files of the last session and all that have unsaved changes in the journal: the front one before the others. */
  async restore(session: Session): Promise<void> {
    const drafts = await this.context.drafts.list().catch(() => []);
    const paths = [...new Set([...session.paths, ...drafts.map((draft) => draft.path)])];
    const front = session.active ?? paths[0];
    const reopen = (path: string): Promise<void> => this.reopen(path, session.cursors?.[path] ?? 0);
    if (front !== undefined) await reopen(front);
    await Promise.all(paths.filter((path) => path !== front).map(reopen));
    const place = (document: Document): number => paths.indexOf(document.path.get());
    this.list.set([...this.list.get()].sort((a, b) => place(a) - place(b)));
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
    this.front.set(null);
    this.disposables.dispose();
  }

  private async checkOne(document: Document): Promise<void> {
    try {
      await document.check();
    } catch (error) {
      const status = error instanceof ApiError ? error.status : null;
      // A picture that is gone has nothing to keep; without a connection there is nothing to say.
      if (status === 404) this.drop(document);
      else if (status !== 0) this.context.report(error);
    }
  }

  private load(path: string): Promise<Document> {
    const open = this.find(path);
    if (open) return Promise.resolve(open);
    const opening = this.opening.get(path) ?? this.read(path).finally(() => this.opening.delete(path));
    this.opening.set(path, opening);
    return opening;
  }

  private async read(path: string): Promise<Document> {
    const { api, project, drafts } = this.context;
    const content = await readForDisplay(api, project, path);
    const kind = isPicture(path) ? "picture" : isBinary(content.bytes) ? "binary" : "text";
    if (kind !== "text") return this.add(new OpaqueDocument(kind, path, content, (current) => api.readFile(project, current, { most: PROBE })));
    const document = new TextDocument(this.context, path, content);
    const draft = document.readOnly ? null : await drafts.get(path).catch(() => null);
    if (draft) document.restore(draft, content);
    void this.loadLanguage(document);
    document.dirty.onChange(() => this.dirtyEmitter.fire(document));
    return this.add(document);
  }

  private async reopen(path: string, cursor: number): Promise<void> {
    await this.load(path).catch((error: unknown) => this.recover(path, error));
    const document = this.find(path);
    if (document instanceof TextDocument && cursor > 0) document.cursor = cursor;
    if (document && !this.front.get()) this.activate(document);
  }

  /** A draft whose file is gone becomes a document again: what was typed is worth more than the file. */
  private async recover(path: string, error: unknown): Promise<void> {
    const gone = error instanceof ApiError && error.status === 404;
    const draft = gone ? await this.context.drafts.get(path).catch(() => null) : null;
    if (!draft) return;
    const document = new TextDocument(this.context, path, { bytes: new Uint8Array(), etag: "", size: 0 });
    document.restore({ ...draft, etag: "" }, { bytes: new Uint8Array(), etag: "", size: 0 });
    void this.loadLanguage(document);
    document.dirty.onChange(() => this.dirtyEmitter.fire(document));
    this.add(document);
    await document.check().catch(this.context.report);
  }

  private add<D extends Document>(document: D): D {
    this.list.set([...this.list.get(), document]);
    return document;
  }

  private drop(document: Document): void {
    const before = this.list.get();
    const at = before.indexOf(document);
    if (at < 0) return;
    this.used.splice(0, this.used.length, ...this.used.filter((other) => other !== document));
    this.list.set(before.filter((other) => other !== document));
    if (this.front.get() === document) {
      const next = this.used.at(-1) ?? this.list.get()[Math.min(at, before.length - 2)] ?? null;
      this.front.set(null);
      if (next) this.activate(next);
    }
    document.dispose();
  }

  private async loadLanguage(document: TextDocument): Promise<void> {
    try {
      const language = languageOf(nameOf(document.path.get()));
      document.useLanguage(language ? await load(language.load) : []);
    } catch (error) {
      this.context.report(error);
    }
  }
}

function isDirty(document: Document): document is TextDocument {
  return document instanceof TextDocument && document.dirty.get();
}

async function readForDisplay(api: Api, project: string, path: string): Promise<FileContent> {
  if (isPicture(path)) return api.readFile(project, path, { most: PROBE });
  return api.readFile(project, path, { most: MOST_EDITABLE });
}
