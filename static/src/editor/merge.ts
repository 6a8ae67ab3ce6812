// Both sides of a conflict, beside each other or, where there is no room, in one text. Loaded when there is a conflict.

import { history } from "@codemirror/commands";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { h } from "../dom";
import type { Disposable } from "../lifecycle";
import { hasLongLine, textOf } from "./bytes";
import { editing, unbroken } from "./setup";

export interface Sides {
  readonly theirs: string;
  readonly mine: string;
  readonly extensions: Extension;
  /** Of the file. */
  readonly language: Extension;
  readonly narrow: boolean;
  /** What the two are called; the disk's version and the person's own when left out. */
  readonly names?: { readonly theirs: string; readonly mine: string };
  /** Both are only to be read. */
  readonly readOnly?: boolean;
}

export interface Comparison extends Disposable {
  readonly element: HTMLElement;
  /** My side as it was edited by taking over parts of theirs. */
  text(): string;
  focus(): void;
}

export function compare(sides: Sides): Comparison {
  return sides.narrow ? unified(sides) : sideBySide(sides);
}

/** A side is coloured where the editor would colour its text. */
function dress(text: string, { extensions, language }: Sides): Extension {
  return [extensions, hasLongLine(textOf(text)) ? unbroken : language];
}

/** Of the side that is mine. */
function editable({ readOnly }: Sides): Extension {
  return readOnly ? EditorState.readOnly.of(true) : [history(), editing()];
}

function label(name: string): Extension {
  return EditorView.contentAttributes.of({ "aria-label": name });
}

function sideBySide(sides: Sides): Comparison {
  const { theirs, mine, names } = sides;
  const host = h("div", { class: "merge-editors" });
  const view = new MergeView({
    a: { doc: theirs, extensions: [dress(theirs, sides), EditorState.readOnly.of(true), label(names?.theirs ?? "The version on disk")] },
    b: { doc: mine, extensions: [dress(mine, sides), editable(sides), label(names?.mine ?? "Your version")] },
    parent: host,
    ...(sides.readOnly ? {} : { revertControls: "a-to-b" as const }),
    renderRevertControl: () => h("button", { type: "button", class: "merge-take", title: "Take this part", "aria-label": "Take this part" }, "→"),
    collapseUnchanged: { margin: 3, minSize: 6 },
    gutter: true,
  });
  const heads = h("div", { class: "merge-heads" }, h("span", {}, names?.theirs ?? "On disk"), h("span", {}, names?.mine ?? "Yours, as it will be saved"));
  return {
    element: h("div", { class: "merge" }, heads, host),
    text: () => view.b.state.doc.toString(),
    focus: () => view.b.focus(),
    dispose: () => view.destroy(),
  };
}

function unified(sides: Sides): Comparison {
  const { theirs, mine, names } = sides;
  const host = h("div", { class: "merge-editors" });
  const view = new EditorView({
    doc: mine,
    extensions: [dress(mine, sides), editable(sides), label(names?.mine ?? "Your version"), unifiedMergeView({ original: theirs, mergeControls: !sides.readOnly, collapseUnchanged: { margin: 3, minSize: 6 } })],
    parent: host,
  });
  const heads = h("div", { class: "merge-heads" }, h("span", {}, names ? `${names.mine} — in red: ${names.theirs}` : "Yours, with what the disk has in red"));
  return {
    element: h("div", { class: "merge" }, heads, host),
    text: () => view.state.doc.toString(),
    focus: () => view.focus(),
    dispose: () => view.destroy(),
  };
}
