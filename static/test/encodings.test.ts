import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesIn, ENCODINGS, type Encoding, unencodable } from "../src/encodings";
import { readAs } from "../src/rereading";
import { decode, encode, escapedBytes, type Format } from "../src/text";
import { NO_STYLE } from "../src/editorconfig/style";
import { OpaqueDocument } from "../src/editor/opaque";
import { setUp, show, textOf, type } from "./opened";

// What Python makes of them.
const WRITTEN: readonly (readonly [Encoding, string, string])[] = [
  // Node knows less of this and the last one than browsers, whose own test has the rest.
  ["windows-1252", "café ß", "636166e920df"],
  ["iso-8859-15", "café €", "636166e920a4"],
  ["macintosh", "café", "6361668e"],
  ["windows-1250", "žluťoučký kůň", "9e6c759d6f75e86bfd206bf9f2"],
  ["iso-8859-2", "žluťoučký kůň", "be6c75bb6f75e86bfd206bf9f2"],
  ["windows-1257", "ąčęėįš", "e0e8e6ebe1f0"],
  ["iso-8859-13", "ąčęėįš", "e0e8e6ebe1f0"],
  ["windows-1251", "Привет", "cff0e8e2e5f2"],
  ["koi8-r", "Привет", "f0d2c9d7c5d4"],
  ["koi8-u", "Їжак", "b7d6c1cb"],
  ["iso-8859-5", "Привет", "bfe0d8d2d5e2"],
  ["ibm866", "Привет", "8fe0a8a2a5e2"],
  ["windows-1253", "Γειά σου", "c3e5e9dc20f3eff5"],
  ["iso-8859-7", "Γειά σου", "c3e5e9dc20f3eff5"],
  ["windows-1254", "ığşİ", "fdf0fedd"],
  ["windows-1255", "שלום", "f9ece5ed"],
  ["windows-1256", "مرحبا", "e3d1cdc8c7"],
  ["windows-1258", "đư", "f0fd"],
  ["windows-874", "สวัสดี", "cac7d1cab4d5"],
  ["shift_jis", "日本語ソ表ｱ", "93fa967b8cea835c955cb1"],
  ["euc-jp", "日本語ソ丂ｱ", "c6fccbdcb8eca5bd8fb0a18eb1"],
  ["gbk", "中文，汉字", "d6d0cec4a3acbabad7d6"],
  ["big5", "中文，漢字", "a4a4a4e5a141ba7ea672"],
  ["euc-kr", "한글", "c7d1b1db"],
];
const bytesOf = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const plain = (encoding: Encoding): Format => ({ encoding, bom: false, lineBreak: "\n" });

test("every encoding that is offered is read and written as other programs do", () => {
  assert.deepEqual(new Set(WRITTEN.map(([encoding]) => encoding)), new Set(Object.keys(ENCODINGS).filter((name) => !name.startsWith("utf-"))));
  for (const [encoding, text, hex] of WRITTEN) {
    assert.deepEqual(decode(bytesOf(hex), { as: encoding }), { text, format: plain(encoding), damaged: false }, encoding);
    assert.deepEqual(bytesIn(text, encoding), bytesOf(hex), encoding);
    assert.deepEqual(encode("a\nb\t~", plain(encoding)), new TextEncoder().encode("a\nb\t~"), encoding);
  }
});

test("bytes that are no UTF-8 come back out of a text in which they are escaped", () => {
  assert.deepEqual(escapedBytes("caf\udce9 é 😀"), Uint8Array.of(...Buffer.from("caf"), 0xe9, ...Buffer.from(" é 😀")));
  assert.equal(escapedBytes("café 😀"), null);
});

test("what an encoding lacks is named", () => {
  assert.equal(bytesIn("日本 é", "shift_jis"), null);
  assert.equal(unencodable("日本 é", "shift_jis"), "é");
  assert.equal(unencodable("日本 é 😀", "utf-16le"), null);
  assert.equal(unencodable("Привет 😀", "koi8-r"), "😀");
});

