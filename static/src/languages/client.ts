// A language server at the other end of a connection, as long as that holds. The next connection gets a client of its own.

import { LSPClient, type LSPClientConfig } from "@codemirror/lsp-client";
import { isObject } from "../wire";
import { DocumentWorkspace } from "./workspace";

// A server that starts on a busy machine, or looks through a large project for the first time.
const TIMEOUT_MS = 30_000;
// What is asked while someone types: no answer is as good as none, and nobody wants to hear of it.
const ASKED_IN_PASSING: ReadonlySet<string> = new Set(["textDocument/completion", "completionItem/resolve", "textDocument/hover", "textDocument/signatureHelp"]);

export class ServerClient extends LSPClient {
  readonly documents: DocumentWorkspace;
  private receive: (message: string) => void = () => undefined;
  private readonly pending = new Set<(reason: Error) => void>();
  private closed = false;

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
      this.receive(message);
    } catch (error) {
      console.warn("A language server's message makes no sense.", error);
    }
  }

  /** Rejects when the connection ends first. */
  override request<Params, Result>(method: string, params: Params): Promise<Result> {
    const answer = this.settle(super.request<Params, Result>(method, params));
    return ASKED_IN_PASSING.has(method) ? answer.catch(() => null as Result) : answer;
  }

  /** The connection is gone: what waits for an answer gets none, and the editors go on without. */
  end(): void {
    if (this.closed) return;
    this.closed = true;
    for (const reject of this.pending) reject(new Error("The language server is gone; try again in a moment."));
    this.documents.clear();
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
