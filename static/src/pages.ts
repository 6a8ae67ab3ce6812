// The pages of this browser and which of them live, so that none takes over what another one works on.

import type { Disposable } from "./lifecycle";
import { recallInTab, rememberInTab } from "./storage";

export interface Pages {
  /** Of this page alone, and after a reload the same. */
  readonly name: Promise<string>;
  /** The names of all that live, this one too. */
  living(): Promise<ReadonlySet<string>>;
}

const NAME = "page";
const LOCK = "hutch.page.";
// A page that is loaded again waits until the one before it is gone. A copy of a tab begins with the name of one that stays.
const PATIENCE_MS = 1000;
const ANSWER_MS = 300;

/** By Web Locks, which end with their page, or by asking around where the browser has none: without TLS, that is. */
export function browserPages(): Pages {
  return "locks" in navigator ? new LockedPages() : new AskedPages();
}

class LockedPages implements Pages {
  readonly name = this.claim();

  async living(): Promise<ReadonlySet<string>> {
    const { held = [] } = await navigator.locks.query();
    return new Set([await this.name, ...held.flatMap(({ name }) => (name?.startsWith(LOCK) ? [name.slice(LOCK.length)] : []))]);
  }

  private async claim(): Promise<string> {
    const known = recallInTab(NAME, isName);
    if (known !== null && (await hold(known))) return known;
    const name = newName();
    await hold(name);
    return name;
  }
}

/** Holds the lock for as long as the page lives. False when another one has it. */
function hold(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const keep = (): Promise<never> => {
      resolve(true);
      return new Promise(() => undefined);
    };
    navigator.locks.request(LOCK + name, { signal: AbortSignal.timeout(PATIENCE_MS) }, keep).catch(() => resolve(false));
  });
}

export class AskedPages implements Pages, Disposable {
  private readonly channel = new BroadcastChannel("hutch.pages");
  readonly name: Promise<string>;
  private own: string | null = null;

  constructor() {
    this.channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => data === null && this.own !== null && this.channel.postMessage(this.own));
    this.name = this.claim();
  }

  async living(): Promise<ReadonlySet<string>> {
    return new Set([await this.name, ...(await this.ask())]);
  }

  /** As the page's end does. */
  dispose(): void {
    this.channel.close();
  }

  private async claim(): Promise<string> {
    const known = recallInTab(NAME, isName);
    this.own = known !== null && !(await this.ask()).has(known) ? known : newName();
    return this.own;
  }

  private ask(): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    const hear = ({ data }: MessageEvent<unknown>): void => void (isName(data) && names.add(data));
    this.channel.addEventListener("message", hear);
    this.channel.postMessage(null);
    return new Promise((resolve) => {
      setTimeout(() => {
        this.channel.removeEventListener("message", hear);
        resolve(names);
      }, ANSWER_MS);
    });
  }
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function newName(): string {
  const name = Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");
  rememberInTab(NAME, name);
  return name;
}