test("a text counts as damaged where writing it in the encoding chosen would change a byte", () => {
  // Half a character, half a unit, half a pair; and of two codes of Ⅰ the one that is not written.
  const damaged = [["shift_jis", "93"], ["utf-8", "c3"], ["utf-16le", "410042"], ["utf-16be", "d800"], ["shift_jis", "fa4a"]] as const;
  for (const [encoding, hex] of damaged) assert.equal(decode(bytesOf(hex), { as: encoding }).damaged, true, `${encoding} ${hex}`);
  assert.equal(decode(bytesOf("8754"), { as: "shift_jis" }).damaged, false);
});

test("a file is read in the encoding chosen, in the place where its tab is, and written in it", async () => {
  const { disk, documents } = setUp();
  disk.write("b.txt", bytesOf("93fa967b0a"));
  for (const path of ["a.txt", "b.txt", "c.txt"]) {
    if (path === "c.txt") disk.writeText(path, "sea\n");
    await show(documents, path);
  }
  const before = documents.find("b.txt");
  assert.ok(before);
  await readAs(documents, before, "shift_jis");
  const document = await show(documents, "b.txt");
  assert.equal(textOf(document), "日本\n");
  assert.deepEqual(documents.groups.active.tabs.map((tab) => tab.document.path.get()), ["a.txt", "b.txt", "c.txt"]);
  type(document, "ソ");
  await document.save();
  assert.deepEqual(disk.files.get("b.txt"), bytesOf("835c93fa967b0a"));
  disk.write("b.txt", bytesOf("967b0a"));
  await documents.check(["b.txt"]);
  assert.equal(textOf(document), "本\n");
  // Its bytes tell again what they told.
  await readAs(documents, document, null);
  assert.equal((await show(documents, "b.txt")).form.format.get().encoding, "windows-1252");
});

test("the encoding chosen goes with the file, and stays when it is closed", async () => {
  const { disk, documents } = setUp();
  disk.write("old/a.txt", bytesOf("93fa"));
  await readAs(documents, await show(documents, "old/a.txt"), "shift_jis");
  disk.move("old/a.txt", "new/a.txt");
  await documents.handleMoved({ from: "old", to: "new" });
  const moved = documents.find("new/a.txt");
  assert.ok(moved);
  await documents.close(moved);
  assert.equal(textOf(await show(documents, "new/a.txt")), "日");
});

test("what is unsaved is asked about before the file is read anew", async () => {
  const { disk, documents, answers } = setUp();
  disk.write("a.txt", bytesOf("93fa"));
  const document = await show(documents, "a.txt");
  type(document, "x");
  answers.push("cancel", "discard");
  await readAs(documents, document, "shift_jis");
  assert.equal(documents.find("a.txt"), document);
  await readAs(documents, document, "shift_jis");
  assert.equal(textOf(await show(documents, "a.txt")), "日");
});

test("what is typed while the file is read anew is asked about too", async () => {
  const { disk, documents, answers } = setUp();
  disk.write("a.txt", bytesOf("93fa"));
  const document = await show(documents, "a.txt");
  for (const answer of ["cancel", "save"] as const) {
    answers.push(answer);
    const reading = readAs(documents, document, "shift_jis");
    type(document, "x");
    await reading;
    if (answer === "save") break;
    assert.deepEqual(documents.open.get(), [document]);
    assert.equal(documents.encodings.of("a.txt"), null);
    await document.discard();
    document.revert();
  }
  assert.deepEqual(disk.files.get("a.txt"), bytesOf("7893fa"));
  assert.equal(textOf(await show(documents, "a.txt")), "x日");
});

test("an encoding that the file could not be read in is not chosen", async () => {
  const { disk, documents } = setUp();
  const document = await show(documents, "a.txt");
  disk.offline = true;
  await assert.rejects(readAs(documents, document, "shift_jis"));
  assert.equal(documents.encodings.of("a.txt"), null);
  assert.equal(documents.find("a.txt"), document);
});

test("a file that is closed while it is read anew stays closed", async () => {
  const { disk, documents } = setUp();
  disk.write("a.txt", bytesOf("93fa"));
  const document = await show(documents, "a.txt");
  const reading = readAs(documents, document, "shift_jis");
  await documents.close(document);
  await reading;
  assert.deepEqual(documents.open.get(), []);
});

