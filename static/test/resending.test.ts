import assert from "node:assert/strict";
import { test } from "node:test";
import { Emitter } from "../src/lifecycle";
import { Resending } from "../src/resending";
import { Store } from "../src/store";
import { FakeNetwork, PROJECT } from "./fakes";
import { settle, setUp, show, textOf, type } from "./opened";

function setUpResending() {
  const all = setUp();
  const store = new Store(PROJECT);
  const network = new FakeNetwork();
  const connected = new Emitter<void>();
  const resending = new Resending(all.documents, store, connected.event, (error) => all.reports.push(error), all.clock, network);
  const announced: string[] = [];
  store.onAnnouncement((sentence) => announced.push(sentence));
  return { ...all, store, network, connected, resending, announced };
}

test("a save that did not reach the server is tried again, as it was, until it does", async () => {
  const { disk, documents, clock, store, announced, reports } = setUpResending();
  const document = await show(documents, "a.txt");
  type(document, "x");
  disk.offline = true;
  await assert.rejects(document.save(), /a\.txt is saved as soon as it can/);
  type(document, "later ");
  assert.deepEqual(store.unsent.get(), ["a.txt"]);
  clock.advance(2000);
  await settle();
  assert.deepEqual([store.unsent.get(), reports], [["a.txt"], []]);
  disk.offline = false;
  clock.advance(4000);
  await settle();
  assert.equal(disk.text("a.txt"), "xone\n");
  assert.deepEqual([textOf(document), document.dirty.get(), document.trouble.get()], ["later xone\n", true, null]);
  assert.deepEqual([store.unsent.get(), announced, clock.pending], [[], ["Saved a.txt."], 0]);
});

test("a connection that is back has waiting saves tried at once", async () => {
  for (const wake of ["connected", "online"]) {
    const { disk, documents, network, connected, store } = setUpResending();
    const document = await show(documents, "a.txt");
    type(document, "x");
    disk.offline = true;
    await assert.rejects(document.save());
    disk.offline = false;
    if (wake === "online") network.goOnline();
    else connected.fire();
    await settle();
    assert.deepEqual([disk.text("a.txt"), store.unsent.get()], ["xone\n", []]);
  }
});

test("what others wrote meanwhile is a conflict, and no longer waits", async () => {
  for (const first of ["save", "look"]) {
    const { disk, documents, connected, store, announced } = setUpResending();
    const document = await show(documents, "a.txt");
    type(document, "mine ");
    disk.offline = true;
    await assert.rejects(document.save());
    disk.offline = false;
    disk.writeText("a.txt", "theirs\n");
    if (first === "look") await documents.check([""]);
    connected.fire();
    await settle();
    const trouble = document.trouble.get();
    assert.ok(trouble?.kind === "changed" && trouble.refused);
    assert.deepEqual([disk.text("a.txt"), store.unsent.get(), announced], ["theirs\n", [], []]);
    // What the person chose to overwrite is overwritten, also later.
    disk.offline = true;
    await assert.rejects(document.keepMine());
    disk.offline = false;
    await documents.check([""]);
    connected.fire();
    await settle();
    assert.deepEqual([disk.text("a.txt"), document.trouble.get()], ["mine one\n", null]);
  }
});

test("a save whose answer was lost is no conflict with itself", async () => {
  const { disk, documents, connected } = setUpResending();
  const document = await show(documents, "a.txt");
  type(document, "x");
  disk.losesAnswers = true;
  await assert.rejects(document.save());
  disk.losesAnswers = false;
  type(document, "later ");
  connected.fire();
  await settle();
  assert.deepEqual([document.trouble.get(), document.dirty.get()], [null, true]);
  await document.save();
  assert.equal(disk.text("a.txt"), "later xone\n");
});

test("what was refused or given up is not tried again", async () => {
  const { disk, documents, clock, store } = setUpResending();
  const document = await show(documents, "a.txt");
  type(document, "x");
  disk.offline = true;
  await assert.rejects(document.save());
  document.revert();
  assert.deepEqual(store.unsent.get(), []);
  disk.offline = false;
  clock.advance(60_000);
  await settle();
  assert.equal(disk.text("a.txt"), "one\n");
});
