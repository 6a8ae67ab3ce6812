import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorState } from "@codemirror/state";
import { languageOf } from "../src/editor/languages";
import { outlineOf } from "../src/languages/outline";

const CASES: readonly (readonly [name: string, text: string, definitions: readonly string[]])[] = [
  ["a.ts", "export function f() { const inner = 1; }\nclass A { m() {} }\ninterface I {}\ntype T = 1;\nenum E {}\nconst g = 1, h = 2;\n", ["function f", "class A", "method A.m", "interface I", "type T", "enum E", "variable g", "variable h"]],
  ["a.py", "class A:\n  def m(self):\n    pass\ndef f(x):\n  pass\n", ["class A", "function A.m", "function f"]],
  ["a.md", "# One\n\n## Two ##\n\nThree\n===\n", ["heading One", "heading Two", "heading Three"]],
  ["a.css", "a.b, p > q { color: red }\n", ["rule a.b, p > q"]],
  ["a.yaml", "on:\n  push: 1\njobs: 2\n", ["key on", "key jobs"]],
  ["a.nix", "{ a = 1; b.c = { d = 2; }; }", ["attribute a", "attribute b.c"]],
  ["a.rs", "fn main() {}\nstruct S {}\n", [" main", " S"]],
  ["a.txt", "nothing", []],
];

test("a file's definitions are found by its syntax tree, with what they are in", async () => {
  for (const [name, text, definitions] of CASES) {
    const state = EditorState.create({ doc: text, extensions: [(await languageOf(name)?.load()) ?? []] });
    const found = outlineOf(state).map(({ name, kind, container }) => `${kind} ${container && `${container}.`}${name}`);
    assert.deepEqual(found, definitions, name);
  }
});
