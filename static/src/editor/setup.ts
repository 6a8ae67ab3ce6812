// What every editor of the page can do, whatever it shows.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { gotoLine, highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, type StateEffect } from "@codemirror/state";
import {
  crosshairCursor,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  highlightWhitespace,
  type KeyBinding,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { isMac } from "../commands";
import type { EditorPreferences } from "../editorpreferences";
import { type Disposable, DisposableStore } from "../lifecycle";
import type { Indent } from "../text";
import { findCount } from "./findcount";
import { theme } from "./theme";
import { cursor, growing, typed } from "./typing";

/** What the person has chosen of the looks of all editors. */
export type Look = Pick<EditorPreferences, "wrapped" | "blanks" | "screenReader">;

interface Choice {
  readonly name: keyof Look;
  readonly place: Compartment;
  readonly extension: (on: boolean) => Extension;
}

const CHOICES: readonly Choice[] = [
  { name: "wrapped", place: new Compartment(), extension: (on) => (on ? EditorView.lineWrapping : []) },
  { name: "blanks", place: new Compartment(), extension: (on) => (on ? highlightWhitespace() : []) },
  { name: "screenReader", place: new Compartment(), extension: (on) => (on ? aloud : silent()) },
];

/** Has `configure` give what is chosen from now on to the editors that have `viewing`. */
export function followLook(look: Look, configure: (effect: StateEffect<unknown>) => void): Disposable {
  const disposables = new DisposableStore();
  for (const choice of CHOICES) disposables.add(look[choice.name].onChange((on) => configure(choice.place.reconfigure(choice.extension(on)))));
  return disposables;
}

/** For a text with a line so long that to break it would take seconds, whenever the window changes. */
export const unbroken: Extension = EditorView.theme({
  ".cm-content.cm-lineWrapping": { whiteSpace: "pre", wordBreak: "normal", overflowWrap: "normal", flexShrink: "0" },
});

// Tab indents, which a person who can't see that it does has to be told.
function silent(): Extension {
  return [cursor(), keymap.of([indentWithTab]), EditorView.contentAttributes.of({ "aria-description": "Escape, then Tab leaves the editor" })];
}

// The browser's own cursor and selection, which screen readers and magnifiers follow; and a word of where a jump has led.
const aloud: Extension = EditorState.transactionExtender.of(({ startState, newDoc, selection, docChanged }) => {
  if (!selection || docChanged) return null;
  const line = newDoc.lineAt(selection.main.head).number;
  const before = startState.doc.lineAt(startState.selection.main.head).number;
  return Math.abs(line - before) > 1 ? { effects: EditorView.announce.of(`Line ${line}`) } : null;
});

/** Before those of the search, which have it for the next match. */
export const lineKeys: readonly KeyBinding[] = [{ key: "Ctrl-g", run: gotoLine }];

/** Line numbers, folding, search and looks; for the panes of a comparison too. `keys` come before all others. */
export function viewing(nonce: string, keys: Extension, look: Look): Extension {
  return [
    keys,
    CHOICES.map(({ name, place, extension }) => place.of(extension(look[name].get()))),
    EditorView.cspNonce.of(nonce),
    // Editable text takes the focus anyway; said aloud, checkers and browsers with keyboard scrolling know it too.
    EditorView.contentAttributes.of({ tabindex: "0" }),
    lineNumbers(),
    highlightSpecialChars(),
    foldGutter(),
    bracketMatching(),
    highlightSelectionMatches(),
    search({ top: true }),
    findCount,
    keymap.of([...lineKeys, ...searchKeymap, ...foldKeymap]),
    theme,
  ];
}

function addsCursor({ altKey, ctrlKey, metaKey }: MouseEvent): boolean {
  return altKey || (isMac(navigator.platform) ? metaKey : ctrlKey);
}

export function indentation(indent: Indent): Extension {
  return [EditorState.tabSize.of(indent.tabWidth), indentUnit.of(indent.unit)];
}

/** All that changes text, on top of `viewing`. */
export function editing(): Extension {
  return [
    typed,
    growing,
    dropCursor(),
    indentOnInput(),
    closeBrackets(),
    autocompletion({ icons: false, maxRenderedOptions: 30 }),
    rectangularSelection(),
    crosshairCursor(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    EditorState.allowMultipleSelections.of(true),
    EditorView.clickAddsSelectionRange.of(addsCursor),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...completionKeymap,
    ]),
  ];
}
