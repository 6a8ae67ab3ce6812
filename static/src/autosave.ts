// Saving without being asked, where the person has chosen that. What stands between a document and the disk is left for them to
// decide, and what was refused once is not tried again before they have saved it themselves.

import { ApiError, messageOf } from "./apierror";
import { browserClock, type Clock } from "./clock";
import type { Document, Documents } from "./documents";
import { TextDocument } from "./editor/document";
import type { AutoSaveMode } from "./editorpreferences";
import { nameOf } from "./files";
import { formatName } from "./format";
import { type Disposable, DisposableStore, type Event, type Observable, watch } from "./lifecycle";

// As in other editors: longer than a pause between two words.
const DELAY_MS = 1000;

/** Where the keyboard is. */
export interface EditorFocus {
  /** It leaves an editor, for another one too. */
  readonly onLeave: Event<void>;
  /** The document in whose editor it is. */
  readonly focused: Document | null;
}

export class AutoSave extends DisposableStore {
  private readonly watches = this.add(new DisposableStore());
  private readonly timers = new Map<TextDocument, Disposable>();
  /** Text of a draft that came back is not among them until more is typed. */
  private readonly edited = new Set<TextDocument>();
  private readonly refused = new Set<TextDocument>();

  constructor(
    private readonly documents: Documents,
    private readonly mode: Observable<AutoSaveMode>,
    private readonly focus: EditorFocus,
    private readonly report: (error: unknown) => void,
    private readonly clock: Clock = browserClock,
  ) {
    super();
    this.add(watch(documents.open, () => this.follow()));
    // Where it goes is known only after it has left.
    this.add(focus.onLeave(() => mode.get() === "onFocusChange" && clock.after(0, () => this.handleLeft())));
    this.add(mode.onChange(() => this.edited.forEach((document) => this.schedule(document))));
  }

  private follow(): void {
    this.watches.clear();
    const open = this.documents.open.get().filter((document) => document instanceof TextDocument);
    for (const document of open) {
      this.watches.add(document.onEdit(() => this.handleEdit(document)));
      this.watches.add(document.dirty.onChange((dirty) => !dirty && this.forget(document)));
      // What was typed while a save waited for the connection.
      this.watches.add(document.unsent.onChange((unsent) => unsent === null && this.edited.has(document) && this.schedule(document)));
    }
    for (const document of [...this.timers.keys(), ...this.edited, ...this.refused]) if (!open.includes(document)) this.forget(document);
  }

  private handleEdit(document: TextDocument): void {
    this.edited.add(document);
    this.schedule(document);
  }

  private schedule(document: TextDocument): void {
    this.timers.get(document)?.dispose();
    this.timers.delete(document);
    if (this.mode.get() === "afterDelay") this.timers.set(document, this.clock.after(DELAY_MS, () => void this.save(document, () => document.saveAsTyped())));
  }

  private handleLeft(): void {
    for (const document of this.edited) if (document !== this.focus.focused) void this.save(document, () => document.save());
  }

  private async save(document: TextDocument, save: () => Promise<void>): Promise<void> {
    if (!document.dirty.get() || document.isContested || this.refused.has(document)) return;
    try {
      await save();
    } catch (error) {
      // The status line says that it waits, and it is tried again.
      if (document.unsent.get()) return;
      this.refused.add(document);
      const sentence = `${formatName(nameOf(document.path.get()))} is not saved by itself any more until you save it: ${messageOf(error)}`;
      this.report(new ApiError(error instanceof ApiError ? error.status : 422, "Not saved", sentence));
    }
  }

  private forget(document: TextDocument): void {
    this.timers.get(document)?.dispose();
    this.timers.delete(document);
    this.edited.delete(document);
    this.refused.delete(document);
  }
}
