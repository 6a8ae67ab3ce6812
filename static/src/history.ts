// Earlier versions of a file, which every save leaves on the server: to be compared, and to be brought back.

import type { Extension } from "@codemirror/state";
import { type Api, encodePath, projectPath } from "./api";
import { h } from "./dom";
import type { TextDocument } from "./editor/document";
import { languageFor } from "./editor/languages";
import { compare } from "./editor/merge";
import { formatAgo, formatSize } from "./format";
import type { Ide } from "./ide";
import { Palette } from "./views/palette";
import { button } from "./widgets/button";

interface Version {
  readonly id: string;
  readonly time: string;
  readonly size: number;
}

/** Lets the person choose among the versions of the front document. Throws ApiError. */
export async function chooseVersion(ide: Ide, api: Api, project: string): Promise<void> {
  const document = ide.documents.active.get();
  if (document?.kind !== "text") return;
  const path = document.path.get();
  const base = `${projectPath(project)}/history`;
  const query = `?path=${encodePath(path)}`;
  const versions = await api.json<readonly Version[]>("GET", base + query);
  if (versions.length === 0) return ide.store.notify("No earlier versions are kept: each save leaves one, up to 1 MB, for 30 days.");
  const written = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const show = async (id: string, time: string): Promise<void> => {
    const [bytes, language] = await Promise.all([api.bytes(`${base}/${id}${query}`), languageFor(path)]);
    showVersion(ide, document, { text: document.disk.decode(bytes).text, name: `Version of ${time}`, language });
  };
  const items = versions.map(({ id, time, size }) => ({
    text: written.format(Date.parse(time)),
    hint: `${formatAgo(Date.parse(time), Date.now())}, ${formatSize(size)}`,
    run: () => void show(id, written.format(Date.parse(time))).catch(ide.report),
  }));
  await new Palette({ label: "Earlier versions", placeholder: "Which version?", items }).open();
}

/** Shows what is saved beside the front document's text. Throws ApiError. */
export async function compareSaved(ide: Ide): Promise<void> {
  const document = ide.documents.active.get();
  if (document?.kind !== "text") return;
  const [saved, language] = await Promise.all([document.disk.read(null), languageFor(document.path.get())]);
  if (saved === null || saved === "gone") return ide.store.notify("Nothing is saved under this name any more.");
  showVersion(ide, document, { text: document.disk.decode(saved.bytes).text, name: "As it is saved", language });
}

/** Covers the editor with the version beside the text as it is now. */
function showVersion(ide: Ide, document: TextDocument, old: { readonly text: string; readonly name: string; readonly language: Extension }): void {
  const names = { theirs: old.name, mine: "As it is now" };
  const { version } = document;
  const comparison = compare({ theirs: old.text, mine: document.state.doc.toString(), extensions: ide.extensions(), language: old.language, narrow: ide.workbench.isNarrow, names });
  const end = (text: string | null): void => {
    cover.dispose();
    comparison.dispose();
    ide.editor.focus();
    // As an edit, so that it can be undone, and saved only over the version that was read.
    if (text !== null) document.merge(text, version).catch(ide.report);
  };
  const actions = h(
    "div",
    { class: "merge-actions" },
    h("p", {}, "Bring the whole version back, or take over parts of it."),
    ...(document.readOnly ? [] : [button("Restore this version", () => end(old.text), "primary"), button("Save the edited text", () => end(comparison.text()))]),
    button("Close", () => end(null)),
  );
  const cover = ide.editor.cover(document, h("div", { class: "merge-cover", role: "group", "aria-label": "An earlier version" }, actions, comparison.element));
  comparison.focus();
}
