import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../src/api";
import { FileIndex } from "../src/fileindex";
import { FileTree, isWithin, join, nameOf, parentOf, rebase, topmost } from "../src/files";
import { FakeDisk } from "./fakes";

function setUp() {
  const disk = new FakeDisk({ "b.js": "", "a10.js": "", "a9.js": "", "src/x.js": "", "src/deep/y.js": "" });
  for (const folder of ["src", "src/deep"]) disk.folders.add(folder);
  const tree = new FileTree(new Api("", disk.fetch), "p");
  const paths = (): string[] => tree.rows.map((row) => row.path);
  return { disk, tree, paths };
}

test("paths are taken apart and put together", () => {
  assert.deepEqual([parentOf("a/b/c"), parentOf("c")], ["a/b", ""]);
  assert.deepEqual([nameOf("a/b/c"), nameOf("c")], ["c", "c"]);
  assert.deepEqual([join("", "a"), join("a", "b")], ["a", "a/b"]);
  assert.equal(isWithin("src2/a", "src"), false);
  assert.equal(isWithin("src/a", "src"), true);
  assert.equal(rebase("src/a", { from: "src", to: "lib" }), "lib/a");
  assert.equal(rebase("src2/a", { from: "src", to: "lib" }), "src2/a");
});

test("folders come first, and numbers in names count as numbers", async () => {
  const { tree, paths } = setUp();
  await tree.load("");
  assert.deepEqual(paths(), ["src", "a9.js", "a10.js", "b.js"]);
});

test("a folder is listed when it is opened, and once", async () => {
  const { disk, tree, paths } = setUp();
  await tree.load("");
  await tree.expand("src");
  assert.deepEqual(paths(), ["src", "src/deep", "src/x.js", "a9.js", "a10.js", "b.js"]);
  tree.collapse("src");
  assert.deepEqual(paths(), ["src", "a9.js", "a10.js", "b.js"]);
  await tree.expand("src");
  assert.equal(disk.requests.length, 2);
});

test("what lies within another of the chosen goes with it", () => {
  assert.deepEqual(topmost(["a/b/c", "a", "ab", "a/d", "x/y"]), ["a", "ab", "x/y"]);
});

test("of several moves those that can be made are, and the first reason is told", async () => {
  const { disk, tree, paths } = setUp();
  await tree.load("");
  disk.writeText("src/b.js", "in the way");
  await assert.rejects(tree.move({ from: "b.js", to: "src/b.js" }, { from: "a9.js", to: "src/a9.js" }), { status: 409 });
  assert.ok(paths().includes("b.js") && paths().includes("src/a9.js") && !paths().includes("a9.js"));
});

test("a hundred thousand entries are in order, folders first and numbers as numbers", async () => {
  const names = Array.from({ length: 100_000 }, (_, number) => `file-${99_999 - number}.txt`);
  const disk = new FakeDisk(Object.fromEntries(names.map((name) => [name, ""])));
  disk.folders.add("zz");
  const tree = new FileTree(new Api("", disk.fetch), "p");
  await tree.load("");
  assert.deepEqual(tree.rows.slice(0, 3).map((row) => row.path), ["zz", "file-0.txt", "file-1.txt"]);
  assert.equal(tree.indexOf("file-99999.txt"), 100_000);
});

test("rows say where they stand", async () => {
  const { tree } = setUp();
  await tree.load("");
  await tree.expand("src");
  const row = tree.rows.find((candidate) => candidate.path === "src/x.js");
  assert.deepEqual([row?.depth, row?.position, row?.siblings, row?.folder], [1, 2, 2, false]);
});

test("a change reads again only what is known of its folder", async () => {
  const { disk, tree, paths } = setUp();
  await tree.load("");
  disk.writeText("src/deep/new.js", "");
  disk.writeText("c.js", "");
  disk.requests.length = 0;
  await tree.refresh(["src/deep/new.js"]);
  assert.deepEqual(disk.requests, []);
  await tree.refresh(["c.js"]);
  assert.deepEqual(paths().at(-1), "c.js");
});

test("changes during a listing are not lost", async () => {
  const { disk, tree, paths } = setUp();
  await tree.load("");
  const first = tree.refresh([""]);
  disk.writeText("late.js", "");
  await Promise.all([first, tree.refresh(["late.js"])]);
  assert.ok(paths().includes("late.js"));
});

test("a folder that is gone closes, a lost connection changes nothing, and what it kept from being listed comes", async () => {
  const { disk, tree, paths } = setUp();
  disk.offline = true;
  await assert.rejects(tree.load(""));
  await assert.rejects(tree.expand("src"));
  disk.offline = false;
  await tree.refresh([""]);
  const before = paths();
  assert.deepEqual(before.slice(0, 3), ["src", "src/deep", "src/x.js"]);
  disk.offline = true;
  await tree.refresh([""]);
  assert.deepEqual(paths(), before);
});

test("a moved folder stays open under its new name", async () => {
  const { tree, paths } = setUp();
  const moves: unknown[] = [];
  tree.onMoved((moved) => moves.push(moved));
  await tree.load("");
  await tree.expand("src");
  await tree.move({ from: "src", to: "lib" });
  assert.deepEqual(moves, [{ from: "src", to: "lib" }]);
  assert.deepEqual(paths().slice(0, 2), ["lib", "lib/x.js"]);
});

test("a new file is shown where it is", async () => {
  const { disk, tree, paths } = setUp();
  await tree.load("");
  await tree.createFile("src/new.js");
  assert.ok(paths().includes("src/new.js"));
  await assert.rejects(tree.createFile("src/new.js"), /exists/);
  assert.equal(disk.text("src/new.js"), "");
  // The server makes the folders that are missing.
  for (const folder of ["new", "new/deep"]) disk.folders.add(folder);
  await tree.createFile("new/deep/one.js");
  assert.ok(["new", "new/deep", "new/deep/one.js"].every((path) => paths().includes(path)));
});

test("the index passes over what programs install", async () => {
  const { disk } = setUp();
  for (const folder of ["node_modules", "node_modules/express", ".git"]) disk.folders.add(folder);
  disk.writeText("node_modules/express/index.js", "");
  disk.writeText(".git/HEAD", "");
  const index = new FileIndex(new Api("", disk.fetch), "p");
  assert.deepEqual([...(await index.list())].sort(), ["a10.js", "a9.js", "b.js", "src/deep/y.js", "src/x.js"]);
  disk.writeText("c.js", "");
  assert.equal((await index.list()).includes("c.js"), false);
  index.invalidate(["c.js"]);
  disk.requests.length = 0;
  assert.equal((await index.list()).includes("c.js"), true);
  assert.deepEqual(disk.requests, ["GET /tree"], "only where something changed");
  // A folder that went, and one that came in its place.
  disk.files.delete("src/deep/y.js");
  disk.writeText("src/deep/z.js", "");
  index.invalidate(["src/deep"]);
  assert.deepEqual([...(await index.list())].sort(), ["a10.js", "a9.js", "b.js", "c.js", "src/deep/z.js", "src/x.js"]);
  disk.writeText("src/deep/late.js", "");
  index.invalidate([""]);
  assert.equal((await index.list()).includes("src/deep/late.js"), true);
});
