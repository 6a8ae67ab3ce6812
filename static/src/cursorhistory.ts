// Where the cursor was before it went far away at once: back to there, and forward again.

import type { Document, Documents } from "./documents";
import { type Moved, rebase } from "./files";
import { DisposableStore, type Event, type Observable } from "./lifecycle";

/** A place in a file of the project; `line` and `column` count from 1. */
export interface Spot {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

const MOST = 50;
/** A cursor that goes over more lines in a file has left where it was. */
const NEAR = 10;

export class CursorHistory extends DisposableStore {
  private readonly behind: Spot[] = [];
  private readonly ahead: Spot[] = [];
  private last: { readonly document: Document; readonly spot: Spot } | null = null;
  private stepping = false;
  private running: Promise<void> = Promise.resolve();

  /** `position` is where the cursor is in the front file. `open` goes to a place, and never rejects. */
  constructor(
    private readonly documents: Documents,
    private readonly position: Observable<{ readonly line: number; readonly column: number } | null>,
    moved: Event<Moved>,
    private readonly open: (spot: Spot) => Promise<void>,
  ) {
    super();
    this.add(moved((move) => [this.behind, this.ahead].forEach((spots) => follow(spots, move))));
    this.add(position.onChange(() => this.follow()));
  }

  /** Null where there is no text to be in. */
  get here(): Spot | null {
    const [front, at] = [this.documents.groups.active.front, this.position.get()];
    return front && at && { path: front.document.path.get(), line: at.line, column: at.column };
  }

  get canGoBack(): boolean {
    return this.behind.length > 0;
  }

  get canGoForward(): boolean {
    return this.ahead.length > 0;
  }

  goBack(): Promise<void> {
    return this.step(this.behind, this.ahead);
  }

  goForward(): Promise<void> {
    return this.step(this.ahead, this.behind);
  }

  /** `move` puts the cursor elsewhere in the front file, however near that is. Where it was counts if it `leaves` that, and was not only on the way. */
  jump(leaves: boolean, move: () => void): void {
    if (leaves) this.leave();
    const { stepping } = this;
    this.stepping = true;
    move();
    this.follow();
    this.stepping = stepping;
  }

  private leave(): void {
    if (this.stepping || !this.last) return;
    this.ahead.length = 0;
    keep(this.behind, this.last.spot);
  }

  private follow(): void {
    const { groups } = this.documents;
    const document = groups.active.front?.document ?? null;
    const spot = this.here;
    const hasLeft = this.last && (this.last.document === document ? spot && Math.abs(spot.line - this.last.spot.line) > NEAR : groups.tabsOf(this.last.document).length > 0);
    // A file that was only looked at, or is closed, has no tab any more.
    if (hasLeft) this.leave();
    this.last = document && spot && { document, spot };
  }

  /** One after the other: what is left by the second is where the first has led. */
  private step(from: Spot[], to: Spot[]): Promise<void> {
    return (this.running = this.running.then(() => this.walk(from, to)));
  }

  private async walk(from: Spot[], to: Spot[]): Promise<void> {
    this.follow();
    const { here } = this;
    let spot = from.pop();
    while (spot && here && isSame(spot, here)) spot = from.pop();
    if (!spot) return;
    if (here) keep(to, here);
    this.stepping = true;
    try {
      await this.open(spot);
    } finally {
      this.follow();
      this.stepping = false;
    }
  }
}

function isSame(a: Spot, b: Spot): boolean {
  return a.path === b.path && a.line === b.line && a.column === b.column;
}

function follow(spots: Spot[], moved: Moved): void {
  spots.forEach((spot, index) => (spots[index] = { ...spot, path: rebase(spot.path, moved) }));
}

/** At the end; of those in one line after each other only the last. */
function keep(spots: Spot[], spot: Spot): void {
  const before = spots.at(-1);
  if (before?.path === spot.path && before.line === spot.line) spots.pop();
  spots.push(spot);
  if (spots.length > MOST) spots.shift();
}
