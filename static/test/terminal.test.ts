import assert from "node:assert/strict";
import { test } from "node:test";
import type { Terminal } from "../src/wire";
import { clipboardRequest, linesToRun } from "../src/terminal/clipboard";
import { pastedFiles, shellQuoted } from "../src/terminal/drop";
import { sequenceOf, withControl } from "../src/terminal/keys";
import { openableUrl } from "../src/terminal/links";
import { ClosedTerminals, freeName, labelOf, problemWithTitle } from "../src/terminal/names";
import { Outbox } from "../src/terminal/outbox";
import { cleanPaste, joinLines } from "../src/terminal/paste";
import { PlainTail, stripControls } from "../src/terminal/plain";
import { isReply } from "../src/terminal/replies";
import { formatElapsed, lineFor } from "../src/terminal/statusline";
import { FakeClock } from "./fakes";

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

test("replies of xterm.js are known by their shape", () => {
  const replies = [
    "\x1b[?1;2c", "\x1b[>0;276;0c", "\x1b[?6c", "\x1b[0n", "\x1b[24;80R", "\x1b[?24;80R", "\x1b[I", "\x1b[O", "\x1b[8;24;80t", "\x1b[4;600;800t",
    "\x1b[?2004;1$y", "\x1b[4;2$y", "\x1b]10;rgb:1c1c/2121/2727\x1b\\", "\x1b]4;1;rgb:ff/00/00\x07", "\x1bP1$r0m\x1b\\", "\x1bP>|xterm.js(6.0.0)\x1b\\", "\x1b[?1u",
  ];
  for (const reply of replies) assert.ok(isReply(reply), JSON.stringify(reply));
});

test("what a person sends is no reply", () => {
  const inputs = [
    "a", "\r", "\x03", "\x1b", "\x1b[A", "\x1bOA", "\x1b[1;5C", "\x1b[3~", "\x1b[15~", "\x1bOP", "\x1b[200~\x1b[?1;2c\x1b[201~", "\x1b[<0;10;20M", "\x1b[<0;10;20m",
    "\x1b[M !!", "\x1bc", "\x1b]", "ls\x1b[c", "\x1b[Z", "",
  ];
  for (const input of inputs) assert.ok(!isReply(input), JSON.stringify(input));
});

function outbox() {
  const clock = new FakeClock();
  const wire = { bufferedAmount: 0, sent: [] as Uint8Array[], up: true, send: (data: Uint8Array<ArrayBuffer>) => wire.up && wire.sent.push(data) > 0 };
  return { clock, wire, box: new Outbox(wire, clock) };
}

test("a big paste leaves in pieces and waits for the browser to send them", () => {
  const { clock, wire, box } = outbox();
  wire.bufferedAmount = 100_000;
  box.text("x".repeat(40_000));
  assert.equal(wire.sent.length, 0);
  wire.bufferedAmount = 0;
  clock.advance(20);
  assert.deepEqual(wire.sent.map((piece) => piece.length), [16_384, 16_384, 7232]);
  assert.equal(clock.pending, 0);
});

test("Ctrl-C takes the place of what is still to be pasted", () => {
  const { clock, wire, box } = outbox();
  wire.bufferedAmount = 100_000;
  box.text("x".repeat(40_000));
  box.text("\x03");
  wire.bufferedAmount = 0;
  clock.advance(100);
  assert.deepEqual(wire.sent.map((piece) => [...piece]), [[3]]);
});

test("a lost connection ends a paste", () => {
  const { clock, wire, box } = outbox();
  wire.bufferedAmount = 100_000;
  box.text("x".repeat(40_000));
  wire.up = false;
  wire.bufferedAmount = 0;
  clock.advance(20);
  wire.up = true;
  clock.advance(1000);
  assert.equal(wire.sent.length, 0);
  assert.equal(box.size, 0);
});

test("only writes of text to the clipboard are considered", () => {
  assert.equal(clipboardRequest("c;aGVsbG8="), "hello");
  assert.equal(clipboardRequest(";aGVsbG8="), "hello");
  assert.equal(clipboardRequest("p;w6k="), "é");
  for (const data of ["c;?", "c;", "aGVsbG8=", "c;not base64!", "c;/w==", `c;${"A".repeat(200_000)}`]) assert.equal(clipboardRequest(data), null, data.slice(0, 20));
});

test("links open when they are plainly web pages", () => {
  assert.equal(openableUrl("https://example.com/a?b#c"), "https://example.com/a?b#c");
  for (const url of ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "vscode://x", "https://user:pass@example.com", "no url", "ftp://x/"]) assert.equal(openableUrl(url), null, url);
});

test("pastes lose what a terminal would obey, and warn of lines that run", () => {
  assert.equal(cleanPaste("a\x1b[201~b\tc\nd\r\n\x9b"), "a[201~b\tc\nd\r\n");
  assert.equal(linesToRun("ls"), 0);
  assert.equal(linesToRun("ls\n"), 1);
  assert.equal(linesToRun("a\r\nb\rc\nd"), 3);
  assert.equal(joinLines(" a \\\n  b\n\nc\n"), "a \\ b c");
});

test("the key bar's keys follow the program's mode, and Ctrl makes control characters", () => {
  assert.equal(sequenceOf("up", false), "\x1b[A");
  assert.equal(sequenceOf("up", true), "\x1bOA");
  assert.equal(sequenceOf("tab", true), "\t");
  assert.equal(sequenceOf("escape", false), "\x1b");
  assert.deepEqual(["c", "C", "[", " ", "?", "1", "long"].map(withControl), ["\x03", "\x03", "\x1b", "\x00", "\x7f", "1", "long"]);
});

