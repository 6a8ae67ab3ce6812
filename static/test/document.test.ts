import assert from "node:assert/strict";
import { test } from "node:test";
import { oneGroup } from "../src/session";
import { MOST_EDITABLE } from "../src/editor/bytes";
import { TextDocument } from "../src/editor/document";
import { OpaqueDocument } from "../src/editor/opaque";
import { NO_STYLE } from "../src/editorconfig/style";
import { settle, setUp, show, textOf, type } from "./opened";

test("an edit is unsaved until it is saved, and undoing it by hand makes it clean", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "x");
  assert.equal(document.dirty.get(), true);
  document.dispatch({ changes: { from: 0, to: 1 } });
  assert.equal(document.dirty.get(), false);
  type(document, "x");
  await document.save();
  assert.equal(document.dirty.get(), false);
  assert.equal(disk.text("a.txt"), "xone\n");
});

test("saving without changes writes nothing", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  await document.save();
  assert.deepEqual(disk.requests.filter((request) => request.startsWith("PUT")), []);
});

test("what a program changes around the cursor leaves it where it was", async () => {
  const { disk, documents } = setUp({ "a.txt": "one\ntwo\nthree\n" });
  const document = await show(documents, "a.txt");
  document.dispatch({ selection: { anchor: 6 } });
  disk.writeText("a.txt", "zero\none!\ntwo\nthree!\n");
  await documents.check([""]);
  assert.equal(textOf(document), "zero\none!\ntwo\nthree!\n");
  assert.equal(document.state.sliceDoc(document.state.selection.main.head - 2, document.state.selection.main.head + 1), "two");
});

test("what is typed during a save stays unsaved, and the next save has the new etag", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "1");
  const saving = document.save();
  await Promise.resolve();
  type(document, "2");
  const again = document.save();
  await saving;
  await again;
  assert.equal(document.dirty.get(), false);
  assert.equal(document.trouble.get(), null);
  assert.equal(disk.text("a.txt"), "21one\n");
});

test("every byte that was not edited stays", async () => {
  const { disk, documents } = setUp({ "crlf.txt": "\uFEFFa\r\nb", "mixed.txt": "a\r\nb\nc" });
  for (const [path, expected] of [["crlf.txt", "\uFEFFxa\r\nb"], ["mixed.txt", "xa\r\nb\nc"]] as const) {
    const document = await show(documents, path);
    type(document, "x");
    await document.save();
    assert.equal(disk.text(path), expected);
  }
});

test("a change on disk comes in quietly while nothing is unsaved", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  document.dispatch({ selection: { anchor: 4 } });
  disk.writeText("a.txt", "zero\none\n");
  await documents.check(["a.txt"]);
  assert.equal(textOf(document), "zero\none\n");
  assert.equal(document.trouble.get(), null);
  assert.equal(document.dirty.get(), false);
  assert.equal(document.state.selection.main.head, 9, "the cursor stays with its text");
});

test("a change on disk while something is unsaved asks, and touches nothing", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "mine ");
  disk.writeText("a.txt", "theirs\n");
  await documents.check(["a.txt"]);
  const trouble = document.trouble.get();
  assert.ok(trouble?.kind === "changed" && !trouble.refused);
  assert.equal(textOf(document), "mine one\n");
  await documents.check(["a.txt"]);
  assert.equal(document.trouble.get(), trouble, "the same version is not said anew");
  await document.save();
  const refused = document.trouble.get();
  assert.ok(refused?.kind === "changed" && refused.refused);
  await documents.check(["a.txt"]);
  assert.equal(document.trouble.get(), refused);
  assert.equal(disk.text("a.txt"), "theirs\n", "a save must not overwrite what was not seen");
});

test("keeping mine overwrites the version that was shown, and no newer one", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "mine ");
  disk.writeText("a.txt", "theirs\n");
  await document.save();
  disk.writeText("a.txt", "newer\n");
  await document.keepMine();
  assert.equal(disk.text("a.txt"), "newer\n");
  assert.equal(document.trouble.get()?.kind, "changed");
  await document.keepMine();
  assert.equal(disk.text("a.txt"), "mine one\n");
  assert.equal(document.trouble.get(), null);
});

test("taking theirs gives up mine", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "mine ");
  disk.writeText("a.txt", "theirs\r\n");
  await document.save();
  document.takeTheirs();
  assert.equal(textOf(document), "theirs\n");
  assert.equal(document.dirty.get(), false);
  type(document, "x");
  await document.save();
  assert.equal(disk.text("a.txt"), "xtheirs\r\n", "their line breaks came with it");
});

