// One function per endpoint of the server. No user interface here.

import { noConnection, problemOf, whole } from "./apierror";
import { contentOf, type FileContent, type Version, versionOf } from "./content";
import { type Deletion, type Entry, type LogTimes, type Port, type Project, type Recording, type ShareLink, type Sizing, type Status, type Template, type Terminal, type Upload, type Visibility } from "./wire";

export { ApiError, messageOf } from "./apierror";
export type { FileContent };

export interface NewProject {
  readonly name?: string;
  readonly template?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  /** The address of a Git repository, in place of a template. */
  readonly source?: string;
}

export interface FilePart {
  readonly start?: number;
  readonly most?: number;
  /** Bytes to read of a file that has more than `most`, in place of these. */
  readonly otherwise?: number;
}

/** A line by its number, the line of an offset, or a text from an offset on. */
export type Locate =
  | { readonly line: number }
  | { readonly offset: number }
  | { readonly text: string; readonly offset: number; readonly encoding: string; readonly case: boolean; readonly backwards: boolean };

/** What a write requires of the file: that it still has this etag, or that it does not exist. */
export type Expectation = { readonly etag: string } | "absent" | "anything";

type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

export class Api {
  /** `origin` is for programs that are no page of the server's. */
  constructor(
    private readonly origin = "",
    private readonly fetch: Fetch = (input, init) => globalThis.fetch(input, init),
  ) {}

  projects(): Promise<Project[]> {
    return this.json("GET", "/api/projects");
  }

  templates(): Promise<Template[]> {
    return this.json("GET", "/api/templates");
  }

  createProject(project: NewProject): Promise<Project> {
    return this.json("POST", "/api/projects", project);
  }

  project(id: string): Promise<Project> {
    return this.json("GET", projectPath(id));
  }

  renameProject(id: string, name: string): Promise<Project> {
    return this.json("PATCH", projectPath(id), { name });
  }

  async deleteProject(id: string): Promise<void> {
    await this.request("DELETE", projectPath(id));
  }

  status(id: string): Promise<Status> {
    return this.json("GET", `${projectPath(id)}/status`);
  }

  run(id: string): Promise<Status> {
    return this.json("POST", `${projectPath(id)}/run`);
  }

  /** Has the container run, without the app. */
  start(id: string): Promise<Status> {
    return this.json("POST", `${projectPath(id)}/start`);
  }

  /** Ends the app; with `container` its container too. */
  stop(id: string, options: { readonly container?: boolean } = {}): Promise<Status> {
    return this.json("POST", `${projectPath(id)}/stop${options.container ? "?container=true" : ""}`);
  }

  restart(id: string): Promise<Status> {
    return this.json("POST", `${projectPath(id)}/restart`);
  }

  ports(id: string): Promise<Port[]> {
    return this.json("GET", `${projectPath(id)}/ports`);
  }

  /** Decides who sees a port. Returns it as it is now. */
  setVisibility(id: string, port: number, visibility: Visibility): Promise<{ readonly visibility: Visibility }> {
    return this.json("PUT", portPath(id, port), { visibility });
  }

  shareLinks(id: string, port: number): Promise<ShareLink[]> {
    return this.json("GET", `${portPath(id, port)}/shares`);
  }

  /** A new link that is good for so many seconds; its `url` is told this once. */
  makeShareLink(id: string, port: number, expiresIn: number): Promise<ShareLink & { readonly url: string }> {
    return this.json("POST", `${portPath(id, port)}/shares`, { expiresIn });
  }

  async revokeShareLink(id: string, port: number, link: string): Promise<void> {
    await this.request("DELETE", `${portPath(id, port)}/shares/${encodeURIComponent(link)}`);
  }

  terminals(id: string): Promise<Terminal[]> {
    return this.json("GET", `${projectPath(id)}/terminals`);
  }

  /** Changes what people call a terminal, null for its name again, or whose size it has. */
  changeTerminal(id: string, name: string, change: { readonly title?: string | null; readonly sizing?: Sizing }): Promise<Terminal> {
    return this.json("PATCH", `${projectPath(id)}/terminals/${encodeURIComponent(name)}`, change);
  }

  /** When the log came, from an offset on. */
  logTimes(id: string, offset: number): Promise<LogTimes> {
    return this.json("GET", `${projectPath(id)}/logs/times?offset=${offset}`);
  }

  /** All that is kept of the log; with `times` each line after the time at which it came. */
  async readLog(id: string, { times = false }: { readonly times?: boolean }): Promise<string> {
    const answer = await this.request("GET", `${projectPath(id)}/logs/download?timestamps=${Number(times)}`);
    return whole(answer.text());
  }

  logDownloadUrl(id: string): string {
    return `${this.origin}${projectPath(id)}/logs/download`;
  }

  /** The newest first. */
  recordings(id: string): Promise<Recording[]> {
    return this.json("GET", `${projectPath(id)}/recordings`);
  }

  startRecording(id: string, terminal: string): Promise<Recording> {
    return this.json("POST", `${projectPath(id)}/recordings`, { terminal });
  }

