// Looking at the disk again when a program may have changed it, where nobody watches it.

import { browserClock, type Clock } from "./clock";
import { placeOf } from "./commands";
import { listen } from "./dom";
import { type Disposable, DisposableStore } from "./lifecycle";
import type { Store } from "./store";

// While someone types in a terminal the tree should follow; nobody waits for it elsewhere.
const WHILE_IN_TERMINAL_MS = 2000;
const LEAST_APART_MS = 500;

export class DiskRefresh implements Disposable {
  private readonly disposables = new DisposableStore();
  private last = Number.NEGATIVE_INFINITY;

  /** `refresh` reads again what the page shows. */
  constructor(
    store: Store,
    private readonly refresh: () => void,
    private readonly clock: Clock = browserClock,
  ) {
    let state = store.state;
    this.disposables.add(
      store.status.onChange(() => {
        if (store.state !== state) this.look();
        state = store.state;
      }),
    );
    // Also where it is watched: some folders are not.
    this.disposables.add(listen(window, "focus", () => this.look()));
    this.disposables.add(listen(document, "focusout", (event) => placeOf(event.target) === "terminal" && !store.watching.get().live && this.look()));
    this.disposables.add(store.watching.onChange(({ live }) => live && this.refresh()));
    const timer = setInterval(() => {
      if (!store.watching.get().live && placeOf(document.activeElement) === "terminal" && document.visibilityState === "visible" && store.connection.get() === "open") this.look();
    }, WHILE_IN_TERMINAL_MS);
    this.disposables.add({ dispose: () => clearInterval(timer) });
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /** At most every half a second: several reasons come together. */
  private look(): void {
    if (this.clock.now() - this.last < LEAST_APART_MS) return;
    this.last = this.clock.now();
    this.refresh();
  }
}
