// The commands of an IDE page.

import { gotoLine, openSearchPanel } from "@codemirror/search";
import type { Command } from "./commands";
import type { Document } from "./documents";
import type { VimActions } from "./editor/keymaps";
import type { Ask } from "./editor/opaque";
import { AUTO_SAVE_MODES, type AutoSaveMode, KEY_MAPS, type KeyMap } from "./editorpreferences";
import { formatAgo } from "./format";
import type { Ide } from "./ide";
import { symbolLists } from "./languages/commands";
import { load } from "./loading";
import type { Pane } from "./store";
import { copyText } from "./terminal/clipboard";
import { textCommands, textKeyOf } from "./textcommands";
import { renderingOf, toggleRendering } from "./viewers/rendering";
import { Palette } from "./views/palette";

export function ideCommands(ide: Ide): readonly Command[] {
  const text = textCommands(() => ide.activeView(), ide.commands.mac);
  return [...paletteCommands(ide), ...fileCommands(ide), ...editorCommands(ide), ...text, ...runCommands(ide), ...viewCommands(ide)];
}

function paletteCommands(ide: Ide): readonly Command[] {
  return [
    { id: "palette", title: "Show all commands", keys: ["f1", "mod+shift+p"], inTerminal: true, run: () => openPalette(ide) },
    { id: "quickOpen", title: "Go to file…", keys: ["mod+p"], run: () => openQuickOpen(ide) },
  ];
}

function fileCommands(ide: Ide): readonly Command[] {
  const active = (): Document | null => ide.documents.active.get();
  const withActive = (task: (document: Document) => unknown) => async (): Promise<void> => {
    const document = active();
    if (document) await task(document);
  };
  const isOpen = (): boolean => active() !== null;
  const isWritable = (): boolean => {
    const document = active();
    return document?.kind === "text" && document.readOnly === null;
  };
  const canRevert = (): boolean => {
    const document = active();
    return document?.kind === "text" && document.dirty.get() && document.trouble.get()?.kind !== "deleted";
  };
  const choose = chooser(ide);
  return [
    { id: "save", title: "Save", keys: ["mod+s"], isEnabled: () => active()?.kind === "text", run: () => ide.saveActive() },
    { id: "readAs", title: "Read in another encoding…", isEnabled: () => ["text", "binary"].includes(active()?.kind ?? ""), run: choose("chooseReading") },
    { id: "saveAs", title: "Save in another encoding…", isEnabled: isWritable, run: choose("chooseWriting") },
    { id: "lineBreaks", title: "Save with other line breaks…", isEnabled: isWritable, run: choose("chooseLineBreaks") },
    { id: "form", title: "Encoding and line breaks of this file…", isEnabled: () => active()?.kind === "text", run: () => openForm(ide) },
    { id: "saveAll", title: "Save all", keys: ["mod+alt+s"], isEnabled: () => ide.documents.dirty.length > 0, run: () => ide.documents.saveAll() },
    { id: "revert", title: "Discard what is not saved of this file", isEnabled: canRevert, run: withActive((document) => document.kind === "text" && document.takeTheirs()) },
    { id: "newFile", title: "New file…", keys: ["alt+n"], run: () => ide.startCreate("file") },
    { id: "newFolder", title: "New folder…", run: () => ide.startCreate("folder") },
    { id: "rename", title: "Rename this file…", isEnabled: isOpen, run: withActive((document) => ide.startRename(document.path.get())) },
    { id: "delete", title: "Delete this file", isEnabled: isOpen, run: withActive((document) => ide.actions.remove([document.path.get()])) },
    { id: "undoFiles", title: "Undo the last delete, move or rename of files", isEnabled: () => ide.actions.lastChange !== null, run: () => ide.actions.undo() },
    { id: "restoreDeleted", title: "Restore deleted files…", run: () => openDeletions(ide) },
    { id: "reveal", title: "Show this file in the tree", isEnabled: isOpen, run: withActive((document) => ide.reveal(document.path.get())) },
    { id: "copyPath", title: "Copy this file’s path", isEnabled: isOpen, run: withActive((document) => copyText(document.path.get())) },
    { id: "copyLink", title: "Copy a link to this line", isEnabled: isOpen, run: withActive((document) => copyText(ide.linkTo(document))) },
    { id: "close", title: "Close tab", keys: ["alt+w"], isEnabled: isOpen, run: withActive((document) => ide.documents.close(document)) },
    { id: "closeOthers", title: "Close other tabs", isEnabled: isOpen, run: withActive((document) => ide.documents.closeAll(document)) },
    { id: "closeAll", title: "Close all tabs", isEnabled: isOpen, run: () => ide.documents.closeAll() },
    { id: "reopenClosed", title: "Open the tab again that was closed last", keys: ["alt+shift+t"], run: () => ide.documents.reopenClosed() },
    { id: "upload", title: "Upload files…", run: () => ide.actions.choose("", ide.report) },
    { id: "download", title: "Download the project as a zip", run: () => ide.actions.download("") },
    { id: "refresh", title: "Read the files again", run: () => ide.refreshFiles([""]) },
  ];
}

