// The language servers of the page: one for each language, from when a file in it is first in front. Loaded by then.

import { browserClock, type Clock } from "../clock";
import type { Document } from "../documents";
import type { TextDocument } from "../editor/document";
import { DisposableStore, type Observable, Value } from "../lifecycle";
import { type ConnectionContext, LanguageConnection } from "./connection";
import { type Describe, Problems } from "./problems";
import { servedOf, type ServerLanguage } from "./served";
import type { FrontServer, ServerState } from "./state";
import type { ServerClient } from "./client";
import type { DocumentFile } from "./workspace";

export interface ServersContext extends Omit<ConnectionContext, "problems"> {
  /** Whether the project runs, where its servers do. */
  readonly isRunning: () => boolean;
  /** How a problem is shown in the editor. */
  readonly describe?: Describe;
}

/** A server that runs. */
export interface Running {
  readonly connection: LanguageConnection;
  readonly client: ServerClient;
}

/** A document that a running server knows. */
export interface Known extends Running {
  readonly file: DocumentFile;
}

const NOT_RUNNING: ServerState = { kind: "stopped", reason: "The project does not run.", advice: null, retrying: false };
// One that ends as soon as it starts is not to start at each key.
const LEAST_APART_MS = 10_000;

export class LanguageServers extends DisposableStore {
  readonly problems: Problems;
  private readonly connections = new Map<ServerLanguage, LanguageConnection>();
  private readonly clock: Clock;
  private readonly restarted = new Map<ServerLanguage, number>();
  private readonly frontValue = new Value<FrontServer | null>(null);

  /** Null where no server is for the document in front. */
  readonly front: Observable<FrontServer | null> = this.frontValue;

  constructor(private readonly context: ServersContext) {
    super();
    this.problems = new Problems(context.describe);
    this.clock = context.socket?.clock ?? browserClock;
    this.add(context.documents.active.onChange(() => this.use()));
    // A file that was renamed may be in another language.
    this.add(context.documents.open.onChange(() => this.use()));
  }

  /** The document in front is worked on: has its server run, unless that has failed for good. */
  use(): void {
    const language = this.frontLanguage;
    if (!language || !this.context.isRunning()) return this.renderFront();
    const state = this.connections.get(language)?.state.get();
    const idle = state?.kind === "stopped" && !state.retrying && this.clock.now() - (this.restarted.get(language) ?? 0) > LEAST_APART_MS;
    if (!state || idle) this.restart(language);
    this.renderFront();
  }

  restart(language: ServerLanguage): void {
    this.restarted.set(language, this.clock.now());
    this.connectionOf(language).restart();
  }

  /** The project has just started: what failed before may work now. */
  restartFailed(): void {
    for (const [language, { state }] of this.connections) if (state.get().kind !== "running") this.restart(language);
    this.use();
  }

  /** Null unless the document's server runs and knows it. */
  known(document: Document | null): Known | null {
    const language = languageOf(document);
    const connection = language && this.connections.get(language);
    const client = connection?.client;
    const file = client?.documents.files.find((one) => one.document === document);
    return connection && client && file ? { connection, client, file } : null;
  }

  get running(): readonly Running[] {
    return [...this.connections.values()].flatMap((connection) => (connection.client ? [{ connection, client: connection.client }] : []));
  }

  /** The open documents that servers know. */
  get files(): readonly DocumentFile[] {
    return [...this.connections.values()].flatMap(({ client }) => client?.documents.files ?? []);
  }

  private get frontLanguage(): ServerLanguage | null {
    return languageOf(this.context.documents.active.get());
  }

  private connectionOf(language: ServerLanguage): LanguageConnection {
    const known = this.connections.get(language);
    if (known) return known;
    const made = this.add(new LanguageConnection(language, { ...this.context, problems: this.problems }));
    this.connections.set(language, made);
    this.add(made.state.onChange(() => this.renderFront()));
    return made;
  }

  private renderFront(): void {
    const language = this.frontLanguage;
    const state = language && (this.connections.get(language)?.state.get() ?? NOT_RUNNING);
    const shown = this.frontValue.get();
    if (shown?.language !== (language ?? undefined) || shown?.state !== (state ?? undefined)) this.frontValue.set(language && state ? { language, state } : null);
  }
}

function languageOf(document: Document | null): ServerLanguage | null {
  return isEdited(document) ? (servedOf(document.path.get())?.server ?? null) : null;
}

function isEdited(document: Document | null): document is TextDocument {
  return document?.kind === "text" && document.readOnly === null;
}
