// One open text file: what is edited, what is on the disk, and how the two come together.

import { isolateHistory } from "@codemirror/commands";
import { type ChangeSpec, Compartment, EditorState, type Extension, type Text, type Transaction, type TransactionSpec } from "@codemirror/state";
import { ApiError, type FileContent } from "../api";
import { isUnreachable } from "../apierror";
import type { Draft } from "../drafts";
import type { Styles } from "../editorconfig/style";
import { nameOf } from "../files";
import { formatName } from "../format";
import { type Disposable, DisposableStore, Emitter, type Observable, Value } from "../lifecycle";
import type { Format } from "../text";
import { hasLongLine, MOST_EDITABLE, readOnlyReason, textOf } from "./bytes";
import { changesBetween, smallChanges } from "./changes";
import { type DiskContext, DiskFile } from "./disk";
import { Form, type FormChoice } from "./form";
import { Journal, type JournalContext } from "./journal";
import { type Language, languageOf } from "./languages";
import { mergeConflicts } from "./mergeconflicts";
import { editing, unbroken } from "./setup";
import { type Surface, Surfaces } from "./surfaces";

/** What stands between the document and the disk. */
export type Trouble =
  /** The disk has another version than the one that was edited. `refused` when a save met it. */
  | { readonly kind: "changed"; readonly theirs: FileContent; readonly refused: boolean }
  | { readonly kind: "deleted" }
  /** Unsaved changes came back from the journal; they were typed at this time. */
  | { readonly kind: "restored"; readonly at: number };

/** What is to be written over the version with this etag; null where there must be none. */
interface Save {
  readonly doc: Text;
  readonly format: Format;
  readonly expected: string | null;
}

export interface DocumentContext extends JournalContext, DiskContext {
  /** Looks and keys that every editor of the page has. */
  readonly extensions: () => Extension;
  readonly styles: Styles;
  /** May change the text that is about to be saved. Never rejects. */
  readonly beforeSave: (document: TextDocument) => Promise<void>;
}

export class TextDocument implements Disposable {
  readonly kind = "text";
  readonly path: Value<string>;
  readonly dirty = new Value(false);
  readonly saving = new Value(false);
  readonly trouble = new Value<Trouble | null>(null);
  private readonly unsentValue = new Value<Save | null>(null);
  /** The last save, as long as it has not reached the server. */
  readonly unsent: Observable<Save | null> = this.unsentValue;
  /** What pages that are gone left unsaved of this file, the newest first, as far as the person has to hear of it. */
  readonly left = new Value<readonly Draft[]>([]);
  readonly disk: DiskFile;
  readonly form: Form;
  /** What it is written in; null for plain text. */
  readonly language: Value<Language | null>;
  /** Why it can't be edited; null when it can. */
  readonly readOnly: string | null;

  private readonly disposables = new DisposableStore();
  private readonly editEmitter = this.disposables.add(new Emitter<void>());
  /** The text has changed, whoever changed it. */
  readonly onEdit = this.editEmitter.event;
  private readonly journal: Journal;
  private readonly colours = new Compartment();
  private readonly long: boolean;
  private current: EditorState;
  private readonly surfaces = new Surfaces((state) => (this.current = state));
  private saved: Text;
  private etag: string;
  /** While both versions are compared, what a save of the person means. */
  saveCompared: (() => Promise<void>) | null = null;
  private work: Promise<unknown> = Promise.resolve();
  /** A save of the person has something to do, although nothing is unsaved. */
  private savedAsTyped = false;

  constructor(
    private readonly context: DocumentContext,
    path: string,
    content: FileContent,
    /** Bytes that it may have on the disk while nothing is unsaved. */
    private readonly most = MOST_EDITABLE,
  ) {
    this.path = new Value(path);
    this.disk = new DiskFile(context, () => this.path.get());
    const decoded = this.disk.decode(content.bytes);
    this.saved = textOf(decoded.text);
    this.language = new Value(languageOf(nameOf(path), this.saved.line(1).text));
    this.form = new Form(context.styles, decoded.text, decoded.format, this.language.get()?.indent);
    this.etag = content.etag;
    const unsaved = (): Pick<Draft, "text" | "etag"> | null => (this.dirty.get() ? { text: this.current.doc.toString(), etag: this.etag } : null);
    this.journal = this.disposables.add(new Journal(context, () => this.path.get(), unsaved));
    this.readOnly = readOnlyReason(decoded);
    this.long = hasLongLine(this.saved);
    this.current = EditorState.create({
      doc: this.saved,
      extensions: [
        context.extensions(),
        this.colours.of([]),
        this.form.extension,
        this.long ? unbroken : [],
        this.readOnly ? EditorState.readOnly.of(true) : [this.surfaces.extension, editing(), mergeConflicts],
      ],
    });
  }

  get state(): EditorState {
    return this.current;
  }

  /** The etag of what was read or saved last. */
  get version(): string {
    return this.etag;
  }

  /** Everything goes through the surfaces while there are some. The result takes this one away. */
  show(surface: Surface): Disposable {
    return this.surfaces.show(surface);
  }

