import assert from "node:assert/strict";
import { test } from "node:test";
import { Session, type SessionOptions, type SessionState } from "../src/terminal/session";
import { CloseCode, VIEWER_WINDOW } from "../src/wire";
import { FakeClock, type FakeConnection, FakeNetwork } from "./fakes";

/** A screen that parses when it is told to, as xterm.js parses later than it is written to. */
class FakeScreen {
  cols = 80;
  rows = 24;
  shown = "";
  private queue: { data: Uint8Array; parsed: () => void }[] = [];

  write(data: Uint8Array<ArrayBuffer>, parsed: () => void): void {
    this.queue.push({ data, parsed });
  }

  get waiting(): number {
    return this.queue.reduce((sum, { data }) => sum + data.length, 0);
  }

  parse(count = Infinity): void {
    for (let done = 0; done < count; done += 1) {
      const next = this.queue.shift();
      if (!next) return;
      this.shown += new TextDecoder("latin1").decode(next.data);
      next.parsed();
    }
  }
}

function setUp(options: Partial<SessionOptions> = {}) {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  const screen = new FakeScreen();
  const blocked: number[] = [];
  const session = new Session({
    endpoint: (offset) => `ws://test/?offset=${offset}`,
    screen,
    interactive: true,
    clock,
    socket: { connect: network.connect, wakeups: network, random: () => 1 },
    ...options,
  });
  session.onBlocked((length) => blocked.push(length));
  session.start();
  const open = (offset: number): FakeConnection => {
    network.last.handlers.opened();
    say({ type: "ready", offset });
    return network.last;
  };
  const say = (message: object): void => network.last.handlers.received(JSON.stringify(message));
  const output = (data: string | number): void => {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data).fill(97);
    network.last.handlers.received(bytes.buffer as ArrayBuffer);
  };
  return { clock, network, screen, session, blocked, open, say, output };
}

const commandsOf = (connection: FakeConnection, type: string): Record<string, unknown>[] =>
  connection.sent.filter((item): item is string => typeof item === "string").map((item) => JSON.parse(item) as Record<string, unknown>).filter((item) => item["type"] === type);
const acksOf = (connection: FakeConnection): unknown[] => commandsOf(connection, "ack").map((ack) => ack["offset"]);
const inputOf = (connection: FakeConnection): string =>
  connection.sent.filter((item): item is Uint8Array => typeof item !== "string").map((item) => new TextDecoder().decode(item)).join("");
/** Lets the replay end, so that output counts as made now. */
const settle = ({ clock, screen }: { clock: FakeClock; screen: FakeScreen }): void => {
  screen.parse();
  clock.advance(500);
};

test("acks what was parsed, not what was received, each 64 KiB", () => {
  const { screen, open, output } = setUp();
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
  const { clock, screen, open, output } = setUp();
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
  const { clock, screen, open, output } = setUp();
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
  const { clock, network, screen, open, output } = setUp();
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
  assert.equal(setUp().network.last.url, "ws://test/?offset=null");
  assert.equal(setUp({ offset: 0 }).network.last.url, "ws://test/?offset=0");
});

test("marks the bytes that a new connection lost, and has full-screen programs draw anew", () => {
  const { clock, network, screen, open, output } = setUp();
  open(0);
  output("abc");
  network.last.handlers.closed(1006, "");
  clock.advance(500);
  const connection = open(3 + 2048);
  output("def");
  assert.deepEqual(commandsOf(connection, "resize"), [{ type: "resize", cols: 80, rows: 24 }]);
  settle({ clock, screen });
  assert.match(screen.shown, /^abc.*2\.0 KB of output.*def$/s);
  assert.deepEqual(commandsOf(connection, "resize").slice(1), [{ type: "resize", cols: 79, rows: 24 }]);
  clock.advance(200);
  assert.deepEqual(commandsOf(connection, "resize").slice(2), [{ type: "resize", cols: 80, rows: 24 }]);
  assert.equal(acksOf(connection).at(-1), 3 + 2048 + 3);
});

test("a gap ends a sequence cut in the middle, is marked, counted, and acked past", () => {
  const gaps: number[] = [];
  const { clock, screen, session, open, say, output } = setUp();
  session.onGap((lost) => gaps.push(lost));
  const connection = open(0);
  output("\x1b]0;half a title");
  say({ type: "gap", offset: 100_000 });
  output("tail");
  settle({ clock, screen });
  assert.deepEqual(gaps, [100_000 - 16]);
  assert.match(screen.shown, /half a title\x18.*KB of output.*tail$/s);
  assert.equal(acksOf(connection).at(-1), 100_004);
});

test("no redraw is asked for where nothing is missing", () => {
  const { clock, screen, open, output } = setUp();
  const connection = open(0);
  output("abc");
  settle({ clock, screen });
  clock.advance(1000);
  assert.equal(commandsOf(connection, "resize").length, 1);
});

test("a page that starts in the middle of a terminal asks for a redraw", () => {
  const { clock, screen, open, output } = setUp();
  const connection = open(5000);
  output("abc");
  settle({ clock, screen });
  assert.deepEqual(commandsOf(connection, "resize").at(-1), { type: "resize", cols: 79, rows: 24 });
});

