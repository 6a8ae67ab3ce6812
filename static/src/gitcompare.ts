// What a commit changed in a file: the file of its first parent beside its own.

import type { Extension } from "@codemirror/state";
import { h, listen } from "./dom";
import { MOST_EDITABLE } from "./editor/bytes";
import { languageFor } from "./editor/languages";
import { formatName } from "./format";
import type { Git, GitCommitDetails, GitFileChange } from "./git";
import { icons } from "./icons";
import { DisposableStore } from "./lifecycle";
import { load } from "./loading";
import { type Decoded, isBinary } from "./text";
import type { EditorArea } from "./views/editor";
import { button, iconButton } from "./widgets/button";

export interface CompareContext {
  readonly git: Git;
  readonly area: EditorArea;
  /** How editors look. */
  extensions(): Extension;
  /** Whether there is no room for two texts beside each other. */
  isNarrow(): boolean;
  open(path: string): void;
  /** The text of bytes that a file of this path had. */
  decode(path: string, bytes: Uint8Array): Decoded;
}

/** Covers the editor with both versions, to be read, until they are closed. Throws ApiError. */
export async function showFileChange(context: CompareContext, commit: GitCommitDetails, { path, letter, source }: GitFileChange): Promise<void> {
  const { git, area } = context;
  const parent = commit.parents[0];
  const [before, after, language, { compare }] = await Promise.all([
    parent !== undefined && letter !== "A" ? git.file(source ?? path, parent) : null,
    letter !== "D" ? git.file(path, commit.id) : null,
    languageFor(path),
    load(() => import("./editor/merge")),
  ]);
  const disposables = new DisposableStore();
  const close = (): void => {
    disposables.dispose();
    area.focus();
  };
  const id = commit.id.slice(0, 7);
  const head = h(
    "div",
    { class: "diff-head" },
    h("p", { title: path }, `${formatName(path)} — in ${id}`),
    button("Open the file", () => {
      close();
      context.open(path);
    }),
    iconButton("Close the comparison", icons.close, close),
  );
  const problem = problemOf(before, after);
  const element = h("div", { class: "diff-cover", role: "group", "aria-label": "Comparison" }, head);
  disposables.add(area.overlay(element));
  disposables.add(listen(element, "keydown", (event) => event.key === "Escape" && !event.defaultPrevented && close()));
  // Another file that is opened is what the person wants to see now.
  disposables.add(area.onFront(close));
  if (problem) {
    element.append(h("p", { class: "pane-note" }, problem));
    head.querySelector("button")?.focus();
    return;
  }
  const textOf = (bytes: Uint8Array | null): string => (bytes ? context.decode(path, bytes).text : "");
  const names = { theirs: parent === undefined ? "Nothing before" : `Before, in ${parent.slice(0, 7)}`, mine: `In ${id}` };
  const comparison = disposables.add(compare({ theirs: textOf(before), mine: textOf(after), extensions: context.extensions(), language, narrow: context.isNarrow(), names, readOnly: true }));
  element.append(comparison.element);
  comparison.focus();
}

/** Why the two can't be shown beside each other; null when they can. */
function problemOf(before: Uint8Array | null, after: Uint8Array | null): string | null {
  const sides = [before, after].filter((side) => side !== null);
  if (sides.length === 0) return "There is no file of this name in the commit: it may be a repository of its own.";
  if (sides.some(isBinary)) return "This is no text file; its differences can’t be shown.";
  if (sides.some((side) => side.length > MOST_EDITABLE)) return "This file is too large for its versions to be shown beside each other.";
  return null;
}
