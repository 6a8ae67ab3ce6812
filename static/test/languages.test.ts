import assert from "node:assert/strict";
import { test } from "node:test";
import { forEachDiagnostic } from "@codemirror/lint";
import { Text } from "@codemirror/state";
import { Api } from "../src/api";
import { ChosenEncodings } from "../src/chosenencodings";
import { Documents } from "../src/documents";
import { TextDocument } from "../src/editor/document";
import { LanguageActions } from "../src/languages/actions";
import { CodeActions } from "../src/languages/codeactions";
import { applyEdits, editsByPath, Snapshot } from "../src/languages/edits";
import { offsetOf, pathOf, uriOf } from "../src/languages/places";
import { presentPlace } from "../src/languages/references";
import { safeHtml } from "../src/languages/safehtml";
import { servedOf } from "../src/languages/served";
import { LanguageServers } from "../src/languages/servers";
import type { CodeAction, Command } from "vscode-languageserver-protocol";
import type { Ide } from "../src/ide";
import { isObject } from "../src/wire";
import { FakeClock, type FakeConnection, FakeDisk, FakeDrafts, FakeStyles, FakeNetwork } from "./fakes";

// A request that gets no answer is given up by the library after half a minute, which no test needs to wait for.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = ((...given: Parameters<typeof setTimer>) => setTimer(...given).unref()) as typeof setTimer;

type Message = Readonly<Record<string, unknown>>;

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
};

/** A page with these files and the far ends of its language servers. */
function setUp(files: Readonly<Record<string, string>>) {
  const disk = new FakeDisk(files);
  const [clock, network] = [new FakeClock(), new FakeNetwork()];
  const api = new Api("", disk.fetch);
  const documents = new Documents({ api, project: "p", drafts: new FakeDrafts(), clock, extensions: () => [], styles: new FakeStyles(), encodings: new ChosenEncodings("p"), beforeSave: async () => undefined, report: (error) => assert.fail(String(error)) }, async () => "discard");
  const said: string[] = [];
  const project = { runs: true };
  const servers = new LanguageServers({
    documents,
    url: (language) => `ws://${language}`,
    isRunning: () => project.runs,
    notify: (sentence) => said.push(sentence),
    socket: { connect: network.connect, wakeups: network, clock, random: () => 1 },
  });
  const tell = (message: Message, connection = network.last): void => connection.handlers.received(JSON.stringify({ jsonrpc: "2.0", ...message }));
  const sent = (method: string, connection: FakeConnection = network.last): Message[] =>
    connection.sent.map((text) => JSON.parse(String(text)) as Message).filter((message) => message["method"] === method);
  const run = async (capabilities: object = { textDocumentSync: 2 }): Promise<void> => {
    network.last.handlers.opened();
    tell({ method: "hutch/started", params: { rootUri: "file:///workspace", command: "bin/tool --stdio" } });
    tell({ id: sent("initialize")[0]?.["id"], result: { capabilities } });
    await settle();
  };
  const show = async (path: string): Promise<TextDocument> => {
    const document = await documents.show(path);
    assert.ok(document instanceof TextDocument);
    return document;
  };
  return { disk, clock, network, api, documents, servers, said, project, tell, sent, run, show };
}

const range = (line: number, start: number, end: number): object => ({ start: { line, character: start }, end: { line, character: end } });
const paramsOf = (message: Message | undefined): Message => (isObject(message?.["params"]) ? message["params"] : {});

test("what a server says can bring no script, no picture and no form into the page", () => {
  const attacks = [
    '<script>alert(1)</script>',
    '<img src=x onerror="alert(1)">',
    '<p onclick="alert(1)">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#10;script:alert(1)">x</a>',
    "<svg/onload=alert(1)>",
    '<math><mi xlink:href="data:x,<script>alert(1)</script>">',
    '<p title="a>b" onmouseover="alert(1)">x',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '<span class="dialog" style="position:fixed">x</span>',
    '<form action="https://evil"><input name=a></form>',
    "<!-- --><style>*{display:none}</style>",
    "<p\nonclick=alert(1)>x</p>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
  ];
  const tags = /<(?!\/?(p|a|span|br|pre|code)>)/;
  for (const attack of attacks) assert.doesNotMatch(safeHtml(attack), tags, attack);
});

test("Markdown's own tags stay, links lead elsewhere, and pictures become their description", () => {
  assert.equal(safeHtml('<p>a <code class="language-x">b&lt;c</code></p>'), "<p>a <code>b&lt;c</code></p>");
  assert.equal(safeHtml('<a href="https://x.org/?a&amp;b" title="t">x</a>'), '<a href="https://x.org/?a&amp;b" target="_blank" rel="noopener noreferrer">x</a>');
  assert.equal(safeHtml('<span class="\u037c1a">x</span>'), '<span class="\u037c1a">x</span>');
  assert.equal(safeHtml('<img src="https://evil/count" alt="a chart">'), "a chart");
});

