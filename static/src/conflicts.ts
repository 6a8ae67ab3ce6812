// Showing both sides when the file on disk is not the one that was edited.

import type { Extension } from "@codemirror/state";
import { h } from "./dom";
import type { TextDocument } from "./editor/document";
import { languageFor } from "./editor/languages";
import type { Disposable } from "./lifecycle";
import { load } from "./loading";
import { decode } from "./text";
import type { EditorArea } from "./views/editor";
import { button } from "./widgets/button";

/** Covers the document's editor with the comparison until one side, or a mixture, is chosen. */
export async function showConflict(area: EditorArea, document: TextDocument, extensions: Extension, narrow: boolean): Promise<void> {
  const trouble = document.trouble.get();
  if (trouble?.kind !== "changed") return;
  const [{ compare }, language] = await Promise.all([load(() => import("./editor/merge")), languageFor(document.path.get())]);
  const { theirs } = trouble;
  const comparison = compare({ theirs: decode(theirs.bytes).text, mine: document.state.doc.toString(), extensions, language, narrow });
  let cover: Disposable | null = null;
  return new Promise((resolve, reject) => {
    const end = (task: () => void | Promise<void>): Promise<void> => {
      document.saveCompared = null;
      const ended = (async () => task())();
      ended.then(resolve, reject);
      cover?.dispose();
      comparison.dispose();
      area.focus();
      return ended.catch(() => undefined);
    };
    const save = (): Promise<void> => end(() => document.merge(comparison.text(), theirs.etag));
    document.saveCompared = save;
    const actions = h(
      "div",
      { class: "merge-actions" },
      h("p", {}, "Take over what you want from the disk’s version, then save."),
      button("Save yours", () => void save(), "primary"),
      button("Take theirs", () => void end(() => document.takeTheirs())),
      button("Decide later", () => void end(() => document.keep(comparison.text()))),
    );
    cover = area.cover(document, h("div", { class: "merge-cover", role: "group", "aria-label": "Both versions" }, actions, comparison.element));
    comparison.focus();
  });
}
