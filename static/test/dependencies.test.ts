import assert from "node:assert/strict";
import { test } from "node:test";
import { firstTwice, parseDependencies, toTable } from "../src/dependencies";

test("takes an object of names and ranges, or a package.json", () => {
  const expected = [{ name: "express", range: "^4.18.2" }];
  assert.deepEqual(parseDependencies('{"express":"^4.18.2"}'), expected);
  assert.deepEqual(parseDependencies('{"name":"x","dependencies":{"express":"^4.18.2"}}'), expected);
  assert.deepEqual(parseDependencies("{}"), []);
});

test("says what is wrong with anything else", () => {
  assert.throws(() => parseDependencies("express"), /not JSON/);
  assert.throws(() => parseDependencies('["express"]'), /Expected an object/);
  assert.throws(() => parseDependencies("null"), /Expected an object/);
  assert.throws(() => parseDependencies('{"express":4}'), /range in quotes for express/);
});

test("rows become a table", () => {
  assert.deepEqual(toTable([{ name: " express ", range: " ^4 " }, { name: "", range: "1" }, { name: "chalk", range: "" }]), { express: "^4", chalk: "latest" });
});

test("finds a package that is named twice", () => {
  const rows = (...names: string[]): { name: string; range: string }[] => names.map((name) => ({ name, range: "" }));
  assert.equal(firstTwice(rows("a", "b", " a")), 2);
  assert.equal(firstTwice(rows("a", "", "")), -1);
});
