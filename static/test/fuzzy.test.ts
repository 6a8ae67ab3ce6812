import assert from "node:assert/strict";
import { test } from "node:test";
import { filter, score } from "../src/fuzzy";

const best = (query: string, ...paths: string[]): string | undefined => filter(query, paths, (path) => path)[0]?.item;

test("letters match in order, regardless of case", () => {
  assert.notEqual(score("idx", "src/Index.js"), null);
  assert.equal(score("xdi", "src/Index.js"), null);
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
  const found = filter(" ", ["b", "a", "c"], (item) => item, 2);
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

test("one of 50,000 paths is found first", () => {
  const paths = Array.from({ length: 50_000 }, (_, index) => `src/module${index % 100}/component-${index}/index.tsx`);
  assert.equal(filter("comp-31415", paths, (path) => path)[0]?.item, paths[31_415]);
});