test("a merge saves the text made of both", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "mine ");
  disk.writeText("a.txt", "theirs\n");
  await document.save();
  const trouble = document.trouble.get();
  assert.ok(trouble?.kind === "changed");
  disk.writeText("a.txt", "theirs, later\n");
  await documents.check([""]);
  await document.merge("both\n", trouble.theirs.etag);
  assert.equal(disk.text("a.txt"), "theirs, later\n", "nobody has seen it");
  const later = document.trouble.get();
  assert.ok(later?.kind === "changed");
  await document.merge("all\n", later.theirs.etag);
  assert.equal(disk.text("a.txt"), "all\n");
  assert.equal(document.dirty.get(), false);
});

test("the same text on both sides is no conflict", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "x");
  disk.writeText("a.txt", "xone\n");
  await document.save();
  assert.equal(document.trouble.get(), null);
  assert.equal(document.dirty.get(), false);
});

test("a file deleted on disk can be saved again", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  disk.files.delete("a.txt");
  await documents.check([""]);
  assert.equal(document.trouble.get()?.kind, "deleted");
  await document.keepMine();
  assert.equal(disk.text("a.txt"), "one\n");
  assert.equal(document.trouble.get(), null);
  // Another branch may have a folder of that name.
  disk.files.delete("a.txt");
  disk.folders.add("a.txt");
  await documents.check([""]);
  assert.equal(document.trouble.get()?.kind, "deleted");
});

test("a save without connection keeps the text and works later", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "x");
  disk.offline = true;
  await assert.rejects(document.save(), /can't be reached/);
  assert.equal(document.dirty.get(), true);
  assert.equal(document.saving.get(), false);
  disk.offline = false;
  await document.save();
  assert.equal(disk.text("a.txt"), "xone\n");
});

test("a session comes back in its order, the front one first, without what is gone", async () => {
  const { disk, documents } = setUp({ a: "", b: "", c: "" });
  const session = oneGroup(["a", "gone", "b", "c"]);
  await documents.restore({ ...session, groups: session.groups.map((group) => ({ ...group, front: "b" })) });
  assert.equal(disk.requests[0], "GET /files/b");
  assert.deepEqual(documents.session.groups[0]?.paths, ["a", "b", "c"]);
  assert.equal(documents.active.get()?.path.get(), "b");
});

test("a linked file comes before the session and in front, and one that is not there changes nothing", async () => {
  const session = oneGroup(["a", "b", "c"]);
  for (const [linked, front] of [["c", "c"], ["d", "d"], ["gone", "a"]] as const) {
    const { disk, documents } = setUp({ a: "", b: "", c: "", d: "" });
    const ready = async (): Promise<void> => void (await documents.show(linked).catch(() => undefined));
    await documents.restore(session, { linked, ready });
    assert.equal(disk.requests[0], `GET /files/${linked}`);
    assert.equal(documents.active.get()?.path.get(), front);
    assert.deepEqual(documents.session.groups[0]?.paths.slice(0, 3), ["a", "b", "c"]);
  }
});

test("what can't be read for a moment is still in the session, and comes back", async () => {
  const { disk, documents } = setUp({ a: "", b: "", c: "" });
  const session = oneGroup(["a", "gone", "b"]);
  disk.offline = true;
  await documents.restore({ ...session, groups: session.groups.map((group) => ({ ...group, cursors: { b: 3 } })) });
  assert.deepEqual([documents.session.groups[0]?.paths, documents.session.groups[0]?.cursors], [["a", "gone", "b"], { b: 3 }]);
  disk.offline = false;
  await documents.show("c");
  await Promise.all([documents.check([""]), documents.check([""])]);
  assert.deepEqual(documents.open.get().map((document) => document.path.get()).sort(), ["a", "b", "c"]);
  assert.deepEqual(documents.session.groups[0]?.paths, ["a", "b", "c"]);
  assert.equal(documents.active.get()?.path.get(), "c");
});

test("closing asks about unsaved changes", async () => {
  const { disk, drafts, clock, answers, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "x");
  clock.advance(400);
  answers.push("cancel", "discard");
  assert.equal(await documents.close(document), false);
  assert.equal(await documents.close(document), true);
  await settle();
  assert.equal(disk.text("a.txt"), "one\n");
  assert.equal(drafts.kept.size, 0);
  const again = await show(documents, "a.txt");
  type(again, "y");
  answers.push("save");
  assert.equal(await documents.close(again), true);
  assert.equal(disk.text("a.txt"), "yone\n");
});