function editorCommands(ide: Ide): readonly Command[] {
  const { groups } = ide.documents;
  const inEditor = (): boolean => ide.activeView() !== null;
  const isOpen = (): boolean => groups.active.front !== null;
  const inFront = (task: () => void) => (): void => {
    task();
    ide.editor.focus();
  };
  const canRender = (): boolean => renderingOf(ide.documents.active.get()?.path.get() ?? "") !== null;
  const toggleRendered = (): void => {
    const active = ide.documents.active.get();
    if (active?.kind === "text") toggleRendering(active);
    ide.editor.focus();
  };
  const choose = chooser(ide);
  const isSplit = (): boolean => groups.all.length > 1;
  const isPaged = (): boolean => ["large", "binary"].includes(ide.documents.active.get()?.kind ?? "");
  const withView = (command: typeof gotoLine, ask: Ask["kind"]) => (): void => {
    const [view, active] = [ide.activeView(), ide.documents.active.get()];
    if (view) command(view);
    else if (active && active.kind !== "text") active.ask({ kind: ask });
  };
  return [
    { id: "back", title: "Go back to where the cursor was", keys: ["mod+alt+-"], isEnabled: () => ide.places.canGoBack, run: () => ide.places.goBack() },
    { id: "forward", title: "Go forward again", keys: ["mod+shift+_"], isEnabled: () => ide.places.canGoForward, run: () => ide.places.goForward() },
    { id: "nextTab", title: "Next tab", keys: ["alt+pagedown"], run: () => ide.documents.groups.cycle(1) },
    { id: "previousTab", title: "Previous tab", keys: ["alt+pageup"], run: () => ide.documents.groups.cycle(-1) },
    { id: "splitRight", title: "Split the editor to the right", keys: ["mod+\\"], isEnabled: isOpen, run: inFront(() => groups.split("right")) },
    { id: "splitDown", title: "Split the editor downwards", keys: ["alt+shift+\\"], isEnabled: isOpen, run: inFront(() => groups.split("below")) },
    { id: "nextSplit", title: "Next split of the editor", keys: ["alt+shift+pagedown"], isEnabled: isSplit, run: inFront(() => groups.step(1)) },
    { id: "previousSplit", title: "Previous split of the editor", keys: ["alt+shift+pageup"], isEnabled: isSplit, run: inFront(() => groups.step(-1)) },
    { id: "moveTab", title: "Move this tab to the next split", keys: ["mod+alt+arrowright"], isEnabled: isSplit, run: inFront(() => groups.moveToNext()) },
    { id: "joinSplits", title: "Join all splits of the editor", isEnabled: isSplit, run: inFront(() => groups.join()) },
    { id: "keepTab", title: "Keep this tab open", isEnabled: () => groups.active.preview !== null && groups.active.preview === groups.active.front, run: () => groups.active.front && groups.keep(groups.active.front.document) },
    { id: "goToLine", title: "Go to line…", ...textKeyOf(gotoLine, ide.commands.mac), isEnabled: () => inEditor() || isPaged(), run: withView(gotoLine, "goTo") },
    { id: "rendered", title: "Rendered view of this file, or its text alone", keys: ["alt+r"], isEnabled: canRender, run: toggleRendered },
    { id: "wrap", title: "Wrap long lines, or not", keys: ["alt+z"], run: () => ide.look.toggleWrap() },
    { id: "blanks", title: "Show spaces and tabs, or not", run: () => ide.look.toggleBlanks() },
    { id: "indentation", title: "Indentation of this file…", isEnabled: inEditor, run: choose("chooseIndentation") },
    { id: "language", title: "Language of this file…", isEnabled: inEditor, run: choose("chooseLanguage") },
    { id: "format", title: "Format this file", keys: ["alt+shift+f"], inText: true, isEnabled: inEditor, run: () => ide.formatting.formatFront() },
    ...Object.entries(AUTO_SAVE_MODES).map(([mode, name]) => ({ id: `autoSave.${mode}`, title: `Auto save: ${name.toLowerCase()}`, run: () => ide.look.setAutoSave(mode as AutoSaveMode) })),
    { id: "formatsOnSave", title: "Format files when they are saved, or not", run: () => ide.look.toggleFormatsOnSave() },
    ...Object.entries(KEY_MAPS).map(([map, name]) => ({ id: `keyMap.${map}`, title: `Keys of the editor: ${name}`, run: () => ide.look.setKeyMap(map as KeyMap) })),
    { id: "git", title: "Git: changes and commits", keys: ["mod+shift+g"], run: async () => void (await ide.side.show("git")) },
    { id: "history", title: "Earlier versions of this file…", isEnabled: inEditor, run: () => ide.side.showHistory() },
    { id: "compareSaved", title: "Compare with what is saved", isEnabled: () => ide.documents.dirty.some((document) => document === ide.documents.active.get()), run: () => ide.side.compareSaved() },
    { id: "blame", title: "Git: who last changed this line", isEnabled: inEditor, run: () => ide.side.blame() },
    { id: "blameCommit", title: "Git: open the commit that last changed this line", isEnabled: inEditor, run: () => ide.side.blameCommit() },
    { id: "searchFiles", title: "Search in files", keys: ["mod+shift+f"], run: () => ide.side.search() },
    { id: "find", title: "Find and replace in this file", ...textKeyOf(openSearchPanel, ide.commands.mac), isEnabled: () => inEditor() || isPaged(), run: withView(openSearchPanel, "find") },
  ];
}

