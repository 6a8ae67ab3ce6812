// Showing both sides when the text that was edited is not the only one: the disk has another, or a page that is gone left one.

import { h } from "./dom";
import type { Sides } from "./editor/merge";
import type { TextDocument } from "./editor/document";
import { languageFor } from "./editor/languages";
import { formatAgo, formatName } from "./format";
import { nameOf } from "./files";
import type { Ide } from "./ide";
import type { Disposable } from "./lifecycle";
import { load } from "./loading";
import { button } from "./widgets/button";

interface Question {
  readonly theirs: string;
  readonly names?: Sides["names"];
  readonly label: string;
  readonly advice: string;
  /** Called with the person's side as it was edited. */
  readonly choices: readonly { readonly label: string; choose(text: string): void | Promise<void> }[];
  /** What a save means meanwhile. */
  save(text: string): Promise<void>;
}

/** Covers the document's editor with the comparison until one side, or a mixture, is chosen. Throws what the choice throws. */
export async function showConflict(ide: Ide, document: TextDocument): Promise<void> {
  const trouble = document.trouble.get();
  if (trouble?.kind !== "changed") return;
  const { theirs } = trouble;
  const save = (text: string): Promise<void> => document.merge(text, theirs.etag);
  await ask(ide, document, {
    theirs: document.disk.decode(theirs.bytes).text,
    label: "Both versions",
    advice: "Take over what you want from the disk’s version, then save.",
    choices: [
      { label: "Save yours", choose: save },
      { label: "Take theirs", choose: () => document.takeTheirs() },
      { label: "Decide later", choose: (text) => document.keep(text) },
    ],
    save,
  });
}

/** The same for the newest text that a page that is gone left: what is chosen stays unsaved here, and the other is forgotten. */
export async function showLeft(ide: Ide, document: TextDocument): Promise<void> {
  const { recovery } = ide.documents;
  // Its page may be there again.
  await recovery.look(document);
  const [draft] = document.left.get();
  if (!draft) return ide.store.notify(`Nothing of ${formatName(nameOf(document.path.get()))} is left any more: a tab has it again.`);
  const use = async (text: string): Promise<void> => {
    document.keep(text);
    await document.writeJournal();
    await recovery.drop(document, draft);
  };
  await ask(ide, document, {
    theirs: draft.text,
    names: { theirs: `Left unsaved by another tab ${formatAgo(draft.at, Date.now())}`, mine: "As it is here" },
    label: "Both texts",
    advice: "Take over what you want. The other tab’s text is forgotten then; nothing is saved yet.",
    choices: [
      { label: "Use this text", choose: use },
      { label: "Take the other", choose: () => use(draft.text) },
      { label: "Decide later", choose: (text) => document.keep(text) },
    ],
    save: (text) => use(text).then(() => document.save()),
  });
}

async function ask(ide: Ide, document: TextDocument, { theirs, names, label, advice, choices, save }: Question): Promise<void> {
  const [{ compare }, language] = await Promise.all([load(() => import("./editor/merge")), languageFor(document.path.get())]);
  const comparison = compare({ theirs, mine: document.state.doc.toString(), extensions: ide.extensions(), language, narrow: ide.workbench.isNarrow, ...(names && { names }) });
  let cover: Disposable | null = null;
  return new Promise((resolve, reject) => {
    const end = (choose: (text: string) => void | Promise<void>): Promise<void> => {
      document.saveCompared = null;
      const ended = (async () => choose(comparison.text()))();
      ended.then(resolve, reject);
      cover?.dispose();
      comparison.dispose();
      ide.editor.focus();
      return ended.catch(() => undefined);
    };
    document.saveCompared = () => end(save);
    const buttons = choices.map(({ label, choose }, index) => button(label, () => void end(choose), index === 0 ? "primary" : undefined));
    const actions = h("div", { class: "merge-actions" }, h("p", {}, advice), ...buttons);
    cover = ide.editor.cover(document, h("div", { class: "merge-cover", role: "group", "aria-label": label }, actions, comparison.element));
    comparison.focus();
  });
}