test("addresses and paths become each other, however they are encoded, and none leads out", () => {
  assert.equal(uriOf("file:///workspace", "a b/ü.ts"), "file:///workspace/a%20b/%C3%BC.ts");
  assert.equal(pathOf("file:///workspace", "file:///workspace/a%20b/%C3%BC%40.ts"), "a b/ü@.ts");
  for (const uri of ["file:///etc/passwd", "file:///workspace/../etc", "file:///workspace2/a", "file:///workspace/%2e%2e/a", "file:///workspace/", "%"]) assert.equal(pathOf("file:///workspace", uri), null, uri);
  assert.equal(uriOf("file:///workspace", "\udc80.ts"), null);
  assert.deepEqual([servedOf("a/x.TSX")?.id, servedOf("tsconfig.json")?.id, servedOf("json"), servedOf("a.md")], ["typescriptreact", "jsonc", null, null]);
});

test("a place beyond its line or the text is at their end", () => {
  const text = Text.of(["one", "two"]);
  const at = (line: number, character: number): number => offsetOf(text, { line, character });
  assert.deepEqual([at(0, 2), at(0, 99), at(1, 0), at(2, 0), at(-1, 5), at(Number.NaN, 0), at(1, -3)], [2, 3, 4, 7, 0, 0, 4]);
});

test("a reference is found again where its line has gone, and else where it was", () => {
  const reference = { path: "a.ts", line: 2, column: 3, length: 1, text: "f()" };
  const lineIn = (...lines: string[]): number => presentPlace(reference, Text.of(lines)).line;
  assert.deepEqual([lineIn("f()", "f()", "f()"), lineIn("", "", "", "f()"), lineIn("f()", "g()"), lineIn("g()")], [2, 4, 1, 2]);
});

test("a server is told of each open document in its language, of what is typed, saved, renamed and closed", async () => {
  const { documents, network, sent, run, show } = setUp({ "a.py": "a = 1\n", "b.py": "b = 2\n", "c.md": "" });
  const a = await show("a.py");
  assert.equal(network.last.url, "ws://python");
  await run();
  const b = await show("b.py");
  await show("c.md");
  assert.equal(network.connections.length, 1, "Markdown has no server");
  const opened = sent("textDocument/didOpen").map((message) => paramsOf(message)["textDocument"]);
  assert.deepEqual(opened, [
    { uri: "file:///workspace/a.py", languageId: "python", text: "a = 1\n", version: 0 },
    { uri: "file:///workspace/b.py", languageId: "python", text: "b = 2\n", version: 0 },
  ]);
  a.dispatch({ changes: { from: 0, insert: "# " } });
  await a.save();
  await settle();
  assert.deepEqual(paramsOf(sent("textDocument/didChange")[0]), { textDocument: { uri: "file:///workspace/a.py", version: 1 }, contentChanges: [{ text: "# a = 1\n" }] });
  assert.deepEqual(paramsOf(sent("textDocument/didSave")[0]), { textDocument: { uri: "file:///workspace/a.py" } });
  await documents.handleMoved({ from: "b.py", to: "d.py" });
  await documents.close(a);
  await settle();
  assert.deepEqual(sent("textDocument/didClose").map((message) => paramsOf(message)["textDocument"]), [{ uri: "file:///workspace/b.py" }, { uri: "file:///workspace/a.py" }]);
  assert.deepEqual(paramsOf(sent("textDocument/didOpen")[2])["textDocument"], { uri: "file:///workspace/d.py", languageId: "python", text: "b = 2\n", version: 0 });
  assert.equal(b.dirty.get(), false);
});

test("after a lost connection everything is opened anew, with what was typed meanwhile", async () => {
  const { clock, network, servers, sent, run, show } = setUp({ "a.py": "a = 1\n" });
  const document = await show("a.py");
  await run();
  assert.deepEqual(servers.front.get(), { language: "python", state: { kind: "running", command: "bin/tool --stdio" } });
  const waiting = servers.known(document)?.client.request("textDocument/rename", {});
  network.last.handlers.closed(1006, "");
  await assert.rejects(waiting ?? Promise.resolve(), /gone/);
  assert.equal(servers.front.get()?.state.kind, "starting");
  document.dispatch({ changes: { from: 0, insert: "b" } });
  clock.advance(1000);
  await run();
  assert.equal(network.connections.length, 2);
  assert.match(JSON.stringify(sent("textDocument/didOpen")), /ba = 1/);
});

