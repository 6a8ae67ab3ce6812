import assert from "node:assert/strict";
import { test } from "node:test";
import { languageOf } from "../src/editor/languages";
import { unencodable } from "../src/encodings";
import { decode, encode, indentOf, isBinary } from "../src/text";

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test("what was not edited is written back byte for byte", () => {
  for (const text of ["", "a", "a\n", "a\nb", "a\r\nb\r\n", "a\rb\r", "a\r\nb\nc\r", "\n\n", "\r\n", "\uFEFFa\r\nb", "\uFEFF", "\uFEFF\uFEFFa", "ä €  𝄞\n", "a\u2028b\n"]) {
    const bytes = utf8(text);
    const { text: decoded, format } = decode(bytes);
    assert.deepEqual(encode(decoded, format), bytes, JSON.stringify(text));
  }
});

test("an edited text gets the line breaks of its file", () => {
  const { text, format } = decode(utf8("a\r\nb\r\n"));
  assert.equal(text, "a\nb\n");
  assert.deepEqual(encode(`${text}c\n`, format), utf8("a\r\nb\r\nc\r\n"));
});

test("a file that mixes line breaks keeps each", () => {
  const { text, format } = decode(utf8("a\r\nb\n"));
  assert.equal(format.lineBreak, null);
  assert.equal(text, "a\r\nb\n");
});

test("what is not UTF-8 is written as it was; what its encoding lacks is named", () => {
  const latin = decode(Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
  assert.equal(latin.text, "café");
  assert.equal(latin.format.encoding, "windows-1252");
  assert.deepEqual(encode(latin.text, latin.format), Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
  const all = Uint8Array.from({ length: 256 }, (_, byte) => (byte + 128) % 256);
  assert.deepEqual(encode(decode(all).text, { ...latin.format, lineBreak: null }), all);
  assert.equal(encode("a→b", latin.format), null);
  assert.equal(unencodable("a→b", latin.format.encoding), "→");
  const wide = decode(Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x0a, 0));
  assert.equal(wide.text, "a\n");
  assert.equal(wide.format.encoding, "utf-16le");
  assert.deepEqual(encode("a😀", wide.format), Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x3d, 0xd8, 0, 0xde));
  // Half of a pair means nothing, and neither does half a unit.
  for (const bytes of [[0xff, 0xfe, 0x3d, 0xd8], [0xff, 0xfe, 0x61]]) assert.equal(decode(Uint8Array.from(bytes)).damaged, true);
});

test("a part may end within a character, a whole file may not", () => {
  const cut = utf8("aé").subarray(0, 2);
  assert.equal(decode(cut, { partial: true }).text, "a");
  assert.equal(decode(cut, { partial: true }).format.encoding, "utf-8");
  assert.equal(decode(cut).format.encoding, "windows-1252");
});

test("tells text from bytes", () => {
  assert.equal(isBinary(utf8("hello")), false);
  assert.equal(isBinary(new Uint8Array()), false);
  assert.equal(isBinary(Uint8Array.of(0x89, 0x50, 0, 1)), true);
  assert.equal(isBinary(Uint8Array.of(0xff, 0xfe, 0x61, 0)), false);
});

test("finds the indentation of a file", () => {
  assert.deepEqual(indentOf("a\n  b\n    c\n  d\n"), { unit: "  ", tabWidth: 4 });
  assert.deepEqual(indentOf("a\n    b\n        c\n    d\n"), { unit: "    ", tabWidth: 4 });
  assert.deepEqual(indentOf("a\n\tb\n\t\tc\n"), { unit: "\t", tabWidth: 4 });
  assert.deepEqual(indentOf("a\nb\n"), { unit: "  ", tabWidth: 4 });
  assert.deepEqual(indentOf("a\n b\n", languageOf("Makefile")?.indent), { unit: "\t", tabWidth: 4 });
  assert.deepEqual(indentOf("", languageOf("main.py")?.indent), { unit: "    ", tabWidth: 4 });
  assert.deepEqual(indentOf("a\n  b\n", languageOf("main.py")?.indent), { unit: "  ", tabWidth: 4 });
});

test("a first line tells the language where the name does not", () => {
  const lines = {
    "#!/usr/bin/env python3": "Python",
    "#!/usr/bin/python3.12 -u": "Python",
    "#!/usr/bin/env -S FOO=1 node --test": "JavaScript",
    "#! /bin/bash": "Shell",
    "#!/usr/bin/env": undefined,
    "# python": undefined,
    "": undefined,
  };
  for (const [line, name] of Object.entries(lines)) assert.equal(languageOf("tool", line)?.name, name, line);
  assert.equal(languageOf("tool.rb", "#!/usr/bin/env python3")?.name, "Ruby");
});
