// The project's one events socket, as typed events.

import type { Api } from "./api";
import { type Disposable, DisposableStore, Emitter, type Event } from "./lifecycle";
import { type Closed, ReconnectingSocket, type SocketOptions, type SocketState } from "./socket";
import { parseEventMessage, type Port, type Status, type Terminal, type Watching } from "./wire";

export class ProjectEvents implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly socket: ReconnectingSocket;
  private readonly statusEmitter = this.disposables.add(new Emitter<Status>());
  private readonly portsEmitter = this.disposables.add(new Emitter<readonly Port[]>());
  private readonly treeEmitter = this.disposables.add(new Emitter<readonly string[]>());
  private readonly terminalsEmitter = this.disposables.add(new Emitter<readonly Terminal[]>());
  private readonly watchingEmitter = this.disposables.add(new Emitter<Watching>());
  private readonly gitEmitter = this.disposables.add(new Emitter<void>());
  private readonly noticeEmitter = this.disposables.add(new Emitter<string>());

  readonly onStatus = this.statusEmitter.event;
  readonly onPorts = this.portsEmitter.event;
  /** All terminals, when one starts or ends or its viewers change. */
  readonly onTerminals = this.terminalsEmitter.event;
  /** Paths that changed on disk ("" for any): by programs only while they are watched. */
  readonly onTree = this.treeEmitter.event;
  readonly onWatching = this.watchingEmitter.event;
  /** Git has changed something in its repository. */
  readonly onGit = this.gitEmitter.event;
  /** Sentences for the person. */
  readonly onNotice = this.noticeEmitter.event;
  readonly onState: Event<SocketState>;
  /** Each connection, the first too: status, ports and terminals follow it; changed files do not. */
  readonly onOpen: Event<void>;
  readonly onClose: Event<Closed>;

  constructor(api: Api, projectId: string, options: SocketOptions = {}) {
    this.socket = this.disposables.add(new ReconnectingSocket(() => api.eventsUrl(projectId), options));
    this.onState = this.socket.onState;
    this.onOpen = this.socket.onOpen;
    this.onClose = this.socket.onClose;
    this.disposables.add(this.socket.onText((text) => this.handleText(text)));
  }

  start(): void {
    this.socket.start();
  }

  retry(): void {
    this.socket.retry();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private handleText(text: string): void {
    const message = parseEventMessage(text);
    switch (message?.type) {
      case "status":
        return this.statusEmitter.fire(message);
      case "ports":
        return this.portsEmitter.fire(message.ports);
      case "terminals":
        return this.terminalsEmitter.fire(message.terminals);
      case "tree":
        return this.treeEmitter.fire(message.paths);
      case "watch":
        return this.watchingEmitter.fire(message);
      case "git":
        return this.gitEmitter.fire();
      case "notice":
        return this.noticeEmitter.fire(message.text);
      case "error":
        return this.noticeEmitter.fire(message.detail);
      default:
        return;
    }
  }
}
