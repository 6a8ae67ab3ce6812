// A document's part of the journal: its unsaved text, soon after it was typed and until it is saved or given up.

import type { Clock } from "../clock";
import type { Draft, Drafts } from "../drafts";
import { type Disposable, MutableDisposable } from "../lifecycle";

// Short enough that a crash costs a word or two, long enough that fast typing doesn't write at each key.
const JOURNAL_MS = 400;
// Writing a large text takes time that typing would wait for.
const JOURNALED_PER_MS = 1000;

export interface JournalContext {
  readonly drafts: Drafts;
  readonly clock: Clock;
  /** Hears of failures, which must not interrupt the typing. */
  readonly report: (error: unknown) => void;
}

export class Journal implements Disposable {
  private readonly timer = new MutableDisposable();
  /** The database has a draft of this document. */
  private kept = false;

  /** `unsaved` is what is to be kept now; null for nothing. */
  constructor(
    private readonly context: JournalContext,
    private readonly path: () => string,
    private readonly unsaved: () => Pick<Draft, "text" | "etag"> | null,
  ) {}

  /** The text has changed, to one of this length. */
  writeSoon(length: number): void {
    // Not put off by the next key: who types without a pause loses no more than others.
    this.timer.value ??= this.context.clock.after(Math.max(JOURNAL_MS, length / JOURNALED_PER_MS), () => void this.write());
  }

  /** Brings the database up to date at once. Failures are reported, not thrown. */
  async write(): Promise<void> {
    this.timer.value = undefined;
    const { drafts, report } = this.context;
    const path = this.path();
    try {
      const [unsaved, kept] = [this.unsaved(), this.kept];
      this.kept = unsaved !== null;
      if (unsaved) await drafts.put({ path, ...unsaved, at: Date.now() });
      else if (kept) await drafts.remove(path);
    } catch (error) {
      report(error);
    }
  }

  /** The database has a draft already, which this document's text came from. */
  takeOver(): void {
    this.kept = true;
  }

  /** Forgets what is kept. Rejects when the database fails. */
  async forget(): Promise<void> {
    this.timer.value = undefined;
    this.kept = false;
    await this.context.drafts.remove(this.path());
  }

  /** The file has another path than this one now. Rejects when the database fails. */
  async move(before: string): Promise<void> {
    await this.write();
    await this.context.drafts.remove(before);
  }

  dispose(): void {
    this.timer.dispose();
  }
}
