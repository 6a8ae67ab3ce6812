// A language server at the other end of a connection, as long as that holds. The next connection gets a client of its own.

import { LSPClient, type LSPClientConfig } from "@codemirror/lsp-client";
import type { Command, WorkspaceEdit } from "vscode-languageserver-protocol";
import { messageOf } from "../api";
import { isObject } from "../wire";
import { Snapshot } from "./edits";
import { DocumentWorkspace } from "./workspace";

// A server that starts on a busy machine, or looks through a large project for the first time.
const TIMEOUT_MS = 30_000;
// What is asked while someone types: no answer is as good as none, and nobody wants to hear of it.
const ASKED_IN_PASSING: ReadonlySet<string> = new Set(["textDocument/completion", "completionItem/resolve", "textDocument/hover", "textDocument/signatureHelp", "textDocument/documentHighlight"]);

export class ServerClient extends LSPClient {
  readonly documents: DocumentWorkspace;
  private receive: (message: string) => void = () => undefined;
  private readonly pending = new Set<(reason: Error) => void>();
  private closed = false;
  /** Makes the changes that a server wants while it carries out a command; null while it carries out none. */
  private change: ((edit: WorkspaceEdit) => Promise<void>) | null = null;

  /** Nothing is sent before `begin`. */
  constructor(
    private readonly post: (message: string) => void,
    config: LSPClientConfig,
  ) {
    let documents: DocumentWorkspace | undefined;
    super({ ...config, timeout: TIMEOUT_MS, workspace: (client) => (documents = new DocumentWorkspace(client)) });
    this.documents = documents ?? new DocumentWorkspace(this);
  }

  /** Resolves when the server takes documents. Rejects with its refusal, or when the connection ends before. */
  begin(): Promise<unknown> {
    this.connect({
      send: (message) => this.closed || this.post(message),
      subscribe: (handler) => (this.receive = handler),
      unsubscribe: () => undefined,
    });
    return this.settle(this.initializing);
  }

  /** A message that came. One that makes no sense is dropped: it comes from the container. */
  take(message: string): void {
    try {
      if (!message.includes('"workspace/applyEdit"') || !this.takeEdit(JSON.parse(message))) this.receive(message);
    } catch (error) {
      console.warn("A language server's message makes no sense.", error);
    }
  }

  /** Rejects when the connection ends first. */
  override request<Params, Result>(method: string, params: Params): Promise<Result> {
    const answer = this.settle(super.request<Params, Result>(method, params));
    return ASKED_IN_PASSING.has(method) ? answer.catch(() => null as Result) : answer;
  }

  /** Has the server carry out a command; `change` makes the changes that it wants meanwhile, in the texts as they were when it was asked. Rejects with its refusal. */
  async execute({ command, arguments: given }: Command, change: (edit: WorkspaceEdit, since: Snapshot) => Promise<void>): Promise<void> {
    const since = new Snapshot(this);
    const own = (edit: WorkspaceEdit): Promise<void> => change(edit, since);
    this.change = own;
    try {
      await this.request("workspace/executeCommand", { command, arguments: given });
    } finally {
      if (this.change === own) this.change = null;
      since.release();
    }
  }

  /** The connection is gone: what waits for an answer gets none, and the editors go on without. */
  end(): void {
    if (this.closed) return;
    this.closed = true;
    for (const reject of this.pending) reject(new Error("The language server is gone; try again in a moment."));
    this.documents.clear();
  }

  /** False for any other message. */
  private takeEdit(message: unknown): boolean {
    if (!isObject(message) || message["method"] !== "workspace/applyEdit" || message["id"] === undefined) return false;
    const edit = isObject(message["params"]) ? message["params"]["edit"] : null;
    const work = this.change && isObject(edit) ? this.change(edit) : Promise.reject(new Error("Nothing was asked for that changes files."));
    const reply = (result: object): void => void (this.closed || this.post(JSON.stringify({ jsonrpc: "2.0", id: message["id"], result })));
    work.then(
      () => reply({ applied: true }),
      (error: unknown) => reply({ applied: false, failureReason: messageOf(error) }),
    );
    return true;
  }

  private settle<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.pending.add(reject);
      void answer.then(resolve, (error: unknown) => reject(asError(error))).finally(() => this.pending.delete(reject));
    });
  }
}

function asError(error: unknown): Error {
  if (error instanceof Error) return error;
  return new Error(isObject(error) && typeof error["message"] === "string" ? error["message"] : "The language server refused.");
}