  /** The person works in this one now: there they undo what they did in any. */
  use(surface: Surface): void {
    this.surfaces.use(surface);
  }

  dispatch(spec: TransactionSpec): void {
    if (!this.surfaces.dispatch(spec)) this.setState(this.current.update(spec).state);
  }

  /** The surface has taken these, and come to another state by them. */
  accept(surface: Surface, transactions: readonly Transaction[]): void {
    for (const transaction of transactions) this.surfaces.tellOthers(surface, transaction);
    if (this.surfaces.isUsed(surface)) this.setState(surface.state);
  }

  useLanguage(extension: Extension): void {
    if (!this.long) this.dispatch({ effects: this.colours.reconfigure(extension) });
  }

  /** Takes over how the file is to be written, which .editorconfig files say. */
  restyle(): Promise<void> {
    return this.form.restyle(this.path.get(), (effects) => this.dispatch({ effects }));
  }

  /** Writes the text unless the disk has another version, which becomes the trouble. Throws ApiError. */
  save(): Promise<void> {
    return this.exclusively(async () => {
      if (this.readOnly || (!this.dirty.get() && !this.isGone && !this.savedAsTyped)) return;
      this.saving.set(true);
      await this.context.beforeSave(this);
      await this.tidy();
      if (this.dirty.get() || this.isGone) await this.send({ doc: this.current.doc, format: this.form.target, expected: this.isGone ? null : this.etag });
      this.saving.set(false);
      this.savedAsTyped = false;
    });
  }

  /** Writes the text without what a save does to it before: the person may be in the midst of a line. Throws ApiError. */
  saveAsTyped(): Promise<void> {
    return this.exclusively(async () => {
      if (this.readOnly || !this.dirty.get() || this.isContested) return;
      await this.send({ doc: this.current.doc, format: this.form.target, expected: this.etag });
      this.savedAsTyped = true;
    });
  }

  /** The person has to choose before it can be saved. */
  get isContested(): boolean {
    return this.trouble.get()?.kind === "changed" || this.isGone || this.saveCompared !== null;
  }

  /** Writes the text in another form, with which it stays. Throws ApiError; unless that is to be tried again, it stays as it was. */
  saveAs(choice: FormChoice): Promise<void> {
    return this.exclusively(async () => {
      if (this.readOnly || this.isContested) return;
      const takeBack = this.form.choose(choice);
      await this.write(this.etag).catch((error: unknown) => {
        if (!isUnreachable(error)) takeBack();
        throw error;
      });
    });
  }

  /** Tries the save again that did not reach the server. Throws ApiError. */
  resend(): Promise<void> {
    return this.exclusively(async () => {
      const unsent = this.unsent.get();
      if (unsent && (this.dirty.get() || this.isGone || !this.form.has(unsent.format))) await this.send(unsent);
      else this.unsentValue.set(null);
    });
  }

  /** Takes over what other programs wrote: quietly when nothing is unsaved here. Throws ApiError. "unfit" when that can't be edited. */
  check(): Promise<"unfit" | undefined> {
    return this.exclusively(async () => {
      const theirs = await this.disk.read(this.etag, this.dirty.get() ? undefined : this.most);
      if (theirs !== null && theirs !== "gone" && (theirs.size > theirs.bytes.length || (!this.dirty.get() && this.disk.decode(theirs.bytes).damaged))) return "unfit";
      if (theirs === "gone") this.handleGone();
      else if (theirs) await this.meet(theirs, false);
      else if (this.isGone) this.trouble.set(null);
      return undefined;
    });
  }

  /** Ends a trouble by overwriting what the disk has now, or creating the file again. */
  keepMine(): Promise<void> {
    return this.exclusively(async () => {
      const trouble = this.trouble.get();
      if (trouble?.kind === "changed") await this.write(trouble.theirs.etag);
      else await this.write(this.isGone ? null : this.etag);
    });
  }

  /** Ends a trouble by giving up what is unsaved; it can be undone. */
  takeTheirs(): void {
    const trouble = this.trouble.get();
    if (trouble?.kind === "changed") this.load(trouble.theirs, changesBetween(this.current.doc, textOf(this.disk.decode(trouble.theirs.bytes).text)));
    else this.revert();
  }

  /** Writes a text made from both sides over the version with this etag alone: whoever made it has seen no later one. */
  merge(text: string, etag: string): Promise<void> {
    this.keep(text);
    return this.exclusively(() => this.write(this.isGone ? null : etag));
  }

  /** Takes the text over as what is typed is, unsaved. */
  keep(text: string): void {
    this.edit(textOf(text));
  }

  /** Back to the version that was read or saved last. */
  revert(): void {
    this.edit(this.saved);
    this.trouble.set(null);
    this.unsentValue.set(null);
  }

  dismissTrouble(): void {
    this.trouble.set(null);
  }

  /** Whether it is what was read or saved last. */
  isSaved(text: string): boolean {
    return textOf(text).eq(this.saved);
  }

