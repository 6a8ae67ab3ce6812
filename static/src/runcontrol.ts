// Run, Stop and Restart, and when the steps of a run are in sight.

import type { Api } from "./api";
import { browserClock, type Clock } from "./clock";
import type { Documents } from "./documents";
import { type Disposable, DisposableStore, MutableDisposable, type Observable, Value } from "./lifecycle";
import type { Store } from "./store";
import type { RunState } from "./wire";

const WORDS: Readonly<Record<RunState, string>> = {
  stopped: "stopped",
  starting: "starting",
  installing: "installing packages",
  running: "running",
  exited: "no longer running: the app has ended",
  failed: "not running: a step failed",
};

// The times of the steps stay in sight for a moment after the app is up.
const LINGER_MS = 2500;

export class RunControl implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly lingering = this.disposables.add(new MutableDisposable());
  private readonly shown = new Value(false);
  private before: RunState | null = null;

  readonly stepsShown: Observable<boolean> = this.shown;

  constructor(
    private readonly api: Api,
    private readonly store: Store,
    private readonly documents: Documents,
    private readonly clock: Clock = browserClock,
  ) {
    this.disposables.add(store.status.onChange(() => this.handleStatus()));
  }

  /** Saves everything first: what runs should be what is seen. Throws ApiError. */
  async run(): Promise<void> {
    await this.documents.saveAll();
    this.store.show("logs");
    this.store.setStatus(await this.api.run(this.id));
  }

  async restart(): Promise<void> {
    await this.documents.saveAll();
    this.store.setStatus(await this.api.restart(this.id));
  }

  async stop(container: boolean): Promise<void> {
    this.store.setStatus(await this.api.stop(this.id, { container }));
  }

  toggleSteps(): void {
    this.lingering.value = undefined;
    this.shown.set(!this.shown.get());
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private get id(): string {
    return this.store.project.get().id;
  }

  private handleStatus(): void {
    const { state } = this.store;
    if (state === this.before) return;
    const first = this.before === null;
    this.before = state;
    if (!first) this.store.announce(`The project is ${WORDS[state]}.`);
    if (state === "running" && !first) this.lingering.value = this.clock.after(LINGER_MS, () => this.shown.set(false));
    else this.lingering.value = undefined;
    if (state !== "running" || first) this.shown.set(state !== "running" && state !== "stopped");
  }
}
