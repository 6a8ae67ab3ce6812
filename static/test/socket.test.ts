import assert from "node:assert/strict";
import { test } from "node:test";
import { type Closed, ReconnectingSocket, type SocketState } from "../src/socket";
import { CloseCode } from "../src/wire";
import { FakeClock, FakeNetwork } from "./fakes";

function setUp(random = 1) {
  const clock = new FakeClock();
  const network = new FakeNetwork();
  let tries = 0;
  const socket = new ReconnectingSocket(() => `ws://test/?try=${(tries += 1)}`, { clock, wakeups: network, connect: network.connect, random: () => random });
  const states: SocketState[] = [];
  const closes: Closed[] = [];
  socket.onState((state) => states.push(state));
  socket.onClose((closed) => closes.push(closed));
  return { clock, network, socket, states, closes };
}

test("connects when started, and asks for the address anew at each try", () => {
  const { network, socket, clock, states } = setUp();
  assert.equal(network.connections.length, 0);
  socket.start();
  network.last.handlers.opened();
  assert.equal(network.last.url, "ws://test/?try=1");
  network.last.handlers.closed(1006, "");
  clock.advance(500);
  assert.equal(network.last.url, "ws://test/?try=2");
  assert.deepEqual(states, ["connecting", "open", "waiting", "connecting"]);
});

test("waits longer after each failure, up to a cap, at least half of it", () => {
  for (const [random, expected] of [
    [1, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]],
    [0, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]],
  ] as const) {
    const { network, socket, clock } = setUp(random);
    socket.start();
    for (const delay of expected) {
      const before = network.connections.length;
      network.last.handlers.closed(1006, "");
      clock.advance(delay - 1);
      assert.equal(network.connections.length, before, `too early before ${delay} ms`);
      clock.advance(1);
      assert.equal(network.connections.length, before + 1, `too late after ${delay} ms`);
    }
  }
});

test("a connection that held starts the delays over; one that did not goes on with them", () => {
  const { network, socket, clock } = setUp();
  socket.start();
  for (const delay of [500, 1000]) {
    network.last.handlers.closed(1006, "");
    clock.advance(delay);
  }
  network.last.handlers.opened();
  clock.advance(6000);
  network.last.handlers.closed(1006, "");
  clock.advance(500);
  assert.equal(network.connections.length, 4);
  network.last.handlers.opened();
  network.last.handlers.closed(1006, "");
  clock.advance(999);
  assert.equal(network.connections.length, 4);
  clock.advance(1);
  assert.equal(network.connections.length, 5);
});

test("a restarting server is tried again soon, however often it failed", () => {
  const { network, socket, clock } = setUp();
  socket.start();
  for (const delay of [500, 1000, 2000, 4000]) {
    network.last.handlers.closed(1006, "");
    clock.advance(delay);
  }
  network.last.handlers.closed(CloseCode.restarting, "");
  clock.advance(500);
  assert.equal(network.connections.length, 6);
});

test("stays down after a refusal until it is told to retry", () => {
  for (const code of [CloseCode.ended, CloseCode.notSignedIn, CloseCode.notAllowed, CloseCode.notFound, CloseCode.notRunning]) {
    const { network, socket, clock, closes } = setUp();
    socket.start();
    network.last.handlers.opened();
    network.last.handlers.closed(code, "why");
    assert.equal(socket.state, "refused");
    assert.deepEqual(closes, [{ code, reason: "why", final: true }]);
    clock.advance(100_000);
    network.becomeVisible();
    network.goOnline();
    assert.equal(network.connections.length, 1);
    socket.retry();
    assert.equal(network.connections.length, 2);
  }
});

test("tries at once when the network or the page comes back", () => {
  for (const wake of ["goOnline", "becomeVisible"] as const) {
    const { network, socket } = setUp();
    socket.start();
    network.last.handlers.closed(1006, "");
    network[wake]();
    assert.equal(network.connections.length, 2);
    network[wake]();
    assert.equal(network.connections.length, 2, "one try at a time");
  }
});

test("replaces an open connection when the network changed under it", () => {
  const { network, socket, closes } = setUp();
  socket.start();
  network.last.handlers.opened();
  const old = network.last;
  network.becomeVisible();
  assert.equal(network.connections.length, 1, "being looked at is no reason");
  network.goOnline();
  assert.equal(old.closed, true);
  assert.equal(network.connections.length, 2);
  assert.equal(closes[0]?.final, false);
});

test("replaces the connection after the machine slept", () => {
  const { network, socket, clock } = setUp();
  socket.start();
  network.last.handlers.opened();
  clock.advance(120_000);
  assert.equal(network.connections.length, 1, "awake, nothing to do");
  clock.sleep(3_600_000);
  clock.advance(1);
  assert.equal(network.connections.length, 2);
});

test("gives up on a connection that is never answered", () => {
  const { network, socket, clock, closes } = setUp();
  socket.start();
  clock.advance(10_000);
  assert.equal(network.last.closed, true);
  assert.equal(closes[0]?.reason, "no answer");
  assert.equal(socket.state, "waiting");
});

test("hears nothing of a connection it gave up", () => {
  const { network, socket, clock, closes } = setUp();
  const texts: string[] = [];
  socket.onText((text) => texts.push(text));
  socket.start();
  const old = network.last;
  clock.advance(10_500);
  network.last.handlers.opened();
  old.handlers.received("late");
  old.handlers.closed(1006, "late");
  assert.deepEqual(texts, []);
  assert.equal(closes.length, 1);
  assert.equal(socket.state, "open");
});

test("sends while open and says so when it can't", () => {
  const { network, socket } = setUp();
  assert.equal(socket.send("early"), false);
  socket.start();
  assert.equal(socket.send("connecting"), false);
  network.last.handlers.opened();
  assert.equal(socket.send("now"), true);
  assert.deepEqual(network.last.sent, ["now"]);
});

test("tells text from bytes", () => {
  const { network, socket } = setUp();
  const texts: string[] = [];
  const bytes: number[] = [];
  socket.onText((text) => texts.push(text));
  socket.onBytes((data) => bytes.push(...data));
  socket.start();
  network.last.handlers.opened();
  network.last.handlers.received("text");
  network.last.handlers.received(new Uint8Array([1, 2]).buffer);
  assert.deepEqual([texts, bytes], [["text"], [1, 2]]);
});

test("leaves nothing behind", () => {
  const { network, socket, clock } = setUp();
  socket.start();
  network.last.handlers.opened();
  socket.dispose();
  assert.equal(network.last.closed, true);
  assert.equal(network.listeners, 0);
  assert.equal(clock.pending, 0);
  socket.start();
  socket.retry();
  assert.equal(network.connections.length, 1);
});
