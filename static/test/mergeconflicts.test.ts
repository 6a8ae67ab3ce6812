import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorState, Text } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { isInConflict, keepSide, type Kept, mergeConflicts, mergeConflictsIn, mergeConflictsOf, toConflict } from "../src/editor/mergeconflicts";

const CONFLICT = "<<<<<<< HEAD\none\n=======\nother\n>>>>>>> theirs of them\n";
const WITH_BASE = "<<<<<<<\n||||||| 1a2b\nbefore\n=======\nother\n>>>>>>> b\n";

const found = (text: string): readonly (readonly [string, string, string])[] => {
  const slice = (lines: { from: number; to: number } | null): string => (lines ? text.slice(lines.from, lines.to) : "-");
  return mergeConflictsIn(Text.of(text.split("\n"))).map(({ ours, base, theirs }) => [`${ours.name}:${slice(ours)}`, slice(base), `${theirs.name}:${slice(theirs)}`]);
};

/** As much of a view as the commands need. */
function viewOf(doc: string, cursor = 0): EditorView {
  const view = {
    state: EditorState.create({ doc, selection: { anchor: cursor }, extensions: [mergeConflicts] }),
    dispatch: (spec: object): void => void (view.state = view.state.update(spec).state),
  };
  return view as unknown as EditorView;
}

test("the sides of each conflict are found, with what was before and without", () => {
  assert.deepEqual(found(`a\n${CONFLICT}b\n${WITH_BASE}`), [
    ["HEAD:one\n", "-", "theirs of them:other\n"],
    [":", "before\n", "b:other\n"],
  ]);
  // As in a text whose line breaks are not all the same.
  assert.deepEqual(found("<<<<<<< a\r\n1\r\n=======\r\n>>>>>>> b\r"), [["a:1\r\n", "-", "b:"]]);
});

test("what only looks like a conflict is none", () => {
  for (const text of ["Title\n=======\n", "<<<<<<< a\n1\n>>>>>>> b\n", "<<<<<<<< a\n=======\n>>>>>>> b\n", "<<<<<<< a\n=======\n", "=======\n>>>>>>> b\n", " <<<<<<< a\n=======\n>>>>>>> b\n"]) {
    assert.deepEqual(found(text), [], text);
  }
  // One that was begun again counts from there.
  assert.deepEqual(found(`<<<<<<< lost\n1\n=======\n${CONFLICT}`), [["HEAD:one\n", "-", "theirs of them:other\n"]]);
});

test("a side or both are kept, in place of the conflict at the cursor alone", () => {
  const kept = (which: Kept, text = `a\n${CONFLICT}b\n${CONFLICT}`): string => {
    const view = viewOf(text, 5);
    assert.equal(keepSide(which)(view), true);
    return view.state.doc.toString();
  };
  assert.equal(kept("ours"), `a\none\nb\n${CONFLICT}`);
  assert.equal(kept("theirs"), `a\nother\nb\n${CONFLICT}`);
  assert.equal(kept("both"), `a\none\nother\nb\n${CONFLICT}`);
  assert.equal(kept("ours", `a\n${WITH_BASE}b`), "a\nb");
  assert.equal(kept("theirs", `a\n${WITH_BASE.slice(0, -1)}`), "a\nother\n");
  assert.equal(keepSide("both")(viewOf(`a\n${CONFLICT}`)), false);
});

test("conflicts are followed while the text changes", () => {
  const view = viewOf("");
  view.dispatch({ changes: { from: 0, insert: CONFLICT.slice(0, -20) } });
  assert.equal(mergeConflictsOf(view.state).length, 0);
  view.dispatch({ changes: { from: view.state.doc.length, insert: CONFLICT.slice(-20) } });
  view.dispatch({ changes: { from: 0, insert: "before\n" } });
  assert.deepEqual(mergeConflictsOf(view.state).map(({ from }) => from), ["before\n".length]);
  view.dispatch({ changes: { from: "before\n".length, to: "before\n<".length } });
  assert.equal(mergeConflictsOf(view.state).length, 0);
});

test("the cursor goes from one to the next, around the end", () => {
  const view = viewOf(`a\n${CONFLICT}b\n${CONFLICT}`);
  const second = 2 + CONFLICT.length + 2;
  const heads = ([1, 1, 1, -1] as const).map((direction) => {
    toConflict(direction)(view);
    return view.state.selection.main.head;
  });
  assert.deepEqual(heads, [2, second, 2, second]);
  assert.equal(isInConflict(view.state), true);
  assert.equal(toConflict(1)(viewOf("a")), false);
});
