// A WebSocket that comes back. It knows nothing of what travels on it; resuming is in the URL, which is asked for at each try.

import { browserClock, type Clock } from "./clock";
import { type Disposable, DisposableStore, Emitter } from "./lifecycle";
import { CloseCode } from "./wire";

/** `waiting` until the next try; `refused` when trying again makes no sense before `retry()`; `closed` after `dispose()`. */
export type SocketState = "connecting" | "open" | "waiting" | "refused" | "closed";

export interface Closed {
  readonly code: number;
  readonly reason: string;
  /** True when the socket stays down until `retry()`. */
  readonly final: boolean;
}

/** One connection. A test plugs in an object. */
export interface Transport {
  readonly bufferedAmount: number;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface TransportHandlers {
  opened(): void;
  received(data: string | ArrayBuffer): void;
  closed(code: number, reason: string): void;
}

export type Connect = (url: string, handlers: TransportHandlers) => Transport;

/** What the outside world tells about the network and the page; `online` when it comes back, `visible` when the page does. */
export interface Wakeups {
  online(listener: () => void): Disposable;
  visible(listener: () => void): Disposable;
}

export interface SocketOptions {
  readonly connect?: Connect;
  readonly clock?: Clock;
  readonly wakeups?: Wakeups;
  /** From 0 to 1; spreads the retries of many pages. */
  readonly random?: () => number;
}

// The first retry comes within half a second, so that a restarted server is hardly noticed; the last ones are far enough
// apart that a page left open overnight costs nothing.
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 20_000;
const CONNECT_LIMIT_MS = 10_000;
// A connection that held this long ends the row of failures.
const STABLE_MS = 5_000;
// Browsers hide the server's pings (one every 25 s at most). What shows instead is a timer that fires this much late:
// the machine slept, and the far end has long given the connection up.
const BEAT_MS = 15_000;
const SLEPT_MS = 30_000;

const FINAL: ReadonlySet<number> = new Set([
  CloseCode.ended,
  CloseCode.notSignedIn,
  CloseCode.notAllowed,
  CloseCode.notFound,
  CloseCode.notRunning,
]);

export const browserWakeups: Wakeups = {
  online(listener) {
    addEventListener("online", listener);
    return { dispose: () => removeEventListener("online", listener) };
  },
  visible(listener) {
    const handle = (): void => {
      if (document.visibilityState === "visible") listener();
    };
    document.addEventListener("visibilitychange", handle);
    return { dispose: () => document.removeEventListener("visibilitychange", handle) };
  },
};

const connectWebSocket: Connect = (url, handlers) => {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => handlers.opened());
  socket.addEventListener("message", (event: MessageEvent<string | ArrayBuffer>) => handlers.received(event.data));
  socket.addEventListener("close", (event) => handlers.closed(event.code, event.reason));
  return socket;
};

