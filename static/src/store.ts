// What the parts of an IDE page share and watch. Views read it and call its named functions; no view knows another.

import { Emitter, type Observable, Value } from "./lifecycle";
import type { SocketState } from "./socket";
import type { Port, Project, RunState, Status, Terminal, Watching } from "./wire";

/** The panes of the page. On a narrow screen one shows at a time. */
export type Pane = "files" | "editor" | "terminal" | "logs" | "preview" | ListPane;

/** Panes that are there only once they were asked for. */
export type ListPane = "problems" | "references";

/** A sentence to show for a while, and what a person may want to do about it. */
export interface Notice {
  readonly sentence: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export class Store {
  private readonly projectValue: Value<Project>;
  private readonly statusValue = new Value<Status | null>(null);
  private readonly portsValue = new Value<readonly Port[]>([]);
  private readonly terminalsValue = new Value<readonly Terminal[]>([]);
  private readonly watchingValue = new Value<Watching>({ live: false, detail: null });
  private readonly connectionValue = new Value<SocketState>("connecting");
  private readonly refusalValue = new Value<number | null>(null);
  private readonly unsentValue = new Value<readonly string[]>([]);
  private readonly paneValue = new Value<Pane>("editor");
  private readonly darkValue = new Value<boolean>(false);
  private readonly announcementEmitter = new Emitter<string>();
  private readonly noticeEmitter = new Emitter<Notice>();

  readonly project: Observable<Project>;
  /** Null until the server has answered for the first time. */
  readonly status: Observable<Status | null> = this.statusValue;
  readonly ports: Observable<readonly Port[]> = this.portsValue;
  /** The terminals that the server has, ended ones too. */
  readonly terminals: Observable<readonly Terminal[]> = this.terminalsValue;
  readonly watching: Observable<Watching> = this.watchingValue;
  /** Of the events socket, which stands for the connection to the server. */
  readonly connection: Observable<SocketState> = this.connectionValue;
  /** The close code with which the server refused the events socket; null when it did not. */
  readonly refusal: Observable<number | null> = this.refusalValue;
  /** The names of files whose save waits for the connection. */
  readonly unsent: Observable<readonly string[]> = this.unsentValue;
  /** The pane last asked for; the one that shows on a narrow screen. */
  readonly pane: Observable<Pane> = this.paneValue;
  /** Whether dark colours show now. */
  readonly dark: Observable<boolean> = this.darkValue;
  /** Sentences for the live region: read out, not shown. */
  readonly onAnnouncement = this.announcementEmitter.event;
  /** Sentences to show for a while. */
  readonly onNotice = this.noticeEmitter.event;

  constructor(project: Project) {
    this.projectValue = new Value(project);
    this.project = this.projectValue;
  }

  get state(): RunState {
    return this.statusValue.get()?.state ?? "stopped";
  }

  setProject(project: Project): void {
    this.projectValue.set(project);
  }

  /** A status from the server; it carries the ports too. */
  setStatus(status: Status): void {
    this.statusValue.set(status);
    this.setPorts(status.ports);
  }

  setPorts(ports: readonly Port[]): void {
    if (JSON.stringify(ports) !== JSON.stringify(this.portsValue.get())) this.portsValue.set(ports);
  }

  setTerminals(terminals: readonly Terminal[]): void {
    this.terminalsValue.set(terminals);
  }

  setWatching(watching: Watching): void {
    this.watchingValue.set(watching);
  }

  setConnection(state: SocketState): void {
    this.connectionValue.set(state);
  }

  setRefusal(code: number | null): void {
    this.refusalValue.set(code);
  }

  setUnsent(names: readonly string[]): void {
    this.unsentValue.set(names);
  }

  /** Brings a pane to the front. */
  show(pane: Pane): void {
    this.paneValue.set(pane);
  }

  setDark(dark: boolean): void {
    this.darkValue.set(dark);
  }

  announce(sentence: string): void {
    this.announcementEmitter.fire(sentence);
  }

  notify(sentence: string, action?: Notice["action"]): void {
    this.noticeEmitter.fire({ sentence, ...(action && { action }) });
  }
}
