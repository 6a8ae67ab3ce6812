import assert from "node:assert/strict";
import { test } from "node:test";
import { CompletionContext, type CompletionSource } from "@codemirror/autocomplete";
import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { languageOf } from "../src/editor/languages";

const LINE = "export function number%() { return %; }\n";
const source = (functions: number): string => Array.from({ length: functions }, (_, number) => LINE.replaceAll("%", `${number}`)).join("");

/** What the language of a file offers at the "|" in its text. */
async function offered(name: string, text: string, explicit = false): Promise<readonly string[]> {
  const at = text.indexOf("|");
  const begun = EditorState.create({ doc: text.replace("|", ""), extensions: [await languageOf(name)!.load()] });
  assert.ok(ensureSyntaxTree(begun, at, 60_000));
  // What was parsed since is in the next state.
  const { state } = begun.update({});
  const context = new CompletionContext(state, at, explicit);
  const results = await Promise.all(state.languageDataAt<CompletionSource>("autocomplete", at).map((ask) => ask(context)));
  return results.flatMap((result) => result?.options.map(({ label }) => label) ?? []);
}

test("names, keywords and snippets of a short file are offered, but not in its texts", async () => {
  const names = await offered("a.ts", `${source(3)}const total = num|`);
  for (const expected of ["number0", "number2", "total", "readonly", "function"]) assert.ok(names.includes(expected), expected);
  assert.deepEqual(await offered("a.ts", `${source(3)}// num|`), []);
  assert.deepEqual(await offered("a.js", `${source(3)}const text = "num|"`), []);
  assert.ok(!(await offered("a.js", `${source(3)}text.num|`)).includes("function"));
  assert.ok((await offered("a.py", "def number():\n    pass\n\nnum|")).includes("number"));
});

test("in a long file the words near the cursor are offered, and all names only when asked for by key", async () => {
  for (const [name, comment] of [["a.js", "//"], ["a.py", "#"]] as const) {
    const long = name === "a.py" ? "value = 1\n".repeat(11_000) + "def number9():\n    pass\n" : source(4_000);
    const near = await offered(name, `${long}const total = num|`);
    assert.ok(near.includes(name === "a.py" ? "number9" : "number3999"), name);
    assert.ok(!near.includes("number0"), name);
    assert.ok(near.length < 1_000, `${name}: ${near.length}`);
    assert.deepEqual(await offered(name, `${long}${comment} num|`), []);
  }
  assert.ok((await offered("a.js", `${source(4_000)}num|`, true)).includes("number0"));
});