  stopRecording(id: string, recording: string): Promise<Recording> {
    return this.json("POST", `${recordingPath(id, recording)}/stop`);
  }

  async deleteRecording(id: string, recording: string): Promise<void> {
    await this.request("DELETE", recordingPath(id, recording));
  }

  /** The recording as asciicast. */
  async readRecording(id: string, recording: string): Promise<string> {
    return whole((await this.request("GET", recordingPath(id, recording))).text());
  }

  recordingUrl(id: string, recording: string): string {
    return this.origin + recordingPath(id, recording);
  }

  /** Entries below the folder `path` ("" for the whole), `depth` levels deep. */
  tree(id: string, path: string, depth = 1): Promise<Entry[]> {
    return this.json("GET", `${projectPath(id)}/tree?path=${encodePath(path)}&depth=${depth}`);
  }

  /** The file's bytes from `start`, and no more than `most` of them. */
  async readFile(id: string, path: string, part: FilePart = {}): Promise<FileContent> {
    const { start = 0, most = Number.POSITIVE_INFINITY, otherwise } = part;
    const headers: Record<string, string> = {};
    if (start > 0) headers["Range"] = `bytes=${start}-${start + most - 1}`;
    return whole(contentOf(await this.request("GET", filePath(id, path), { headers, cache: "no-store" }), most, otherwise));
  }

  async versionOf(id: string, path: string): Promise<Version> {
    return versionOf(await this.request("HEAD", filePath(id, path), { cache: "no-store" }));
  }

  /** Where something is in a file, in bytes and lines from 1. */
  locate(id: string, path: string, what: Locate, signal: AbortSignal): Promise<{ readonly offset: number | null; readonly line: number | null }> {
    const query = Object.entries({ path, ...what }).map(([name, value]) => `${name}=${encodePath(String(value))}`);
    return this.json("GET", `${projectPath(id)}/locate?${query.join("&")}`, undefined, signal);
  }

  /** The file's bytes, `most` of them at most, or null while it still has `etag`. */
  async readFileIfChanged(id: string, path: string, etag: string, most = Number.POSITIVE_INFINITY): Promise<FileContent | null> {
    const headers = { "If-None-Match": etag };
    const response = await this.answer("GET", filePath(id, path), { headers, cache: "no-store" });
    if (response.status === 304) return null;
    if (!response.ok) throw await problemOf(response);
    return response.headers.get("ETag") === etag ? null : whole(contentOf(response, most));
  }

  /** Writes the whole file and returns its new etag. Throws ApiError 412 when the file isn't as `expected`. */
  async writeFile(id: string, path: string, content: Blob | Uint8Array<ArrayBuffer>, expected: Expectation): Promise<string> {
    const headers = { "Content-Type": "application/octet-stream", ...conditions(expected) };
    const response = await this.request("PUT", filePath(id, path), { headers, body: content });
    return response.headers.get("ETag") ?? "";
  }

  /** Begins to send a file of `size` bytes in pieces. Throws ApiError 412 when the file isn't as `expected`. */
  async beginUpload(id: string, path: string, size: number, expected: Expectation): Promise<Upload> {
    const headers = { "Content-Type": "application/json", ...conditions(expected) };
    const response = await this.request("POST", `${projectPath(id)}/uploads`, { headers, body: JSON.stringify({ path, size }) });
    return (await whole(response.json())) as Upload;
  }

  upload(id: string, upload: string): Promise<Upload> {
    return this.json("GET", uploadPath(id, upload));
  }

  /** Sends the bytes from `offset` on; the file is in its place once the last one came. */
  async sendPiece(id: string, upload: string, offset: number, piece: Blob): Promise<void> {
    await this.request("PUT", `${uploadPath(id, upload)}?offset=${offset}`, { body: piece });
  }

  /** Deletes all of these so that they can be restored. Throws ApiError with the reason "not-kept" for what couldn't be. */
  discard(id: string, paths: readonly string[]): Promise<Deletion> {
    return this.json("POST", `${projectPath(id)}/deletions`, { paths });
  }

  /** The newest first. */
  deletions(id: string): Promise<Deletion[]> {
    return this.json("GET", `${projectPath(id)}/deletions`);
  }

  restore(id: string, deletion: string): Promise<Deletion> {
    return this.json("POST", `${projectPath(id)}/deletions/${encodeURIComponent(deletion)}/restore`);
  }

  /** Deletes a file, or a folder with all it holds, for good. */
  async deleteFile(id: string, path: string): Promise<void> {
    await this.request("DELETE", filePath(id, path));
  }

  async move(id: string, from: string, to: string): Promise<void> {
    await this.send("POST", `${projectPath(id)}/files-op`, { op: "move", from, to });
  }

  /** An answer that is read as it comes; aborting ends the work on the server too. */
  stream(path: string, signal: AbortSignal): Promise<Response> {
    return this.request("GET", path, { signal });
  }

