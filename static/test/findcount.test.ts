import assert from "node:assert/strict";
import { test } from "node:test";
import { search, SearchQuery, setSearchQuery } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { countFinds } from "../src/editor/findcount";

function found(doc: string, query: ConstructorParameters<typeof SearchQuery>[0], anchor = 0, head = anchor) {
  const state = EditorState.create({ doc, selection: { anchor, head }, extensions: search() });
  return countFinds(state.update({ effects: setSearchQuery.of(new SearchQuery(query)) }).state);
}

test("finds are counted, and the one that is selected has its number", () => {
  assert.deepEqual(found("a b a", { search: "a" }), { count: 2, cut: false, at: null });
  assert.deepEqual(found("a b a", { search: "a" }, 4, 5), { count: 2, cut: false, at: 2 });
  assert.deepEqual(found("a", { search: "b" }), { count: 0, cut: false, at: null });
  assert.equal(found("a", { search: "" }), null);
  assert.equal(found("a", { search: "(", regexp: true }), null);
});

test("counting ends where nobody reads the number", () => {
  const many = found("a".repeat(5000), { search: "a" });
  assert.ok(many && many.cut && many.count <= 1000);
});
