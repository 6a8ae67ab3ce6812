// Files of one name that may lie in any folder and say something of it, such as .gitignore: read as the tree comes by them.

import type { Api } from "./api";
import { type FileTree, join, nameOf } from "./files";
import { type Disposable, DisposableStore, Emitter } from "./lifecycle";

const MOST_BYTES = 64 * 1024;

export class FolderFiles<T> implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly changeEmitter = this.disposables.add(new Emitter<void>());
  private readonly contents = new Map<string, T>();
  private readonly etags = new Map<string, string | null>();
  private readonly reading = new Map<string, Promise<void>>();

  readonly onChange = this.changeEmitter.event;

  constructor(
    private readonly api: Api,
    private readonly project: string,
    private readonly files: FileTree,
    private readonly name: string,
    private readonly parse: (text: string) => T,
  ) {
    this.disposables.add(
      files.onListed(({ folder, entries }) => {
        const entry = entries.find((candidate) => candidate.type === "file" && nameOf(candidate.path) === name);
        this.reading.set(folder, this.read(folder, entry?.etag ?? null));
      }),
    );
  }

  /** What the file in `folder` says, as far as it was read. */
  get(folder: string): T | null {
    return this.contents.get(folder) ?? null;
  }

  /** The same once it was looked for. Null when there is none, or it can't be read. */
  async find(folder: string): Promise<T | null> {
    await this.files.load(folder).catch(() => undefined);
    await this.reading.get(folder);
    return this.get(folder);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async read(folder: string, etag: string | null): Promise<void> {
    if ((this.etags.get(folder) ?? null) === etag) return this.reading.get(folder);
    this.etags.set(folder, etag);
    try {
      const file = etag === null ? null : await this.api.readFile(this.project, join(folder, this.name), { most: MOST_BYTES });
      if (this.etags.get(folder) !== etag) return;
      if (file) this.contents.set(folder, this.parse(new TextDecoder().decode(file.bytes)));
      else this.contents.delete(folder);
      this.changeEmitter.fire();
    } catch {
      // Gone in between, or no connection: the next listing tries again.
      this.etags.delete(folder);
    }
  }
}
