// Stand-ins that implement the real interfaces: time that a test moves, connections that it answers, a disk in memory.

import type { Clock } from "../src/clock";
import type { Draft, Drafts } from "../src/drafts";
import { NO_STYLE, type Style, type Styles } from "../src/editorconfig/style";
import { disposable, type Disposable, Emitter } from "../src/lifecycle";
import type { Connect, Transport, TransportHandlers, Wakeups } from "../src/socket";
import type { Port, Project, Status } from "../src/wire";

export const PROJECT: Project = { id: "abcdef", name: "Demo", template: "node", status: null, url: "", createdAt: "2026-01-01T00:00:00Z" };

export function statusOf(state: Status["state"], ports: readonly Port[] = []): Status {
  const usage = { memory: null, memoryLimit: null, cpu: null, cpuLimit: null, disk: null };
  return { state, steps: [], exitCode: null, signal: null, ports, usage, idle: null, container: true, runtime: "docker", detail: null };
}

export class FakeClock implements Clock {
  private time = 0;
  private readonly tasks = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.time;
  }

  after(ms: number, task: () => void): Disposable {
    const entry = { at: this.time + ms, run: task };
    this.tasks.add(entry);
    return disposable(() => this.tasks.delete(entry));
  }

  /** Moves time, running what falls due on the way. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.tasks].filter((task) => task.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.tasks.delete(due);
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = end;
  }

  /** Time passes with nothing running, as in a machine that sleeps. */
  sleep(ms: number): void {
    this.time += ms;
  }

  get pending(): number {
    return this.tasks.size;
  }
}

export class FakeConnection implements Transport {
  readonly bufferedAmount = 0;
  readonly sent: (string | Uint8Array)[] = [];
  closed = false;

  constructor(
    readonly url: string,
    readonly handlers: TransportHandlers,
  ) {}

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }
}

export class FakeNetwork implements Wakeups {
  readonly connections: FakeConnection[] = [];
  private readonly onlineListeners = new Set<() => void>();
  private readonly visibleListeners = new Set<() => void>();

  readonly connect: Connect = (url, handlers) => {
    const connection = new FakeConnection(url, handlers);
    this.connections.push(connection);
    return connection;
  };

  get last(): FakeConnection {
    return this.connections.at(-1)!;
  }

  online(listener: () => void): Disposable {
    this.onlineListeners.add(listener);
    return disposable(() => this.onlineListeners.delete(listener));
  }

  visible(listener: () => void): Disposable {
    this.visibleListeners.add(listener);
    return disposable(() => this.visibleListeners.delete(listener));
  }

  goOnline(): void {
    for (const listener of [...this.onlineListeners]) listener();
  }

  becomeVisible(): void {
    for (const listener of [...this.visibleListeners]) listener();
  }