test("a server that fails is said to have, and starts again when it said it would or when it is used", async () => {
  const { clock, network, servers, tell, run, show } = setUp({ "a.py": "" });
  await show("a.py");
  network.last.handlers.opened();
  tell({ method: "hutch/failed", params: { reason: "No pylsp.", advice: "Install it.", retryAfter: null } });
  assert.deepEqual(servers.front.get()?.state, { kind: "unavailable", reason: "No pylsp.", advice: "Install it." });
  servers.use();
  clock.advance(600_000);
  assert.equal(network.connections.length, 1, "it stays so");
  servers.restart("python");
  network.last.handlers.opened();
  tell({ method: "hutch/failed", params: { reason: "It crashed.", advice: null, retryAfter: 10 } });
  assert.equal(servers.front.get()?.state.kind, "stopped");
  clock.advance(9_000);
  assert.equal(network.connections.length, 2);
  clock.advance(1_000);
  assert.equal(network.connections.length, 3);
  await run();
  assert.equal(servers.front.get()?.state.kind, "running");
});

test("a server that ended for idleness starts when the file is worked on, but not at each key", async () => {
  const { clock, network, servers, tell, run, show } = setUp({ "a.py": "" });
  await show("a.py");
  await run();
  tell({ method: "hutch/failed", params: { reason: "It was not used.", advice: null, retryAfter: null } });
  servers.use();
  assert.equal(network.connections.length, 1);
  clock.advance(11_000);
  assert.equal(network.connections.length, 1, "not by itself");
  servers.use();
  servers.use();
  assert.equal(network.connections.length, 2);
});

test("nothing is started while the project does not run", async () => {
  const { network, servers, project, show } = setUp({ "a.py": "" });
  project.runs = false;
  await show("a.py");
  assert.equal(network.connections.length, 0);
  assert.equal(servers.front.get()?.state.kind, "stopped");
  project.runs = true;
  servers.restartFailed();
  assert.equal(network.connections.length, 1);
});

test("a server for Nix fetches nothing, evaluates no options, and formats nothing in place of the project's formatter", async () => {
  const { api, servers, sent, run, show } = setUp({ "flake.nix": "{ }\n" });
  const document = await show("flake.nix");
  await run({ textDocumentSync: 2, documentFormattingProvider: true });
  assert.deepEqual(paramsOf(sent("initialize")[0])["initializationOptions"], { nix: { flake: { autoArchive: false, nixpkgsInputName: null } } });
  assert.equal(await new LanguageActions({} as Ide, api, "p", servers).format(document), false);
  assert.deepEqual(sent("textDocument/formatting"), []);
});

test("problems are placed in the text as it is by now; those of an older text and impossible places do no harm", async () => {
  const { servers, tell, run, show } = setUp({ "a.py": "one\ntwo\n" });
  const document = await show("a.py");
  await run();
  const publish = (version: number | null, diagnostics: unknown): void => tell({ method: "textDocument/publishDiagnostics", params: { uri: "file:///workspace/a.py", version, diagnostics } });
  const marks = (): string[] => {
    const found: string[] = [];
    forEachDiagnostic(document.state, ({ message }, from, to) => found.push(`${message} ${from}-${to}`));
    return found;
  };
  document.dispatch({ changes: { from: 0, insert: "x" } });
  publish(0, [{ range: range(1, 0, 3), message: "wrong", severity: 1 }, { range: range(99, 5, 9), message: "far", severity: 2 }]);
  assert.deepEqual(marks(), ["wrong 5-8", "far 9-9"]);
  publish(7, []);
  for (const bad of [null, "x", [null, 3, { message: "no place" }, { range: { start: 1, end: 2 }, message: "bad" }]]) publish(7, bad);
  assert.equal(marks().length, 2);
  assert.deepEqual(servers.problems.now(servers.files).map(({ line, column, severity }) => [line, column, severity]), [[2, 1, "error"], [3, 1, "warning"]]);
  publish(null, []);
  assert.deepEqual([marks(), servers.problems.list.get()], [[], []]);
});

