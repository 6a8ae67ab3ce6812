// Input, states and ends of a terminal's session.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionState } from "../src/terminal/session";
import { CloseCode } from "../src/wire";
import { acksOf, commandsOf, inputOf, repliesOf, settle, startSession } from "./terminal-fakes";

test("what the screen replies to a replay is not sent; what it replies to live output is", () => {
  const { clock, screen, session, open, output } = startSession();
  const connection = open(0);
  output("\x1b[c");
  screen.parse();
  session.input("\x1b[?1;2c");
  session.input("\x1b]10;rgb:1c1c/2121/2727\x1b\\");
  session.input("\x1b[I");
  assert.equal(repliesOf(connection), "");
  assert.equal(inputOf(connection), "");
  settle({ clock, screen });
  output("\x1b[c");
  screen.parse();
  session.input("\x1b[?1;2c");
  assert.equal(repliesOf(connection), "\x1b[?1;2c");
});

test("a person's keys go through in the middle of a replay", () => {
  const { session, open, output } = startSession();
  const connection = open(0);
  output(1000);
  session.input("ls\r");
  session.input("\x1b[A");
  assert.equal(inputOf(connection), "ls\r\x1b[A");
});

test("a shell that starts with its viewer gets its answers", () => {
  const { screen, session, open, output } = startSession({ fresh: true });
  const connection = open(0);
  output("\x1b[c");
  screen.parse();
  session.input("\x1b[?1;2c");
  assert.equal(repliesOf(connection), "\x1b[?1;2c");
});

test("a replay is over after the ring's length, though the flood never rests", () => {
  const { clock, screen, session, open, output } = startSession();
  const connection = open(0);
  for (let part = 0; part < 16; part += 1) {
    output(64 * 1024);
    clock.advance(100);
    screen.parse();
    session.input("\x1b[1;1R");
  }
  assert.equal(repliesOf(connection), "\x1b[1;1R");
});

test("a reply to what a dropped connection brought is not sent to the next one", () => {
  const { clock, network, screen, session, open, output } = startSession();
  open(0);
  output("\x1b[6n");
  settle({ clock, screen });
  network.last.handlers.closed(1006, "");
  session.input("\x1b[1;1R");
  clock.advance(500);
  const connection = open(4);
  session.input("\x1b[1;1R");
  assert.equal(repliesOf(connection), "");
});

test("keys pressed before the shell is there reach it, in order and before later ones", () => {
  const { session, open, blocked } = startSession({ fresh: true });
  session.input("l");
  session.input("s");
  const connection = open(0);
  session.input("\r");
  assert.equal(inputOf(connection), "ls\r");
  assert.deepEqual(blocked, []);
});

test("keys pressed without a connection are refused visibly and never sent later", () => {
  const { clock, network, session, open, blocked } = startSession();
  open(0);
  network.last.handlers.closed(1006, "");
  session.input("rm -rf x\r");
  assert.deepEqual(blocked, [9]);
  clock.advance(500);
  assert.equal(inputOf(open(0)), "");
});

test("keys typed ahead are dropped, and said to be, when the first connection fails", () => {
  const { clock, network, session, open, blocked } = startSession();
  session.input("abc");
  network.last.handlers.closed(1006, "");
  assert.deepEqual(blocked, [3]);
  clock.advance(500);
  assert.equal(inputOf(open(0)), "");
});

test("says since when it reconnects, over several failures", () => {
  const { clock, network, session, open } = startSession();
  open(0);
  clock.advance(10_000);
  network.last.handlers.closed(1006, "");
  assert.deepEqual(session.state.get(), { kind: "lost", since: 10_000 });
  clock.advance(500);
  network.last.handlers.closed(1006, "");
  clock.advance(2000);
  network.last.handlers.closed(1012, "");
  assert.deepEqual(session.state.get(), { kind: "lost", since: 10_000 });
  clock.advance(500);
  open(0);
  assert.deepEqual(session.state.get(), { kind: "live" });
});

test("an end is shown with its code, and Enter alone starts a new shell from its first byte", () => {
  const states: SessionState["kind"][] = [];
  const { network, screen, session, open, say, output } = startSession();
  session.state.onChange(({ kind }) => states.push(kind));
  open(0);
  output("bye");
  say({ type: "exit", code: 3, signal: null });
  network.last.handlers.closed(CloseCode.ended, "");
  screen.parse();
  assert.match(screen.shown, /^bye.*ended with code 3\. Press Enter/s);
  session.input("x");
  assert.equal(network.connections.length, 1);
  session.input("\r");
  assert.equal(network.connections.length, 2);
  assert.equal(network.last.url, "ws://test/?offset=null");
  const connection = open(0);
  output("$ ");
  screen.parse();
  session.input("\x1b[?1;2c");
  assert.equal(repliesOf(connection), "\x1b[?1;2c", "a fresh shell gets its answers");
  assert.deepEqual(states, ["live", "ended", "connecting", "live"]);
});

