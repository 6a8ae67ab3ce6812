// The menus of an IDE page, and the question before unsaved work is closed.

import type { Decision } from "./documents";
import { h } from "./dom";
import type { TextDocument } from "./editor/document";
import { nameOf, parentOf } from "./files";
import type { Ide } from "./ide";
import { copyText } from "./terminal/clipboard";
import { ask } from "./widgets/dialog";
import type { MenuItem } from "./widgets/menu";

const IN_MORE = ["quickOpen", "palette", "restart", "stopContainer", "upload", "download", "refresh", "toggleTheme", "projects"];

/** What the header has no room for. */
export function moreItems(ide: Ide): readonly MenuItem[] {
  const commands = ide.commands.list().filter((command) => IN_MORE.includes(command.id));
  return commands.map((command) => ({ label: command.title, key: ide.commands.label(command), run: () => ide.commands.execute(command) }));
}

/** What can be done with the entry at `path`, or with the project's folder for "". */
export function fileItems(ide: Ide, path: string): readonly MenuItem[] {
  const row = ide.files.rows.find((candidate) => candidate.path === path);
  const folder = !row || row.folder ? path : parentOf(path);
  const attempt = (task: () => Promise<unknown>) => (): void => void task().catch(ide.report);
  const items: MenuItem[] = [
    { label: "New file…", run: () => ide.startCreate("file", folder) },
    { label: "New folder…", run: () => ide.startCreate("folder", folder) },
    { label: "Upload here…", run: () => ide.actions.choose(folder, ide.report) },
  ];
  if (!row) return items;
  items.push(
    { label: "Rename…", key: "F2", run: attempt(() => ide.startRename(path)) },
    { label: "Duplicate", run: attempt(() => ide.actions.duplicate(path)) },
    { label: "Copy path", run: attempt(() => copyText(path)) },
  );
  if (!row.folder) items.push({ label: "Download", run: () => ide.actions.download(path) });
  items.push({ label: "Delete…", key: "Del", danger: true, run: attempt(() => ide.actions.remove(path)) });
  return items;
}

export function decideUnsaved(document: TextDocument): Promise<Decision> {
  return ask<Decision>({
    title: `Save ${nameOf(document.path.get())} before closing?`,
    body: h("p", {}, "It has changes that were not saved."),
    choices: [
      { label: "Cancel", value: "cancel" },
      { label: "Discard them", value: "discard", kind: "danger" },
      { label: "Save", value: "save", kind: "primary" },
    ],
    otherwise: "cancel",
  });
}
