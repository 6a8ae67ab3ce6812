// Keys of Visual Studio Code that CodeMirror's own map has elsewhere or not at all. Loaded when they are chosen.

import { deleteTrailingWhitespace, lineComment, lineUncomment, selectLine, selectParentSyntax, undoSelection } from "@codemirror/commands";
import { foldAll, foldCode, unfoldAll, unfoldCode } from "@codemirror/language";
import { findNext, openSearchPanel, selectSelectionMatches } from "@codemirror/search";
import { EditorSelection, type StateCommand } from "@codemirror/state";
import { type Command, keymap } from "@codemirror/view";

/** A cursor at the end of each line that is selected. */
const cursorsAtLineEnds: StateCommand = ({ state, dispatch }) => {
  if (state.selection.main.empty) return false;
  const ends = state.selection.ranges.flatMap(({ from, to }) => {
    const first = state.doc.lineAt(from).number;
    return Array.from({ length: state.doc.lineAt(to).number - first + 1 }, (_, at) => Math.min(to, state.doc.line(first + at).to));
  });
  dispatch(state.update({ selection: EditorSelection.create(ends.map((at) => EditorSelection.cursor(at))), userEvent: "select" }));
  return true;
};

const insertLineAbove: StateCommand = ({ state, dispatch }) => {
  const change = state.changeByRange(({ head }) => {
    const line = state.doc.lineAt(head);
    const indent = /^[ \t]*/.exec(line.text)?.[0] ?? "";
    return { changes: { from: line.from, insert: indent + state.lineBreak }, range: EditorSelection.cursor(line.from + indent.length) };
  });
  dispatch(state.update(change, { scrollIntoView: true, userEvent: "input" }));
  return true;
};

const openReplace: Command = (view) => {
  openSearchPanel(view);
  view.dom.querySelector<HTMLInputElement>(".cm-search [name=replace]")?.select();
  return true;
};

export const vscodeKeys = keymap.of([
  { key: "Mod-l", run: selectLine, preventDefault: true },
  { key: "Mod-F2", run: selectSelectionMatches },
  { key: "Mod-h", run: openReplace, preventDefault: true },
  { key: "Shift-Alt-i", run: cursorsAtLineEnds },
  { key: "Shift-Alt-ArrowRight", mac: "Ctrl-Shift-Cmd-ArrowRight", run: selectParentSyntax },
  { key: "Shift-Alt-ArrowLeft", mac: "Ctrl-Shift-Cmd-ArrowLeft", run: undoSelection },
  { key: "Shift-Mod-Enter", run: insertLineAbove },
  { key: "Mod-k Mod-c", run: lineComment },
  { key: "Mod-k Mod-u", run: lineUncomment },
  { key: "Mod-k Mod-x", run: deleteTrailingWhitespace },
  { key: "Mod-k Mod-d", run: findNext },
  { key: "Mod-k Mod-[", run: foldCode },
  { key: "Mod-k Mod-]", run: unfoldCode },
  { key: "Mod-k Mod-0", run: foldAll },
  { key: "Mod-k Mod-j", run: unfoldAll },
]);