test("an end by a signal names it", () => {
  const { screen, session, open, say } = startSession();
  open(0);
  say({ type: "exit", code: null, signal: "KILL" });
  screen.parse();
  assert.match(screen.shown, /was ended by KILL/);
  assert.deepEqual(session.state.get(), { kind: "ended", code: null, signal: "KILL" });
});

test("a shorter stream is another process: it is read from its start", () => {
  const { clock, network, screen, session, open, output } = startSession();
  open(0);
  output(5000);
  network.last.handlers.closed(1006, "");
  clock.advance(500);
  open(20);
  assert.equal(network.last.url, "ws://test/?offset=null");
  const connection = open(0);
  output("$ prompt");
  settle({ clock, screen });
  assert.match(screen.shown, /a{100}.*replaced.*\$ prompt$/s);
  assert.deepEqual(acksOf(connection), [8]);
  assert.equal(session.state.get().kind, "live");
});

test("a refusal shows the server's words and waits for a retry", () => {
  const { clock, network, session, open, say } = startSession();
  network.last.handlers.opened();
  say({ type: "error", title: "Conflict", detail: "The project is not running." });
  network.last.handlers.closed(CloseCode.notRunning, "");
  assert.deepEqual(session.state.get(), { kind: "refused", code: CloseCode.notRunning, detail: "The project is not running." });
  clock.advance(60_000);
  assert.equal(network.connections.length, 1);
  session.retry();
  open(0);
  assert.equal(session.state.get().kind, "live");
});

test("sizes are told when they change, never nonsense", () => {
  const { session, open } = startSession();
  session.resize(100, 30);
  const connection = open(0);
  for (const [cols, rows] of [[100, 30], [100, 30], [0, 0], [NaN, 5], [2000, 5], [101, 30]] as const) session.resize(cols, rows);
  assert.deepEqual(
    commandsOf(connection, "resize").map(({ cols, rows }) => [cols, rows]),
    [[80, 24], [100, 30], [101, 30]],
  );
});

test("the size of the terminal is the screen's, until another connection", () => {
  const { clock, network, screen, session, open, say } = startSession();
  open(0);
  say({ type: "size", cols: 60, rows: 20 });
  for (const cols of [0, 1001, 1.5, "60"]) say({ type: "size", cols, rows: 20 });
  assert.deepEqual(screen.told.map((size) => size && [size.cols, size.rows]), [null, [60, 20]]);
  session.resize(100, 30);
  network.last.handlers.closed(1006, "");
  clock.advance(500);
  assert.deepEqual(commandsOf(open(0), "resize"), [{ type: "resize", cols: 80, rows: 24 }]);
  assert.equal(screen.told.at(-1), null);
});

test("who only looks sends nothing but acks and the wish for a redraw", () => {
  const { clock, screen, session, open, output } = startSession({ interactive: false, viewOnly: true });
  const connection = open(100);
  output("\x1b[c");
  settle({ clock, screen });
  session.resize(100, 30);
  session.input("x");
  session.binaryInput("x");
  assert.deepEqual(connection.sent.map((sent) => (typeof sent === "string" ? (JSON.parse(sent) as { type: string }).type : sent)).sort(), ["ack", "redraw"]);
});

test("the log takes no input and no size", () => {
  const { clock, screen, session, open, output } = startSession({ interactive: false });
  const connection = open(100);
  output("x");
  settle({ clock, screen });
  session.resize(80, 24);
  session.input("x");
  session.binaryInput("x");
  assert.deepEqual(commandsOf(connection, "resize"), []);
  assert.equal(inputOf(connection), "");
});

test("a tail asks where the end is, then begins before it", () => {
  const starts: number[] = [];
  const { network, screen, session, open, output } = startSession({ interactive: false, tail: 100 });
  session.onStart((offset) => starts.push(offset));
  assert.equal(network.last.url, `ws://test/?offset=${Number.MAX_SAFE_INTEGER}`);
  open(5000);
  assert.equal(network.last.url, "ws://test/?offset=4900");
  open(4900);
  output("x".repeat(100));
  screen.parse();
  assert.equal(screen.shown.length, 100);
  assert.deepEqual(starts, [4900]);
});

test("a tail of an empty log stays on its first connection", () => {
  const { network, open } = startSession({ interactive: false, tail: 100 });
  open(0);
  assert.equal(network.connections.length, 1);
});

test("binary mouse reports keep their bytes", () => {
  const { session, open } = startSession();
  const connection = open(0);
  session.binaryInput("\x1b[M \xff\x80");
  assert.deepEqual(connection.sent.at(-1), Uint8Array.from([27, 91, 77, 32, 255, 128]));
});

test("nothing is left after disposing", () => {
  const { clock, network, screen, session, open, output } = startSession();
  const connection = open(5);
  output("abc");
  session.dispose();
  screen.parse();
  assert.equal(clock.pending, 0);
  assert.equal(network.listeners, 0);
  assert.equal(connection.closed, true);
  assert.deepEqual(acksOf(connection), []);
});
