// The file of a document, as the disk has it.

import type { Text } from "@codemirror/state";
import { type Api, ApiError, type FileContent } from "../api";
import type { ChosenEncodings } from "../chosenencodings";
import type { Decoded, Format } from "../text";
import { bytesOf } from "./bytes";

export interface DiskContext {
  readonly api: Api;
  readonly project: string;
  readonly encodings: ChosenEncodings;
}

export class DiskFile {
  constructor(
    private readonly context: DiskContext,
    private readonly path: () => string,
  ) {}

  /** At most so many bytes of what it has; null where that still is the version `known`. Throws ApiError. */
  async read(known: string | null, most?: number): Promise<FileContent | "gone" | null> {
    const { api, project } = this.context;
    try {
      return known === null ? await api.readFile(project, this.path()) : await api.readFileIfChanged(project, this.path(), known, most);
    } catch (error) {
      // There is nothing, or a folder has its name now.
      if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return "gone";
      throw error;
    }
  }

  /** Writes over the version with the etag `expected`, or where nothing is. Resolves to the new etag. Throws ApiError. */
  async write(doc: Text, format: Format, expected: string | null): Promise<string> {
    const { api, project, encodings } = this.context;
    const path = this.path();
    const bytes = bytesOf(doc, format);
    const etag = await api.writeFile(project, path, bytes, expected === null ? "absent" : { etag: expected });
    encodings.wrote(path, format.encoding, bytes);
    return etag;
  }

  /** The text of bytes that it has or had. */
  decode(bytes: Uint8Array): Decoded {
    return this.context.encodings.decode(this.path(), bytes);
  }
}
