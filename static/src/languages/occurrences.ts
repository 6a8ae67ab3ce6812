// Marks where the name at the cursor occurs in the file, as its language server understands it, once the cursor rests.

import { LSPPlugin } from "@codemirror/lsp-client";
import { type EditorState, type Extension, Prec, RangeSet, StateEffect, StateField, type Transaction } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import type { DocumentHighlight } from "vscode-languageserver-protocol";
import { isObject } from "../wire";
import { offsetOf, positionOf } from "./places";

// Longer than between the keys of who types or walks.
const REST_MS = 300;
const MOST = 1000;

const found = StateEffect.define<DecorationSet>();
const mark = Decoration.mark({ class: "cm-occurrence" });

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (value, transaction) => {
    for (const effect of transaction.effects) if (effect.is(found)) return effect.value;
    return value.size === 0 || isLeft(value, transaction) ? Decoration.none : value;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** For a server that knows. */
export function occurrences(): Extension {
  return [marks, Prec.low(ViewPlugin.fromClass(Occurrences))];
}

class Occurrences {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly view: EditorView) {}

  update({ docChanged, selectionSet }: ViewUpdate): void {
    if (!docChanged && !selectionSet) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), REST_MS);
  }

  destroy(): void {
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    const { view } = this;
    const plugin = LSPPlugin.get(view);
    const { state } = view;
    const { main } = state.selection;
    // Within a mark all are known.
    if (!plugin || !view.hasFocus || !main.empty || !state.wordAt(main.head) || isAmong(state.field(marks), main.head)) return;
    plugin.client.sync();
    const params = { textDocument: { uri: plugin.uri }, position: positionOf(state.doc, main.head) };
    const answer = await plugin.client.request<unknown, unknown>("textDocument/documentHighlight", params);
    if (view.state.doc !== state.doc || !view.state.selection.eq(state.selection) || LSPPlugin.get(view) !== plugin) return;
    view.dispatch({ effects: found.of(marksOf(state, answer)) });
  }
}

function marksOf({ doc }: EditorState, answer: unknown): DecorationSet {
  const places = (Array.isArray(answer) ? answer : []).filter(isHighlight).slice(0, MOST);
  const ranges = places.map(({ range }) => ({ from: offsetOf(doc, range.start), to: offsetOf(doc, range.end) }));
  return RangeSet.of(ranges.filter(({ from, to }) => from < to).map(({ from, to }) => mark.range(from, to)), true);
}

/** Whether the text has changed, or the cursor is in none of them any more. */
function isLeft(value: DecorationSet, { docChanged, selection, newSelection }: Transaction): boolean {
  return docChanged || (selection !== undefined && !isAmong(value, newSelection.main.head));
}

function isAmong(value: DecorationSet, head: number): boolean {
  let among = false;
  value.between(head, head, () => void (among = true));
  return among;
}

function isHighlight(value: unknown): value is DocumentHighlight {
  return isObject(value) && isObject(value["range"]) && isObject(value["range"]["start"]) && isObject(value["range"]["end"]);
}
