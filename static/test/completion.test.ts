import assert from "node:assert/strict";
import { test } from "node:test";
import { autocompletion, type Completion, CompletionContext, completionStatus } from "@codemirror/autocomplete";
import { history, undo } from "@codemirror/commands";
import { LSPPlugin, signatureHelp } from "@codemirror/lsp-client";
import { ChangeSet, EditorState, Transaction, type TransactionSpec } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import type { TextDocument } from "../src/editor/document";
import { ServerClient } from "../src/languages/client";
import { completing, completionsOf } from "../src/languages/completion";
import { templateOf } from "../src/languages/snippets";
import { DocumentFile } from "../src/languages/workspace";

// A request that gets no answer is given up by the library after half a minute, which no test needs to wait for.
const setTimer = globalThis.setTimeout;
const timers: Parameters<typeof setTimer>[] = [];
globalThis.setTimeout = ((...given: Parameters<typeof setTimer>) => {
  timers.push(given);
  return setTimer(...given).unref();
}) as typeof setTimer;

type Message = { readonly id?: number; readonly method?: string; readonly params?: unknown };

const URI = "file:///workspace/a.ts";
const at = (line: number, start: number, end = start): object => ({ start: { line, character: start }, end: { line, character: end } });
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
};

/** As if those who wait this long had waited. */
const elapse = async (ms: number): Promise<void> => {
  for (const [run, after] of timers) if (after === ms) run();
  await settle();
};

/** An editor without a page, whose cursor is at "|", and the far end of its server. */
async function setUp(text: string, resolves = true) {
  const sent: Message[] = [];
  const client = new ServerClient((message) => sent.push(JSON.parse(message) as Message), { rootUri: "file:///workspace", extensions: [completing] });
  const last = (method: string): Message | undefined => [...sent].reverse().find((message) => message.method === method);
  const answer = async (method: string, result: unknown): Promise<void> => {
    client.take(JSON.stringify({ jsonrpc: "2.0", id: last(method)?.id, result }));
    await settle();
  };
  const begun = client.begin();
  await answer("initialize", { capabilities: { textDocumentSync: 2, completionProvider: { triggerCharacters: ["."], resolveProvider: resolves }, executeCommandProvider: { commands: ["server.count"] } } });
  await begun;
  const asked: string[] = [];
  const plugin = { startRequest: () => asked.push("parameters"), uri: URI, syncedDoc: EditorState.create().doc, unsyncedChanges: ChangeSet.empty(0), toPosition: LSPPlugin.prototype.toPosition, clear: () => clear() };
  let state = EditorState.create({ doc: text.replace("|", ""), selection: { anchor: text.indexOf("|") }, extensions: [autocompletion({ override: [() => null] }), signatureHelp(), history(), EditorState.allowMultipleSelections.of(true)] });
  const clear = (): void => void Object.assign(plugin, { syncedDoc: state.doc, unsyncedChanges: ChangeSet.empty(state.doc.length) });
  clear();
  const said: string[] = [];
  const take = (transaction: Transaction): void => {
    state = transaction.state;
    plugin.unsyncedChanges = plugin.unsyncedChanges.compose(transaction.changes);
  };
  const view = {
    get state() {
      return state;
    },
    plugin: () => plugin,
    dispatch: (...specs: TransactionSpec[]) => take(specs[0] instanceof Transaction ? specs[0] : state.update(...specs)),
  } as unknown as EditorView;
  const file = new DocumentFile(view as unknown as TextDocument, "a.ts", URI, "typescript");
  file.views.push(view);
  client.documents.files.push(file);
  const type = (text: string): void => view.dispatch({ ...state.replaceSelection(text), userEvent: "input.type" });
  const list = async (items: readonly object[], defaults: object = {}): Promise<{ readonly from: number; readonly options: readonly Completion[] }> => {
    const found = Promise.resolve(completionsOf(client, (sentence) => said.push(sentence))(new CompletionContext(state, state.selection.main.head, true, view)));
    await settle();
    await answer("textDocument/completion", { isIncomplete: false, items, itemDefaults: defaults });
    return (await found) ?? assert.fail("There is a list.");
  };
  const choose = async ({ from, options: [option] }: { readonly from: number; readonly options: readonly Completion[] }): Promise<void> => {
    assert.ok(option && typeof option.apply === "function");
    option.apply(view, option, from, state.selection.main.head);
    await settle();
  };
  const shown = (): string => {
    const { head } = state.selection.main;
    return `${state.sliceDoc(0, head)}|${state.sliceDoc(head)}`;
  };
  return { sent, said, asked, last, answer, view, type, list, choose, shown, undo: () => undo({ state, dispatch: take }) };
}

