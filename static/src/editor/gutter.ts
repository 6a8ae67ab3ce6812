// Marks beside the lines that differ from what Git has. Loaded once a repository is there.

import { Chunk } from "@codemirror/merge";
import { type Extension, StateEffect, StateField, Text, type TransactionSpec } from "@codemirror/state";
import { type EditorView, gutter, GutterMarker } from "@codemirror/view";
import type { TextDocument } from "./document";

interface Differences {
  readonly original: Text | null;
  readonly chunks: readonly Chunk[];
}

// What takes longer is compared roughly: typing comes first.
const EFFORT = { scanLimit: 500, timeout: 20 };
const setOriginal = StateEffect.define<Text | null>();

const differences = StateField.define<Differences>({
  create: () => ({ original: null, chunks: [] }),
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setOriginal)) return { original: effect.value, chunks: effect.value ? Chunk.build(effect.value, transaction.newDoc, EFFORT) : [] };
    }
    if (!transaction.docChanged || !value.original) return value;
    return { ...value, chunks: Chunk.updateB(value.chunks, value.original, transaction.newDoc, transaction.changes, EFFORT) };
  },
});

class Mark extends GutterMarker {
  constructor(
    override readonly elementClass: string,
    private readonly words: string,
  ) {
    super();
  }

  override toDOM(): Node {
    const element = document.createElement("span");
    element.title = this.words;
    return element;
  }
}

const MARKS = {
  added: new Mark("cm-git-added", "Added since the last commit"),
  changed: new Mark("cm-git-changed", "Changed since the last commit"),
  removed: new Mark("cm-git-removed", "Lines were removed here"),
} as const;

function markAt(view: EditorView, from: number): GutterMarker | null {
  for (const { fromA, toA, fromB, toB } of view.state.field(differences).chunks) {
    if (fromB > from) return null;
    if (fromB === toB ? from === Math.min(fromB, view.state.doc.length) : from < toB) return fromB === toB ? MARKS.removed : fromA === toA ? MARKS.added : MARKS.changed;
  }
  return null;
}

const marks: Extension = [
  differences,
  gutter({
    class: "cm-git-gutter",
    lineMarker: (view, line) => markAt(view, line.from),
    lineMarkerChange: (update) => update.startState.field(differences, false) !== update.state.field(differences, false),
  }),
];

/** Marks what differs from `original`, the text that Git has; null for none. */
export function compareWith(document: TextDocument, original: string | null): void {
  const known = document.state.field(differences, false) !== undefined;
  if (!known && original === null) return;
  const spec = (effects: readonly StateEffect<unknown>[]): TransactionSpec => ({ effects });
  if (!known) document.dispatch(spec([StateEffect.appendConfig.of(marks)]));
  document.dispatch(spec([setOriginal.of(original === null ? null : Text.of(original.split("\n")))]));
}
