import assert from "node:assert/strict";
import { test } from "node:test";
import { Finder, type Match } from "../src/fuzzy";

const finderOf = (...paths: string[]): Finder<string> => new Finder(paths, (path) => path);
const best = (query: string, ...paths: string[]): string | undefined => finderOf(...paths).find(query)[0]?.item;
const score = (query: string, text: string): Match<string> | undefined => finderOf(text).find(query)[0];

test("letters match in order, regardless of case", () => {
  assert.ok(score("idx", "src/Index.js"));
  assert.equal(score("xdi", "src/Index.js"), undefined);
  assert.deepEqual(score("ind", "index.js")?.positions, [0, 1, 2]);
});

test("the name counts before the folder", () => {
  assert.equal(best("index", "index/src.js", "src/index.js"), "src/index.js");
  assert.equal(best("util", "utilities/deep/list.js", "src/util.js"), "src/util.js");
});

test("the beginning of a word counts before its middle", () => {
  assert.equal(best("fb", "src/fabric.ts", "src/fooBar.ts"), "src/fooBar.ts");
  assert.equal(best("ls", "src/also.ts", "src/list-store.ts"), "src/list-store.ts");
});

test("letters that are left over match in the folder", () => {
  assert.equal(best("srcutil", "lib/util.js", "src/util.js"), "src/util.js");
});

test("letters in a row count before scattered ones, and short paths before long ones", () => {
  assert.equal(best("main", "my-admin.ts", "main.ts"), "main.ts");
  assert.equal(best("app", "a/very/long/way/to/app.js", "app.js"), "app.js");
});

test("without a query everything is there, in its order, up to the limit", () => {
  const found = finderOf("b", "a", "c").find(" ", 2);
  assert.deepEqual(found.map((match) => match.item), ["b", "a"]);
});

test("every position is the letter that was asked for", () => {
  for (const [query, text] of [["rtc", "src/routes/context.py"], ["sui", "server/ui/sub_index.ts"], ["aab", "xaayab/aab"], ["mlt", "server/models/list.py"]] as const) {
    const found = score(query, text);
    assert.ok(found, query);
    assert.equal(found.positions.map((at) => text.charAt(at)).join(""), query);
    assert.deepEqual([...found.positions].sort((a, b) => a - b), found.positions);
  }
});

test("one of 50,000 paths is found first, typed on, taken back and typed anew", () => {
  const finder = finderOf(...Array.from({ length: 50_000 }, (_, index) => `src/module${index % 100}/component-${index}/index.tsx`));
  const typed = ["c", "co", "comp-3", "comp-31415", "comp", "comp-27182", "31415index"];
  const first = typed.map((query) => finder.find(query)[0]?.item);
  assert.deepEqual([first[3], first[5], first[6]], [31_415, 27_182, 31_415].map((index) => `src/module${index % 100}/component-${index}/index.tsx`));
  for (const [at, query] of typed.entries()) assert.equal(first[at], finderOf(...Array.from(finder.find(""), ({ item }) => item), first[at] ?? "").find(query)[0]?.item);
});

test("the best are told, the earlier of two that are as good", () => {
  const paths = Array.from({ length: 30 }, (_, index) => `${"x".repeat(index % 3)}a${index % 3}.ts`);
  const found = finderOf(...paths).find("a", 4);
  assert.deepEqual(found.map(({ item }) => item), ["a0.ts", "a0.ts", "a0.ts", "a0.ts"]);
  assert.deepEqual(finderOf("a/1.ts", "b/1.ts", "c/1.ts").find("1", 2).map(({ item }) => item), ["a/1.ts", "b/1.ts"]);
});

test("letters that grow when they are made small stay where they are", () => {
  assert.deepEqual(score("b", "\u0130\u0130b")?.positions, [2]);
});
