// The way to one language's server: connects, starts the client when the server has started, tells it of the open documents, and
// begins anew when the connection or the server is gone.

import { serverDiagnostics } from "@codemirror/lsp-client";
import type { PublishDiagnosticsParams } from "vscode-languageserver-protocol";
import { messageOf } from "../api";
import { browserClock } from "../clock";
import type { Document, Documents } from "../documents";
import { type Disposable, DisposableStore, MutableDisposable, type Observable, Value } from "../lifecycle";
import { type Closed, ReconnectingSocket, type SocketOptions } from "../socket";
import { CloseCode, isObject, parseObject } from "../wire";
import { ServerClient } from "./client";
import { acting } from "./codeactions";
import { completing } from "./completion";
import { editorExtensions } from "./extensions";
import { pathOf, uriOf } from "./places";
import type { Problems } from "./problems";
import { safeHtml } from "./safehtml";
import { servedOf, type ServerLanguage } from "./served";
import type { ServerState } from "./state";
import { DocumentFile } from "./workspace";

export interface ConnectionContext {
  readonly documents: Documents;
  readonly problems: Problems;
  readonly url: (language: ServerLanguage) => string;
  /** Shows a sentence of the server's. */
  readonly notify: (sentence: string) => void;
  readonly socket?: SocketOptions;
}

// A rename is one everywhere, with no alias left behind. TypeScript's own server and the one before it call their options differently.
const TYPESCRIPT = { providePrefixAndSuffixTextForRename: false };
// Servers of HTML, CSS and JSON format only when they are told that they may; none is to fetch packages of its own accord. That of
// Nix would evaluate all of NixOS's options, which takes more memory than most projects have.
const OPTIONS: Readonly<Partial<Record<ServerLanguage, unknown>>> = {
  typescript: { userPreferences: TYPESCRIPT, preferences: TYPESCRIPT, disableAutomaticTypingAcquisition: true },
  html: { provideFormatter: true, embeddedLanguages: { css: true, javascript: true } },
  css: { provideFormatter: true },
  json: { provideFormatter: true },
  nix: { nix: { flake: { autoArchive: false, nixpkgsInputName: null } } },
};
// Symbols are told with those that they are defined in.
const NESTED = { clientCapabilities: { textDocument: { documentSymbol: { hierarchicalDocumentSymbolSupport: true } } } };
const LONGEST_SENTENCE = 300;
// Of what is longer a server takes long to make sense, and it travels whole.
const LONGEST_TEXT = 1_000_000;

