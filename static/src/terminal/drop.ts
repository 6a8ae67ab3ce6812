// Files that are dropped on a terminal or pasted into it: uploaded into the project's folder, and named to the shell.

import type { Api } from "../api";
import { browserClock } from "../clock";
import { listen } from "../dom";
import { freeName } from "../files";
import { type Disposable, DisposableStore } from "../lifecycle";
import { filesOf, type LocalFile, Uploader } from "../upload";

const PLAIN = /^[\w@%+=:,./-]+$/;

/** The path as one word of a shell's command line, whatever is in it. */
export function shellQuoted(path: string): string {
  return PLAIN.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Files of a paste; none when it is text, which may come with a picture of itself or with the files' own names. */
export function pastedFiles(data: DataTransfer, now: Date): readonly LocalFile[] {
  const text = data.getData("text/plain");
  const files = [...data.files];
  const names = files.map(({ name }) => name).join("\n");
  if (text && text.replaceAll(/\r\n?/g, "\n") !== names) return [];
  return files.map((file) => ({ path: pastedName(file.name, now), file }));
}

/** Takes files that are dropped on `element`, and shows that it would. */
export function dropTarget(element: HTMLElement, take: (uploads: Promise<readonly LocalFile[]>) => void): Disposable {
  const listeners = new DisposableStore();
  const isOver = (over: boolean): boolean => element.classList.toggle("drop-target", over);
  listeners.add(
    listen(element, "dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      isOver(true);
    }),
  );
  listeners.add(listen(element, "dragleave", () => isOver(false)));
  listeners.add(
    listen(element, "drop", (event) => {
      isOver(false);
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      take(filesOf(event.dataTransfer, ""));
    }),
  );
  return listeners;
}

/** Browsers call every picture of a clipboard `image.png`. */
function pastedName(name: string, now: Date): string {
  const [date = "", time = ""] = now.toISOString().split("T");
  return /^image\.\w+$/.test(name) ? name.replace("image", `pasted-${date}-${time.slice(0, 8).replaceAll(":", "")}`) : name;
}

/**
 * Uploads them, files and folders whose name is taken under another one, and returns the paths of what was dropped: of a folder its
 * own. Throws ApiError.
 */
export async function uploadDropped(api: Api, project: string, uploads: readonly LocalFile[]): Promise<readonly string[]> {
  const taken = new Set((await api.tree(project, "")).map(({ path }) => path));
  const names = new Map<string, string>();
  for (const { path } of uploads) {
    const [top = ""] = path.split("/");
    if (names.has(top)) continue;
    const name = freeName(top, (candidate) => taken.has(candidate));
    taken.add(name);
    names.set(top, name);
  }
  const renamed = uploads.map(({ path, file }) => {
    const [top = "", ...rest] = path.split("/");
    return { path: [names.get(top), ...rest].join("/"), file };
  });
  const existing = await new Uploader(api, project, browserClock).sendNew(renamed);
  if (existing.length) throw new Error(`${existing.map(({ path }) => path).join(", ")} came up in the project meanwhile; drop it once more.`);
  return [...names.values()];
}
