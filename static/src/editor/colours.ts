// The editor's colours for lines that are shown outside of one. Loaded when there are some.

import { ensureSyntaxTree, highlightingFor, syntaxTree } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { highlightTree } from "@lezer/highlight";
import { hasLongLine, textOf } from "./bytes";

// What is not parsed by then stays plain: the person waits for it, and the page for nothing else.
const PARSE_MS = 200;

/** A part of a line in one look; `classes` is "" for plain text. */
export interface Stretch {
  readonly text: string;
  readonly classes: string;
}

/** Gives the stretches of a line, which counts from 1, if it has the text that is expected there; null otherwise. */
export type Colours = (line: number, expected: string) => readonly Stretch[] | null;

/** Reads a text up to line `last`, in the looks that `extensions` have. */
export function coloursOf(text: string, last: number, language: Extension, extensions: Extension): Colours {
  const doc = textOf(text);
  if (hasLongLine(doc)) return () => null;
  // An editor, although nobody sees it: making one is what brings the classes into the page.
  const view = new EditorView({ doc, extensions: [language, extensions] });
  const { state } = view;
  const tree = ensureSyntaxTree(state, doc.line(Math.min(Math.max(1, last), doc.lines)).to, PARSE_MS) ?? syntaxTree(state);
  const looks = { style: highlightingFor.bind(null, state) };
  view.destroy();
  return (number, expected) => {
    const line = number >= 1 && number <= doc.lines ? doc.line(number) : null;
    // A text whose lines all end in "\r\n" is read without the "\r" that Git shows.
    if (!line || (line.text !== expected && `${line.text}\r` !== expected)) return null;
    const stretches: Stretch[] = [];
    let at = line.from;
    const add = (to: number, classes: string): void => {
      if (to > at) stretches.push({ text: doc.sliceString(at, to), classes });
      at = Math.max(at, to);
    };
    const put = (from: number, to: number, classes: string): void => {
      add(Math.min(from, line.to), "");
      add(Math.min(to, line.to), classes);
    };
    highlightTree(tree, looks, put, line.from, line.to);
    add(line.to, "");
    return stretches;
  };
}
