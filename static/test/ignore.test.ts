import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Api } from "../src/api";
import { FileTree } from "../src/files";
import { IgnoredFiles, parseIgnore } from "../src/tree/ignore";
import { FakeDisk } from "./fakes";

const IGNORE = `# a comment
*.log
!keep.log
/build
dist/
docs/*.txt
**/cache
deep/**/leaf
sub/**
a?c.md
[ab].js
[!c].css
\\#hash
\\!bang
trailing\\ 
*.tmp/
x[
`;
const FILES = [
  "a.log", "keep.log", "sub2/b.log", "build", "sub2/build", "dist/x", "sub2/dist/y", "distx", "docs/a.txt", "docs/deep/a.txt", "cache/z", "sub2/cache/z",
  "deep/leaf", "deep/a/b/leaf", "sub/any/thing", "abc.md", "a/c.md", "a.js", "c.js", "d.css", "c.css", "#hash", "!bang", "trailing ", "f.tmp/g", "h.tmp", "inner/kept.log", "inner/x.own", "other/x.own",
];

test("files are ignored as Git itself ignores them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ignore-"));
  try {
    const disk = new FakeDisk({ ".gitignore": IGNORE, "inner/.gitignore": "!kept.log\n*.own\n" });
    for (const path of [...FILES, ".gitignore", "inner/.gitignore"]) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), disk.text(path) ?? "");
    }
    execFileSync("git", ["init", "-q"], { cwd: folder });
    const answer = execFileSync("git", ["-c", "core.excludesFile=", "ls-files", "-z", "--others", "--ignored", "--exclude-standard"], { cwd: folder, encoding: "utf8" });
    const wanted = answer.split("\0").filter(Boolean).sort();
    disk.folders.add("inner");
    const tree = new FileTree(new Api("", disk.fetch), "p");
    const ignored = new IgnoredFiles(new Api("", disk.fetch), "p", tree);
    const read = new Promise<void>((resolve) => {
      let times = 0;
      ignored.onChange(() => (times += 1) === 2 && resolve());
    });
    await tree.load("");
    await tree.expand("inner");
    await read;
    assert.deepEqual(FILES.filter((path) => ignored.isIgnored(path, false)).sort(), wanted);
    assert.equal(ignored.isIgnored(".git", true), true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a pattern that would take for ever is left out", () => {
  assert.deepEqual(parseIgnore("*a*a*a*a*a*a*a*a*a*a\n" + "x".repeat(1000)), []);
});