test("what the screen replies to a replay is not sent; what it replies to live output is", () => {
  const { clock, screen, session, open, output } = setUp();
  const connection = open(0);
  output("\x1b[c");
  screen.parse();
  session.input("\x1b[?1;2c");
  session.input("\x1b]10;rgb:1c1c/2121/2727\x1b\\");
  session.input("\x1b[I");
  assert.equal(inputOf(connection), "");
  settle({ clock, screen });
  output("\x1b[c");
  screen.parse();
  session.input("\x1b[?1;2c");
  assert.equal(inputOf(connection), "\x1b[?1;2c");
});

test("a person's keys go through in the middle of a replay", () => {
  const { session, open, output } = setUp();
  const connection = open(0);
  output(1000);
  session.input("ls\r");
  session.input("\x1b[A");
  assert.equal(inputOf(connection), "ls\r\x1b[A");
});

test("a shell that starts with its viewer gets its answers", () => {
  const { screen, session, open, output } = setUp({ fresh: true });
  const connection = open(0);
  output("\x1b[c");
  screen.parse();
  session.input("\x1b[?1;2c");
  assert.equal(inputOf(connection), "\x1b[?1;2c");
});

test("a replay is over after the ring's length, though the flood never rests", () => {
  const { clock, screen, session, open, output } = setUp();
  const connection = open(0);
  for (let part = 0; part < 16; part += 1) {
    output(64 * 1024);
    clock.advance(100);
    screen.parse();
    session.input("\x1b[1;1R");
  }
  assert.equal(inputOf(connection), "\x1b[1;1R");
});

test("a reply to what a dropped connection brought is not sent to the next one", () => {
  const { clock, network, screen, session, open, output } = setUp();
  open(0);
  output("\x1b[6n");
  settle({ clock, screen });
  network.last.handlers.closed(1006, "");
  session.input("\x1b[1;1R");
  clock.advance(500);
  const connection = open(4);
  session.input("\x1b[1;1R");
  assert.equal(inputOf(connection), "");
});

test("keys pressed before the shell is there reach it, in order and before later ones", () => {
  const { session, open, blocked } = setUp({ fresh: true });
  session.input("l");
  session.input("s");
  const connection = open(0);
  session.input("\r");
  assert.equal(inputOf(connection), "ls\r");
  assert.deepEqual(blocked, []);
});

test("keys pressed without a connection are refused visibly and never sent later", () => {
  const { clock, network, session, open, blocked } = setUp();
  open(0);
  network.last.handlers.closed(1006, "");
  session.input("rm -rf x\r");
  assert.deepEqual(blocked, [9]);
  clock.advance(500);
  assert.equal(inputOf(open(0)), "");
});

test("keys typed ahead are dropped, and said to be, when the first connection fails", () => {
  const { clock, network, session, open, blocked } = setUp();
  session.input("abc");
  network.last.handlers.closed(1006, "");
  assert.deepEqual(blocked, [3]);
  clock.advance(500);
  assert.equal(inputOf(open(0)), "");
});

test("says since when it reconnects, over several failures", () => {
  const { clock, network, session, open } = setUp();
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
  const { network, screen, session, open, say, output } = setUp();
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
  assert.equal(inputOf(connection), "\x1b[?1;2c", "a fresh shell gets its answers");
  assert.deepEqual(states, ["live", "ended", "connecting", "live"]);
});

test("an end by a signal names it", () => {
  const { screen, session, open, say } = setUp();
  open(0);
  say({ type: "exit", code: null, signal: "KILL" });
  screen.parse();
  assert.match(screen.shown, /was ended by KILL/);
  assert.deepEqual(session.state.get(), { kind: "ended", code: null, signal: "KILL" });
});

test("a shorter stream is another process: it is read from its start", () => {
  const { clock, network, screen, session, open, output } = setUp();
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
  const { clock, network, session, open, say } = setUp();
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
  const { session, open } = setUp();
  session.resize(100, 30);
  const connection = open(0);
  for (const [cols, rows] of [[100, 30], [100, 30], [0, 0], [NaN, 5], [2000, 5], [101, 30]] as const) session.resize(cols, rows);
  assert.deepEqual(
    commandsOf(connection, "resize").map(({ cols, rows }) => [cols, rows]),
    [[80, 24], [100, 30], [101, 30]],
  );
});

test("the log takes no input and no size", () => {
  const { clock, screen, session, open, output } = setUp({ interactive: false });
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
  const { network, screen, session, open, output } = setUp({ interactive: false, tail: 100 });
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
  const { network, open } = setUp({ interactive: false, tail: 100 });
  open(0);
  assert.equal(network.connections.length, 1);
});

test("binary mouse reports keep their bytes", () => {
  const { session, open } = setUp();
  const connection = open(0);
  session.binaryInput("\x1b[M \xff\x80");
  assert.deepEqual(connection.sent.at(-1), Uint8Array.from([27, 91, 77, 32, 255, 128]));
});

test("nothing is left after disposing", () => {
  const { clock, network, screen, session, open, output } = setUp();
  const connection = open(5);
  output("abc");
  session.dispose();
  screen.parse();
  assert.equal(clock.pending, 0);
  assert.equal(network.listeners, 0);
  assert.equal(connection.closed, true);
  assert.deepEqual(acksOf(connection), []);
});