export class LanguageConnection implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly socket = this.disposables.add(new MutableDisposable<DisposableStore>());
  private readonly timer = this.disposables.add(new MutableDisposable());
  private readonly value = new Value<ServerState>({ kind: "starting" });
  private current: ServerClient | null = null;
  private root = "";

  readonly state: Observable<ServerState> = this.value;

  constructor(
    readonly language: ServerLanguage,
    private readonly context: ConnectionContext,
  ) {
    this.disposables.add(context.documents.open.onChange(() => this.reconcile()));
    this.disposables.add(context.documents.onDirty((document) => this.handleSaved(document)));
  }

  /** Null while no server runs. */
  get client(): ServerClient | null {
    return this.value.get().kind === "running" ? this.current : null;
  }

  /** Connects anew, whatever was before. */
  restart(): void {
    this.stop({ kind: "starting" });
    const store = new DisposableStore();
    const socket = store.add(new ReconnectingSocket(() => this.context.url(this.language), this.context.socket));
    this.socket.value = store;
    store.add(socket.onText((text) => this.handleText(socket, text)));
    store.add(socket.onClose((closed) => this.handleClose(closed)));
    socket.start();
  }

  /** The path of a file of the project that the server names; null for others. */
  pathOf(uri: string): string | null {
    return pathOf(this.root, uri);
  }

  dispose(): void {
    this.stop({ kind: "starting" });
    this.disposables.dispose();
  }

  private stop(state: ServerState): void {
    this.timer.value = undefined;
    this.socket.value = undefined;
    this.lose(state);
  }

  private lose(state: ServerState): void {
    const client = this.current;
    this.current = null;
    for (const file of client?.documents.files ?? []) this.context.problems.forget(file);
    this.context.problems.forgetAll(this.language);
    client?.end();
    this.value.set(state);
  }

  private handleText(socket: ReconnectingSocket, text: string): void {
    const message = this.current && !text.includes('"method":"hutch/') ? null : parseObject(text);
    const params = message && isObject(message["params"]) ? message["params"] : {};
    if (message?.["method"] === "hutch/started") void this.begin(socket, wordOf(params["rootUri"]), wordOf(params["command"]));
    else if (message?.["method"] === "hutch/failed") this.handleFailure(params);
    else this.current?.take(text);
  }

  private async begin(socket: ReconnectingSocket, root: string, command: string): Promise<void> {
    this.current?.end();
    this.root = root;
    const client = new ServerClient((message) => socket.send(message), {
      rootUri: root,
      initializationOptions: OPTIONS[this.language],
      sanitizeHTML: safeHtml,
      extensions: [serverDiagnostics(), completing, acting, NESTED],
      notificationHandlers: {
        "textDocument/publishDiagnostics": (_, params: PublishDiagnosticsParams) => this.handleProblems(params),
        "window/logMessage": () => true,
        "window/showMessage": (_, params: unknown) => this.handleSentence(params),
      },
    });
    this.current = client;
    try {
      await client.begin();
      if (this.current !== client) return;
      this.value.set({ kind: "running", command });
      this.reconcile();
    } catch (error) {
      if (this.current === client) this.stop({ kind: "stopped", reason: messageOf(error), advice: null, retrying: false });
    }
  }

  private handleFailure(params: Readonly<Record<string, unknown>>): void {
    const { retryAfter } = params;
    const [reason, advice] = [wordOf(params["reason"]) || "It could not be started.", wordOf(params["advice"]) || null];
    const retrying = typeof retryAfter === "number";
    this.stop(advice && !retrying ? { kind: "unavailable", reason, advice } : { kind: "stopped", reason, advice, retrying });
    if (retrying) this.timer.value = (this.context.socket?.clock ?? browserClock).after(Math.max(1, retryAfter) * 1000, () => this.restart());
  }

  private handleClose({ code, final }: Closed): void {
    if (!final) return this.lose({ kind: "starting" });
    const reason = code === CloseCode.notRunning ? "The project does not run." : "The server closed the connection.";
    this.lose({ kind: "stopped", reason, advice: null, retrying: false });
  }

  /** Opens and closes files on the server as documents were opened, closed or moved. */
  private reconcile(): void {
    const { client } = this;
    if (!client) return;
    const wanted = new Map(this.context.documents.open.get().flatMap((document) => this.fileOf(document) ?? []));
    for (const file of client.documents.files) {
      const next = wanted.get(file.document);
      if (next?.uri === file.uri) {
        wanted.delete(file.document);
        continue;
      }
      client.documents.remove(file);
      this.context.problems.forget(file);
    }
    for (const file of wanted.values()) client.documents.add(file, editorExtensions(client, this.context.notify));
  }

  private fileOf(document: Document): [[Document, DocumentFile]] | null {
    if (document.kind !== "text" || document.readOnly || document.state.doc.length > LONGEST_TEXT) return null;
    const path = document.path.get();
    const served = servedOf(path);
    const uri = uriOf(this.root, path);
    return served?.server === this.language && uri !== null ? [[document, new DocumentFile(document, path, uri, served.id)]] : null;
  }

  private handleSaved(document: Document): void {
    const file = this.client?.documents.files.find((one) => one.document === document);
    if (!file || file.document.dirty.get()) return;
    this.client?.sync();
    this.client?.notification("textDocument/didSave", { textDocument: { uri: file.uri } });
  }

  private handleProblems(params: PublishDiagnosticsParams): true {
    const path = typeof params.uri === "string" ? this.pathOf(params.uri) : null;
    if (path !== null) this.context.problems.take(this.language, path, this.current?.documents.fileAt(path) ?? null, params);
    return true;
  }

  private handleSentence(params: unknown): true {
    const { type, message } = isObject(params) ? params : {};
    if ((type === 1 || type === 2) && typeof message === "string") this.context.notify(message.slice(0, LONGEST_SENTENCE));
    return true;
  }
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, LONGEST_SENTENCE) : "";
}