test("a document whose save is refused does not close", async () => {
  const { disk, answers, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "x");
  disk.writeText("a.txt", "theirs\n");
  answers.push("save");
  assert.equal(await documents.close(document), false);
  assert.equal(documents.find("a.txt"), document);
});

test("a closed document gives way to the one before it", async () => {
  const { documents } = setUp({ a: "", b: "", c: "" });
  const [first, second, third] = [await show(documents, "a"), await show(documents, "b"), await show(documents, "c")];
  documents.activate(first);
  documents.activate(third);
  await documents.close(third);
  assert.equal(documents.active.get(), first);
  await documents.close(first);
  assert.equal(documents.active.get(), second);
  await documents.close(second);
  assert.equal(documents.active.get(), null);
});

test("a tab that is chosen while a file is read stays in front", async () => {
  const { documents } = setUp({ a: "", b: "", c: "" });
  const first = await show(documents, "a");
  const { groups } = documents;
  for (const [path, preview] of [["b", true], ["c", false]] as const) {
    const reading = documents.show(path, preview);
    groups.activate(groups.active, groups.active.tabOf(first));
    await reading;
    assert.equal(documents.active.get(), first);
  }
  assert.deepEqual(groups.active.tabs.map(({ document }) => document.path.get()), ["a", "c"], "what was only to be looked at is not");
});

test("a file opened twice at once is one document", async () => {
  const { documents } = setUp();
  const [first, second] = await Promise.all([documents.show("a.txt"), documents.show("a.txt")]);
  assert.equal(first, second);
  assert.equal(documents.open.get().length, 1);
});

test("moved files stay open, with what is unsaved", async () => {
  const { disk, drafts, documents } = setUp({ "src/a.txt": "one\n" });
  const document = await show(documents, "src/a.txt");
  type(document, "x");
  await document.writeJournal();
  disk.move("src/a.txt", "lib/a.txt");
  await documents.check(["src/a.txt"]);
  assert.equal(document.trouble.get()?.kind, "deleted", "told of before it was known to be a move");
  await documents.handleMoved({ from: "src", to: "lib" });
  assert.equal(document.path.get(), "lib/a.txt");
  assert.equal(document.trouble.get(), null);
  assert.deepEqual([...drafts.kept.keys()], ["lib/a.txt"]);
  await document.save();
  assert.equal(disk.text("lib/a.txt"), "xone\n");
});

test("deleted files close unless something is unsaved", async () => {
  const { disk, documents } = setUp();
  await show(documents, "b.txt");
  const dirty = await show(documents, "a.txt");
  type(dirty, "x");
  disk.files.clear();
  await documents.handleRemoved("a.txt");
  await documents.handleRemoved("b.txt");
  assert.deepEqual(documents.open.get(), [dirty]);
  assert.equal(dirty.trouble.get()?.kind, "deleted");
});

test("a picture that is gone from the disk closes", async () => {
  const { disk, documents, reports } = setUp();
  disk.write("logo.png", Uint8Array.of(0x89, 0x50));
  await documents.show("logo.png");
  disk.files.delete("logo.png");
  await documents.check([""]);
  assert.deepEqual(documents.open.get(), []);
  assert.deepEqual(reports, []);
});

test("large texts are looked at, and edited when somebody asks for it", async () => {
  const text = "line ä\n".repeat(MOST_EDITABLE / 4);
  const { disk, documents } = setUp({ "big.log": text });
  const large = await documents.show("big.log");
  assert.ok(large instanceof OpaqueDocument);
  assert.equal(large.kind, "large");
  await documents.editAnyway(large);
  const document = documents.active.get();
  assert.ok(document instanceof TextDocument);
  assert.equal(documents.find("big.log"), document, "in the place of the other");
  type(document, "x");
  await document.save();
  assert.equal(disk.text("big.log"), `x${text}`);
});

test("a text that grows too large is looked at from then on, unless it is being edited", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  await documents.show("b.txt");
  type(document, "mine");
  const grown = "x".repeat(MOST_EDITABLE + 1);
  disk.writeText("a.txt", grown);
  await documents.check(["a.txt"]);
  assert.equal(document.trouble.get()?.kind, "changed");
  document.takeTheirs();
  disk.writeText("a.txt", `${grown}more`);
  await documents.check(["a.txt"]);
  assert.equal(documents.find("a.txt")?.kind, "large");
  assert.equal(documents.active.get()?.path.get(), "b.txt", "what was in front stays there");
});