  get listeners(): number {
    return this.onlineListeners.size + this.visibleListeners.size;
  }
}

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The server's file routes over a map: etags, preconditions, ranges, moves. */
export class FakeDisk {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly folders = new Set<string>();
  readonly requests: string[] = [];
  offline = false;
  losesAnswers = false;
  /** Why nothing can be written. */
  refusal: string | null = null;
  private readonly versions = new Map<string, number>();
  private count = 0;

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.write(path, bytesOf(text));
  }

  write(path: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.files.set(path, bytes);
    this.versions.set(path, (this.count += 1));
  }

  /** A file keeps its etag when it is moved. */
  move(from: string, to: string): void {
    const [bytes, version] = [this.files.get(from)!, this.versions.get(from)!];
    this.files.delete(from);
    this.files.set(to, bytes);
    this.versions.set(to, version);
  }

  writeText(path: string, text: string): void {
    this.write(path, bytesOf(text));
  }

  text(path: string): string | undefined {
    const bytes = this.files.get(path);
    return bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  readonly fetch = async (input: string, init: RequestInit = {}): Promise<Response> => {
    if (this.offline) throw new TypeError("Failed to fetch");
    const url = new URL(input, "http://test");
    const method = init.method ?? "GET";
    this.requests.push(`${method} ${decodeURIComponent(url.pathname.replace(/^\/api\/projects\/[^/]+/, ""))}`);
    const headers = new Headers(init.headers);
    const [, place = "", rest = ""] = /^\/api\/projects\/[^/]+\/([^/]+)\/?(.*)$/.exec(url.pathname) ?? [];
    if (place === "tree") return Response.json(this.list(url.searchParams.get("path") ?? ""));
    if (place === "files-op") return this.operate(JSON.parse(await new Response(init.body ?? null).text()) as { op: string; from?: string; to: string });
    const path = rest.split("/").map(decodeURIComponent).join("/");
    if (method === "GET") return this.read(path, headers);
    if (method === "HEAD") return new Response(null, this.read(path, headers));
    if (method === "PUT") {
      if (this.refusal !== null) return problem(403, "Forbidden", this.refusal);
      const answer = await this.put(path, headers, init.body);
      if (this.losesAnswers) throw new TypeError("Failed to fetch");
      return answer;
    }
    this.files.delete(path);
    return new Response(null, { status: 204 });
  };

  private etag(path: string): string {
    return `"${this.versions.get(path)}"`;
  }

  private list(folder: string): unknown[] {
    const below = (path: string): boolean => path.startsWith(folder ? `${folder}/` : "") && !path.slice(folder ? folder.length + 1 : 0).includes("/");
    const folders = [...this.folders].filter(below).map((path) => ({ path, type: "directory", size: 0, modified: "", etag: null }));
    const files = [...this.files].filter(([path]) => below(path)).map(([path, bytes]) => ({ path, type: "file", size: bytes.length, modified: "", etag: this.etag(path) }));
    return [...folders, ...files];
  }

  private read(path: string, headers: Headers): Response {
    if (this.folders.has(path)) return problem(409, "Conflict", `${path} is a folder.`);
    const bytes = this.files.get(path);
    if (!bytes) return problem(404, "Not found", `There is no file ${path}.`);
    const base = { ETag: this.etag(path) };
    if (headers.get("If-None-Match") === this.etag(path)) return new Response(null, { status: 304, headers: base });
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.get("Range") ?? "");
    if (!range) return new Response(bytes, { headers: { ...base, "Content-Length": String(bytes.length) } });
    const part = bytes.slice(Number(range[1]), Number(range[2]) + 1);
    const contentRange = `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${bytes.length}`;
    return new Response(part, { status: 206, headers: { ...base, "Content-Range": contentRange, "Content-Length": String(part.length) } });
  }

  private async put(path: string, headers: Headers, body: RequestInit["body"]): Promise<Response> {
    const exists = this.files.has(path);
    const expected = headers.get("If-Match");
    if (headers.get("If-None-Match") === "*" && exists) return problem(412, "Changed meanwhile", `${path} exists.`);
    if (expected !== null && (!exists || expected !== this.etag(path))) return problem(412, "Changed meanwhile", `${path} changed.`);
    this.write(path, new Uint8Array(await new Response(body ?? null).arrayBuffer()));
    return new Response(null, { status: exists ? 204 : 201, headers: { ETag: this.etag(path) } });
  }

  private operate({ op, from, to }: { op: string; from?: string; to: string }): Response {
    if (this.files.has(to) || this.folders.has(to)) return problem(409, "Conflict", `${to} exists already`);
    if (op === "mkdir") this.folders.add(to);
    for (const [path, bytes] of [...this.files]) {
      if (from === undefined || (path !== from && !path.startsWith(`${from}/`))) continue;
      if (op === "move") this.move(path, to + path.slice(from.length));
      else this.write(to + path.slice(from.length), bytes);
    }
    if (op === "move" && from !== undefined && this.folders.delete(from)) this.folders.add(to);
    return new Response(null, { status: 204 });
  }
}

export function problem(status: number, title: string, detail: string, extra: object = {}): Response {
  return new Response(JSON.stringify({ type: "about:blank", title, status, detail, ...extra }), {
    status,
    headers: { "Content-Type": "application/problem+json" },
  });
}

/** The journal as one page sees it. */
export class FakeDrafts implements Drafts {
  constructor(
    private readonly page = "first",
    private readonly all: Draft[] = [],
    private readonly gone = new Set<string>(),
  ) {}

  /** This page's drafts, by path. */
  get kept(): ReadonlyMap<string, Draft> {
    return new Map(this.all.flatMap((draft) => (draft.page === this.page ? [[draft.path, draft] as const] : [])));
  }

  /** The same journal in another page. */
  inPage(page: string): FakeDrafts {
    return new FakeDrafts(page, this.all, this.gone);
  }

  leave(): void {
    this.gone.add(this.page);
  }

  async list(path?: string): Promise<readonly Draft[]> {
    const left = this.all.filter((draft) => draft.page !== this.page && (draft.page === "" || this.gone.has(draft.page)));
    // Of one millisecond, what came last.
    return [...this.kept.values(), ...left.reverse().sort((a, b) => b.at - a.at)].filter((draft) => path === undefined || draft.path === path);
  }

  async left(path: string): Promise<readonly Draft[]> {
    return (await this.list(path)).filter((draft) => draft.page !== this.page);
  }

  async put(draft: Omit<Draft, "page">): Promise<void> {
    await this.remove(draft.path);
    this.all.push({ ...draft, page: this.page });
  }

  async remove(path: string): Promise<void> {
    this.take((draft) => draft.path === path && draft.page === this.page);
  }

  async adopt(draft: Draft): Promise<boolean> {
    const adopted = this.take((other) => other === draft);
    if (adopted) this.all.push({ ...draft, page: this.page });
    return adopted;
  }

  async drop(draft: Draft): Promise<void> {
    this.take((other) => other === draft);
  }

  private take(matches: (draft: Draft) => boolean): boolean {
    const at = this.all.findIndex(matches);
    if (at >= 0) this.all.splice(at, 1);
    return at >= 0;
  }
}

export class FakeStyles implements Styles {
  private readonly changeEmitter = new Emitter<void>();
  private readonly styles = new Map<string, Style>();
  readonly onChange = this.changeEmitter.event;

  set(path: string, style: Style): void {
    this.styles.set(path, style);
    this.changeEmitter.fire();
  }

  async styleOf(path: string): Promise<Style> {
    return this.styles.get(path) ?? NO_STYLE;
  }
}
