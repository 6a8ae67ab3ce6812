import assert from "node:assert/strict";
import { test } from "node:test";
import { Selection } from "../src/tree/selection";

const VISIBLE = ["a", "b", "c", "d", "e"];

test("a stretch goes from where the choice began, and shrinks again", () => {
  const selection = new Selection();
  selection.only("b");
  selection.extendTo("d", VISIBLE);
  assert.deepEqual(selection.paths, ["b", "c", "d"]);
  selection.extendTo("a", VISIBLE);
  assert.deepEqual([selection.paths, selection.cursor], [["a", "b"], "a"]);
});

test("single ones are added and taken away", () => {
  const selection = new Selection();
  selection.only("a");
  selection.toggle("c");
  selection.toggle("a");
  assert.deepEqual([selection.paths, selection.has("a"), selection.cursor], [["c"], false, "a"]);
});

test("a stretch from a row that is gone is the row alone", () => {
  const selection = new Selection();
  selection.only("x");
  selection.extendTo("b", VISIBLE);
  assert.deepEqual(selection.paths, ["b"]);
});

test("what is gone is let go, and what was moved stays chosen", () => {
  const selection = new Selection();
  selection.all(["src", "src/a", "b"]);
  selection.retain((path) => path !== "b");
  selection.follow({ from: "src", to: "lib" });
  assert.deepEqual(selection.paths, ["lib", "lib/a"]);
});

test("the cursor goes on from what was deleted", () => {
  const selection = new Selection();
  const visible = ["a", "src", "src/a", "z"];
  selection.only("src/a");
  selection.leave("a", visible);
  assert.equal(selection.cursor, "src/a");
  selection.leave("src", visible);
  assert.deepEqual([selection.cursor, selection.paths], ["z", ["z"]]);
  selection.leave("z", ["a", "z"]);
  assert.equal(selection.cursor, "a");
});
