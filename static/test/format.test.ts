import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAgo, formatDuration, formatName, parseName, formatSize } from "../src/format";

test("durations", () => {
  for (const [ms, text] of [[0, "0.0 s"], [432, "0.4 s"], [9_940, "9.9 s"], [12_400, "12 s"], [125_000, "2 m 05 s"], [-5, "0.0 s"]] as const) assert.equal(formatDuration(ms), text);
});

test("sizes", () => {
  for (const [bytes, text] of [[0, "0 B"], [640, "640 B"], [1536, "1.5 KB"], [12 * 1024, "12 KB"], [268_435_456, "256 MB"]] as const) assert.equal(formatSize(bytes), text);
});

test("times gone by", () => {
  const now = Date.parse("2026-05-10T12:00:00Z");
  for (const [then, text] of [["2026-05-10T11:59:50Z", "just now"], ["2026-05-10T11:57:00Z", "3 minutes ago"], ["2026-05-09T11:00:00Z", "yesterday"], ["2026-03-01T12:00:00Z", "2 months ago"]] as const)
    assert.equal(formatAgo(Date.parse(then), now), text);
});

test("names are one line and read in their own direction", () => {
  for (const [name, text] of [["a b.js", "a b.js"], ["a\nb", "a⟨U+000A⟩b"], ["caf\udce9", "caf⟨0xE9⟩"], ["a\u200bb", "a⟨U+200B⟩b"], ["\u202Egpj.exe", "⟨U+202E⟩gpj.exe"], ["ünï 𝄞", "ünï 𝄞"], ["\x7F", "⟨U+007F⟩"]] as const) {
    assert.equal(formatName(name), text);
    assert.equal(parseName(`new ${text}`, name), `new ${name}`);
  }
  assert.equal(parseName("⟨U+000A⟩", "as it stands"), "⟨U+000A⟩");
});
