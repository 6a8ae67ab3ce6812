// Files that were dropped or chosen, on their way into the project.

import { type Api, ApiError } from "./api";
import type { Clock } from "./clock";
import { join } from "./files";
import { forgetHere, recallHere, rememberHere } from "./storage";
import type { Upload } from "./wire";

export interface LocalFile {
  readonly path: string;
  readonly file: File;
}

/** The files of a drop, those in dropped folders too. Must be called while the drop event is handled. */
export async function filesOf(items: DataTransfer, folder: string): Promise<readonly LocalFile[]> {
  const entries = [...items.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...items.files].map((file) => ({ path: join(folder, file.name), file }));
  const nested = await Promise.all(entries.map((entry) => walk(entry, folder)));
  return nested.flat();
}

async function walk(entry: FileSystemEntry, folder: string): Promise<readonly LocalFile[]> {
  const path = join(folder, entry.name);
  if (entry instanceof FileSystemFileEntry) return [{ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) }];
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const found: LocalFile[] = [];
  // A reader gives at most a hundred entries at a time; an empty answer ends it.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return found;
    for (const child of batch) found.push(...(await walk(child, path)));
  }
}

// Larger files go in pieces of this size, so that a broken connection costs one at most.
const PIECE = 8 * 1024 * 1024;
const LONGEST_WAIT_MS = 30_000;
const MOST_TRIES = 20;

/** Told while files are on their way: which one, and how much of it has come. */
export type Progress = (path: string, part: number) => void;

export class Uploader {
  constructor(
    private readonly api: Api,
    private readonly project: string,
    private readonly clock: Clock,
    private readonly progress: Progress = () => undefined,
    private readonly resumed: Progress = () => undefined,
  ) {}

  /** Writes each file that doesn't exist yet, one after the other; returns those that do. Throws ApiError. */
  async sendNew(files: readonly LocalFile[]): Promise<readonly LocalFile[]> {
    const existing: LocalFile[] = [];
    for (const file of files) {
      try {
        await this.send(file, "absent");
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 412)) throw error;
        existing.push(file);
      }
    }
    return existing;
  }

  /** Writes them over what is there. */
  async sendOver(files: readonly LocalFile[]): Promise<void> {
    for (const file of files) await this.send(file, "anything");
  }

  private async send({ path, file }: LocalFile, expected: "absent" | "anything"): Promise<void> {
    this.progress(path, 0);
    if (file.size <= PIECE) {
      await this.api.writeFile(this.project, path, file, expected);
      return;
    }
    const key = `upload.${this.project}.${path}.${file.size}.${file.lastModified}.${expected}`;
    let upload: Upload | null = null;
    for (let tries = 0; ; ) {
      try {
        upload ??= (await this.goOn(key, path)) ?? (await this.begin(key, path, file, expected));
        await this.sendPieces(upload, path, file);
        break;
      } catch (error) {
        if (!(error instanceof ApiError) || !isPassing(error.status) || (tries += 1) > MOST_TRIES) throw error;
        if (error.status === 404) {
          forgetHere(key);
          upload = null;
          continue;
        }
        await new Promise<void>((resolve) => void this.clock.after(Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries), resolve));
        // Without an answer it goes on from where it was, and is told by the next refusal.
        if (upload) upload = await this.api.upload(this.project, upload.id).catch(() => upload);
      }
    }
    forgetHere(key);
  }

  private async begin(key: string, path: string, file: File, expected: "absent" | "anything"): Promise<Upload> {
    const upload = await this.api.beginUpload(this.project, path, file.size, expected);
    rememberHere(key, upload.id);
    return upload;
  }

  /** What was begun before the page was loaded again, whatever became of the server meanwhile. */
  private async goOn(key: string, path: string): Promise<Upload | null> {
    const known = recallHere(key, isString);
    if (known === null) return null;
    const upload = await this.api.upload(this.project, known);
    if (upload.offset > 0) this.resumed(path, upload.offset / upload.size);
    return upload;
  }

  private async sendPieces({ id, size, offset: came }: Upload, path: string, file: File): Promise<void> {
    let offset = came;
    // An empty piece ends an upload of which all has come.
    do {
      await this.api.sendPiece(this.project, id, offset, file.slice(offset, offset + PIECE));
      offset = Math.min(size, offset + PIECE);
      this.progress(path, offset / size);
    } while (offset < size);
  }
}

/** Whether another try may help: no connection, another offset than this page knows, or an upload that the server forgot. */
function isPassing(status: number): boolean {
  return [0, 404, 409].includes(status) || status >= 502;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}
