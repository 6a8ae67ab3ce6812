import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../src/api";
import { AutoSave } from "../src/autosave";
import { ChosenEncodings } from "../src/chosenencodings";
import { type Document, Documents } from "../src/documents";
import { TextDocument } from "../src/editor/document";
import type { AutoSaveMode } from "../src/editorpreferences";
import { NO_STYLE } from "../src/editorconfig/style";
import { Emitter, Value } from "../src/lifecycle";
import { FakeClock, FakeDisk, FakeDrafts, FakeStyles } from "./fakes";

const settle = (): Promise<void> => new Promise(setImmediate);
const type = (document: TextDocument, insert: string): void => document.dispatch({ changes: { from: 0, insert } });

async function setUp(first: AutoSaveMode) {
  const disk = new FakeDisk({ "a.txt": "one\n", "b.txt": "bee\n" });
  const clock = new FakeClock();
  const styles = new FakeStyles();
  const reports: string[] = [];
  const formatted: TextDocument[] = [];
  const beforeSave = async (document: TextDocument): Promise<void> => void formatted.push(document);
  const documents = new Documents({ api: new Api("", disk.fetch), project: "p", drafts: new FakeDrafts(), clock, extensions: () => [], styles, encodings: new ChosenEncodings("p"), beforeSave, report: assert.ifError }, async () => "cancel");
  const mode = new Value<AutoSaveMode>(first);
  const left = new Emitter<void>();
  const focus = { onLeave: left.event, focused: null as Document | null };
  new AutoSave(documents, mode, focus, (error) => reports.push(String(error)), clock);
  const open = async (path: string): Promise<TextDocument> => {
    const document = await documents.show(path);
    assert.ok(document instanceof TextDocument);
    return document;
  };
  const leave = async (): Promise<void> => {
    left.fire();
    clock.advance(0);
    await settle();
  };
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  const writes = (): number => disk.requests.filter((request) => request.startsWith("PUT")).length;
  return { disk, styles, reports, formatted, mode, focus, documents, document: await open("a.txt"), open, leave, pass, writes };
}

test("nothing is saved by itself unless that was chosen, then what was edited is", async () => {
  const { disk, mode, document, leave, pass } = await setUp("off");
  type(document, "x");
  await pass(60_000);
  await leave();
  assert.equal(disk.text("a.txt"), "one\n");
  mode.set("afterDelay");
  await pass(1000);
  assert.equal(disk.text("a.txt"), "xone\n");
});

test("a second after the last key the text is saved as it was typed; a save of the person then formats it", async () => {
  const { disk, styles, formatted, document, pass, writes } = await setUp("afterDelay");
  styles.set("a.txt", { ...NO_STYLE, trims: true });
  type(document, "x");
  await pass(900);
  type(document, " \n");
  await pass(900);
  assert.equal(writes(), 0);
  await pass(100);
  assert.deepEqual([disk.text("a.txt"), formatted.length, document.dirty.get()], [" \nxone\n", 0, false]);
  await document.save();
  assert.deepEqual([disk.text("a.txt"), formatted.length], ["\nxone\n", 1]);
  await document.save();
  assert.equal(writes(), 2);
});

test("what the focus has left is saved, and formatted; what has it is not", async () => {
  const { disk, formatted, focus, document, open, leave } = await setUp("onFocusChange");
  const other = await open("b.txt");
  type(document, "x");
  type(other, "y");
  focus.focused = other;
  await leave();
  assert.deepEqual([disk.text("a.txt"), disk.text("b.txt"), formatted], ["xone\n", "bee\n", [document]]);
  focus.focused = null;
  await leave();
  assert.equal(disk.text("b.txt"), "ybee\n");
});

test("a conflict waits for the person", async () => {
  const { disk, document, leave, mode, pass, writes } = await setUp("afterDelay");
  type(document, "mine ");
  disk.writeText("a.txt", "theirs\n");
  await pass(1000);
  assert.equal(document.trouble.get()?.kind, "changed");
  assert.equal(writes(), 1);
  type(document, "more ");
  await pass(1000);
  mode.set("onFocusChange");
  await leave();
  assert.deepEqual([disk.text("a.txt"), writes()], ["theirs\n", 1]);
});

test("what was refused is told once, and not tried again before it was saved by hand", async () => {
  const { disk, reports, document, pass, writes } = await setUp("afterDelay");
  disk.refusal = "notes.txt is read-only";
  for (const key of "abc") {
    type(document, key);
    await pass(1000);
  }
  assert.deepEqual([writes(), reports.length], [1, 1]);
  assert.match(reports[0] ?? "", /a\.txt is not saved by itself any more until you save it: notes\.txt is read-only/);
  disk.refusal = null;
  await document.save();
  type(document, "d");
  await pass(1000);
  assert.equal(disk.text("a.txt"), "dcbaone\n");
});

test("without connection nothing is told twice, and what was typed meanwhile is saved in the end", async () => {
  const { disk, reports, document, pass } = await setUp("afterDelay");
  disk.offline = true;
  type(document, "x");
  await pass(1000);
  assert.notEqual(document.unsent.get(), null);
  type(document, "y");
  disk.offline = false;
  await document.resend();
  assert.equal(disk.text("a.txt"), "xone\n");
  await pass(1000);
  assert.deepEqual([disk.text("a.txt"), reports], ["yxone\n", []]);
});
