import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf, type Row } from "../src/files";
import { nameProblem, newProblem, treeMove, typeAhead } from "../src/treekeys";

const row = (path: string, folder = false, expanded = false): Row => ({
  path,
  name: nameOf(path),
  folder,
  symlink: false,
  expanded,
  depth: path.split("/").length - 1,
  position: 1,
  siblings: 1,
});
const ROWS = [row("lib", true), row("src", true, true), row("src/app.js"), row("src/test.js"), row("README.md")];
const at = (path: string | null): number => ROWS.findIndex((candidate) => candidate.path === path);

test("arrows move through the rows and stop at the ends", () => {
  assert.deepEqual(treeMove(ROWS, at("lib"), "ArrowDown"), { kind: "move", path: "src" });
  assert.deepEqual(treeMove(ROWS, at("README.md"), "ArrowDown"), { kind: "move", path: "README.md" });
  assert.deepEqual(treeMove(ROWS, at("lib"), "ArrowUp"), { kind: "move", path: "lib" });
  assert.deepEqual(treeMove(ROWS, at("src"), "End"), { kind: "move", path: "README.md" });
  assert.deepEqual(treeMove(ROWS, at("src"), "Home"), { kind: "move", path: "lib" });
  assert.deepEqual(treeMove(ROWS, at(null), "ArrowDown"), { kind: "move", path: "lib" });
  assert.deepEqual(treeMove(ROWS, at(null), "ArrowUp"), { kind: "move", path: "README.md" });
  assert.equal(treeMove([], -1, "ArrowDown"), null);
});

test("right opens and goes in, left closes and goes out", () => {
  assert.deepEqual(treeMove(ROWS, at("lib"), "ArrowRight"), { kind: "expand", path: "lib" });
  assert.deepEqual(treeMove(ROWS, at("src"), "ArrowRight"), { kind: "move", path: "src/app.js" });
  assert.equal(treeMove(ROWS, at("src/app.js"), "ArrowRight"), null);
  assert.deepEqual(treeMove(ROWS, at("src"), "ArrowLeft"), { kind: "collapse", path: "src" });
  assert.deepEqual(treeMove(ROWS, at("src/test.js"), "ArrowLeft"), { kind: "move", path: "src" });
  assert.equal(treeMove(ROWS, at("lib"), "ArrowLeft"), null);
});

test("typing finds the next name that begins so", () => {
  assert.equal(typeAhead(ROWS, "lib", "s"), "src");
  assert.equal(typeAhead(ROWS, "src", "s"), "src");
  assert.equal(typeAhead(ROWS, "src", "re"), "README.md");
  assert.equal(typeAhead(ROWS, "README.md", "a"), "src/app.js");
  assert.equal(typeAhead(ROWS, "lib", "zz"), null);
  assert.equal(typeAhead([row("a1"), row("a2"), row("b")], "a1", "aa"), "a2");
});

test("names that can't be are refused with the reason", () => {
  const taken = (name: string): boolean => name === "index.js";
  assert.equal(nameProblem("new.js", taken), null);
  assert.equal(nameProblem("<b>ä &amp;.js", taken), null);
  for (const [name, reason] of [["", /Type/], [".", /stands for/], ["..", /stands for/], ["a/b", /slash/], ["a\0", /NUL/], ["ä".repeat(128), /255 bytes/], ["index.js", /exists/]] as const)
    assert.match(nameProblem(name, taken) ?? "", reason);
  assert.equal(newProblem("lib/index.js", taken), null, "it is taken elsewhere");
  for (const [path, reason] of [["index.js", /exists/], ["lib/../a", /stands for/], ["/a", /Type/], ["lib/", /Type/]] as const) assert.match(newProblem(path, taken) ?? "", reason);
});
