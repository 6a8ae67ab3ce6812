import assert from "node:assert/strict";
import { test } from "node:test";
import { oneGroup } from "../src/session";
import { TextDocument } from "../src/editor/document";
import { settle, setUp, show, textOf, type } from "./opened";

test("what was typed is in the journal soon, and out of it once saved", async () => {
  const { clock, drafts, documents } = setUp();
  const document = await show(documents, "a.txt");
  type(document, "x");
  assert.equal(drafts.kept.size, 0);
  clock.advance(400);
  await settle();
  assert.equal(drafts.kept.get("a.txt")?.text, "xone\n");
  await document.save();
  await settle();
  assert.equal(drafts.kept.size, 0);
});

test("who types without a pause is in the journal too", async () => {
  const { clock, drafts, documents } = setUp();
  const document = await show(documents, "a.txt");
  for (let keys = 0; keys < 10; keys += 1) {
    type(document, "x");
    clock.advance(100);
  }
  await settle();
  assert.ok(drafts.kept.get("a.txt")?.text.startsWith("xxxxxxxx"));
});

test("what was typed in a page that lives is its own, whatever others do with the file", async () => {
  const { clock, drafts, disk, documents, open } = setUp();
  type(await show(documents, "a.txt"), "mine ");
  clock.advance(400);
  await settle();
  const drafts2 = drafts.inPage("second");
  const other = await show(open(drafts2), "a.txt");
  assert.equal(textOf(other), "one\n");
  type(other, "other ");
  clock.advance(400);
  await settle();
  assert.equal(drafts2.kept.get("a.txt")?.text, "other one\n");
  await other.save();
  await documents.check([""]);
  await settle();
  assert.equal(disk.text("a.txt"), "other one\n");
  assert.deepEqual([drafts.kept.get("a.txt")?.text, drafts2.kept.size], ["mine one\n", 0]);
});

/** Two pages have typed into a.txt, the second last, and are gone. */
async function crash({ clock, drafts, documents, open }: ReturnType<typeof setUp>): Promise<void> {
  const second = drafts.inPage("second");
  type(await show(documents, "a.txt"), "mine ");
  clock.advance(400);
  await settle();
  type(await show(open(second), "a.txt"), "other ");
  clock.advance(400);
  await settle();
  drafts.leave();
  second.leave();
}

test("of what two pages left the newest comes back, and the other is told of until the person has chosen", async () => {
  const all = setUp();
  await crash(all);
  const third = all.drafts.inPage("third");
  const documents = all.open(third);
  await documents.restore(oneGroup([]));
  const document = documents.find("a.txt");
  assert.ok(document instanceof TextDocument);
  assert.equal(textOf(document), "other one\n");
  assert.equal(document.trouble.get()?.kind, "restored");
  assert.deepEqual(document.left.get().map(({ text }) => text), ["mine one\n"]);
  const told = document.left.get();
  await documents.check([""]);
  assert.equal(document.left.get(), told, "it is not told anew");
  await document.save();
  await settle();
  assert.equal(third.kept.size, 0);
  assert.equal(document.left.get().length, 1);
  // Whoever opens the file next gets it, if this one does not choose.
  const fourth = await show(all.open(all.drafts.inPage("fourth")), "a.txt");
  assert.equal(textOf(fourth), "mine one\n");
  assert.equal(fourth.trouble.get()?.kind, "changed");
  await documents.check([""]);
  assert.deepEqual(document.left.get(), []);
});

test("a page that is loaded again gets its own text back, and forgets what it dropped", async () => {
  const all = setUp();
  await crash(all);
  const documents = all.open();
  const document = await show(documents, "a.txt");
  assert.equal(textOf(document), "mine one\n");
  const [other] = document.left.get();
  assert.equal(other?.text, "other one\n");
  documents.recovery.dismiss(document);
  await documents.check([""]);
  assert.deepEqual(document.left.get(), []);
  await documents.recovery.drop(document, other);
  const again = await show(all.open(), "a.txt");
  assert.deepEqual([textOf(again), again.left.get()], ["mine one\n", []]);
});

test("what a page left and the disk has is forgotten", async () => {
  const all = setUp();
  await crash(all);
  all.disk.writeText("a.txt", "other one\n");
  const document = await show(all.open(all.drafts.inPage("third")), "a.txt");
  assert.deepEqual([textOf(document), document.left.get()], ["mine one\n", []]);
  assert.deepEqual(await all.drafts.list(), []);
});

test("a journal that the disk has caught up with is cleared", async () => {
  const { clock, drafts, disk, documents, open } = setUp();
  type(await show(documents, "a.txt"), "x");
  clock.advance(400);
  await settle();
  // The answer to the save was lost with the page.
  disk.writeText("a.txt", "xone\n");
  const again = open();
  await again.restore(oneGroup([]));
  await settle();
  assert.deepEqual([again.dirty.length, drafts.kept.size], [0, 0]);
});

test("unsaved changes come back after a crash", async () => {
  const { clock, documents, open, disk } = setUp();
  type(await show(documents, "a.txt"), "x");
  clock.advance(400);
  await settle();
  const again = open();
  await again.restore(oneGroup(["b.txt"]));
  const document = again.find("a.txt");
  assert.ok(document instanceof TextDocument);
  assert.equal(textOf(document), "xone\n");
  assert.equal(document.dirty.get(), true);
  assert.equal(document.trouble.get()?.kind, "restored");
  await document.save();
  assert.equal(disk.text("a.txt"), "xone\n");
});

test("unsaved changes of an older version ask before they overwrite", async () => {
  const { clock, documents, open, disk } = setUp();
  type(await show(documents, "a.txt"), "x");
  clock.advance(400);
  await settle();
  disk.writeText("a.txt", "newer\n");
  const again = open();
  const document = await show(again, "a.txt");
  assert.equal(textOf(document), "xone\n");
  assert.equal(document.trouble.get()?.kind, "changed");
  document.takeTheirs();
  assert.equal(textOf(document), "newer\n");
});

test("unsaved changes outlive their file", async () => {
  const { clock, documents, open, disk } = setUp();
  type(await show(documents, "a.txt"), "x");
  clock.advance(400);
  await settle();
  disk.files.delete("a.txt");
  const again = open();
  await again.restore(oneGroup([]));
  const document = again.find("a.txt");
  assert.ok(document instanceof TextDocument);
  assert.equal(textOf(document), "xone\n");
  await document.keepMine();
  assert.equal(disk.text("a.txt"), "xone\n");
});

test("failures of the journal are reported and stop no typing", async () => {
  const { clock, drafts, reports, documents } = setUp();
  drafts.put = () => Promise.reject(new Error("quota"));
  const document = await show(documents, "a.txt");
  type(document, "x");
  clock.advance(400);
  await settle();
  assert.equal((reports[0] as Error).message, "quota");
});