function runCommands(ide: Ide): readonly Command[] {
  const active = (): boolean => ["starting", "installing", "running"].includes(ide.store.state);
  return [
    { id: "run", title: "Run", keys: ["mod+shift+enter"], isEnabled: () => !active(), run: () => ide.runControl.run() },
    { id: "restart", title: "Restart", isEnabled: active, run: () => ide.runControl.restart() },
    { id: "stop", title: "Stop", isEnabled: active, run: () => ide.runControl.stop(false) },
    { id: "stopContainer", title: "Stop the container, terminals too", run: () => ide.runControl.stop(true) },
  ];
}

function viewCommands(ide: Ide): readonly Command[] {
  const show = (id: string, title: string, pane: Pane, keys: readonly string[] = []): Command => ({
    id,
    title,
    keys,
    inTerminal: true,
    run: () => ide.focusPane(pane),
  });
  const toggleTerminal = (): void => {
    if (!document.getElementById("pane-terminal")?.contains(document.activeElement)) ide.focusPane("terminal");
    else if (ide.workbench.isNarrow) ide.focusPane("editor");
    else ide.workbench.setShown("bottom", false);
  };
  return [
    show("focusFiles", "Go to the files", "files", ["mod+shift+e"]),
    show("focusEditor", "Go to the editor", "editor"),
    show("focusTerminal", "Go to the terminal", "terminal"),
    { id: "toggleTerminal", title: "Go to the terminal, or hide it", keys: ["mod+`", "ctrl+`"], inTerminal: true, run: toggleTerminal },
    show("focusLogs", "Go to the logs", "logs"),
    show("focusPreview", "Go to the preview", "preview"),
    { id: "nextPane", title: "Next pane", keys: ["f6"], inTerminal: true, run: () => ide.focusNextPane() },
    { id: "toggleFiles", title: "Show or hide the files", keys: ["mod+b"], run: () => ide.workbench.toggle("files") },
    { id: "toggleBottom", title: "Show or hide terminal and logs", keys: ["mod+j"], run: () => ide.workbench.toggle("bottom") },
    { id: "togglePreview", title: "Show or hide the preview", keys: ["mod+alt+p"], run: () => ide.workbench.toggle("preview") },
    { id: "settings", title: "Settings…", keys: ["mod+,"], run: () => openSettings(ide) },
    { id: "shortcuts", title: "Keyboard shortcuts", keys: ["shift+f1"], inTerminal: true, run: () => openShortcuts(ide) },
    { id: "toggleTheme", title: "Light or dark colours", run: () => ide.theme.toggle() },
    { id: "projects", title: "All projects", run: () => location.assign("/") },
  ];
}