  /** Brings back unsaved changes from the journal, where they are this page's own by now. */
  restore(draft: Draft, disk: FileContent): void {
    this.journal.takeOver();
    this.edit(textOf(draft.text));
    if (draft.etag === this.etag) {
      this.trouble.set({ kind: "restored", at: draft.at });
    } else {
      this.trouble.set({ kind: "changed", theirs: disk, refused: false });
    }
  }

  /** The file was moved by this page. */
  async moveTo(path: string): Promise<void> {
    const before = this.path.get();
    this.path.set(path);
    this.language.set(languageOf(nameOf(path), this.current.doc.line(1).text));
    await this.journal.move(before);
  }

  /** Forgets what is unsaved, in the journal too. */
  async discard(): Promise<void> {
    this.dirty.set(false);
    this.unsentValue.set(null);
    await this.journal.forget();
  }

  /** Brings the journal up to date at once. Failures are reported, not thrown. */
  writeJournal(): Promise<void> {
    return this.journal.write();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private setState(state: EditorState): void {
    const edited = !state.doc.eq(this.current.doc);
    this.current = state;
    if (!edited) return;
    this.editEmitter.fire();
    this.dirty.set(!state.doc.eq(this.saved));
    this.journal.writeSoon(state.doc.length);
  }

  private get isGone(): boolean {
    return this.trouble.get()?.kind === "deleted";
  }

  /** Saves, checks and loads of one document run one after the other, so that each sees the etag that the last one left. */
  private exclusively<T>(task: () => Promise<T>): Promise<T> {
    const run = this.work.then(task, task);
    this.work = run.catch(() => undefined);
    return run;
  }

  private async write(expected: string | null): Promise<void> {
    this.saving.set(true);
    await this.tidy();
    await this.send({ doc: this.current.doc, format: this.form.target, expected });
  }

  private async tidy(): Promise<void> {
    // What runs it may have been typed since.
    if (!this.language.get()) this.language.set(languageOf(nameOf(this.path.get()), this.current.doc.line(1).text));
    await this.restyle();
    for (const spec of this.form.tidying(() => this.current.doc)) this.dispatch(spec);
  }

  private async send(save: Save): Promise<void> {
    const { doc, format, expected } = save;
    this.saving.set(true);
    try {
      this.settle(doc, await this.disk.write(doc, format, expected));
      this.form.reformat(format);
    } catch (error) {
      if (isUnreachable(error)) {
        this.unsentValue.set(save);
        throw new ApiError(0, error.title, `The server can't be reached. ${formatName(nameOf(this.path.get()))} is saved as soon as it can.`);
      }
      if (!(error instanceof ApiError && error.status === 412)) {
        this.unsentValue.set(null);
        throw error;
      }
      const theirs = await this.disk.read(null);
      if (theirs === "gone") this.handleGone();
      else if (theirs) await this.meet(theirs, true);
    } finally {
      this.saving.set(false);
    }
  }

  private async meet(theirs: FileContent, refused: boolean): Promise<void> {
    const decoded = this.disk.decode(theirs.bytes);
    const text = textOf(decoded.text);
    // Of a save that is tried again the answer may have been lost.
    const own = [this.current.doc, this.unsent.get()?.doc].find((doc) => doc && text.eq(doc));
    if (own) {
      this.form.rewritten(decoded.format);
      return this.settle(own, theirs.etag);
    }
    const changes = this.dirty.get() || refused ? null : await smallChanges(this.current.doc, text);
    // Something may have been typed while they were made.
    if (this.dirty.get() || !changes) this.contest(theirs, refused);
    else this.load(theirs, changes);
  }

  private contest(theirs: FileContent, refused: boolean): void {
    const unsent = this.unsent.get();
    // With what it was meant to overwrite it still is.
    if (unsent && unsent.expected !== theirs.etag) {
      this.unsentValue.set(null);
      refused = true;
    }
    const known = this.trouble.get();
    // What was said once is not said anew with each look at the disk: its buttons would be others under the pointer.
    const isSaid = known?.kind === "changed" && known.theirs.etag === theirs.etag && (known.refused || !refused);
    if (!isSaid) this.trouble.set({ kind: "changed", theirs, refused });
  }

  /** The etag stays: a file that only was moved is known again by it. */
  private handleGone(): void {
    if (this.isGone) return;
    this.unsentValue.set(null);
    this.trouble.set({ kind: "deleted" });
  }

  private load(theirs: FileContent, changes: ChangeSpec): void {
    this.dispatch({ effects: this.form.rewritten(this.disk.decode(theirs.bytes).format) });
    this.dispatch({ changes });
    this.savedAsTyped = false;
    this.settle(this.current.doc, theirs.etag);
  }

  private edit(next: Text): void {
    // A step of its own, not joined with what was typed just before.
    this.dispatch({ changes: changesBetween(this.current.doc, next), annotations: isolateHistory.of("full") });
  }

  /** `doc` is what the disk has now, under this etag. */
  private settle(doc: Text, etag: string): void {
    this.saved = doc;
    this.etag = etag;
    this.unsentValue.set(null);
    this.trouble.set(null);
    this.dirty.set(!this.current.doc.eq(doc));
    void this.writeJournal();
  }
}
