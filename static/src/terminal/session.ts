// One viewer of a terminal or of the log: the wire messages of the contract on one side, a screen on the other. No DOM.
//
// The offset to go on from is that of the last byte handed to the screen: the screen parses all that it was handed, in order, so
// that no byte is lost or shown twice. Acks follow what it has parsed.

import { browserClock, type Clock } from "../clock";
import { formatSize } from "../format";
import { type Disposable, DisposableStore, Emitter, MutableDisposable, type Observable, Value } from "../lifecycle";
import { type Closed, ReconnectingSocket, type SocketOptions } from "../socket";
import { CloseCode, isColumns, parseStreamMessage, type StreamCommand, type StreamMessage } from "../wire";
import { Cursor } from "./cursor";
import { Outbox } from "./outbox";
import { isReply } from "./replies";
import { endNotice, gapNotice } from "./sequences";

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** What shows the bytes. Its size is what there is room for. */
export interface Screen extends Size {
  /** Takes the size of the terminal, where it is another than there is room for; null when that is not known. */
  setSize(size: Size | null): void;
  /** Calls `parsed` when all of `data` has taken effect, and after the ones before. */
  write(data: Uint8Array<ArrayBuffer>, parsed: () => void): void;
}

export type SessionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** On its way back. `since` is a time of the clock. */
  | { readonly kind: "lost"; readonly since: number }
  | { readonly kind: "refused"; readonly code: number; readonly detail: string }
  | { readonly kind: "ended"; readonly code: number | null; readonly signal: string | null };

export interface SessionOptions {
  readonly endpoint: (offset: number | null) => string;
  readonly screen: Screen;
  /** False for the log, which takes neither input nor a size. */
  readonly interactive: boolean;
  /** Looks at a terminal that others use. Not interactive either. */
  readonly viewOnly?: boolean;
  /** Null for the oldest byte that the server holds. */
  readonly offset?: number | null;
  /** Instead of an offset: begin this many bytes before the present end. */
  readonly tail?: number;
  /** The process starts with this session, so what the screen replies was asked by it. */
  readonly fresh?: boolean;
  readonly clock?: Clock;
  readonly socket?: SocketOptions;
}

// Long enough that a keystroke's echo costs no ack of its own, short against the time in which 64 KiB come.
const IDLE_ACK_MS = 250;
// Silence after which a replay is over. Longer than the round trip that an ack takes in the middle of one.
const SETTLED_MS = 400;
// The parser can pause only between writes.
const LONGEST_WRITE = 64 * 1024;
const MOST_TYPED_AHEAD = 4096;