export function vimActions(ide: Ide): VimActions {
  return {
    save: () => ide.saveActive(),
    saveAll: () => ide.documents.saveAll(),
    close: async (discard) => {
      const document = ide.documents.active.get();
      // What another split shows is not given up with this one.
      if (discard && document?.kind === "text" && ide.documents.groups.tabsOf(document).length === 1) await document.discard();
      if (document) await ide.documents.close(document);
    },
    closeAll: () => ide.documents.closeAll(),
    report: ide.report,
  };
}

function openPalette(ide: Ide): Promise<void> {
  const items = ide.commands
    .list()
    .filter((command) => command.id !== "palette")
    .map((command) => ({ text: command.title, hint: ide.commands.label(command), run: () => ide.commands.execute(command) }));
  return new Palette({ label: "Commands", placeholder: "What do you want to do?", items }).open();
}

/** Makes commands that have the person choose something of the front file. */
function chooser(ide: Ide): (name: "chooseReading" | "chooseWriting" | "chooseLineBreaks" | "chooseIndentation" | "chooseLanguage") => () => Promise<void> {
  return (name) => async () => (await load(() => import("./formchoices")))[name](ide);
}

function openForm(ide: Ide): Promise<void> {
  const commands = ide.commands.list().filter(({ id }) => ["readAs", "saveAs", "lineBreaks"].includes(id));
  const items = commands.map((command) => ({ text: command.title, run: () => ide.commands.execute(command) }));
  return new Palette({ label: "Encoding and line breaks of this file", placeholder: "What is to be another?", items }).open();
}

async function openSettings(ide: Ide): Promise<void> {
  const [settings, { TerminalPreferences }] = await load(() => Promise.all([import("./views/settings"), import("./terminal/preferences")]));
  settings.openSettings({ theme: ide.theme, editor: ide.look, terminal: new TerminalPreferences(), intelligence: ide.intelligence });
}

/** Of one deletion. */
const MOST_NAMED = 5;

async function openDeletions(ide: Ide): Promise<void> {
  const items = (await ide.actions.deletions()).map((deletion) => ({
    text: deletion.paths.slice(0, MOST_NAMED).join(", ") + (deletion.paths.length > MOST_NAMED ? ` and ${deletion.paths.length - MOST_NAMED} more` : ""),
    hint: formatAgo(Date.parse(deletion.deleted), Date.now()),
    run: () => void ide.actions.restore(deletion).catch(ide.report),
  }));
  await new Palette({ label: "Deleted files", placeholder: "What do you want back?", empty: "Nothing was deleted here in the last days.", items }).open();
}

async function openShortcuts(ide: Ide): Promise<void> {
  const { openShortcuts } = await load(() => import("./views/shortcuts"));
  openShortcuts(ide.commands);
}

function openQuickOpen(ide: Ide): Promise<void> {
  const { active, all } = ide.documents.groups;
  const tabs = [...[...active.used].reverse(), ...all.flatMap((group) => group.tabs)].filter((tab) => tab.document !== active.front?.document);
  // What is open comes first, what was used last before the others: it is what people go back to. They are in the front one already.
  const open = [...new Set([...tabs, ...(active.front ? [active.front] : [])].map((tab) => tab.document.path.get()))];
  const items = ide.index.list().then((paths) => {
    const rest = paths.filter((path) => !open.includes(path));
    return [...open, ...rest].map((path) => ({ text: path, run: (line: number | null) => void ide.openFile(path, { line }) }));
  });
  return new Palette({ label: "Go to file", placeholder: "Name of a file, :12 for a line, @ for a symbol, # in all files", items, paths: true, others: symbolLists(ide) }).open();
}
