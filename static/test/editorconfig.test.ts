import assert from "node:assert/strict";
import { test } from "node:test";
import { Text } from "@codemirror/state";
import { globMatcher } from "../src/editorconfig/glob";
import { parseEditorConfig, type Placed, propertiesOf } from "../src/editorconfig/parse";
import { indentBy, styleOf } from "../src/editorconfig/style";
import { tidying } from "../src/editor/changes";

// The rules of the specification, and what its implementations agree on where it is silent.
const GLOBS: readonly (readonly [glob: string, fits: readonly string[], not: readonly string[]])[] = [
  ["*", ["a", "a.c", "d/a.c", ".profile"], []],
  ["a*e.c", ["ace.c", "abcde.c", "ae.c", "d/ae.c"], ["a/e.c", "aec"]],
  ["Bar/*", ["Bar/foo.txt"], ["Bar/d/foo.txt", "bar/foo.txt", "x/Bar/foo.txt"]],
  ["/*.c", ["a.c"], ["d/a.c"]],
  ["a**z.c", ["a/z.c", "amnz.c", "am/nz.c", "a/mnz.c", "amn/z.c"], ["a/m.c"]],
  ["b/**z.c", ["b/z.c", "b/mnz.c", "b/mn/z.c"], ["z.c"]],
  ["c/**.txt", ["c/z.txt", "c/d/z.txt"], ["z.txt"]],
  ["d/**/z.c", ["d/z.c", "d/m/z.c", "d/m/n/z.c"], ["dz.c", "d/mz.c", "x/d/z.c"]],
  ["**/e/**", ["e/a", "x/e/a", "x/e/y/a"], ["xe/a", "a"]],
  ["som?.c", ["some.c", "d/som😀.c"], ["som.c", "somee.c", "som/.c"]],
  ["[ab].a", ["a.a", "b.a"], ["c.a", "ab.a"]],
  ["[!ab].b", ["c.b"], ["a.b", "b.b", ".b"]],
  ["[d-g].c", ["d.c", "f.c", "g.c"], ["c.c", "h.c", "-.c"]],
  ["[!d-g].d", ["c.d", "-.d"], ["e.d"]],
  ["[abd-g-].e", ["a.e", "e.e", "-.e"], ["c.e"]],
  ["[\\]a].f", ["].f", "a.f"], ["\\.f"]],
  ["ab[e/]cd.i", ["ab[e/]cd.i"], ["abecd.i", "ab/cd.i"]],
  ["[ab.g", ["[ab.g"], ["a.g"]],
  ["{py,js,html}", ["py", "js", "html"], ["{py,js,html}", "pyjs"]],
  ["*.{py,js}", ["a.py", "d/a.js"], ["a.html"]],
  ["{single}.b", ["{single}.b"], ["single.b"]],
  ["{}.c", ["{}.c"], [".c"]],
  ["a{b,c,}.d", ["ab.d", "ac.d", "a.d"], ["a,.d"]],
  ["{.f", ["{.f"], [".f"]],
  ["},{.g", ["},{.g"], [".g"]],
  ["{word,{also},this}.g", ["word.g", "{also}.g", "this.g"], ["also.g", "word,this}.g"]],
  ["{{a,b}/c,d}.h", ["a/c.h", "b/c.h", "d.h"], ["a.h", "c.h"]],
  ["{},b}.h", ["{},b}.h"], ["b.h"]],
  ["{a\\,b,cd}.txt", ["a,b.txt", "cd.txt"], ["a.txt", "a\\,b.txt"]],
  ["\\{a,b}.j", ["{a,b}.j"], ["a.j", "b.j"]],
  ["a\\*.k", ["a*.k"], ["ab.k"]],
  ["f{3..120}", ["f3", "f15", "f120"], ["f1", "f5a", "f060", "f121", "f3..120", "f-5"]],
  ["{-3..3}.n", ["-3.n", "0.n", "3.n"], ["-4.n", "4.n"]],
  ["{9..2}.m", ["5.m"], ["1.m", "10.m"]],
  ["{aardvark..antelope}", ["{aardvark..antelope}"], ["aardvark", "a"]],
  ["😀[α-ω]", ["😀β"], ["😀a"]],
];

test("globs fit what the specification says", () => {
  for (const [glob, fits, not] of GLOBS) {
    const matches = globMatcher(glob);
    for (const path of fits) assert.ok(matches(path), `[${glob}] fits ${path}`);
    for (const path of not) assert.ok(!matches(path), `[${glob}] does not fit ${path}`);
  }
});

test("no glob takes long", () => {
  const began = performance.now();
  for (const glob of ["*a".repeat(500) + "b", "**a/".repeat(200), "{a,a}".repeat(400), `${"{".repeat(2000)}${"}".repeat(2000)}`]) {
    assert.equal(globMatcher(glob)("a".repeat(2000)), false);
  }
  // What tries every way to match takes longer than anybody waits, on whatever machine.
  assert.ok(performance.now() - began < 30_000);
});

