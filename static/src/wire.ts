// The shapes that the server and the browser exchange, as the server names them. Types only, and the parsers of socket messages.

export type RunState = "stopped" | "starting" | "installing" | "running" | "exited" | "failed";
export type StepState = "pending" | "running" | "done" | "skipped" | "failed";

/** A part of a run: container, environment, install or app. Times are RFC 3339. */
export interface Step {
  readonly name: string;
  readonly state: StepState;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly code: number | null;
  readonly detail: string | null;
}

/** A public port needs no sign-in. */
export type Visibility = "private" | "public";

/** A link that lets whoever has it reach a port. Times are RFC 3339. */
export interface ShareLink {
  readonly id: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

export interface Port {
  readonly port: number;
  readonly address: string;
  readonly process: string;
  /** Whether HTTP is spoken there; null while that is not known. */
  readonly http: boolean | null;
  readonly url: string;
  readonly visibility: Visibility;
}

/** Memory and disk in bytes, cpu in processors; null where the runtime can't tell. */
export interface Usage {
  readonly memory: number | null;
  readonly memoryLimit: number | null;
  readonly cpu: number | null;
  readonly cpuLimit: number | null;
  readonly disk: number | null;
}

export interface Status {
  readonly state: RunState;
  readonly steps: readonly Step[];
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly ports: readonly Port[];
  readonly usage: Usage;
  readonly idle: { readonly stopsAt: string; readonly reason: string } | null;
  readonly container: boolean;
  readonly runtime: string;
  readonly detail: string | null;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly template: string;
  /** A state when it comes in a list, the whole status when asked for by id. */
  readonly status: RunState | Status | null;
  readonly url: string;
  readonly createdAt: string;
}

/** A line of the answer of a search. Places are UTF-16 units from 0, lines and `column` count from 1. */
export type Found =
  | {
      readonly type: "match";
      readonly path: string;
      readonly line: number;
      readonly column: number;
      /** The line, or a part of a long one, of which `skipped` units come before. */
      readonly text: string;
      readonly skipped: number;
      readonly ranges: readonly (readonly [number, number])[];
      /** The line is too long to say where the finds are. */
      readonly long: boolean;
    }
  | { readonly type: "end"; readonly matches: number; readonly files: number; readonly stopped: string | null; readonly note: string | null };

export interface Template {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** False for one whose packages are not named at creation. */
  readonly dependencies?: boolean;
}

export interface Entry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  readonly modified: string;
  readonly etag: string | null;
}

/** A terminal with several viewers has the size of the smallest, or of the one who typed last. */
export type Sizing = "smallest" | "latest";

export interface Viewer {
  readonly since: string | null;
  readonly viewOnly: boolean;
}

/** A file that is being sent in pieces. */
/** What was deleted in one go and can be restored. */
export interface Deletion {
  readonly id: string;
  readonly paths: readonly string[];
  /** Bytes. */
  readonly size: number;
  readonly deleted: string;
  readonly expires: string;
}

export interface Upload {
  readonly id: string;
  readonly path: string;
  readonly size: number;
  /** Bytes that have come. */
  readonly offset: number;
}

export interface Terminal {
  readonly name: string;
  /** What people call it; its name until they do. */
  readonly title: string;
  readonly ended: boolean;
  readonly viewers: number;
  /** The viewers one by one; of very many only the first. */
  readonly attached: readonly Viewer[];
  readonly sizing: Sizing;
  readonly startedAt: string;
  readonly cols: number;
  readonly rows: number;
  /** What is being recorded of it now. */
  readonly recording?: { readonly id: string; readonly startedAt: string | null } | null;
}

/** What lies at an offset of the log came at the time of the last entry up to it. */
export interface LogTimes {
  readonly times: readonly { readonly offset: number; readonly time: string }[];
  /** There are later ones. */
  readonly more: boolean;
}

export interface Recording {
  readonly id: string;
  readonly title: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly size: number;
  readonly cols: number;
  readonly rows: number;
  readonly active: boolean;
  /** Why it ended; null while it is made, or when it was cut off. */
  readonly ended: string | null;
}

/** Whether programs' changes on disk are told as they happen; `detail` is why not where a limit was met. */
export interface Watching {
  readonly live: boolean;
  readonly detail: string | null;
}

