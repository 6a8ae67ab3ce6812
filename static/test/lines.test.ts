import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorSelection, EditorState, type StateCommand, Text, type Transaction } from "@codemirror/state";
import { reindenting } from "../src/editor/changes";
import { joinLines, sortLines, toCase, trimLines, uniteLines } from "../src/editor/lines";

/** The text after the command, with | around what is selected; `marked` has them around what is selected before. */
function after(command: StateCommand, marked: string, readOnly = false): string | null {
  const places = [...marked.matchAll(/\|/g)].map(({ index }, count) => index - count);
  const ranges = places.flatMap((anchor, index) => (index % 2 === 0 ? [EditorSelection.range(anchor, places[index + 1] ?? anchor)] : []));
  const extensions = [EditorState.allowMultipleSelections.of(true), EditorState.readOnly.of(readOnly)];
  const state = EditorState.create({ doc: marked.replaceAll("|", ""), selection: EditorSelection.create(ranges), extensions });
  let done: Transaction | null = null;
  const ran = command({ state, dispatch: (transaction) => (done = transaction) });
  assert.equal(ran, done !== null);
  return (done as Transaction | null)?.newDoc.toString() ?? null;
}

test("the selected lines are sorted, and no other", () => {
  assert.equal(after(sortLines(1), "z\nb|\nä\na\nc|\na\n"), "z\na\nä\nb\nc\na\n");
  assert.equal(after(sortLines(-1), "|a\nb\n|c\n"), "b\na\nc\n");
  assert.equal(after(sortLines(1), "|b\na|\nx\n|d\nc|"), "a\nb\nx\nc\nd");
  // Of two selections that share a line the first has it.
  assert.equal(after(sortLines(1), "c\n|b\na| |z\ny|"), "c\na z\nb\ny");
  assert.equal(after(sortLines(1), "b\n|a|\n"), null);
  assert.equal(after(sortLines(1), "|b\na|", true), null);
});

test("lines that are there twice are there once", () => {
  assert.equal(after(uniteLines, "|b\na\nb\na\n|b"), "b\na\nb");
});

test("lines are joined by one blank", () => {
  assert.equal(after(joinLines, "  on|e  \n\ttwo\nthree"), "  one two\nthree");
  assert.equal(after(joinLines, "  |one\n  two\n\n   \n  three|\nfour"), "  one two three\nfour");
  assert.equal(after(joinLines, "one|\n\n"), "one\n");
  assert.equal(after(joinLines, "|\n  one"), "one");
  assert.equal(after(joinLines, "one|"), null);
});

test("words change their case, the cursor's where nothing is selected", () => {
  assert.equal(after(toCase((text) => text.toUpperCase()), "one t||wo |straße|"), "one TWO STRASSE");
  assert.equal(after(toCase((text) => text.toLowerCase()), "O|NE"), "one");
  assert.equal(after(toCase((text) => text.toLowerCase()), "one| |"), null);
});

test("blanks at the ends of lines go", () => {
  assert.equal(after(trimLines, "one  \n\t\ntwo|"), "one\n\ntwo");
  assert.equal(after(trimLines, "one|"), null);
});

test("lines are indented by as many steps of another kind, and what is left over stays", () => {
  const convert = (text: string, from: string, to: string, tabWidth = 4): string => {
    const doc = Text.of(text.split("\n"));
    return EditorState.create({ doc }).update({ changes: reindenting(doc, { unit: from, tabWidth }, { unit: to, tabWidth }) }).newDoc.toString();
  };
  assert.equal(convert("a\n  b\n    c  d\n     e\n", "  ", "\t"), "a\n\tb\n\t\tc  d\n\t\t e\n");
  assert.equal(convert("\ta\n\t\t b\n  \tc", "\t", "  "), "  a\n     b\n  c");
  assert.equal(convert("    a\n        b", "    ", "  "), "  a\n    b");
  assert.equal(convert("\ta", "\t", "        ", 8), "        a");
});