test("lines are read as the specification says", () => {
  const config = parseEditorConfig("\uFEFF ROOT = True \r\n; words\n# more\n\n[*.c]\nIndent_Style=TAB\n  key = a ; b # c\nno value\n= nothing\nempty =\n[a]b]\nx = y = z\n");
  assert.equal(config.root, true);
  const read = (path: string): object => Object.fromEntries([...propertiesOf(path, [{ folder: "", config }])].map(([name, { value }]) => [name, value]));
  assert.deepEqual(read("a.c"), { indent_style: "tab", key: "a ; b # c", empty: "" });
  assert.deepEqual(read("a]b"), { x: "y = z" });
  assert.equal(parseEditorConfig("[*]\nroot = true\n").root, false, "only before the first section");
});

function placed(files: Readonly<Record<string, string>>): readonly Placed[] {
  return Object.entries(files).map(([folder, text]) => ({ folder, config: parseEditorConfig(text) }));
}

test("what is nearer and later counts more, up to the root", () => {
  const files = placed({
    "": "[*]\nindent_style = tab\ncharset = latin1\n[*.js]\nindent_style = space\nindent_size = 8\n",
    src: "[*.js]\nindent_size = 2\n[/lib/*.js]\ninsert_final_newline = true\ncharset = unset\n",
  });
  const style = styleOf(propertiesOf("src/lib/a.js", files));
  assert.deepEqual(style.indent, { kind: "space", size: 2, tabWidth: 2 });
  assert.equal(style.indentFrom, ".editorconfig");
  assert.equal(style.finalNewline, true);
  assert.equal(style.charset, null);
  assert.equal(styleOf(propertiesOf("src/a.py", files)).charset?.encoding, "windows-1252");
  const cut = placed({ "": "[*]\nindent_style = tab\n", src: "root = true\n[*]\nend_of_line = crlf\n", "src/lib": "[*]\ntab_width = 3\n" });
  const inner = styleOf(propertiesOf("src/lib/a.js", cut));
  assert.equal(inner.indent.kind, null);
  assert.equal(inner.lineBreak, "\r\n");
  assert.equal(inner.indentFrom, "src/lib/.editorconfig");
});

test("values that mean nothing count as not said", () => {
  const [file] = placed({ "": "[*]\nindent_style = constructor\nindent_size = -1\ntab_width = 99\nend_of_line = constructor\ncharset = __proto__\ntrim_trailing_whitespace = constructor\n" });
  assert.ok(file);
  const { indent, lineBreak, charset, trims } = styleOf(propertiesOf("a", [file]));
  assert.deepEqual({ indent, lineBreak, charset, trims }, { indent: { kind: null, size: null, tabWidth: null }, lineBreak: null, charset: null, trims: false });
});

test("the indentation is what is said, and for the rest what the text has", () => {
  const by = (text: string, found: string): unknown => indentBy(styleOf(propertiesOf("a", placed({ "": `[*]\n${text}` }))), { unit: found, tabWidth: 4 });
  assert.deepEqual(by("", "  "), { unit: "  ", tabWidth: 4 });
  assert.deepEqual(by("indent_style = tab", "  "), { unit: "\t", tabWidth: 4 });
  assert.deepEqual(by("indent_style = tab\nindent_size = 8", "  "), { unit: "\t", tabWidth: 8 });
  assert.deepEqual(by("indent_style = tab\nindent_size = tab\ntab_width = 2", "  "), { unit: "\t", tabWidth: 2 });
  assert.deepEqual(by("indent_style = space\nindent_size = tab\ntab_width = 3", "\t"), { unit: "   ", tabWidth: 3 });
  assert.deepEqual(by("indent_size = 4", "  "), { unit: "    ", tabWidth: 4 });
  assert.deepEqual(by("indent_style = space", "\t"), { unit: "    ", tabWidth: 4 });
});

test("blanks at the ends of lines and the last line break are seen to", () => {
  const tidied = (text: string, trims: boolean, finalNewline: boolean | null): string => {
    let result = text;
    for (const change of [...tidying(Text.of(text.split("\n")), trims, finalNewline)].reverse()) {
      const { from, to = from, insert = "" } = change as { from: number; to?: number; insert?: Text | string };
      result = result.slice(0, from) + insert.toString() + result.slice(to);
    }
    return result;
  };
  assert.equal(tidied("a \n\t\n b\t ", true, null), "a\n\n b");
  assert.equal(tidied("a \r\nb\n", true, true), "a\r\nb\n");
  assert.equal(tidied("a ", false, true), "a \n");
  assert.equal(tidied("", true, true), "");
  assert.equal(tidied("a\n \n\n", true, false), "a");
  assert.equal(tidied("a \n\n", false, false), "a ");
  const began = performance.now();
  tidied(`${" ".repeat(1_000_000)}x`, true, true);
  assert.ok(performance.now() - began < 1000);
});
