// Commands over lines and words that the editor's library does not have.

import type { ChangeSpec, EditorState, StateCommand } from "@codemirror/state";
import { tidying } from "./changes";

interface Block {
  readonly from: number;
  readonly to: number;
}

/** The whole lines of each selection that reaches over several. */
export function blocksOf({ doc, selection }: EditorState): readonly Block[] {
  const blocks: Block[] = [];
  for (const { from, to } of selection.ranges) {
    const [first, end] = [doc.lineAt(from), doc.lineAt(to)];
    // A selection that ends where a line begins has nothing of that line.
    const last = end.from === to && end.number > first.number ? doc.line(end.number - 1) : end;
    const start = Math.max(first.from, (blocks.at(-1)?.to ?? -1) + 1);
    if (last.number > first.number && last.from > start) blocks.push({ from: start, to: last.to });
  }
  return blocks;
}

/** Sorts the selected lines by the rules of the page's language, or the other way round. */
export function sortLines(order: 1 | -1): StateCommand {
  const { compare } = new Intl.Collator();
  return overLines((lines) => [...lines].sort((a, b) => order * compare(a, b)));
}

/** Leaves the first of the selected lines that are the same. */
export const uniteLines: StateCommand = overLines((lines) => [...new Set(lines)]);

/** Joins the selected lines, or the cursor's and the next one, with one blank in the place of the break and the indentation. */
export const joinLines: StateCommand = ({ state, dispatch }) => {
  const line = state.doc.lineAt(state.selection.main.head);
  const blocks = blocksOf(state);
  if (blocks.length > 0) return overLines((lines) => [lines.reduce(joined)])({ state, dispatch });
  if (line.number === state.doc.lines) return false;
  const next = state.doc.line(line.number + 1);
  const before = line.text.trimEnd();
  const changes = { from: line.from + before.length, to: next.to, insert: joined(line.text, next.text).slice(before.length) };
  return change(state, dispatch, [changes], "input.join", line.from + before.length);
};

function joined(line: string, next: string): string {
  const parts = [line.trimEnd(), next.trimStart()];
  return parts.filter(Boolean).join(" ");
}

/** Writes the selected text, or the words that the cursors are in, in another case. */
export function toCase(convert: (text: string) => string): StateCommand {
  return ({ state, dispatch }) => {
    const words = state.selection.ranges.map((selected) => (selected.empty ? (state.wordAt(selected.head) ?? selected) : selected));
    const changes = words.map(({ from, to }) => ({ from, to, insert: convert(state.sliceDoc(from, to)) })).filter(({ from, to, insert }) => insert !== state.sliceDoc(from, to));
    return change(state, dispatch, changes, "input.case");
  };
}

/** Takes away the blanks at the ends of all lines. */
export const trimLines: StateCommand = ({ state, dispatch }) => change(state, dispatch, tidying(state.doc, true, null), "delete.trim");

function overLines(arrange: (lines: readonly string[]) => readonly string[]): StateCommand {
  return ({ state, dispatch }) => {
    const changes = blocksOf(state).map(({ from, to }) => ({ from, to, insert: state.toText(arrange(state.sliceDoc(from, to).split(state.lineBreak)).join(state.lineBreak)) }));
    return change(state, dispatch, changes, "input.lines");
  };
}

function change(state: EditorState, dispatch: Parameters<StateCommand>[0]["dispatch"], changes: readonly ChangeSpec[], userEvent: string, cursor?: number): boolean {
  if (state.readOnly || changes.length === 0) return false;
  dispatch(state.update({ changes: [...changes], ...(cursor !== undefined && { selection: { anchor: cursor } }), userEvent, scrollIntoView: true }));
  return true;
}
