// Two texts beside each other, over the editor, to be read.

import type { Extension } from "@codemirror/state";
import { h, listen } from "./dom";
import { MOST_EDITABLE } from "./editor/bytes";
import { languageFor } from "./editor/languages";
import { formatName } from "./format";
import { icons } from "./icons";
import { DisposableStore } from "./lifecycle";
import { load } from "./loading";
import { isBinary } from "./text";
import type { EditorArea } from "./views/editor";
import { button, iconButton } from "./widgets/button";

export interface BesideContext {
  readonly area: EditorArea;
  /** How editors look. */
  extensions(): Extension;
  /** Whether there is no room for two texts beside each other. */
  isNarrow(): boolean;
  open(path: string): void;
}

export interface Pair {
  /** Of the file that can be opened, whose language both have. */
  readonly path: string;
  readonly title: string;
  readonly names: { readonly theirs: string; readonly mine: string };
  readonly theirs: string;
  readonly mine: string;
  /** Why they can't be shown; null when they can. */
  readonly problem: string | null;
}

/** Covers the editor with both until they are closed. */
export async function showBeside(context: BesideContext, { path, title, names, theirs, mine, problem }: Pair): Promise<void> {
  const { area } = context;
  const [language, { compare }] = await Promise.all([languageFor(path), load(() => import("./editor/merge"))]);
  const disposables = new DisposableStore();
  const close = (): void => {
    disposables.dispose();
    area.focus();
  };
  const head = h(
    "div",
    { class: "diff-head" },
    h("p", { title: path }, `${formatName(path)} — ${title}`),
    button("Open the file", () => {
      close();
      context.open(path);
    }),
    iconButton("Close the comparison", icons.close, close),
  );
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
  const comparison = disposables.add(compare({ theirs, mine, extensions: context.extensions(), language, narrow: context.isNarrow(), names, readOnly: true }));
  element.append(comparison.element);
  comparison.focus();
}

/** Why files of these bytes can't be shown beside each other; null when they can. `size` is that of a whole file. */
export function problemOf(files: readonly { readonly bytes: Uint8Array; readonly size: number }[]): string | null {
  if (files.some(({ bytes }) => isBinary(bytes))) return "This is no text file; its differences can’t be shown.";
  if (files.some(({ size }) => size > MOST_EDITABLE)) return "This file is too large to be shown beside another.";
  return null;
}
