import assert from "node:assert/strict";
import { test } from "node:test";
import { isolateHistory, redo, undo } from "@codemirror/commands";
import type { EditorState, Transaction, TransactionSpec } from "@codemirror/state";
import { Api } from "../src/api";
import { ChosenEncodings } from "../src/chosenencodings";
import { Documents } from "../src/documents";
import { TextDocument } from "../src/editor/document";
import type { Group } from "../src/groups";
import { FakeClock, FakeDisk, FakeDrafts, FakeStyles } from "./fakes";

function setUp() {
  const disk = new FakeDisk({ a: "one\n", b: "", c: "", d: "" });
  const drafts = new FakeDrafts();
  const clock = new FakeClock();
  const context = { api: new Api("", disk.fetch), project: "p", drafts, clock, extensions: () => [], styles: new FakeStyles(), encodings: new ChosenEncodings("p"), beforeSave: async () => undefined, report: assert.ifError };
  const documents = new Documents(context, async () => "cancel");
  return { disk, drafts, clock, documents, groups: documents.groups, again: () => new Documents(context, async () => "cancel") };
}

/** As a test reads it: `a *b ~c` has b in front and c as the preview; the group in use is in brackets. */
function shape({ groups }: Documents): string {
  const words = ({ tabs, front, preview }: Group): string => tabs.map((tab) => `${tab === front ? "*" : ""}${tab === preview ? "~" : ""}${tab.document.path.get()}`).join(" ");
  return groups.all.map((group) => (group === groups.active ? `[${words(group)}]` : words(group))).join(" | ");
}

test("a preview gives way to the next, and stays once it is kept or edited", async () => {
  const { documents, groups } = setUp();
  await documents.show("a");
  await documents.show("b", true);
  assert.equal(shape(documents), "[a *~b]");
  await documents.show("c", true);
  assert.equal(shape(documents), "[a *~c]");
  assert.equal(documents.find("b"), null, "nobody shows it any more");
  await documents.show("c");
  assert.equal(shape(documents), "[a *c]");
  await documents.show("b", true);
  const edited = documents.find("b");
  assert.ok(edited instanceof TextDocument);
  edited.dispatch({ changes: { from: 0, insert: "x" } });
  assert.equal(shape(documents), "[a c *b]");
  await documents.show("a", true);
  assert.equal(groups.active.preview, null, "an open tab is shown as it is");
});

test("of two files looked at in a row the last one shows, whichever is read first", async () => {
  const { documents } = setUp();
  await Promise.all([documents.show("b", true), documents.show("a"), documents.show("c", true)]);
  assert.equal(shape(documents), "[a *~c]");
  assert.equal(documents.find("b"), null);
});

test("a file that is looked at and opened before it is read is one document, which knows the disk", async () => {
  const { documents, disk } = setUp();
  // As a double click does.
  await Promise.all([documents.show("b", true), documents.show("b", true), documents.show("b")]);
  assert.equal(shape(documents), "[*b]");
  disk.writeText("b", "theirs");
  await documents.check(["b"]);
  const b = documents.find("b");
  assert.ok(b instanceof TextDocument);
  assert.equal(b.state.doc.toString(), "theirs");
});

test("a group goes with its last tab, and a document with the last tab of it", async () => {
  const { documents, groups } = setUp();
  const a = await documents.show("a");
  groups.split("right");
  await documents.show("b");
  assert.equal(shape(documents), "*a | [a *b]");
  await documents.close(a);
  await documents.close(documents.find("b")!);
  assert.equal(shape(documents), "[*a]");
  assert.equal(documents.find("a"), a, "it shows in the other group");
  await documents.close(a);
  assert.deepEqual([shape(documents), documents.open.get().length], ["[]", 0]);
  await documents.reopenClosed();
  await documents.reopenClosed();
  assert.equal(shape(documents), "[a *b]");
});