export class ReconnectingSocket implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly stateEmitter = this.disposables.add(new Emitter<SocketState>());
  private readonly openEmitter = this.disposables.add(new Emitter<void>());
  private readonly textEmitter = this.disposables.add(new Emitter<string>());
  private readonly bytesEmitter = this.disposables.add(new Emitter<Uint8Array<ArrayBuffer>>());
  private readonly closeEmitter = this.disposables.add(new Emitter<Closed>());
  private readonly timers = this.disposables.add(new DisposableStore());

  readonly onState = this.stateEmitter.event;
  /** Each time a connection is made. */
  readonly onOpen = this.openEmitter.event;
  readonly onText = this.textEmitter.event;
  readonly onBytes = this.bytesEmitter.event;
  /** Each time a connection ends or could not be made. */
  readonly onClose = this.closeEmitter.event;

  private readonly connectTransport: Connect;
  private readonly clock: Clock;
  private readonly random: () => number;
  private transport: Transport | null = null;
  private current: SocketState = "closed";
  private attempt = 0;
  private failures = 0;
  private openedAt = 0;

  /** `url` is called at each try, so that it can name the offset to go on from. Nothing is connected before `start()`. */
  constructor(
    private readonly url: () => string,
    options: SocketOptions = {},
  ) {
    this.connectTransport = options.connect ?? connectWebSocket;
    this.clock = options.clock ?? browserClock;
    this.random = options.random ?? Math.random;
    const wakeups = options.wakeups ?? browserWakeups;
    this.disposables.add(wakeups.online(() => this.handleOnline()));
    this.disposables.add(wakeups.visible(() => this.handleVisible()));
  }

  get state(): SocketState {
    return this.current;
  }

  /** Bytes given to `send` that have not left the browser yet. */
  get bufferedAmount(): number {
    return this.transport?.bufferedAmount ?? 0;
  }

  start(): void {
    if (this.current === "closed" && !this.disposables.isDisposed) this.connect();
  }

  /** Sends now or not at all: false while there is no connection. Nothing is queued, the caller decides what to repeat. */
  send(data: string | Uint8Array<ArrayBuffer>): boolean {
    if (this.current !== "open" || !this.transport) return false;
    this.transport.send(data);
    return true;
  }

  /** Tries at once, from `waiting` and `refused` alike. Does nothing while connected or connecting. */
  retry(): void {
    if (this.current !== "waiting" && this.current !== "refused") return;
    this.failures = 0;
    this.connect();
  }

  dispose(): void {
    if (this.disposables.isDisposed) return;
    this.abandon();
    this.move("closed");
    this.disposables.dispose();
  }

  private connect(): void {
    this.timers.clear();
    this.move("connecting");
    // What a connection given up still reports is about nobody.
    const attempt = ++this.attempt;
    const ifCurrent = (task: () => void): void => {
      if (attempt === this.attempt) task();
    };
    this.timers.add(this.clock.after(CONNECT_LIMIT_MS, () => this.lose(1006, "no answer")));
    this.transport = this.connectTransport(this.url(), {
      opened: () => ifCurrent(() => this.handleOpen()),
      received: (data) => ifCurrent(() => this.handleMessage(data)),
      closed: (code, reason) => ifCurrent(() => this.lose(code, reason)),
    });
  }

  private handleOpen(): void {
    this.timers.clear();
    this.openedAt = this.clock.now();
    this.beat();
    this.move("open");
    this.openEmitter.fire();
  }

  private handleMessage(data: string | ArrayBuffer): void {
    if (typeof data === "string") this.textEmitter.fire(data);
    else this.bytesEmitter.fire(new Uint8Array(data));
  }

  private beat(): void {
    const due = this.clock.now() + BEAT_MS;
    this.timers.add(
      this.clock.after(BEAT_MS, () => {
        if (this.clock.now() - due > SLEPT_MS) this.reconnect("the machine slept");
        else this.beat();
      }),
    );
  }

  private handleOnline(): void {
    // The network changed under an open connection: it is most likely dead, and nobody would say so for minutes.
    if (this.current === "open") this.reconnect("the network changed");
    else this.handleVisible();
  }

  private handleVisible(): void {
    if (this.current === "waiting") this.retry();
  }

  private reconnect(reason: string): void {
    this.abandon();
    this.closeEmitter.fire({ code: 1006, reason, final: false });
    if (!this.disposables.isDisposed) this.connect();
  }

  private lose(code: number, reason: string): void {
    const held = this.current === "open" && this.clock.now() - this.openedAt >= STABLE_MS;
    this.abandon();
    this.failures = held ? 1 : this.failures + 1;
    const final = FINAL.has(code);
    if (final) this.move("refused");
    else this.wait(code);
    this.closeEmitter.fire({ code, reason, final });
  }

  private wait(code: number): void {
    const cap = code === CloseCode.restarting ? FIRST_DELAY_MS : this.longestDelay();
    // Half fixed, half random: never at once, and never all together.
    const delay = (cap / 2) * (1 + this.random());
    this.move("waiting");
    this.timers.add(this.clock.after(delay, () => this.connect()));
  }

  private longestDelay(): number {
    return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(this.failures - 1, 10));
  }

  private abandon(): void {
    this.timers.clear();
    this.attempt += 1;
    this.transport?.close();
    this.transport = null;
  }

  private move(next: SocketState): void {
    if (next === this.current) return;
    this.current = next;
    this.stateEmitter.fire(next);
  }
}
