// Files that were dropped or chosen, on their way into the project.

import { type Api, ApiError } from "./api";
import { join } from "./files";

export interface Upload {
  readonly path: string;
  readonly file: File;
}

/** The files of a drop, those in dropped folders too. Must be called while the drop event is handled. */
export async function filesOf(items: DataTransfer, folder: string): Promise<readonly Upload[]> {
  const entries = [...items.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...items.files].map((file) => ({ path: join(folder, file.name), file }));
  const nested = await Promise.all(entries.map((entry) => walk(entry, folder)));
  return nested.flat();
}

async function walk(entry: FileSystemEntry, folder: string): Promise<readonly Upload[]> {
  const path = join(folder, entry.name);
  if (entry instanceof FileSystemFileEntry) return [{ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) }];
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const found: Upload[] = [];
  // A reader gives at most a hundred entries at a time; an empty answer ends it.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return found;
    for (const child of batch) found.push(...(await walk(child, path)));
  }
}

/** Writes each file that doesn't exist yet, one after the other; returns those that do. Throws ApiError. */
export async function uploadNew(api: Api, project: string, uploads: readonly Upload[]): Promise<readonly Upload[]> {
  const existing: Upload[] = [];
  for (const upload of uploads) {
    try {
      await api.writeFile(project, upload.path, upload.file, "absent");
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 412)) throw error;
      existing.push(upload);
    }
  }
  return existing;
}

export async function uploadOver(api: Api, project: string, uploads: readonly Upload[]): Promise<void> {
  for (const { path, file } of uploads) await api.writeFile(project, path, file, "anything");
}
