// The menus of an IDE page, and the question before unsaved work is closed.

import type { Decision } from "./documents";
import { h } from "./dom";
import type { TextDocument } from "./editor/document";
import { nameOf, parentOf } from "./files";
import { formatName } from "./format";
import type { Ide } from "./ide";
import { copyText } from "./terminal/clipboard";
import { ask } from "./widgets/dialog";
import type { MenuItem } from "./widgets/menu";

const IN_MORE = ["quickOpen", "palette", "restart", "stopContainer", "upload", "download", "refresh", "toggleTheme", "settings", "shortcuts", "projects"];

/** What the header has no room for. */
export function moreItems(ide: Ide): readonly MenuItem[] {
  const commands = ide.commands.list().filter((command) => IN_MORE.includes(command.id));
  return commands.map((command) => ({ label: command.title, key: ide.commands.label(command), run: () => ide.commands.execute(command) }));
}

export function menuLabel(paths: readonly string[]): string {
  if (paths.length > 1) return `Actions for ${paths.length} files and folders`;
  return paths[0] === undefined ? "Actions for the project’s folder" : `Actions for ${formatName(nameOf(paths[0]))}`;
}

/** What can be done with these entries, or with the project's folder for none. */
export function fileItems(ide: Ide, paths: readonly string[]): readonly MenuItem[] {
  return paths.length > 1 ? manyItems(ide, paths) : oneItems(ide, paths[0] ?? "");
}

function manyItems(ide: Ide, paths: readonly string[]): readonly MenuItem[] {
  const [first, second] = paths;
  const areFiles = paths.length === 2 && paths.every((path) => ide.files.row(path)?.folder === false);
  const attempt = (task: () => Promise<unknown>) => (): void => void task().catch(ide.report);
  return [
    { label: "Cut", key: ide.commands.keyLabel("mod+x"), run: () => ide.actions.keep(paths, "move") },
    { label: "Copy", key: ide.commands.keyLabel("mod+c"), run: () => ide.actions.keep(paths, "copy") },
    ...(first !== undefined && second !== undefined && areFiles ? [{ label: "Compare the two", run: attempt(() => ide.side.compare(first, second)) }] : []),
    { label: "Copy paths", run: attempt(() => copyText(paths.join("\n"))) },
    { label: "Delete", key: "Del", danger: true, run: attempt(() => ide.actions.remove(paths)) },
    ...undoItem(ide),
  ];
}

function oneItems(ide: Ide, path: string): readonly MenuItem[] {
  const row = ide.files.row(path);
  const folder = !row || row.folder ? path : parentOf(path);
  const attempt = (task: () => Promise<unknown>) => (): void => void task().catch(ide.report);
  const items: MenuItem[] = [
    { label: "New file…", run: () => ide.startCreate("file", folder) },
    { label: "New folder…", run: () => ide.startCreate("folder", folder) },
    { label: "Upload here…", run: () => ide.actions.choose(folder, ide.report) },
  ];
  if (ide.actions.canPaste) items.push({ label: "Paste", key: ide.commands.keyLabel("mod+v"), run: attempt(() => ide.actions.paste(folder)) });
  items.push(...undoItem(ide));
  if (!row) return [...items, { label: "Download as zip", run: () => ide.actions.download("") }];
  items.push(
    { label: "Cut", key: ide.commands.keyLabel("mod+x"), run: () => ide.actions.keep([path], "move") },
    { label: "Copy", key: ide.commands.keyLabel("mod+c"), run: () => ide.actions.keep([path], "copy") },
    { label: "Rename…", key: "F2", run: attempt(() => ide.startRename(path)) },
    { label: "Duplicate", run: attempt(() => ide.actions.duplicate(path)) },
    { label: "Copy path", run: attempt(() => copyText(path)) },
  );
  const front = ide.documents.active.get()?.path.get();
  if (!row.folder && front !== undefined && front !== path) items.push({ label: `Compare with ${formatName(nameOf(front))}`, run: attempt(() => ide.side.compare(path, front)) });
  if (!row.folder) items.push({ label: "Earlier versions…", run: attempt(() => ide.openFile(path).then(() => ide.side.showHistory())) });
  items.push({ label: row.folder ? "Download as zip" : "Download", run: () => ide.actions.download(path) });
  items.push({ label: "Delete", key: "Del", danger: true, run: attempt(() => ide.actions.remove([path])) });
  return items;
}

function undoItem(ide: Ide): readonly MenuItem[] {
  const change = ide.actions.lastChange;
  return change ? [{ label: `Undo “${change.what}”`, key: ide.commands.keyLabel("mod+z"), run: () => void ide.actions.undo().catch(ide.report) }] : [];
}

export function decideUnsaved(document: TextDocument): Promise<Decision> {
  return ask<Decision>({
    title: `Save ${formatName(nameOf(document.path.get()))} first?`,
    body: h("p", {}, "It has changes that were not saved."),
    choices: [
      { label: "Cancel", value: "cancel" },
      { label: "Discard them", value: "discard", kind: "danger" },
      { label: "Save", value: "save", kind: "primary" },
    ],
    otherwise: "cancel",
  });
}
