import assert from "node:assert/strict";
import { test } from "node:test";
import { history, undo } from "@codemirror/commands";
import { ChangeSet, EditorState, Text, type TransactionSpec } from "@codemirror/state";
import { ApiError } from "../src/api";
import { changesFor, type EditedText, type Replacer, replacer, Replacing } from "../src/replacing";
import type { Match, SearchQuery } from "../src/search";

const query = (q: string, options: Partial<SearchQuery> = {}): SearchQuery => ({ q, regex: false, case: false, word: false, include: "", exclude: "", ignored: false, ...options });
const match = (line: number, text: string, ...ranges: [number, number][]): Match => ({ type: "match", path: "a", line, column: 1, text, skipped: 0, ranges, long: false });
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The text with all finds replaced, or why it can't be. */
function replaceAll(text: string, matches: readonly Match[], replace: Replacer): { text: string } | { why: string } {
  const before = Text.of(text.split("\n"));
  const found = changesFor(before, matches, replace);
  return "why" in found ? found : { text: ChangeSet.of([...found.changes], before.length).apply(before).toString() };
}

class Editor implements EditedText {
  state: EditorState;

  constructor(text: string) {
    this.state = EditorState.create({ doc: text, extensions: history() });
  }

  dispatch(spec: TransactionSpec): void {
    this.state = this.state.update(spec).state;
  }

  undo(): void {
    undo({ state: this.state, dispatch: ({ state }) => (this.state = state) });
  }

  type(text: string): void {
    this.dispatch({ changes: { from: this.state.doc.length, insert: text }, userEvent: "input.type" });
  }
}

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
  for (const path of ["a", "b", "c"]) disk.files.set(path, bytes("\uFEFFone\r\n"));
  disk.files.set("c", new Uint8Array([0xff, 0x6f, 0x6e, 0x65]));
  const replacing = new Replacing(disk, "p", { unsaved: () => null, isOpen: () => false });
  const files = ["a", "b", "c"].map((path) => ({ path, matches: [match(1, "one", [0, 3])] }));
  const outcome = await replacing.run(files, replacer(query("one"), "two"));
  assert.deepEqual(outcome, { done: ["a", "b"], unsaved: [], left: [{ path: "c", why: "it is not UTF-8" }] });
  assert.deepEqual(disk.files.get("a"), bytes("\uFEFFtwo\r\n"));
  disk.files.set("b", bytes("edited"));
  assert.deepEqual(await replacing.undo(), { done: ["a"], unsaved: [], left: [{ path: "b", why: "it was changed meanwhile" }] });
  assert.deepEqual(disk.files.get("a"), bytes("\uFEFFone\r\n"));
  assert.equal(replacing.canUndo, false);
});

test("unsaved text is replaced in its editor, as one step, and undone with the rest", async () => {
  const disk = new Disk();
  disk.files.set("saved", bytes("one"));
  disk.files.set("edited", bytes("on the disk: one"));
  const editor = new Editor("typed: one\none one\n");
  editor.type("more");
  let isOpen = true;
  const replacing = new Replacing(disk, "p", { unsaved: (path) => (path === "edited" ? editor : null), isOpen: () => isOpen });
  const files = [
    { path: "edited", matches: [match(1, "typed: one", [7, 10]), match(2, "one one", [0, 3], [4, 7])] },
    { path: "saved", matches: [match(1, "one", [0, 3])] },
  ];
  const replace = replacer(query("one"), "two");
  assert.deepEqual(await replacing.run(files, replace), { done: ["edited", "saved"], unsaved: ["edited"], left: [] });
  assert.equal(editor.state.doc.toString(), "typed: two\ntwo two\nmore");
  assert.deepEqual(disk.files.get("edited"), bytes("on the disk: one"));
  assert.deepEqual(await replacing.undo(), { done: ["edited", "saved"], unsaved: ["edited"], left: [] });
  assert.equal(editor.state.doc.toString(), "typed: one\none one\nmore");

  // By the editor's own undo it is a step of its own.
  await replacing.run(files, replace);
  editor.undo();
  assert.equal(editor.state.doc.toString(), "typed: one\none one\nmore");
  editor.undo();
  editor.undo();
  editor.undo();
  assert.equal(editor.state.doc.toString(), "typed: one\none one\n");
  assert.deepEqual(await replacing.run(files.slice(0, 1), replace), { done: ["edited"], unsaved: ["edited"], left: [] });
  editor.type("since");
  assert.deepEqual((await replacing.undo()).left, [{ path: "edited", why: "it was changed meanwhile" }]);
  await replacing.run([{ path: "edited", matches: [match(1, "typed: two", [0, 5])] }], replace);
  isOpen = false;
  assert.deepEqual((await replacing.undo()).left, [{ path: "edited", why: "it was closed" }]);
});