test("bytes that are text in the encoding chosen open as that", async () => {
  const { disk, documents } = setUp();
  disk.write("wide.txt", bytesOf("61000a00"));
  const opaque = await documents.show("wide.txt");
  assert.ok(opaque instanceof OpaqueDocument);
  await readAs(documents, opaque, "utf-16le");
  const document = await show(documents, "wide.txt");
  type(document, "b");
  await document.save();
  assert.deepEqual(disk.files.get("wide.txt"), bytesOf("620061000a00"));
});

test("a text that does not fit the encoding chosen is read-only, as is one that ceases to", async () => {
  const { disk, documents } = setUp();
  disk.write("a.txt", bytesOf("93fa"));
  await readAs(documents, await show(documents, "a.txt"), "utf-8");
  assert.match((await show(documents, "a.txt")).readOnly ?? "", /not quite UTF-8/);
  await readAs(documents, await show(documents, "a.txt"), "shift_jis");
  assert.equal((await show(documents, "a.txt")).readOnly, null);
  disk.write("a.txt", bytesOf("93"));
  await documents.check(["a.txt"]);
  assert.match((await show(documents, "a.txt")).readOnly ?? "", /not quite SHIFT_JIS/);
});

test("a text is saved in another form though nothing is unsaved, and stays in it whatever .editorconfig says", async () => {
  const { disk, documents, styles } = setUp({ "a.txt": "日本\n" });
  styles.set("a.txt", { ...NO_STYLE, charset: { encoding: "utf-8", bom: false }, lineBreak: "\n" });
  const document = await show(documents, "a.txt");
  await document.saveAs({ encoding: "shift_jis", bom: false });
  await document.saveAs({ lineBreak: "\r\n" });
  assert.deepEqual(disk.files.get("a.txt"), bytesOf("93fa967b0d0a"));
  type(document, "本");
  await document.save();
  assert.deepEqual(disk.files.get("a.txt"), bytesOf("967b93fa967b0d0a"));
  assert.equal(documents.encodings.of("a.txt"), "shift_jis");
  await document.saveAs({ encoding: "utf-8", bom: true });
  assert.equal(disk.text("a.txt"), "\uFEFF本日本\r\n");
  // That one tells itself.
  assert.equal(documents.encodings.of("a.txt"), null);
});

test("a form that can't be written leaves the file as it was", async () => {
  const { disk, documents } = setUp({ "a.txt": "é\n" });
  const document = await show(documents, "a.txt");
  await assert.rejects(document.saveAs({ encoding: "koi8-r", bom: false }), /KOI8-R has no “é”, which is in line 1/);
  type(document, "x");
  await document.save();
  assert.equal(disk.text("a.txt"), "xé\n");
});

test("a form that could not reach the server is written when it can", async () => {
  const { disk, documents } = setUp({ "a.txt": "a\n" });
  const document = await show(documents, "a.txt");
  disk.offline = true;
  await assert.rejects(document.saveAs({ lineBreak: "\r\n" }), /saved as soon as it can/);
  disk.offline = false;
  await document.resend();
  assert.equal(disk.text("a.txt"), "a\r\n");
});

test("a form that was chosen counts no more once another program has written another", async () => {
  const { disk, documents } = setUp({ "a.txt": "a\n" });
  const document = await show(documents, "a.txt");
  await document.saveAs({ lineBreak: "\r\n" });
  disk.writeText("a.txt", "a\nb\n");
  await documents.check(["a.txt"]);
  type(document, "x");
  await document.save();
  assert.equal(disk.text("a.txt"), "xa\nb\n");
});

test("line breaks that another program has changed alone stay as it wrote them", async () => {
  const { disk, documents } = setUp({ "a.txt": "a\nb\n" });
  const document = await show(documents, "a.txt");
  disk.writeText("a.txt", "a\r\nb\r\n");
  await documents.check(["a.txt"]);
  type(document, "x");
  await document.save();
  assert.equal(disk.text("a.txt"), "xa\r\nb\r\n");
});
