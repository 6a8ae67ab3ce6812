// A session over the fake network, on a screen that a test moves.

import { Session, type SessionOptions, type Size } from "../src/terminal/session";
import { FakeClock, type FakeConnection, FakeNetwork } from "./fakes";

/** A screen that parses when it is told to, as xterm.js parses later than it is written to. */
export class FakeScreen {
  cols = 80;
  rows = 24;
  shown = "";
  readonly told: (Size | null)[] = [];
  private queue: { data: Uint8Array; parsed: () => void }[] = [];

  write(data: Uint8Array<ArrayBuffer>, parsed: () => void): void {
    this.queue.push({ data, parsed });
  }

  setSize(size: Size | null): void {
    this.told.push(size);
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

export function startSession(options: Partial<SessionOptions> = {}) {
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
    network.last.handlers.received(bytes.buffer);
  };
  return { clock, network, screen, session, blocked, open, say, output };
}

export const commandsOf = (connection: FakeConnection, type: string): Record<string, unknown>[] =>
  connection.sent.filter((item): item is string => typeof item === "string").map((item) => JSON.parse(item) as Record<string, unknown>).filter((item) => item["type"] === type);
export const acksOf = (connection: FakeConnection): unknown[] => commandsOf(connection, "ack").map((ack) => ack["offset"]);
export const repliesOf = (connection: FakeConnection): string => commandsOf(connection, "reply").map(({ data }) => data).join("");
export const inputOf = (connection: FakeConnection): string =>
  connection.sent.filter((item): item is Uint8Array => typeof item !== "string").map((item) => new TextDecoder().decode(item)).join("");
/** Lets the replay end, so that output counts as made now. */
export const settle = ({ clock, screen }: { clock: FakeClock; screen: FakeScreen }): void => {
  screen.parse();
  clock.advance(500);
};
