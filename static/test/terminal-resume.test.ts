// Which bytes a viewer gets, and what it tells the server of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { VIEWER_WINDOW } from "../src/wire";
import { acksOf, commandsOf, settle, startSession } from "./terminal-fakes";

test("acks what was parsed, not what was received, each 64 KiB", () => {
  const { screen, open, output } = startSession();
  const connection = open(1000);
  output(64 * 1024);
  output(64 * 1024);
  assert.deepEqual(acksOf(connection), []);
  screen.parse(1);
  assert.deepEqual(acksOf(connection), [1000 + 64 * 1024]);
  screen.parse(1);
  assert.deepEqual(acksOf(connection), [1000 + 64 * 1024, 1000 + 128 * 1024]);
});

test("acks small output once it is quiet, once", () => {
  const { clock, screen, open, output } = startSession();
  const connection = open(0);
  for (let key = 0; key < 10; key += 1) {
    output("x");
    screen.parse();
    clock.advance(10);
  }
  assert.deepEqual(acksOf(connection), []);
  clock.advance(300);
  assert.deepEqual(acksOf(connection), [10]);
  clock.advance(10_000);
  assert.deepEqual(acksOf(connection), [10]);
});

test("a server that keeps to the window is never stuck: a full window parsed is a full window acked", () => {
  const { clock, screen, open, output } = startSession();
  const connection = open(0);
  let sent = 0;
  for (let round = 0; round < 20; round += 1) {
    const acked = Number(acksOf(connection).at(-1) ?? 0);
    const room = VIEWER_WINDOW - (sent - acked);
    if (room > 0) {
      output(room);
      sent += room;
    }
    assert.ok(screen.waiting <= VIEWER_WINDOW);
    screen.parse(3);
    clock.advance(5);
  }
  settle({ clock, screen });
  assert.equal(acksOf(connection).at(-1), sent);
  assert.ok(sent > 2 * VIEWER_WINDOW, `only ${sent} bytes came through`);
});

test("goes on after the last byte handed to the screen: none lost, none twice, though parsed late", () => {
  const { clock, network, screen, open, output } = startSession();
  open(0);
  output("hello ");
  network.last.handlers.closed(1006, "");
  clock.advance(500);
  assert.equal(network.last.url, "ws://test/?offset=6");
  open(6);
  output("world");
  screen.parse();
  assert.equal(screen.shown, "hello world");
  clock.advance(500);
  assert.deepEqual(acksOf(network.last), [11]);
});

test("asks for the oldest byte first, or for the offset given", () => {
  assert.equal(startSession().network.last.url, "ws://test/?offset=null");
  assert.equal(startSession({ offset: 0 }).network.last.url, "ws://test/?offset=0");
});

test("marks the bytes that a new connection lost, and has full-screen programs draw anew", () => {
  const { clock, network, screen, open, output } = startSession();
  open(0);
  output("abc");
  network.last.handlers.closed(1006, "");
  clock.advance(500);
  const connection = open(3 + 2048);
  output("def");
  assert.deepEqual(commandsOf(connection, "resize"), [{ type: "resize", cols: 80, rows: 24 }]);
  settle({ clock, screen });
  assert.match(screen.shown, /^abc.*2\.0 KB of output.*def$/s);
  assert.equal(commandsOf(connection, "redraw").length, 1);
  assert.equal(acksOf(connection).at(-1), 3 + 2048 + 3);
});

test("a gap ends a sequence cut in the middle, is marked, counted, and acked past", () => {
  const gaps: number[] = [];
  const { clock, screen, session, open, say, output } = startSession();
  session.onGap((lost) => gaps.push(lost));
  const connection = open(0);
  output("\x1b]0;half a title");
  say({ type: "gap", offset: 100_000 });
  output("tail");
  settle({ clock, screen });
  assert.deepEqual(gaps, [100_000 - 16]);
  assert.ok(screen.shown.startsWith("\x1b]0;half a title\x18"), "CAN ends the title");
  assert.match(screen.shown, /KB of output.*tail$/s);
  assert.equal(acksOf(connection).at(-1), 100_004);
});

test("no redraw is asked for where nothing is missing", () => {
  const { clock, screen, open, output } = startSession();
  const connection = open(0);
  output("abc");
  settle({ clock, screen });
  clock.advance(1000);
  assert.equal(commandsOf(connection, "redraw").length, 0);
});

test("a page that starts in the middle of a terminal asks for a redraw", () => {
  const { clock, screen, open, output } = startSession();
  const connection = open(5000);
  output("abc");
  settle({ clock, screen });
  assert.equal(commandsOf(connection, "redraw").length, 1);
});