/** What closes a socket for a reason that the person can act on. */
export const CloseCode = {
  ended: 1000,
  restarting: 1012,
  notSignedIn: 4401,
  notAllowed: 4403,
  notFound: 4404,
  notRunning: 4409,
  tooMany: 4429,
} as const;

/** Bytes that the server sends at most beyond the last ack. */
export const VIEWER_WINDOW = 512 * 1024;

/** Text frames from the server on terminal and log sockets. Binary frames are output. */
export type StreamMessage =
  | { readonly type: "ready"; readonly offset: number }
  | { readonly type: "gap"; readonly offset: number }
  /** The terminal's size, where another viewer's counts; from then on each change of it. */
  | { readonly type: "size"; readonly cols: number; readonly rows: number }
  | { readonly type: "exit"; readonly code: number | null; readonly signal: string | null }
  | { readonly type: "error"; readonly title: string; readonly detail: string };

/** Text frames to the server on terminal and log sockets. Binary frames are input. */
export type StreamCommand =
  | { readonly type: "ack"; readonly offset: number }
  | { readonly type: "resize"; readonly cols: number; readonly rows: number }
  /** What the screen answers by itself; of several viewers' answers only the first reaches the program. */
  | { readonly type: "reply"; readonly data: string }
  /** Has the program draw its whole screen. */
  | { readonly type: "redraw" }
  | { readonly type: "signal"; readonly signal: "INT" | "TERM" | "QUIT" | "HUP" | "KILL" }
  | { readonly type: "close" };

/** Text frames on the events socket. A status frame is a whole status with `type` added. */
export type EventMessage =
  | ({ readonly type: "status" } & Status)
  | { readonly type: "ports"; readonly ports: readonly Port[] }
  | { readonly type: "terminals"; readonly terminals: readonly Terminal[] }
  /** The empty path stands for "anything may have changed". */
  | { readonly type: "tree"; readonly paths: readonly string[] }
  | ({ readonly type: "watch" } & Watching)
  | { readonly type: "git" }
  | { readonly type: "notice"; readonly level: string; readonly text: string }
  | { readonly type: "error"; readonly title: string; readonly detail: string };

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a JSON object, or null when the text is none. */
export function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A message of a terminal or log socket; null for one of a newer server that this page doesn't know. */
export function parseStreamMessage(text: string): StreamMessage | null {
  const fields = parseObject(text);
  switch (fields?.["type"]) {
    case "ready":
    case "gap":
      return isOffset(fields["offset"]) ? { type: fields["type"], offset: fields["offset"] } : null;
    case "size": {
      const { cols, rows } = fields;
      return isColumns(cols) && isColumns(rows) ? { type: "size", cols, rows } : null;
    }
    case "exit":
      return { type: "exit", code: numberOrNull(fields["code"]), signal: stringOrNull(fields["signal"]) };
    case "error":
      return { type: "error", title: textOf(fields["title"]), detail: textOf(fields["detail"]) };
    default:
      return null;
  }
}

/** A message of the events socket; null for one that this page doesn't know. */
export function parseEventMessage(text: string): EventMessage | null {
  const fields = parseObject(text);
  switch (fields?.["type"]) {
    case "status":
      return isStatus(fields) ? { ...fields, type: "status" } : null;
    case "ports":
      return Array.isArray(fields["ports"]) ? { type: "ports", ports: fields["ports"] as readonly Port[] } : null;
    case "terminals":
      return Array.isArray(fields["terminals"])
        ? { type: "terminals", terminals: fields["terminals"] as readonly Terminal[] }
        : null;
    case "tree":
      return Array.isArray(fields["paths"])
        ? { type: "tree", paths: fields["paths"].filter((path): path is string => typeof path === "string") }
        : null;
    case "watch":
      return { type: "watch", live: fields["live"] === true, detail: stringOrNull(fields["detail"]) };
    case "git":
      return { type: "git" };
    case "notice":
      return { type: "notice", level: textOf(fields["level"]), text: textOf(fields["text"]) };
    case "error":
      return { type: "error", title: textOf(fields["title"]), detail: textOf(fields["detail"]) };
    default:
      return null;
  }
}

function isStatus(fields: Fields): fields is Fields & Status {
  return typeof fields["state"] === "string" && Array.isArray(fields["steps"]) && Array.isArray(fields["ports"]);
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Whether a terminal can have so many columns or rows. */
export function isColumns(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1000;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function stringOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
