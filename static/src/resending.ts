// Saves that did not reach the server are tried again, when the connection is back and in between.

import { browserClock, type Clock } from "./clock";
import type { Documents } from "./documents";
import { TextDocument } from "./editor/document";
import { nameOf } from "./files";
import { formatName } from "./format";
import { DisposableStore, type Event, MutableDisposable, watch } from "./lifecycle";
import { browserWakeups, type Wakeups } from "./socket";
import type { Store } from "./store";

const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30_000;

export class Resending extends DisposableStore {
  private readonly watches = this.add(new DisposableStore());
  private readonly timer = this.add(new MutableDisposable());
  private pause = FIRST_PAUSE_MS;
  private trying = false;

  /** `connected` tells that the server can be reached. */
  constructor(
    private readonly documents: Documents,
    private readonly store: Store,
    connected: Event<void>,
    private readonly report: (error: unknown) => void,
    private readonly clock: Clock = browserClock,
    wakeups: Wakeups = browserWakeups,
  ) {
    super();
    this.add(watch(documents.open, () => this.follow()));
    this.add(connected(() => this.retry()));
    this.add(wakeups.online(() => this.retry()));
  }

  /** Tries at once, and after a failure soon again. */
  retry(): void {
    this.pause = FIRST_PAUSE_MS;
    void this.resend();
  }

  private get waiting(): readonly TextDocument[] {
    return this.documents.open.get().filter((document) => document instanceof TextDocument).filter((document) => document.unsent.get() !== null);
  }

  private follow(): void {
    this.watches.clear();
    for (const document of this.documents.open.get()) if (document instanceof TextDocument) this.watches.add(document.unsent.onChange(() => this.look()));
    this.look();
  }

  private look(): void {
    const names = this.waiting.map((document) => formatName(nameOf(document.path.get())));
    this.store.setUnsent(names);
    if (names.length === 0) {
      this.timer.value = undefined;
      this.pause = FIRST_PAUSE_MS;
    } else if (!this.trying) {
      this.timer.value ??= this.clock.after(this.pause, () => void this.resend());
    }
  }

  private async resend(): Promise<void> {
    if (this.trying) return;
    this.trying = true;
    this.timer.value = undefined;
    await Promise.all(this.waiting.map((document) => this.resendOne(document)));
    this.trying = false;
    this.look();
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2);
  }

  private async resendOne(document: TextDocument): Promise<void> {
    try {
      await document.resend();
      if (!document.trouble.get()) this.store.announce(`Saved ${formatName(nameOf(document.path.get()))}.`);
    } catch (error) {
      // As long as it waits the status line says so.
      if (!document.unsent.get()) this.report(error);
    }
  }
}
