// The encodings in which the person has chosen to read files of this project whose bytes don't tell.

import { type Encoding, isEncoding } from "./encodings";
import { type Moved, rebase } from "./files";
import { recall, remember } from "./storage";
import { type Decoded, decode } from "./text";
import { isObject } from "./wire";

/** Those that were chosen first are forgotten. */
const MOST = 200;

type Chosen = Readonly<Record<string, Encoding>>;

function areChosen(value: unknown): value is Chosen {
  return isObject(value) && Object.values(value).every(isEncoding);
}

export class ChosenEncodings {
  private readonly key: string;
  private readonly byPath: Map<string, Encoding>;

  constructor(project: string) {
    this.key = `encodings.${project}`;
    this.byPath = new Map(Object.entries(recall(this.key, areChosen) ?? {}));
  }

  /** Null where the bytes tell. */
  of(path: string): Encoding | null {
    return this.byPath.get(path) ?? null;
  }

  /** Null has the bytes tell again. */
  choose(path: string, encoding: Encoding | null): void {
    if (this.of(path) === encoding) return;
    this.byPath.delete(path);
    if (encoding !== null) this.byPath.set(path, encoding);
    this.keep();
  }

  /** What was written in this encoding is to be read in it. */
  wrote(path: string, encoding: Encoding, bytes: Uint8Array): void {
    // UTF-8 always tells, and is what is saved all the time.
    const tells = encoding === "utf-8" || decode(bytes).format.encoding === encoding;
    this.choose(path, tells ? null : encoding);
  }

  decode(path: string, bytes: Uint8Array): Decoded {
    return decode(bytes, { as: this.of(path) });
  }

  handleMoved(moved: Moved): void {
    if (this.byPath.size === 0) return;
    const before = [...this.byPath];
    this.byPath.clear();
    for (const [path, encoding] of before) this.byPath.set(rebase(path, moved), encoding);
    this.keep();
  }

  private keep(): void {
    const kept = [...this.byPath].slice(-MOST);
    remember(this.key, Object.fromEntries(kept));
  }
}
