import assert from "node:assert/strict";
import { test } from "node:test";
import { Blocks } from "../src/viewers/blocks";
import { HexLayout, type Layout, TextLayout } from "../src/viewers/layout";
import { PagedSource } from "../src/viewers/source";

const utf8 = new TextEncoder();

function utf16(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array([0xff, 0xfe, ...Array.from({ length: text.length }, (_, at) => [text.charCodeAt(at) & 0xff, text.charCodeAt(at) >> 8]).flat()]);
}

/** A file whose reads can be counted and whose content can be exchanged. */
function setUp(content: Uint8Array<ArrayBuffer>) {
  const file = { content, etag: "1", reads: 0 };
  const source = new PagedSource(
    async (start, most) => {
      file.reads += 1;
      return { bytes: file.content.slice(start, start + most), etag: file.etag, size: file.content.length };
    },
    { size: content.length, etag: "1" },
  );
  return { file, source };
}

/** All that comes on the page from the beginning to the end, and whether going back shows the same. */
async function through(blocks: Blocks): Promise<string[]> {
  await blocks.jump(0);
  const page = [...blocks.texts];
  const all = [...page];
  for (let next = await blocks.extendDown(); next; next = await blocks.extendDown()) {
    all.push(...next.added);
    page.push(...next.added);
    page.splice(0, next.dropped);
    assert.deepEqual(page, blocks.texts);
    assert.ok(blocks.end - blocks.start <= 640 * 1024, "the page holds no more than a part");
  }
  const numbers: number[] = [];
  for (let next = await blocks.extendUp(); next; next = await blocks.extendUp()) numbers.push(next.added.length);
  assert.equal(blocks.start, 0);
  return all;
}

const lines = Array.from({ length: 40_000 }, (_, index) => (index % 100 === 7 ? "" : `line ${index} – ä😀 ${"x".repeat(index % 50)}`));

test("a file is shown whole, block by block, in every encoding", async () => {
  const text = lines.join("\r\n");
  for (const [layout, bytes] of [
    [new TextLayout("utf-8"), utf8.encode(text)],
    [new TextLayout("utf-16le"), utf16(text)],
  ] as const) {
    const { source } = setUp(bytes);
    const blocks = new Blocks(source, layout);
    assert.deepEqual(await through(blocks), lines);
    assert.equal(blocks.labelOf(0), "1");
    assert.equal(blocks.labelOf(1234), "1235");
  }
});

test("very long lines are broken between characters, and only their beginnings have numbers", async () => {
  const long = "ä😀".repeat(100_000);
  const { source } = setUp(utf8.encode(`first\n${long}\nlast\n`));
  const blocks = new Blocks(source, new TextLayout("utf-8"));
  const shown = await through(blocks);
  assert.equal(shown.join(""), `first${long}last`);
  assert.ok(shown.every((line) => line.length <= 2048));
  assert.equal(shown.at(-1), "", "the file ends with a line feed");
  await blocks.jump(300_000);
  assert.equal(blocks.texts.join("").includes("\uFFFD"), false);
  assert.equal(blocks.labelOf(0), "↪");
  await blocks.jump(1e9);
  blocks.firstNumber = 3;
  const count = blocks.texts.length;
  assert.deepEqual([blocks.labelOf(count - 2), blocks.labelOf(count - 1)], ["3", "4"]);
});

test("bytes and places on the page lead to each other", async () => {
  const bytes = utf8.encode(lines.join("\n"));
  const { source } = setUp(bytes);
  const blocks = new Blocks(source, new TextLayout("utf-8"));
  const target = utf8.encode(lines.slice(0, 20_001).join("\n").replace(/x*$/, "")).length;
  await blocks.jump(target);
  const place = blocks.placeOf(target);
  assert.ok(place);
  assert.ok(blocks.texts[place.line]?.startsWith("line 20000"));
  assert.equal(place.column, "line 20000 – ä😀 ".length);
  assert.equal(bytes[blocks.offsetOf(place.line) - 1], 10);
  assert.equal(blocks.placeOf(0), null);
});

test("what has numbers keeps them while the page moves", async () => {
  const { source } = setUp(utf8.encode(lines.join("\n")));
  const blocks = new Blocks(source, new TextLayout("utf-8"));
  await blocks.jump(0);
  while (await blocks.extendDown());
  const first = Number(blocks.labelOf(0));
  assert.ok(first > 1);
  assert.equal(blocks.texts[0], lines[first - 1]);
  await blocks.extendUp();
  assert.equal(blocks.texts[0], lines[Number(blocks.labelOf(0)) - 1]);
});

test("a hex dump has offsets, bytes and letters", async () => {
  const bytes = new Uint8Array(100_000).map((_, index) => index % 256);
  const { source } = setUp(bytes);
  const blocks = new Blocks(source, new HexLayout(16));
  const shown = await through(blocks);
  assert.equal(shown.length, 6250);
  assert.equal(shown[4], "40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f  @ABCDEFGHIJKLMNO");
  assert.equal(blocks.labelOf(4), "00000040");
  await blocks.jump(99_999);
  assert.equal(blocks.labelOf(blocks.texts.length - 1), "00018690");
});

test("pieces of two versions are never on one page, and a file that got shorter ends earlier", async () => {
  const { file, source } = setUp(new Uint8Array(300_000).fill(97));
  const blocks = new Blocks(source, new HexLayout(16));
  await blocks.jump(0);
  Object.assign(file, { content: new Uint8Array(300_000).fill(98), etag: "2" });
  const mixed = await source.read(0, 200_000);
  assert.ok(mixed.every((byte) => byte === 98), "what was read of the old version is read again");
  assert.equal(source.version.etag, "2");
  Object.assign(file, { content: new Uint8Array(5), etag: "3" });
  assert.equal((await source.read(0, 300_000)).length, 5);
  assert.equal(source.version.size, 5);
});

test("an empty file is a line without anything", async () => {
  for (const layout of [new TextLayout("utf-8"), new HexLayout(16)] as readonly Layout[]) {
    const blocks = new Blocks(setUp(new Uint8Array()).source, layout);
    await blocks.jump(0);
    assert.equal(blocks.texts.join(""), "".padEnd(layout.numbered ? 0 : 49));
    assert.equal(await blocks.extendDown(), null);
    assert.equal(await blocks.extendUp(), null);
  }
});
