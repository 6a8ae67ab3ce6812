// The journal of what was typed and not saved. It outlives a crash of the page, the browser or the server.

export interface Draft {
  readonly path: string;
  readonly text: string;
  /** The version of the file that was edited. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface Drafts {
  /** All drafts of the project. */
  list(): Promise<readonly Draft[]>;
  get(path: string): Promise<Draft | null>;
  put(draft: Draft): Promise<void>;
  remove(path: string): Promise<void>;
}

const STORE = "drafts";

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("the browser's database failed")));
  });
}

/** Drafts in IndexedDB, keyed by project and path. */
export class DraftDatabase implements Drafts {
  private opening: Promise<IDBDatabase> | null = null;

  constructor(private readonly project: string) {}

  async list(): Promise<readonly Draft[]> {
    const range = IDBKeyRange.bound([this.project], [this.project, []]);
    return settled((await this.store("readonly")).getAll(range) as IDBRequest<Draft[]>);
  }

  async get(path: string): Promise<Draft | null> {
    const request = (await this.store("readonly")).get([this.project, path]) as IDBRequest<Draft | undefined>;
    return (await settled(request)) ?? null;
  }

  async put(draft: Draft): Promise<void> {
    await settled((await this.store("readwrite")).put(draft, [this.project, draft.path]));
  }

  async remove(path: string): Promise<void> {
    await settled((await this.store("readwrite")).delete([this.project, path]));
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
