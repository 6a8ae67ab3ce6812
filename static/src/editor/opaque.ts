// An open file that is no text: a picture to look at, or bytes to download.

import type { FileContent } from "../api";
import { type Disposable, Value } from "../lifecycle";

const PICTURES: ReadonlySet<string> = new Set(["png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "ico"]);

/** Whether a file of this name is shown as a picture. SVG is text here: it can be edited. */
export function isPicture(path: string): boolean {
  return PICTURES.has(path.slice(path.lastIndexOf(".") + 1).toLowerCase());
}

export class OpaqueDocument implements Disposable {
  readonly path: Value<string>;
  readonly size: Value<number>;
  /** Changes with each version on the disk, so that the picture is fetched again. */
  readonly etag: Value<string>;

  constructor(
    readonly kind: "picture" | "binary",
    path: string,
    content: FileContent,
    private readonly read: (path: string) => Promise<FileContent>,
  ) {
    this.path = new Value(path);
    this.size = new Value(content.size);
    this.etag = new Value(content.etag);
  }

  /** Throws ApiError. */
  async check(): Promise<void> {
    const content = await this.read(this.path.get());
    this.size.set(content.size);
    this.etag.set(content.etag);
  }

  dispose(): void {
    this.size.dispose();
    this.etag.dispose();
  }
}
