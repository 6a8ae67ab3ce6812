import assert from "node:assert/strict";
import { test } from "node:test";
import { areColumns, Splits } from "../src/terminal/splits";

const shape = ({ columns, active }: Splits): string => columns.map(({ name, weight }) => `${name === active ? "*" : ""}${name}:${weight}`).join(" ");

test("a terminal that is chosen takes the place of the one in use", () => {
  const splits = new Splits();
  splits.choose("a");
  splits.split("b");
  assert.equal(shape(splits), "a:0.5 *b:0.5");
  splits.choose("c");
  assert.equal(shape(splits), "a:0.5 *c:0.5");
  splits.choose("a");
  assert.equal(shape(splits), "*a:0.5 c:0.5");
});

test("a split halves the column it was made from, up to four", () => {
  const splits = new Splits();
  splits.split("a");
  splits.split("b");
  splits.choose("a");
  splits.split("c");
  assert.equal(shape(splits), "a:0.25 *c:0.25 b:0.5");
  splits.split("d");
  splits.split("e");
  assert.equal(shape(splits), "a:0.25 c:0.125 *e:0.125 b:0.5", "there is no room for a fifth");
  splits.split("b");
  assert.equal(splits.active, "b");
});

test("a column that goes leaves its neighbour in use", () => {
  const splits = new Splits();
  for (const name of ["a", "b", "c"]) splits.split(name);
  splits.choose("b");
  splits.remove("b");
  assert.equal(splits.active, "c");
  splits.remove("c");
  assert.equal(splits.active, "a");
  splits.remove("unknown");
  splits.remove("a");
  assert.deepEqual([splits.active, splits.columns], [null, []]);
});

test("keys move along the columns and around", () => {
  const splits = new Splits();
  for (const name of ["a", "b", "c"]) splits.split(name);
  splits.move(1);
  assert.equal(splits.active, "a");
  splits.move(-1);
  assert.equal(splits.active, "c");
  splits.unsplit();
  assert.deepEqual(splits.columns.map(({ name }) => name), ["c"]);
});

test("a line between two columns moves what they have between them", () => {
  const splits = new Splits();
  splits.restore([{ name: "a", weight: 1 }, { name: "b", weight: 1 }, { name: "c", weight: 2 }], "gone");
  splits.divide(0, 0.75);
  splits.divide(2, 0.1);
  assert.equal(shape(splits), "*a:1.5 b:0.5 c:2");
});

test("only columns are restored", () => {
  assert.ok(areColumns([{ name: "a", weight: 1 }]));
  for (const value of [null, {}, [1], [{ name: "a" }], [{ name: 1, weight: 1 }], [{ name: "a", weight: 0 }]]) assert.ok(!areColumns(value));
});
