// Time, so that a test can bring its own.

import type { Disposable } from "./lifecycle";

export interface Clock {
  /** Milliseconds from some moment, never going back. */
  now(): number;
  /** Runs `task` once after `ms`; disposing cancels. */
  after(ms: number, task: () => void): Disposable;
}

export const browserClock: Clock = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return { dispose: () => clearTimeout(timer) };
  },
};