test("a file is written in the encoding it was in; one with bytes that mean nothing in it opens read-only", async () => {
  const { disk, documents } = setUp();
  disk.write("latin.txt", Uint8Array.of(0x63, 0xe9, 0x80));
  disk.write("wide.txt", Uint8Array.of(0xfe, 0xff, 0, 0x61));
  disk.write("half.txt", Uint8Array.of(0xfe, 0xff, 0, 0x61, 0));
  for (const [path, bytes] of [["latin.txt", [0x79, 0x63, 0xe9, 0x80]], ["wide.txt", [0xfe, 0xff, 0, 0x79, 0, 0x61]]] as const) {
    const document = await show(documents, path);
    type(document, "y");
    await document.save();
    assert.deepEqual(disk.files.get(path), Uint8Array.from(bytes));
  }
  assert.match((await show(documents, "half.txt")).readOnly ?? "", /not quite UTF-16BE/);
});

test("what the encoding can't hold is not saved, and said with its line", async () => {
  const { disk, documents } = setUp();
  disk.write("latin.txt", Uint8Array.of(0xe9, 0x0a));
  const document = await show(documents, "latin.txt");
  document.dispatch({ changes: { from: 2, insert: "→" } });
  await assert.rejects(document.save(), /WINDOWS-1252 has no “→”, which is in line 2/);
  assert.equal(document.dirty.get(), true);
  assert.equal(document.saving.get(), false);
  assert.deepEqual(disk.files.get("latin.txt"), Uint8Array.of(0xe9, 0x0a));
});

test("a file is saved as its .editorconfig says, with the cursor where it was and one step to undo", async () => {
  const { disk, documents, styles } = setUp({ "a.txt": "one  \ntwo\t\nthree" });
  styles.set("a.txt", { ...NO_STYLE, indent: { kind: "tab", size: null, tabWidth: 8 }, indentFrom: ".editorconfig", lineBreak: "\r\n", charset: { encoding: "utf-8", bom: true }, trims: true, finalNewline: true });
  const document = await show(documents, "a.txt");
  await settle();
  assert.deepEqual(document.form.indentation.get(), { indent: { unit: "\t", tabWidth: 8 }, from: ".editorconfig" });
  assert.equal(document.state.tabSize, 8);
  type(document, "x");
  document.dispatch({ selection: { anchor: 8 } });
  await document.save();
  assert.equal(disk.text("a.txt"), "\uFEFFxone\r\ntwo\r\nthree\r\n");
  assert.equal(document.state.selection.main.head, 6);
  assert.equal(document.dirty.get(), false);
  assert.deepEqual(document.form.format.get(), { encoding: "utf-8", bom: true, lineBreak: "\r\n" });
  styles.set("a.txt", { ...NO_STYLE, finalNewline: false });
  await settle();
  assert.equal(document.form.indentation.get().from, null);
  type(document, "y");
  await document.save();
  assert.equal(disk.text("a.txt"), "\uFEFFyxone\r\ntwo\r\nthree");
});

test("mixed line breaks become those that .editorconfig wants", async () => {
  const { disk, documents, styles } = setUp({ "a.txt": "one\r\ntwo\nthree" });
  styles.set("a.txt", { ...NO_STYLE, lineBreak: "\n" });
  const document = await show(documents, "a.txt");
  type(document, "x");
  await document.save();
  assert.equal(disk.text("a.txt"), "xone\ntwo\nthree");
  assert.equal(document.state.doc.lines, 3);
});

test("bytes that are no text are shown as what they are", async () => {
  const { disk, documents } = setUp();
  disk.write("data", Uint8Array.of(1, 0, 2));
  disk.write("logo.png", Uint8Array.of(0x89, 0x50));
  assert.equal((await documents.show("data")).kind, "binary");
  assert.equal((await documents.show("logo.png")).kind, "picture");
  disk.write("film.MP4", Uint8Array.of(1, 0, 2));
  disk.write("words.mp3", new TextEncoder().encode("no sound"));
  assert.equal((await documents.show("film.MP4")).kind, "media");
  assert.equal((await documents.show("words.mp3")).kind, "text");
});
