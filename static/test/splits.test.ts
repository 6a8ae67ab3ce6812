import assert from "node:assert/strict";
import { test } from "node:test";
import { areParts, type Part, type Side, Splits } from "../src/splits";

const MOST = 4;

function shape({ parts, active }: Splits): string {
  const words = (list: readonly Part[]): string => list.map((part) => ("name" in part ? `${part.name === active ? "*" : ""}${part.name}:${part.weight}` : `(${words(part.parts)}):${part.weight}`)).join(" ");
  return words(parts);
}

test("a terminal that is chosen takes the place of the one in use", () => {
  const splits = new Splits(MOST);
  splits.choose("a");
  splits.split("b");
  assert.equal(shape(splits), "a:1 *b:1");
  splits.choose("c");
  assert.equal(shape(splits), "a:1 *c:1");
  splits.choose("a");
  assert.equal(shape(splits), "*a:1 c:1");
});

test("a split is as wide as the others, or halves the column it was made from where they differ, up to four", () => {
  const splits = new Splits(MOST);
  splits.split("a");
  splits.split("b");
  splits.choose("a");
  splits.split("c");
  assert.equal(shape(splits), "a:1 *c:1 b:1");
  splits.divide(splits.lines[0]!, 0.25);
  splits.split("d");
  splits.split("e");
  assert.equal(shape(splits), "a:0.5 c:0.75 *e:0.75 b:1", "there is no room for a fifth");
  splits.split("b");
  assert.equal(splits.active, "b");
});

test("a column that goes leaves its neighbour in use", () => {
  const splits = new Splits(MOST);
  for (const name of ["a", "b", "c"]) splits.split(name);
  splits.choose("b");
  splits.remove("b");
  assert.equal(splits.active, "c");
  splits.remove("c");
  assert.equal(splits.active, "a");
  splits.remove("unknown");
  splits.remove("a");
  assert.deepEqual([splits.active, splits.names], [null, []]);
});

test("keys move along the columns and around", () => {
  const splits = new Splits(MOST);
  for (const name of ["a", "b", "c"]) splits.split(name);
  splits.move(1);
  assert.equal(splits.active, "a");
  splits.move(-1);
  assert.equal(splits.active, "c");
  splits.unsplit();
  assert.deepEqual(splits.names, ["c"]);
});

test("a line between two columns moves what they have between them", () => {
  const splits = new Splits(MOST);
  splits.restore([{ name: "a", weight: 1 }, { name: "b", weight: 1 }, { name: "c", weight: 2 }], "gone");
  const [first, second] = splits.lines;
  assert.ok(first && second);
  splits.divide(first, 0.75);
  splits.divide(second, 0.2);
  assert.equal(shape(splits), "*a:1.5 b:0.5 c:2");
});

test("a split lies on the side that was asked for, across where its neighbours lie along", () => {
  const splits = new Splits(8);
  splits.split("a");
  const sides: readonly (readonly [string, Side, string])[] = [["b", "right", "a"], ["c", "below", "b"], ["d", "above", "c"], ["e", "left", "d"]];
  for (const [name, side, beside] of sides) splits.split(name, side, beside);
  assert.equal(shape(splits), "a:1 (b:1 (*e:1 d:1):1 c:1):1");
  assert.deepEqual(splits.names, ["a", "b", "e", "d", "c"]);
  assert.deepEqual(splits.places.get("e"), { x: 0.5, y: 1 / 3, width: 0.25, height: 1 / 3 });
  assert.deepEqual(splits.lines.map(({ path, upright }) => [path.join("."), upright]), [["1.1.0", true], ["1.0", false], ["1.1", false], ["0", true]]);
  const inner = splits.lines[0];
  assert.ok(inner);
  splits.divide(inner, 0.25);
  assert.deepEqual(splits.places.get("d"), { x: 0.625, y: 1 / 3, width: 0.375, height: 1 / 3 });
});

test("what is left alone takes the place of what held it", () => {
  const splits = new Splits(8);
  for (const [name, side] of [["a", "right"], ["b", "below"], ["c", "right"]] as const) splits.split(name, side);
  assert.equal(shape(splits), "(a:1 (b:1 *c:1):1):1");
  splits.remove("a");
  assert.equal(shape(splits), "b:0.5 *c:0.5");
  splits.remove("c");
  assert.equal(shape(splits), "*b:0.5");
});

test("only parts are restored, and no more than there is room for", () => {
  assert.ok(areParts([{ name: "a", weight: 1 }, { weight: 2, parts: [{ name: "b", weight: 1 }, { name: "c", weight: 1 }] }]));
  for (const value of [null, {}, [1], [{ name: "a" }], [{ name: 1, weight: 1 }], [{ name: "a", weight: 0 }], [{ weight: 1, parts: [] }], [{ weight: 1, parts: [{}, {}] }]]) assert.ok(!areParts(value));
  const splits = new Splits(2);
  splits.restore([{ weight: 1, parts: [{ name: "a", weight: 1 }, { name: "b", weight: 1 }] }, { name: "c", weight: 1 }], "c");
  assert.equal(shape(splits), "(*a:1 b:1):1");
});
