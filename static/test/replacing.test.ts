import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../src/api";
import { replaceAll, replacer, Replacing } from "../src/replacing";
import type { Match, SearchQuery } from "../src/search";

const query = (q: string, options: Partial<SearchQuery> = {}): SearchQuery => ({ q, regex: false, case: false, word: false, include: "", exclude: "", ignored: false, ...options });
const match = (line: number, text: string, ...ranges: [number, number][]): Match => ({ type: "match", path: "a", line, column: 1, text, skipped: 0, ranges, long: false });
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test("every find of a line is replaced, and line ends stay what they are", () => {
  const changed = replaceAll("one two one\r\nnone\ntwo", [match(1, "one two one", [0, 3], [8, 11]), match(2, "none", [1, 4])], replacer(query("one"), "$1"));
  assert.deepEqual(changed, { text: "$1 two $1\r\nn$1\ntwo" });
});

test("groups stand in a replacement for a regular expression", () => {
  const replace = replacer(query("(\\w+)@(?<host>\\w+)", { regex: true }), "$<host>.$1 $& $$ ${host}");
  assert.deepEqual(replaceAll("to: me@here!", [match(1, "to: me@here!", [4, 11])], replace), { text: "to: here.me me@here $ here!" });
});

test("a pattern that the browser understands otherwise changes nothing", () => {
  for (const pattern of ["(?i)a", "a+?"]) {
    const result = replaceAll("aaa", [match(1, "aaa", [0, 3])], replacer(query(pattern, { regex: true }), "$&"));
    assert.ok("why" in result);
  }
});

test("a line that is not the one that was found is left", () => {
  assert.deepEqual(replaceAll("other", [match(1, "one", [0, 3])], replacer(query("one"), "x")), { why: "it has changed since the search" });
});

class Disk {
  files = new Map<string, Uint8Array<ArrayBuffer>>();
  version = 1;

  async readFile(_: string, path: string) {
    const found = this.files.get(path) ?? bytes("");
    return { bytes: found, etag: `${this.version}-${new TextDecoder().decode(found)}`, size: found.length };
  }

  async writeFile(id: string, path: string, content: Blob | Uint8Array<ArrayBuffer>, expected: unknown) {
    const { etag } = await this.readFile(id, path);
    if ((expected as { etag: string }).etag !== etag) throw new ApiError(412, "Changed meanwhile", "");
    this.files.set(path, content as Uint8Array<ArrayBuffer>);
    return (await this.readFile(id, path)).etag;
  }
}

test("a replace over files is undone byte for byte, but for what was changed since", async () => {
  const disk = new Disk();
  for (const path of ["a", "b", "c", "d"]) disk.files.set(path, bytes("\uFEFFone\r\n"));
  disk.files.set("d", new Uint8Array([0xff, 0x6f, 0x6e, 0x65]));
  const replacing = new Replacing(disk, "p", (path) => path === "c");
  const files = ["a", "b", "c", "d"].map((path) => ({ path, matches: [match(1, "one", [0, 3])] }));
  const outcome = await replacing.run(files, replacer(query("one"), "two"));
  assert.deepEqual(outcome, {
    done: ["a", "b"],
    left: [
      { path: "c", why: "it has unsaved changes" },
      { path: "d", why: "it is not UTF-8" },
    ],
  });
  assert.deepEqual(disk.files.get("a"), bytes("\uFEFFtwo\r\n"));
  disk.files.set("b", bytes("edited"));
  assert.deepEqual(await replacing.undo(), { done: ["a"], left: [{ path: "b", why: "it was changed meanwhile" }] });
  assert.deepEqual(disk.files.get("a"), bytes("\uFEFFone\r\n"));
  assert.equal(replacing.canUndo, false);
});