export class Session implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly stateValue = this.disposables.add(new Value<SessionState>({ kind: "connecting" }));
  private readonly blockedEmitter = this.disposables.add(new Emitter<number>());
  private readonly bytesEmitter = this.disposables.add(new Emitter<Uint8Array<ArrayBuffer>>());
  private readonly startEmitter = this.disposables.add(new Emitter<number>());
  private readonly gapEmitter = this.disposables.add(new Emitter<number>());
  private readonly socket = this.disposables.add(new MutableDisposable<ReconnectingSocket>());
  private readonly ackTimer = this.disposables.add(new MutableDisposable());
  private readonly settleTimer = this.disposables.add(new MutableDisposable());
  private readonly clock: Clock;
  private readonly outbox: Outbox;
  private readonly cursor = new Cursor();

  readonly state: Observable<SessionState> = this.stateValue;
  /** Bytes of input that were not sent because there is no connection. */
  readonly onBlocked = this.blockedEmitter.event;
  /** Output, before the screen has parsed it. */
  readonly onBytes = this.bytesEmitter.event;
  /** Offset of the first byte that this viewer sees of a stream. */
  readonly onStart = this.startEmitter.event;
  /** Bytes of output that this viewer will never see. */
  readonly onGap = this.gapEmitter.event;

  // Counts processes and connections made anew, so that a late callback of the screen tells nothing about the present one.
  private generation = 0;
  private fresh: boolean;
  private startOffset: number | null;
  // While it is set, the first connection only asks where the end is.
  private tail: number | null;
  private wantsRedraw = false;
  // Keys pressed before the first `ready` go to the shell that is about to start, as in any terminal.
  private typedAhead: string[] | null = [];
  private failure: { readonly title: string; readonly detail: string } | null = null;
  private exit: { readonly code: number | null; readonly signal: string | null } | null = null;
  private sentSize = "";

  constructor(private readonly options: SessionOptions) {
    this.clock = options.clock ?? browserClock;
    this.fresh = options.fresh ?? false;
    this.tail = options.tail ?? null;
    this.startOffset = this.tail === null ? (options.offset ?? null) : Number.MAX_SAFE_INTEGER;
    const { socket } = this;
    const wire = {
      send: (data: Uint8Array<ArrayBuffer>): boolean => socket.value?.send(data) ?? false,
      get bufferedAmount(): number {
        return socket.value?.bufferedAmount ?? 0;
      },
    };
    this.outbox = this.disposables.add(new Outbox(wire, this.clock));
  }

  start(): void {
    this.generation += 1;
    const socket = new ReconnectingSocket(() => this.options.endpoint(this.cursor.received ?? this.startOffset), {
      clock: this.clock,
      ...this.options.socket,
    });
    this.socket.value = socket;
    socket.onText((text) => this.handleText(text));
    socket.onBytes((data) => this.handleBytes(data));
    socket.onClose((closed) => this.handleClose(closed));
    socket.start();
  }

  /** Connects at once when a try is due later or was refused. */
  retry(): void {
    this.socket.value?.retry();
  }

  /** Starts a process in the place of one that has ended. */
  restart(): void {
    this.startOver(true);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  /**
   * Takes what xterm.js hands out: keys, pastes, mouse reports and its own replies. Input is sent now or never: held back, it would
   * reach whatever program is in front when the connection returns.
   */
  input(data: string): void {
    if (!this.options.interactive) return;
    const state = this.state.get();
    if (isReply(data)) return this.reply(data);
    if (state.kind === "live") return this.outbox.text(data);
    if (state.kind === "ended") {
      if (data === "\r") this.restart();
      return;
    }
    if (this.holdTypedAhead(data)) return;
    this.blockedEmitter.fire(data.length);
  }

  /** Told apart from what was typed: every viewer's screen answers, and a program that asked wants one answer. */
  private reply(data: string): void {
    if (!this.cursor.isReplaying) this.command({ type: "reply", data });
  }

  /** Mouse reports of the old encoding: one byte for each character. */
  binaryInput(data: string): void {
    if (this.options.interactive && this.state.get().kind === "live") this.outbox.bytes(Uint8Array.from(data, (character) => character.charCodeAt(0) & 0xff));
  }

  resize(cols: number, rows: number): void {
    const size = `${cols}x${rows}`;
    if (!this.options.interactive || size === this.sentSize || !isColumns(cols) || !isColumns(rows)) return;
    if (this.command({ type: "resize", cols, rows })) this.sentSize = size;
  }

  /** Whether the output that takes effect now was made before this connection. */
  get isReplaying(): boolean {
    return this.cursor.isReplaying;
  }

  signal(signal: "INT" | "TERM" | "QUIT" | "HUP" | "KILL"): boolean {
    return this.command({ type: "signal", signal });
  }

  /** Ends the process. False when there is no connection to say so. */
  end(): boolean {
    return this.command({ type: "close" });
  }

  private handleText(text: string): void {
    const message = parseStreamMessage(text);
    if (message) this.handleMessage(message);
  }

  private handleMessage(message: StreamMessage): void {
    switch (message.type) {
      case "ready":
        return this.handleReady(message.offset);
      case "gap":
        return this.noteGap(this.cursor.skip(message.offset));
      case "exit":
        this.exit = message;
        return this.noteEnd();
      case "size":
        return this.options.screen.setSize(message);
      case "error":
        this.failure = message;
    }
  }

  private handleReady(offset: number): void {
    if (this.tail !== null) {
      const from = Math.max(0, offset - this.tail);
      this.tail = null;
      this.startOffset = from;
      if (from < offset) return this.start();
    }
    const first = this.cursor.received === null;
    const lost = this.cursor.begin(offset, this.fresh);
    if (lost < 0) {
      // A shorter stream is another one: its process is new, and its first bytes lie before this offset.
      this.write(endNotice("The process was replaced while there was no connection."), () => undefined);
      return this.startOver(false);
    }
    if (first) this.startEmitter.fire(offset);
    this.fresh = false;
    this.failure = null;
    this.exit = null;
    this.sentSize = "";
    if (lost > 0) this.noteGap(lost);
    else if (first && offset > 0) this.wantsRedraw = true;
    // Who looks at it only is told anew.
    if (this.options.interactive) this.options.screen.setSize(null);
    this.stateValue.set({ kind: "live" });
    this.resize(this.options.screen.cols, this.options.screen.rows);
    this.flushTypedAhead();
    this.awaitSettled();
  }

  private handleBytes(data: Uint8Array<ArrayBuffer>): void {
    for (let start = 0; start < data.length; start += LONGEST_WRITE) {
      const piece = data.subarray(start, start + LONGEST_WRITE);
      const end = this.cursor.receive(piece.length);
      this.bytesEmitter.fire(piece);
      this.write(piece, () => this.handleParsed(end));
    }
    if (this.settleTimer.value) this.awaitSettled();
  }

  private handleParsed(end: number): void {
    this.cursor.parse(end);
    if (this.cursor.isAckDue) this.ack();
    else if (this.cursor.isDrained && !this.ackTimer.value) this.ackTimer.value = this.clock.after(IDLE_ACK_MS, () => this.ack());
  }

  private handleClose(closed: Closed): void {
    const unsent = this.outbox.size;
    this.outbox.clear();
    this.ackTimer.value = undefined;
    if (this.exit) return;
    if (closed.final) this.noteRefusal(closed.code);
    else this.noteLoss();
    if (unsent) this.blockedEmitter.fire(unsent);
  }

  private noteLoss(): void {
    const held = (this.typedAhead ?? []).join("").length;
    this.typedAhead = null;
    if (held) this.blockedEmitter.fire(held);
    if (this.state.get().kind !== "lost") this.stateValue.set({ kind: "lost", since: this.clock.now() });
  }

  private noteRefusal(code: number): void {
    const detail = this.failure?.detail || this.failure?.title || refusalOf(code);
    this.stateValue.set({ kind: "refused", code, detail });
  }

  private noteEnd(): void {
    if (!this.exit) return;
    const { code, signal } = this.exit;
    if (this.options.interactive) this.write(endNotice(endSentence(code, signal)), () => undefined);
    this.stateValue.set({ kind: "ended", code, signal });
  }

  private noteGap(lost: number): void {
    if (lost === 0) return;
    const end = this.cursor.received ?? 0;
    this.wantsRedraw = true;
    this.write(gapNotice(formatSize(lost)), () => this.handleParsed(end));
    this.gapEmitter.fire(lost);
    this.awaitSettled();
  }

  /** Hands bytes to the screen; `parsed` is left out once another process or connection has taken this one's place. */
  private write(data: Uint8Array<ArrayBuffer>, parsed: () => void): void {
    const generation = this.generation;
    this.options.screen.write(data, () => {
      if (generation === this.generation && !this.disposables.isDisposed) parsed();
    });
  }

  private ack(): void {
    this.ackTimer.value = undefined;
    const offset = this.cursor.takeAck();
    if (offset !== null) this.command({ type: "ack", offset });
  }

  private awaitSettled(): void {
    this.settleTimer.value = this.clock.after(SETTLED_MS, () => this.settle());
  }

  private settle(): void {
    this.settleTimer.value = undefined;
    if (!this.cursor.isDrained) return this.awaitSettled();
    this.cursor.settle();
    if (this.wantsRedraw && this.isTerminal) this.command({ type: "redraw" });
    this.wantsRedraw = false;
  }

  private get isTerminal(): boolean {
    return this.options.interactive || (this.options.viewOnly ?? false);
  }

  private startOver(fresh: boolean): void {
    this.outbox.clear();
    this.ackTimer.value = undefined;
    this.settleTimer.value = undefined;
    this.cursor.reset();
    this.startOffset = null;
    this.fresh = fresh;
    this.exit = null;
    this.failure = null;
    this.wantsRedraw = false;
    this.typedAhead = [];
    this.stateValue.set({ kind: "connecting" });
    this.start();
  }

  private holdTypedAhead(data: string): boolean {
    const held = this.typedAhead;
    if (!held || this.state.get().kind !== "connecting") return false;
    if (held.join("").length + data.length > MOST_TYPED_AHEAD) return false;
    held.push(data);
    return true;
  }

  private flushTypedAhead(): void {
    const held = this.typedAhead ?? [];
    this.typedAhead = null;
    for (const data of held) this.outbox.text(data);
  }

  private command(command: StreamCommand): boolean {
    return this.state.get().kind === "live" && (this.socket.value?.send(JSON.stringify(command)) ?? false);
  }
}

function refusalOf(code: number): string {
  switch (code) {
    case CloseCode.notSignedIn:
      return "You are signed out. Sign in again and reload the page.";
    case CloseCode.notAllowed:
      return "You may not open this.";
    case CloseCode.notFound:
      return "The project does not exist any more.";
    case CloseCode.notRunning:
      return "The project is not running.";
    default:
      return "The server ended the connection.";
  }
}

function endSentence(code: number | null, signal: string | null): string {
  const how = signal ? `was ended by ${signal}` : `ended with code ${code ?? "unknown"}`;
  return `The process ${how}. Press Enter to start a new shell.`;
}
