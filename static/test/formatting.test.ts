import assert from "node:assert/strict";
import { test } from "node:test";
import { undo } from "@codemirror/commands";
import { Api } from "../src/api";
import { ChosenEncodings } from "../src/chosenencodings";
import { Documents } from "../src/documents";
import { TextDocument } from "../src/editor/document";
import { Formatting } from "../src/formatting";
import type { Ide } from "../src/ide";
import { Emitter, Value } from "../src/lifecycle";
import { FakeClock, FakeDisk, FakeDrafts, FakeStyles } from "./fakes";

/** A page whose project has a formatter that `format` stands for. */
async function setUp(text: string) {
  const disk = new FakeDisk({ "a.js": text });
  const notices: string[] = [];
  const asked: string[] = [];
  const server = { formatter: "prettier" as string | null, format: async (given: string): Promise<Response> => Response.json({ text: given }) };
  const fetch = async (input: string, init: RequestInit = {}): Promise<Response> => {
    if (!new URL(input, "http://test").pathname.endsWith("/format")) return disk.fetch(input, init);
    asked.push(init.method ?? "GET");
    return init.method === "POST" ? server.format(String(init.body)) : Response.json({ formatter: server.formatter, source: null });
  };
  const api = new Api("", fetch);
  const page = {
    look: { formatsOnSave: new Value(true) },
    store: { status: new Value({ container: true }), notify: (sentence: string) => notices.push(sentence), announce: () => undefined },
    events: { onTree: new Emitter<readonly string[]>(), onOpen: new Emitter<void>() },
    intelligence: { format: async () => false },
  };
  const context = { api, project: "p", drafts: new FakeDrafts(), clock: new FakeClock(), extensions: () => [], styles: new FakeStyles(), encodings: new ChosenEncodings("p"), beforeSave: (document: TextDocument) => formatting.beforeSave(document), report: assert.ifError };
  const documents = new Documents(context, async () => "cancel");
  const events = { onTree: page.events.onTree.event, onOpen: page.events.onOpen.event };
  const formatting: Formatting = new Formatting({ ...page, events, documents, report: assert.ifError } as unknown as Ide, api, "p");
  formatting.start();
  const document = await documents.show("a.js");
  assert.ok(document instanceof TextDocument);
  const type = (at: number, insert: string): void => document.dispatch({ changes: { from: at, insert }, userEvent: "input.type" });
  return { disk, server, page, notices, asked, formatting, document, type };
}

const problem = (status: number, detail: string): Response => Response.json({ title: "", detail, status }, { status, headers: { "Content-Type": "application/problem+json" } });

test("what is saved is formatted, with the cursor at the same word and one step to undo", async () => {
  const { disk, server, document, type } = await setUp("a( 1 );\nb( 2 );\n");
  server.format = async (given) => Response.json({ text: given.replaceAll("( ", "(").replaceAll(" )", ")").replaceAll("\n", "\r\n") });
  type(0, "x");
  document.dispatch({ selection: { anchor: 12 } });
  await document.save();
  assert.equal(disk.text("a.js"), "xa(1);\nb(2);\n");
  assert.equal(document.state.selection.main.head, 9, "before the 2");
  assert.equal(document.dirty.get(), false);
  undo({ state: document.state, dispatch: (transaction) => document.dispatch(transaction) });
  assert.equal(document.state.doc.toString(), "xa( 1 );\nb( 2 );\n");
});

test("what is typed while the formatter works stays, and its result is dropped", async () => {
  const { disk, server, document, type } = await setUp("one\n");
  server.format = async () => {
    type(0, "y");
    return Response.json({ text: "formatted\n" });
  };
  type(0, "x");
  await document.save();
  assert.equal(disk.text("a.js"), "yxone\n");
});

test("a formatter that fails keeps nobody from saving, and says why", async () => {
  const { disk, server, notices, document, type } = await setUp("one\n");
  server.format = async () => problem(422, "prettier: a.js: SyntaxError");
  for (const round of [1, 2]) {
    type(0, "x");
    await document.save();
    assert.equal(disk.text("a.js"), `${"x".repeat(round)}one\n`);
  }
  assert.deepEqual(notices, Array(2).fill("Saved as typed: prettier: a.js: SyntaxError."));
  notices.length = 0;
  for (const status of [404, 404, 409]) {
    server.format = async () => problem(status, "it is not installed");
    type(0, "x");
    await document.save();
  }
  assert.deepEqual(notices, ["Saved as typed: it is not installed."]);
});

test("the formatter is asked only where the project wants one, runs, and the person has not switched it off", async () => {
  const { server, page, asked, document, type } = await setUp("one\n");
  const save = async (): Promise<string[]> => {
    asked.length = 0;
    type(0, "x");
    await document.save();
    return [...asked];
  };
  page.look.formatsOnSave.set(false);
  assert.deepEqual(await save(), []);
  page.look.formatsOnSave.set(true);
  page.store.status.set({ container: false });
  assert.deepEqual(await save(), []);
  page.store.status.set({ container: true });
  server.formatter = null;
  assert.deepEqual(await save(), ["GET"]);
  page.events.onTree.fire(["src/other.js"]);
  assert.deepEqual(await save(), [], "it is known");
  server.formatter = "prettier";
  page.events.onTree.fire(["sub/.prettierrc.json"]);
  assert.deepEqual(await save(), ["GET", "POST"]);
  assert.deepEqual(await save(), ["POST"]);
});

test("by hand the language server formats where there is no formatter", async () => {
  const { server, page, notices, formatting } = await setUp("one\n");
  server.format = async () => problem(404, "no formatter is installed");
  await formatting.formatFront();
  assert.deepEqual(notices, ["Not formatted: no formatter is installed."]);
  page.intelligence.format = async () => true;
  await formatting.formatFront();
  assert.equal(notices.length, 1);
  server.format = async () => problem(422, "prettier: SyntaxError");
  await assert.rejects(formatting.formatFront(), /SyntaxError/);
});