test("plain text has no sequences, and of a line drawn over and over its last state", () => {
  assert.equal(stripControls("\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\ end"), "red link end");
  assert.equal(stripControls("10%\r50%\r100%\ndone\r\n"), "100%\ndone\n");
  assert.equal(stripControls("\x1b(Ba\x07b\x1b=c\x1bPq data\x1b\\d"), "abcd");
});

test("the tail puts characters, sequences and lines together again", () => {
  const whole = encode("one\né \x1b[31mtwo\x1b[0m\nthree\r\nfo\x1b]0;title\x07ur");
  for (let cut = 1; cut < whole.length; cut += 1) {
    const tail = new PlainTail(3);
    tail.push(whole.subarray(0, cut));
    tail.lines();
    tail.push(whole.subarray(cut));
    assert.deepEqual(tail.lines(), ["é two", "three", "four"], `cut at ${cut}`);
  }
});

test("the tail shows nothing of a sequence that has not ended", () => {
  for (const part of ["\x1b", "\x1b[3", "\x1b]0;ti", "\x1b("]) {
    const tail = new PlainTail(3);
    tail.push(encode(`50 %${part}`));
    assert.deepEqual(tail.lines(), ["50 %"], JSON.stringify(part));
  }
});

test("the tail holds no more than it shows, whatever comes", () => {
  const tail = new PlainTail(5);
  for (let round = 0; round < 100; round += 1) tail.push(encode(`${"line\n".repeat(1000)}\x1b]0;never ended ${"x".repeat(5000)}`));
  assert.ok(tail.lines().length <= 5);
  assert.deepEqual(tail.lines(2).length, 2);
});

const terminal = (name: string, startedAt: string, ended = false): Terminal => ({ name, title: name, startedAt, ended, viewers: 0, attached: [], sizing: "smallest", cols: 80, rows: 24 });

test("names count up from the first free one", () => {
  assert.equal(freeName([]), "terminal-1");
  assert.equal(freeName(["terminal-1", "build", "terminal-3"]), "terminal-2");
  assert.equal(labelOf("terminal-2"), "Terminal 2");
  assert.equal(labelOf("terminal-2", "terminal-2"), "Terminal 2");
  assert.equal(labelOf("terminal-2", "Build"), "Build");
  assert.equal(labelOf("build"), "build");
});

test("a path is one word to the shell", () => {
  assert.equal(shellQuoted("/workspace/a-1_b.png"), "/workspace/a-1_b.png");
  assert.equal(shellQuoted("/w/it's $(here) *.txt"), "'/w/it'\\''s $(here) *.txt'");
  assert.equal(shellQuoted("/w/größe"), "'/w/größe'");
  assert.equal(shellQuoted(""), "''");
});

test("files are pasted where the text is no more than their names", () => {
  const clipboard = (text: string, ...names: string[]): DataTransfer => ({ getData: () => text, files: names.map((name) => ({ name })) }) as unknown as DataTransfer;
  const paths = (data: DataTransfer): string[] => pastedFiles(data, new Date("2026-01-02T03:04:05Z")).map(({ path }) => path);
  assert.deepEqual(paths(clipboard("", "image.png")), ["pasted-2026-01-02-030405.png"]);
  assert.deepEqual(paths(clipboard("a.txt\rb.txt", "a.txt", "b.txt")), ["a.txt", "b.txt"]);
  assert.deepEqual(paths(clipboard("cells of a table", "image.png")), []);
  assert.deepEqual(paths(clipboard("text")), []);
});

test("a title may have forty characters", () => {
  assert.equal(problemWithTitle("😀".repeat(40)), null);
  assert.match(problemWithTitle("x".repeat(41)) ?? "", /40 characters/);
});

test("a closed terminal stays away until another process takes its name", () => {
  const closed = new ClosedTerminals();
  closed.add("a", "t1");
  closed.add("b", null);
  const names = (terminals: readonly Terminal[]): string[] => closed.shown(terminals).map(({ name }) => name);
  assert.deepEqual(names([terminal("a", "t1"), terminal("b", "t1"), terminal("c", "t1")]), ["c"]);
  assert.deepEqual(names([terminal("a", "t1", true), terminal("b", "t1", true)]), []);
  assert.deepEqual(names([terminal("a", "t2"), terminal("b", "t2")]), ["a", "b"]);
});

test("closed terminals are remembered, and forgotten with the server's", () => {
  const closed = new ClosedTerminals(JSON.parse('{"a":"t1","gone":"t1"}') as Record<string, string>);
  assert.deepEqual(closed.shown([terminal("a", "t1")]), []);
  assert.equal(JSON.stringify(closed), '{"a":"t1"}');
});

test("the line says what is wrong, for how long, and what to do", () => {
  assert.equal(lineFor({ kind: "live" }, 0, true), null);
  assert.deepEqual(lineFor({ kind: "lost", since: 1000 }, 13_500, true), { text: "Reconnecting… 12 s. Keys are not sent meanwhile.", action: "Try now" });
  assert.deepEqual(lineFor({ kind: "lost", since: 0 }, 0, false), { text: "Reconnecting… 0 s", action: "Try now" });
  assert.deepEqual(lineFor({ kind: "refused", code: 4409, detail: "Not running." }, 0, true), { text: "Not running.", action: "Try again" });
  assert.deepEqual(lineFor({ kind: "ended", code: 1, signal: null }, 0, true), { text: "Ended with code 1.", action: "New shell" });
  assert.deepEqual([0, 99_999, 100_000, 5_999_999, 6_000_000].map(formatElapsed), ["0 s", "99 s", "1 min", "99 min", "1 h"]);
});