test("what comes only when it is asked for is one step with the completion, around what is typed meanwhile", async () => {
  const { last, answer, type, list, choose, shown, undo } = await setUp("gre|\n");
  const found = await list([{ label: "greet", data: 7 }]);
  type("e");
  await choose(found);
  assert.deepEqual(last("completionItem/resolve")?.params, { label: "greet", data: 7 });
  type("(");
  assert.equal(shown(), "gree(|\n", "nothing is changed before all is known");
  await answer("completionItem/resolve", { label: "greet", additionalTextEdits: [{ range: at(0, 0), newText: 'import "b";\n' }] });
  assert.equal(shown(), 'import "b";\ngreet(|\n');
  undo();
  assert.equal(shown(), "gree(|\n");
});

test("what comes too late to be one step with the completion is the next, around what is typed meanwhile", async () => {
  const { said, answer, type, list, choose, shown, undo } = await setUp("gre|\n");
  const [greet, late] = [[{ label: "greet" }], { label: "greet", additionalTextEdits: [{ range: at(0, 0), newText: 'import "b";\n' }] }];
  await choose(await list(greet));
  await elapse(1500);
  assert.equal(shown(), "greet|\n");
  type("(");
  await answer("completionItem/resolve", late);
  assert.equal(shown(), 'import "b";\ngreet(|\n');
  undo();
  assert.equal(shown(), "greet(|\n");
  undo();
  undo();
  assert.equal(shown(), "gre|\n");
  await choose(await list(greet));
  await elapse(1500);
  undo();
  await answer("completionItem/resolve", late);
  assert.equal(shown(), "gre|\n", "what was taken back imports nothing");
  assert.deepEqual(said, []);
});

test("what never comes, or comes too late for the text, is told", async () => {
  const { view, said, answer, list, choose, shown } = await setUp("abc\ngre|");
  const chooseLate = async (): Promise<void> => {
    await choose(await list([{ label: "greet" }]));
    await elapse(1500);
  };
  await chooseLate();
  view.dispatch({ changes: { from: 1, to: 2, insert: "X" } });
  await answer("completionItem/resolve", { label: "greet", additionalTextEdits: [{ range: at(0, 0, 3), newText: "def" }] });
  assert.equal(shown(), "aXc\ngreet|");
  assert.match(said.join(), /^What greet needs elsewhere.* was left out/);
  await chooseLate();
  await elapse(30_000);
  assert.match(said.at(-1) ?? "", /did not say in time what greet needs/);
  await chooseLate();
  await answer("completionItem/resolve", { label: "greet" });
  assert.equal(said.length, 2, "nothing to change is nothing to tell");
});

test("an entry that was asked about is taken at once, and only the one chosen last is asked about", async () => {
  const { sent, answer, list, choose, shown } = await setUp("x.|");
  const found = await list([{ label: "one" }, { label: "two" }]);
  assert.equal(sent.filter(({ method }) => method === "completionItem/resolve").length, 0);
  const [one, two] = found.options.map(({ info }) => info as (option: Completion) => unknown);
  const [first, second] = found.options as [Completion, Completion];
  void one?.(first);
  await settle();
  void two?.(second);
  await settle();
  assert.equal(sent.filter(({ method }) => method === "$/cancelRequest").length, 1);
  await answer("completionItem/resolve", { label: "two" });
  await choose({ from: found.from, options: [second] });
  assert.equal(shown(), "x.two|");
});

test("a change elsewhere that would undo what was typed since is left out", async () => {
  const { view, said, answer, list, choose, shown } = await setUp("abc\ngre|");
  const found = await list([{ label: "greet" }]);
  await choose(found);
  view.dispatch({ changes: { from: 1, to: 2, insert: "X" } });
  await answer("completionItem/resolve", { label: "greet", additionalTextEdits: [{ range: at(0, 0, 3), newText: "def" }] });
  assert.equal(shown(), "aXc\ngreet|");
  assert.match(said.join(), /^What greet needs elsewhere.* was left out/);
  await choose(await list([{ label: "greets" }]));
  view.dispatch({ changes: { from: 4, to: 9 } });
  await answer("completionItem/resolve", null);
  assert.equal(shown(), "aXc\n|", "nor does the completion come where its word is gone");
});

