// The journal of what was typed and not saved: a draft for each file and page. It outlives a crash of the page, the browser or the
// server. What a page that is gone left is there for the others; what belongs to one that lives is not.

import type { Pages } from "./pages";

export interface Draft {
  readonly path: string;
  readonly text: string;
  /** The version of the file that was edited. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Whose it is; "" where it was kept before pages had names. */
  readonly page: string;
}

export interface Drafts {
  /** Of one file or of the project: this page's own first, then what pages that are gone left, the newest before the others. */
  list(path?: string): Promise<readonly Draft[]>;
  /** Of a file, what pages that are gone left: the newest first. */
  left(path: string): Promise<readonly Draft[]>;
  /** Keeps this page's draft of the file in the place of the one before. */
  put(draft: Omit<Draft, "page">): Promise<void>;
  /** Forgets this page's draft. */
  remove(path: string): Promise<void>;
  /** Makes what a page left this page's own. False when it is not as it was: somebody else was faster. */
  adopt(draft: Draft): Promise<boolean>;
  /** Forgets a draft, if it is as it was. */
  drop(draft: Draft): Promise<void>;
}

/** As it is in the database: before pages had names there was one for a file. */
type KeptDraft = Omit<Draft, "page"> & Partial<Pick<Draft, "page">>;
type Key = string[];

const STORE = "drafts";
const MOST_AGE_MS = 90 * 86_400_000;
// More of one file nobody compares.
const MOST_LEFT = 10;

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("the browser's database failed")));
  });
}

/** Drafts in IndexedDB, keyed by project, path and page. */
export class DraftDatabase implements Drafts {
  private opening: Promise<IDBDatabase> | null = null;

  constructor(
    private readonly project: string,
    private readonly pages: Pages,
  ) {}

  async list(path?: string): Promise<readonly Draft[]> {
    const drafts = await this.read(path);
    const name = await this.pages.name;
    return [...drafts.filter(({ page }) => page === name), ...(await this.leftOf(drafts))];
  }

  async left(path: string): Promise<readonly Draft[]> {
    return this.leftOf(await this.read(path));
  }

  async put(draft: Omit<Draft, "page">): Promise<void> {
    const own = { ...draft, page: await this.pages.name };
    await settled((await this.store("readwrite")).put(own, this.keyOf(own)));
  }

  async remove(path: string): Promise<void> {
    const own = { path, page: await this.pages.name };
    await settled((await this.store("readwrite")).delete(this.keyOf(own)));
  }

  async adopt(draft: Draft): Promise<boolean> {
    const own = { ...draft, page: await this.pages.name };
    const store = await this.store("readwrite");
    if (!(await this.isKept(store, draft))) return false;
    store.delete(this.keyOf(draft));
    await settled(store.put(own, this.keyOf(own)));
    return true;
  }

  async drop(draft: Draft): Promise<void> {
    const store = await this.store("readwrite");
    if (await this.isKept(store, draft)) await settled(store.delete(this.keyOf(draft)));
  }

  /** Forgets what was left in any project too long ago to be missed, and of one file more than anyone compares. */
  async prune(): Promise<void> {
    const living = await this.pages.living();
    const store = await this.store("readwrite");
    const [keys, drafts] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll() as IDBRequest<KeptDraft[]>)]);
    const newer = new Map<string, number>();
    const left = drafts.map(({ page, at }, index) => ({ page, at, key: keys[index] as Key })).filter(({ page }) => page === undefined || !living.has(page));
    for (const { at, key } of left.sort((a, b) => b.at - a.at)) {
      const file = JSON.stringify(key.slice(0, 2));
      const before = newer.get(file) ?? 0;
      newer.set(file, before + 1);
      if (before >= MOST_LEFT || Date.now() - at > MOST_AGE_MS) store.delete(key);
    }
  }

  private async read(path: string | undefined): Promise<readonly Draft[]> {
    const start = path === undefined ? [this.project] : [this.project, path];
    const kept = await settled((await this.store("readonly")).getAll(IDBKeyRange.bound(start, [...start, []])) as IDBRequest<KeptDraft[]>);
    return kept.map((draft) => ({ page: "", ...draft }));
  }

  private async leftOf(drafts: readonly Draft[]): Promise<readonly Draft[]> {
    const name = await this.pages.name;
    const others = drafts.filter(({ page }) => page !== name);
    if (others.length === 0) return [];
    const living = await this.pages.living();
    return others.filter(({ page }) => !living.has(page)).sort((a, b) => b.at - a.at);
  }

  private async isKept(store: IDBObjectStore, draft: Draft): Promise<boolean> {
    const kept = await settled(store.get(this.keyOf(draft)) as IDBRequest<KeptDraft | undefined>);
    return kept?.at === draft.at;
  }

  private keyOf({ path, page }: Pick<Draft, "path" | "page">): Key {
    return page === "" ? [this.project, path] : [this.project, path, page];
  }

  private async store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
    this.opening ??= this.open();
    const database = await this.opening;
    // Relaxed is the default where it matters: a draft survives a crash of the browser, and a keystroke waits for no disk.
    return database.transaction(STORE, mode).objectStore(STORE);
  }

  private open(): Promise<IDBDatabase> {
    const request = indexedDB.open("hutch", 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
    return settled(request);
  }
}
