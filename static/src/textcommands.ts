// What the editor of a text does by keys of its own, as commands, so that the palette lists them too.

import {
  addCursorAbove,
  addCursorBelow,
  copyLineDown,
  copyLineUp,
  cursorMatchingBracket,
  defaultKeymap,
  deleteLine,
  historyKeymap,
  indentLess,
  indentMore,
  indentSelection,
  moveLineDown,
  moveLineUp,
  redo,
  selectParentSyntax,
  toggleBlockComment,
  toggleComment,
  undo,
} from "@codemirror/commands";
import { foldAll, foldCode, foldKeymap, unfoldAll, unfoldCode } from "@codemirror/language";
import { findNext, findPrevious, searchKeymap, selectNextOccurrence, selectSelectionMatches } from "@codemirror/search";
import type { EditorState } from "@codemirror/state";
import type { Command as TextCommand, EditorView, KeyBinding } from "@codemirror/view";
import type { Command } from "./commands";
import { blocksOf, joinLines, sortLines, toCase, trimLines, uniteLines } from "./editor/lines";
import { isInConflict, keepSide, mergeConflictsOf, toConflict } from "./editor/mergeconflicts";
import { lineKeys } from "./editor/setup";

type IsEnabled = (state: EditorState) => boolean;

const hasLines: IsEnabled = (state) => blocksOf(state).length > 0;
const hasConflicts: IsEnabled = (state) => mergeConflictsOf(state).length > 0;

const TITLES: readonly (readonly [string, TextCommand, IsEnabled?])[] = [
  ["Undo", undo],
  ["Redo", redo],
  ["Find the next", findNext],
  ["Find the previous", findPrevious],
  ["Select the next occurrence too", selectNextOccurrence],
  ["Select all occurrences", selectSelectionMatches],
  ["Add a cursor above", addCursorAbove],
  ["Add a cursor below", addCursorBelow],
  ["Select what holds the selection", selectParentSyntax],
  ["Go to the matching bracket", cursorMatchingBracket],
  ["Fold here", foldCode],
  ["Unfold here", unfoldCode],
  ["Fold all", foldAll],
  ["Unfold all", unfoldAll],
  ["Comment lines, or not", toggleComment],
  ["Comment the selection, or not", toggleBlockComment],
  ["Move lines up", moveLineUp],
  ["Move lines down", moveLineDown],
  ["Copy lines upwards", copyLineUp],
  ["Copy lines downwards", copyLineDown],
  ["Delete lines", deleteLine],
  ["Join lines", joinLines],
  ["Sort the selected lines", sortLines(1), hasLines],
  ["Sort the selected lines backwards", sortLines(-1), hasLines],
  ["Delete selected lines that are there twice", uniteLines, hasLines],
  ["Upper case", toCase((text) => text.toUpperCase())],
  ["Lower case", toCase((text) => text.toLowerCase())],
  ["Delete blanks at the ends of lines", trimLines],
  ["Indent more", indentMore],
  ["Indent less", indentLess],
  ["Indent anew", indentSelection],
  ["Next merge conflict", toConflict(1), hasConflicts],
  ["Previous merge conflict", toConflict(-1), hasConflicts],
  ["Merge conflict: keep ours, the upper side", keepSide("ours"), isInConflict],
  ["Merge conflict: keep theirs, the lower side", keepSide("theirs"), isInConflict],
  ["Merge conflict: keep both sides", keepSide("both"), isInConflict],
];

/** `viewOf` gives the editor in front, if there is one. */
export function textCommands(viewOf: () => EditorView | null, mac: boolean): readonly Command[] {
  return TITLES.map(([title, command, isEnabled]) => ({
    id: `text.${title}`,
    title,
    ...textKeyOf(command, mac),
    isEnabled: () => {
      const view = viewOf();
      return view !== null && (isEnabled?.(view.state) ?? true);
    },
    run: () => {
      const view = viewOf();
      if (!view) return;
      view.focus();
      command(view);
    },
  }));
}

const BINDINGS: readonly KeyBinding[] = [...lineKeys, ...defaultKeymap, ...historyKeymap, ...searchKeymap, ...foldKeymap];

/** The key by which the editor itself runs one of its commands. */
export function textKeyOf(command: TextCommand, mac: boolean): { readonly textKey?: string } {
  const binding = BINDINGS.find(({ run, shift }) => run === command || shift === command);
  const key = (mac ? binding?.mac : undefined) ?? binding?.key;
  return key ? { textKey: named(binding?.run === command ? key : `Shift-${key}`, mac) } : {};
}

/** CodeMirror's name of a key in the form in which commands name theirs. */
function named(key: string, mac: boolean): string {
  const parts = key.split("-");
  const last = parts.pop() ?? "";
  const shift = parts.includes("Shift") || /^[A-Z]$/.test(last);
  const mod = parts.includes("Mod") || parts.includes(mac ? "Cmd" : "Ctrl");
  return [mod && "mod", mac && parts.includes("Ctrl") && "ctrl", parts.includes("Alt") && "alt", shift && "shift", last.toLowerCase()].filter(Boolean).join("+");
}