test("a rename changes open documents in the editor and other files on the disk, or nothing", async () => {
  const { api, disk, documents, servers, run, show } = setUp({ "a.py": "old = 1\n", "b.py": "from a import old\r\nold\r\n", "latin.py": "" });
  disk.write("latin.py", new Uint8Array([0xe9]));
  const a = await show("a.py");
  await run();
  const { client, connection } = servers.known(a) ?? assert.fail("it is known");
  const target = { api, project: "p", documents, pathOf: (uri: string) => connection.pathOf(uri) };
  const rename = async (edit: object, meanwhile: () => void = () => undefined): Promise<unknown> => {
    const snapshot = new Snapshot(client);
    try {
      meanwhile();
      return await applyEdits(editsByPath(edit, target.pathOf, snapshot), snapshot, target);
    } finally {
      snapshot.release();
    }
  };
  const at = (line: number, start: number): object => ({ range: range(line, start, start + 3), newText: "new" });
  const both = { "file:///workspace/a.py": [at(0, 0)], "file:///workspace/b.py": [at(0, 14), at(1, 0)] };
  await assert.rejects(rename({ changes: { ...both, "file:///etc/x": [at(0, 0)] } }), /outside of the project/);
  await assert.rejects(rename({ changes: { ...both, "file:///workspace/latin.py": [{ ...at(0, 0), newText: "→" }] } }), /WINDOWS-1252 has no “→”/);
  await assert.rejects(rename({ documentChanges: [{ kind: "delete", uri: "file:///workspace/b.py" }] }), /move files/);
  await assert.rejects(rename({ changes: both }, () => a.dispatch({ changes: { from: 1, insert: "-" } })), /Try again/);
  assert.deepEqual([a.state.doc.toString(), disk.text("b.py")], ["o-ld = 1\n", "from a import old\r\nold\r\n"]);
  a.dispatch({ changes: { from: 1, to: 2 } });
  const other = { textDocument: { uri: "file:///workspace/a.py", version: 0 }, edits: [at(0, 0)] };
  await assert.rejects(rename({ documentChanges: [other] }), /Try again/, "it is of another version");
  const outcome = await rename({ changes: both }, () => a.dispatch({ changes: { from: 8, insert: "# more\n" } }));
  assert.deepEqual(outcome, { open: 1, saved: 1, left: [] });
  assert.deepEqual([a.state.doc.toString(), disk.text("b.py")], ["new = 1\n# more\n", "from a import new\r\nnew\r\n"]);
  assert.equal(disk.text("a.py"), "old = 1\n", "the open one is not saved");
});

test("a quick fix changes what it says by itself, when it is asked about, or by a command; no other command changes anything", async () => {
  const { api, documents, network, servers, said, tell, sent, run, show } = setUp({ "a.py": "one\n" });
  const a = await show("a.py");
  await run({ textDocumentSync: 2, codeActionProvider: { resolveProvider: true }, executeCommandProvider: { commands: ["fix"] } });
  const known = servers.known(a) ?? assert.fail("it is known");
  const ide = { documents, store: { notify: (sentence: string) => said.push(sentence), announce: (sentence: string) => said.push(sentence) } } as unknown as Ide;
  const actions = new LanguageActions(ide, api, "p", servers);
  const carryOut = async (offer: CodeAction | Command, ...answers: (() => void)[]): Promise<void> => {
    const snapshot = new Snapshot(known.client);
    const done = new CodeActions(ide, actions).carryOut(known, offer, snapshot).finally(() => snapshot.release());
    for (const answer of answers) {
      await settle();
      answer();
    }
    await done;
  };
  const insert = (newText: string): object => ({ changes: { "file:///workspace/a.py": [{ range: range(0, 0, 0), newText }] } });
  const answer = (method: string, result: unknown): void => tell({ id: sent(method).at(-1)?.["id"], result });
  const replies = (): unknown[] => network.last.sent.map((text) => JSON.parse(String(text)) as Message).filter((message) => isObject(message["result"])).map(({ result }) => result);
  await carryOut({ title: "Now", edit: insert("1") });
  await carryOut({ title: "Asked", data: 7 }, () => answer("codeAction/resolve", { title: "Asked", edit: insert("2") }));
  assert.deepEqual(paramsOf(sent("codeAction/resolve")[0]), { title: "Asked", data: 7 });
  const change = (edit: object): void => tell({ id: 9, method: "workspace/applyEdit", params: { edit } });
  await carryOut({ title: "Command", command: "fix", arguments: [1] }, () => change(insert("3")), () => answer("workspace/executeCommand", null));
  assert.deepEqual(paramsOf(sent("workspace/executeCommand")[0]), { command: "fix", arguments: [1] });
  assert.equal(a.state.doc.toString(), "321one\n");
  assert.deepEqual(said, ["Now: done.", "Asked: done.", "Command: done."]);
  change(insert("4"));
  await settle();
  assert.equal(a.state.doc.toString(), "321one\n");
  assert.deepEqual(replies(), [{ applied: true }, { applied: false, failureReason: "Nothing was asked for that changes files." }]);
});
