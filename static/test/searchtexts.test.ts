import assert from "node:assert/strict";
import { test } from "node:test";
import { Text } from "@codemirror/state";
import { Emitter } from "../src/lifecycle";
import { Search, type SearchQuery } from "../src/search";
import { isWanted, matchesIn } from "../src/searchtexts";

const query = (q: string, options: Partial<SearchQuery> = {}): SearchQuery => ({ q, regex: false, case: false, word: false, include: "", exclude: "", ignored: false, ...options });
const text = (content: string): Text => Text.of(content.split("\n"));
/** Of each line its number and what was found in it. */
const finds = (content: string, asked: SearchQuery): unknown =>
  matchesIn("a", text(content), asked)?.map((match) => [match.line, ...match.ranges.map(([start, end]) => match.text.slice(start - match.skipped, end - match.skipped))]) ?? null;

test("lines are found as the server finds them", () => {
  assert.deepEqual(finds("one.\r\nnone\nONE one.", query("one.")), [[1, "one."], [3, "one."]]);
  assert.deepEqual(finds("one\nnone\nONE one", query("one", { word: true })), [[1, "one"], [3, "ONE", "one"]]);
  assert.deepEqual(finds("éone one_ -one-", query("one", { word: true })), [[1, "one"]]);
  assert.deepEqual(finds("one ONE", query("o(n)e", { regex: true, case: true })), [[1, "one"]]);
  assert.deepEqual(finds("ab", query("x*", { regex: true })), [[1, "", "", ""]]);
  assert.equal(finds("one", query("(?i)one", { regex: true })), null);
});

test("of a long line is shown where something is found", () => {
  const [match] = matchesIn("a", text(`${"x".repeat(1000)}needle${"x".repeat(1000)}`), query("needle")) ?? [];
  assert.deepEqual([match?.column, match?.skipped, match?.text.length, match?.text.slice(60, 66)], [1001, 940, 400, "needle"]);
});

test("globs and ignored files count as they do on the server", () => {
  const wanted = (path: string, options: Partial<SearchQuery>): boolean => isWanted(path, query("x", options), (other) => other === "dist/a.js");
  assert.ok(wanted("src/a.js", {}) && wanted("src/deep/a.js", { include: "src" }) && wanted("a.js", { include: "docs, *.js" }));
  assert.ok(!wanted("lib/a.js", { include: "src" }) && !wanted("src/a.js", { exclude: "src/" }) && !wanted("src/a.js", { include: "src", exclude: "*.js" }));
  assert.ok(!wanted("dist/a.js", {}) && wanted("dist/a.js", { ignored: true }));
});

const line = (path: string, number: number, content: string): string =>
  JSON.stringify({ type: "match", path, line: number, column: 1, text: content, skipped: 0, ranges: [[0, 1]], long: false });
const END = JSON.stringify({ type: "end", matches: 0, files: 0, stopped: null, note: null });

function setUp(found: readonly string[], open: Readonly<Record<string, string>>, unsaved: readonly string[]) {
  const edited = new Emitter<string>();
  const content = new Map(Object.entries(open));
  const texts = {
    paths: unsaved,
    find: (path: string) => (content.has(path) ? text(content.get(path) ?? "") : null),
    isIgnored: () => false,
    onEdited: edited.event,
  };
  const api = { stream: async () => new Response([...found, END].join("\n") + "\n") };
  const search = new Search(api, "p", texts);
  const lines = (): unknown => search.files.map(({ path, matches }) => [path, ...matches.map((match) => `${match.line}: ${match.text}`)]);
  return { search, edited, content, lines };
}

test("unsaved text is searched in the place of what is on the disk", async () => {
  const disk = [line("a", 1, "x on the disk"), line("b", 7, "x"), line("c", 1, "x on the disk")];
  const { search, lines } = setUp(disk, { a: "typed\nx typed", b: "x", c: "nothing", new: "x too" }, ["a", "c", "new"]);
  await search.start(query("x"));
  assert.deepEqual(lines(), [["a", "2: x typed"], ["new", "1: x too"], ["b", "7: x"]]);
  assert.deepEqual([search.state.get().finds, search.state.get().files, search.state.get().notes], [3, 3, []]);
});

test("a pattern that the browser understands otherwise shows no wrong lines, and says so", async () => {
  const { search, lines } = setUp([line("a", 1, "x on the disk")], { a: "x" }, ["a"]);
  await search.start(query("(?i)x", { regex: true }));
  assert.deepEqual(lines(), []);
  assert.match(search.state.get().notes.join(), /a has unsaved text/);
});

test("what is found follows what is typed, but for what was left out", async () => {
  const { search, edited, content, lines } = setUp([line("a", 1, "x"), line("b", 1, "x")], { a: "x", b: "x", c: "" }, []);
  const renewed: string[] = [];
  search.onRenewed(({ path, matches }) => renewed.push(`${path} ${matches.length}`));
  await search.start(query("x"));
  content.set("a", "typed above\nx");
  edited.fire("a");
  content.set("c", "x");
  edited.fire("c");
  assert.deepEqual(lines(), [["a", "2: x"], ["b", "1: x"], ["c", "1: x"]]);
  content.set("c", "");
  edited.fire("c");
  search.dismiss("b");
  edited.fire("b");
  assert.deepEqual(lines(), [["a", "2: x"]]);
  assert.deepEqual(renewed, ["a 1", "c 1", "c 0"]);
  assert.deepEqual([search.state.get().finds, search.state.get().files], [1, 1]);
});