test("an entry goes where it says: from before the word, and keeping what is behind the cursor", async () => {
  const before = await setUp("a.fo|o", false);
  const found = await before.list([{ label: "foo", filterText: ".foo", textEdit: { newText: "?.foo", insert: at(0, 1, 4), replace: at(0, 1, 5) } }]);
  await before.choose(found);
  assert.equal(before.shown(), "a?.foo|o");
  const whole = await setUp("a.fo|o", false);
  await whole.choose(await whole.list([{ label: "foot", textEdit: { newText: "foot", range: at(0, 2, 5) } }]));
  assert.equal(whole.shown(), "a.foot|");
  const usual = await setUp("a.fo|", false);
  await usual.choose(await usual.list([{ label: "foo()", textEditText: "foo(${1:bar})$0" }], { editRange: at(0, 2, 4), insertTextFormat: 2, commitCharacters: [".", " ", "a", 7] }));
  assert.equal(usual.shown(), "a.foo(bar|)");
  assert.equal(usual.view.state.sliceDoc(usual.view.state.selection.main.from, usual.view.state.selection.main.to), "bar");
});

test("a snippet and what it imports are one step", async () => {
  const { list, choose, shown, undo } = await setUp("|", false);
  await choose(await list([{ label: "log", insertText: "log($1)", insertTextFormat: 2, additionalTextEdits: [{ range: at(0, 0), newText: "import log\n" }] }]));
  assert.equal(shown(), "import log\nlog(|)");
  undo();
  assert.equal(shown(), "|");
});

test("what is to follow an entry is done by who knows it: the editor, the server, or nobody", async () => {
  const { sent, asked, view, list, choose } = await setUp("|", false);
  const take = async (command: unknown): Promise<void> => choose(await list([{ label: "a", command }]));
  await take({ title: "", command: "server.count", arguments: [1, "a"] });
  for (const other of [{ title: "", command: "server.other" }, { title: "", command: "toString" }, "server.count", { command: 7 }]) await take(other);
  const executed = sent.filter(({ method }) => method === "workspace/executeCommand").map(({ params }) => params);
  assert.deepEqual(executed, [{ command: "server.count", arguments: [1, "a"] }]);
  assert.deepEqual([completionStatus(view.state), asked], [null, []]);
  await take({ title: "", command: "editor.action.triggerParameterHints" });
  assert.deepEqual(asked, ["parameters"]);
  await take({ title: "", command: "editor.action.triggerSuggest" });
  assert.equal(completionStatus(view.state), "pending");
});

test("an entry that the server would choose comes first among its equals", async () => {
  const { list } = await setUp("f|", false);
  const { options } = await list([{ label: "far" }, { label: "foo", preselect: true }]);
  assert.deepEqual(options.map(({ boost = 0 }) => boost > 0), [false, true]);
});

test("only marks end a word by taking an entry, whatever the server says", async () => {
  const { list } = await setUp("f|", false);
  const { options } = await list([{ label: "foo", commitCharacters: [".", " ", "a", "_", "::", 7] }, { label: "fun" }], { commitCharacters: [";"] });
  assert.deepEqual(options.map(({ commitCharacters }) => commitCharacters), [["."], [";"]]);
});

test("snippets keep their text, their stops and their last place", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["log($1)$0", "log(${1})${0}"],
    ["for (${1:item} of ${2:list}) {\n\t$1\n}", "for (${1:item} of ${2:list}) \\{\n\t${1:item}\n\\}${0}"],
    ["a\\$b \\} \\\\", "a$b \\} \\"],
    ["${1|one,two\\, too|}", "${1:one}${0}"],
    ["${1:f(${2:x})}", "${1:f(x)}${0}"],
    ["${TM_FILENAME} ${name:x} $y ${z/(a)/b/g}", " x  "],
    ["${1:{}}", "\\{\\}${0}"],
    ["$ {x}", "$ \\{x\\}"],
  ];
  for (const [snippet, template] of cases) assert.equal(templateOf(snippet), template, snippet);
});
