// The editor area of an IDE page.

import type { Api } from "./api";
import { showConflict, showLeft } from "./conflicts";
import type { Document } from "./documents";
import { h } from "./dom";
import { nameOf } from "./files";
import { formatName } from "./format";
import type { Group } from "./groups";
import type { Ide } from "./ide";
import { Value, watch } from "./lifecycle";
import { TabDrag } from "./tabdrag";
import { EditorArea } from "./views/editor";
import { TabsView } from "./views/tabs";
import { waitNote } from "./widgets/waitnote";

export function makeEditor(ide: Ide, api: Api, project: string): EditorArea {
  const { documents } = ide;
  const attempt = (task: () => Promise<unknown>): void => void task().catch(ide.report);
  const close = (document: Document, group?: Group): void => attempt(() => documents.close(document, group));
  const run = (id: string) => (): void => ide.commands.run(id);
  const drag = new TabDrag(documents.groups);
  const area = new EditorArea(
    documents,
    drag,
    {
      save: (document) => attempt(() => document.save()),
      keepMine: (document) => attempt(() => document.keepMine()),
      takeTheirs: (document) => document.takeTheirs(),
      compare: (document) => attempt(() => showConflict(ide, document)),
      compareLeft: (document) => attempt(() => showLeft(ide, document)),
      dismissLeft: (document) => documents.recovery.dismiss(document),
      close,
      chooseReading: run("readAs"),
      editAnyway: (document) => attempt(() => ide.documents.editAnyway(document)),
      fileUrl: (path) => api.fileUrl(project, path),
      rendering: {
        read: (path, most) => api.readFile(project, path, { most, otherwise: 0 }),
        open: (path, line) => void ide.openFile(path, { line }),
        nextPane: () => ide.focusNextPane(),
      },
    },
    (group) => new TabsView(group, documents, drag, { close, save: run("save"), split: run("splitRight"), nextSplit: run("nextSplit"), focus: () => ide.editor.focus() }),
    makeWelcome(ide),
  );
  const waiting = new Value<string | null>(null);
  watch(documents.awaited, (path) => waiting.set(path === null ? null : `Loading ${formatName(nameOf(path))}…`));
  // On a phone one of the two shows at a time.
  for (const pane of [area.element, ide.side.view.element]) pane.append(waitNote(waiting));
  return area;
}

function makeWelcome(ide: Ide): HTMLElement {
  const hint = (label: string, id: string): HTMLElement =>
    h("button", { type: "button", class: "welcome-item", on: { click: () => ide.commands.run(id) } }, h("span", {}, label), h("kbd", {}, ide.commands.labelOf(id)));
  // The keys are known once the commands are.
  const place = h("div", { class: "welcome" });
  queueMicrotask(() => place.append(hint("Go to file", "quickOpen"), hint("New file", "newFile"), hint("Run", "run"), hint("All commands", "palette")));
  return place;
}
