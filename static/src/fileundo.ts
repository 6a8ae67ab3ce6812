// The changes of files that this page made and can take back.

import { ApiError } from "./api";

export interface Change {
  /** As a command: "Delete a.txt". */
  readonly what: string;
  readonly undo: () => Promise<void>;
}

const MOST = 50;

export class FileUndo {
  private readonly changes: Change[] = [];
  private running: Promise<unknown> = Promise.resolve();

  get last(): Change | null {
    return this.changes.at(-1) ?? null;
  }

  add(change: Change): Change {
    this.changes.push(change);
    if (this.changes.length > MOST) this.changes.shift();
    return change;
  }

  /** Does `task`, which changes files, once all that was asked for before is done: what is undone next is then no matter of luck. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const done = this.running.then(task);
    this.running = done.catch(() => undefined);
    return done;
  }

  /** Takes back a change, the last if none is given. Throws ApiError; unless the files are gone it can be tried again then. */
  undo(change?: Change): Promise<void> {
    return this.run(() => this.takeBack(change ?? this.last));
  }

  private async takeBack(change: Change | null): Promise<void> {
    const at = change ? this.changes.indexOf(change) : -1;
    if (!change || at < 0) return;
    this.changes.splice(at, 1);
    try {
      await change.undo();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) this.changes.splice(at, 0, change);
      throw error;
    }
  }
}