  /** The formatter that the project's files ask for at `path`; null when they ask for none. */
  async formatterOf(id: string, path: string, signal: AbortSignal): Promise<string | null> {
    const answer = await this.request("GET", `${projectPath(id)}/format?path=${encodePath(path)}`, { signal });
    return ((await whole(answer.json())) as { formatter: string | null }).formatter;
  }

  /** The text as the project's formatter of the file at `path` has it. */
  async format(id: string, path: string, text: string, signal: AbortSignal): Promise<string> {
    const answer = await this.request("POST", `${projectPath(id)}/format?path=${encodePath(path)}`, { signal, body: text });
    return ((await whole(answer.json())) as { text: string }).text;
  }

  async copy(id: string, from: string, to: string): Promise<void> {
    await this.send("POST", `${projectPath(id)}/files-op`, { op: "copy", from, to });
  }

  async makeFolder(id: string, path: string): Promise<void> {
    await this.send("POST", `${projectPath(id)}/files-op`, { op: "mkdir", to: path });
  }

  /** Has the server remember these for pages of the project, or for all. `leaving` lets the request outlive the page. */
  async rememberState(id: string | null, changes: Readonly<Record<string, unknown>>, leaving: boolean): Promise<void> {
    const headers = { "Content-Type": "application/json" };
    const path = id === null ? "/api/state" : `${projectPath(id)}/state`;
    await this.request("PATCH", path, { headers, body: JSON.stringify(changes), keepalive: leaving });
  }

  /** Where the browser finds the file's bytes, for pictures and downloads. */
  fileUrl(id: string, path: string): string {
    return this.origin + filePath(id, path);
  }

  /** A zip archive of the folder `path`, "" for the whole. */
  archiveUrl(id: string, path = ""): string {
    return `${this.origin}${projectPath(id)}/archive?path=${encodePath(path)}`;
  }

  /** `offset` is the first byte wanted; null for the oldest that the server still holds. With `view` nothing may be sent but acks. */
  terminalUrl(id: string, name: string, view: { cols: number; rows: number; offset: number | null } | { view: 1; offset: number | null }): string {
    const given = Object.entries(view).filter(([, value]) => value !== null);
    const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)]));
    return this.socketUrl(`${projectPath(id)}/terminals/${encodeURIComponent(name)}?${query}`);
  }

  logsUrl(id: string, offset: number | null): string {
    return this.socketUrl(`${projectPath(id)}/logs${offset === null ? "" : `?offset=${offset}`}`);
  }

  eventsUrl(id: string): string {
    return this.socketUrl(`${projectPath(id)}/events`);
  }

  languageUrl(id: string, language: string): string {
    return this.socketUrl(`${projectPath(id)}/lsp/${language}`);
  }

  private socketUrl(path: string): string {
    const url = new URL(path, this.origin || location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url.href;
  }

  /** One call of JSON, for endpoints that have their functions elsewhere. Throws ApiError. */
  async json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    const response = await this.send(method, path, body, signal);
    return (await whole(response.json())) as T;
  }

  async bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await whole((await this.request("GET", path, { cache: "no-store" })).arrayBuffer()));
  }

  async remove(path: string): Promise<void> {
    await this.request("DELETE", path);
  }

  private send(method: string, path: string, body?: unknown, signal: AbortSignal | null = null): Promise<Response> {
    if (body === undefined) return this.request(method, path, { signal });
    const headers = { "Content-Type": "application/json" };
    return this.request(method, path, { headers, body: JSON.stringify(body) });
  }

  private async request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.answer(method, path, init);
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  private async answer(method: string, path: string, init: RequestInit): Promise<Response> {
    const ask = (): Promise<Response> => this.fetch(this.origin + path, { ...init, method, credentials: "same-origin" });
    try {
      // What changes nothing is asked once more: a browser drops what is under way when the machine's network changes.
      return await (method === "GET" ? ask().catch(ask) : ask());
    } catch {
      throw noConnection();
    }
  }
}

export function projectPath(id: string): string {
  return `/api/projects/${encodeURIComponent(id)}`;
}

function recordingPath(id: string, recording: string): string {
  return `${projectPath(id)}/recordings/${encodeURIComponent(recording)}`;
}

function portPath(id: string, port: number): string {
  return `${projectPath(id)}/ports/${port}`;
}

function filePath(id: string, path: string): string {
  return `${projectPath(id)}/files/${encodePath(path)}`;
}

function uploadPath(id: string, upload: string): string {
  return `${projectPath(id)}/uploads/${encodeURIComponent(upload)}`;
}

function conditions(expected: Expectation): Record<string, string> {
  if (expected === "anything") return {};
  return expected === "absent" ? { "If-None-Match": "*" } : { "If-Match": expected.etag };
}

/** Bytes of a name that are no UTF-8 come from the server as lone surrogates, and go back as the bytes they were. */
export function encodePath(path: string): string {
  const letters = Array.from(path, (letter) => {
    const code = letter.charCodeAt(0);
    if (letter.length === 1 && code >= 0xdc80 && code <= 0xdcff) return `%${(code - 0xdc00).toString(16).toUpperCase()}`;
    return letter === "/" ? letter : encodeURIComponent(letter);
  });
  return letters.join("");
}