test("a tab moves within its group, into another and to the side of one", async () => {
  const { documents, groups } = setUp();
  for (const path of ["a", "b", "c"]) await documents.show(path);
  const first = groups.active;
  groups.moveTab(first.tabs[2]!, first, { group: first, before: first.tabs[0]! });
  assert.equal(shape(documents), "[*c a b]");
  groups.moveTab(first.tabs[1]!, first, { group: first, side: "left" });
  assert.equal(shape(documents), "[*a] | *c b");
  groups.moveToNext();
  assert.equal(shape(documents), "[c b *a]");
  groups.split("below");
  groups.moveTab(groups.active.tabs[0]!, groups.active, { group: first });
  assert.equal(shape(documents), "[c b *a]", "one tab of a file is enough for a group");
  groups.split("below");
  groups.join();
  assert.equal(shape(documents), "[*a c b]");
});

test("groups, tabs, previews and cursors come back", async () => {
  const { documents, groups, again, disk } = setUp();
  await documents.show("a");
  groups.active.tabs[0]!.cursor = 2;
  groups.split("below");
  groups.active.tabs[0]!.cursor = 3;
  await documents.show("b");
  await documents.show("c", true);
  groups.step(1);
  const session = JSON.parse(JSON.stringify(documents.session)) as Documents["session"];
  disk.files.delete("b");
  const restored = again();
  await restored.restore(session);
  assert.equal(shape(restored), "[*a] | a *~c");
  assert.deepEqual(restored.groups.all.map(({ tabs }) => tabs[0]?.cursor), [2, 3]);
  assert.deepEqual(restored.groups.splits.parts, groups.splits.parts);
});

/** An editor without a page. */
class Surface {
  constructor(
    private readonly document: TextDocument,
    public state: EditorState = document.state,
  ) {}

  dispatch = (...specs: (TransactionSpec | Transaction)[]): void => {
    const [first] = specs;
    const transaction = first && "state" in first ? first : this.state.update(...(specs as TransactionSpec[]));
    this.state = transaction.state;
    this.document.accept(this, [transaction]);
  };

  type(text: string): void {
    this.dispatch({ changes: { from: 0, insert: text }, userEvent: "input.type", annotations: isolateHistory.of("full") });
  }

  get text(): string {
    return this.state.doc.toString();
  }
}

test("what is typed in one editor of a file is in the other, and undone from either", async () => {
  const { documents, clock, drafts } = setUp();
  const document = await documents.show("a");
  assert.ok(document instanceof TextDocument);
  const left = new Surface(document);
  document.show(left);
  left.type("1 ");
  const right = new Surface(document);
  const shown = document.show(right);
  document.use(left);
  left.type("2 ");
  document.use(right);
  right.type("3 ");
  assert.deepEqual([left.text, right.text], ["3 2 1 one\n", "3 2 1 one\n"]);
  clock.advance(400);
  await new Promise(setImmediate);
  assert.equal(drafts.kept.get("a")?.text, "3 2 1 one\n");
  document.use(left);
  assert.ok(undo(left) && undo(left));
  assert.deepEqual([left.text, right.text], ["1 one\n", "1 one\n"]);
  document.use(right);
  assert.ok(redo(right));
  assert.deepEqual([left.text, right.text], ["2 1 one\n", "2 1 one\n"]);
  // As by a drop of text, which takes no focus.
  left.type("4 ");
  assert.ok(undo(right));
  assert.equal(left.text, "2 1 one\n");
  shown.dispose();
  assert.ok(undo(left) && undo(left), "the one that is left can undo all");
  assert.equal(left.text, "one\n");
  assert.equal(document.dirty.get(), false);
});

test("what the disk brings, and what the document is told, reaches every editor", async () => {
  const { documents, disk } = setUp();
  const document = await documents.show("a");
  assert.ok(document instanceof TextDocument);
  const surfaces = [new Surface(document), new Surface(document)];
  for (const surface of surfaces) document.show(surface);
  disk.writeText("a", "two\n");
  await documents.check(["a"]);
  assert.deepEqual(surfaces.map(({ text }) => text), ["two\n", "two\n"]);
});
