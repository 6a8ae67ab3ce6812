// What pages remember for their person: on the server, which every browser asks, and in this browser for when there is no server.

export interface Remembered {
  /** For all pages. */
  readonly everywhere: Readonly<Record<string, unknown>>;
  /** For the page's project. */
  readonly project: Readonly<Record<string, unknown>>;
}

/** Sends changes to the server; null forgets. `project` is null for what counts everywhere. Rejects when it can't. */
export type Send = (project: string | null, changes: Readonly<Record<string, unknown>>, leaving: boolean) => Promise<void>;

const PREFIX = "hutch.";
const SOON_MS = 500;
const AGAIN_MS = 10_000;

const SCOPES = ["everywhere", "project"] as const;
type Values = Record<(typeof SCOPES)[number], Map<string, unknown>>;

/** The server's part of the memory. There is one for a page. */
class ServerMemory {
  private readonly changes: Values = { everywhere: new Map(), project: new Map() };
  /** What was sent, until the server has it: a page that goes may take its requests along. */
  private readonly sent: Values = { everywhere: new Map(), project: new Map() };
  private readonly known: Values;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly project: string | null,
    remembered: Remembered,
    private readonly send: Send,
  ) {
    this.known = { everywhere: new Map(Object.entries(remembered.everywhere)), project: new Map(Object.entries(remembered.project)) };
    for (const [key, value] of takeUnsent()) this.set(key, value);
  }

  get(key: string): unknown {
    const { scope, name } = this.placeOf(key);
    return this.known[scope].get(name);
  }

  set(key: string, value: unknown): void {
    const { scope, name } = this.placeOf(key);
    if (JSON.stringify(this.known[scope].get(name)) === JSON.stringify(value)) return;
    this.known[scope].set(name, value);
    this.changes[scope].set(name, value);
    this.flushAfter(SOON_MS);
  }

  /** Takes over what was sent by somebody else. */
  learn(key: string, value: unknown): void {
    const { scope, name } = this.placeOf(key);
    this.known[scope].set(name, value);
  }

  /** Sends what was not sent yet; `leaving` when the page may be gone before the answer, or before it is sent at all. */
  flush(leaving: boolean): void {
    clearTimeout(this.timer);
    // What was changed again meanwhile is newer.
    const unsent = (scope: keyof Values): ReadonlyMap<string, unknown> => new Map([...(leaving ? this.sent[scope] : []), ...this.changes[scope]]);
    if (leaving) keepUnsent([...unsent("everywhere"), ...[...unsent("project")].map(([name, value]) => [`${name}.${this.project}`, value] as const)]);
    for (const scope of SCOPES) {
      const changes = unsent(scope);
      this.changes[scope].clear();
      if (changes.size > 0) void this.sendThem(scope, changes, leaving);
    }
  }

  private async sendThem(scope: keyof Values, changes: ReadonlyMap<string, unknown>, leaving: boolean): Promise<void> {
    const sent = this.sent[scope];
    for (const [name, value] of changes) sent.set(name, value);
    const isLast = (name: string, value: unknown): boolean => sent.get(name) === value;
    try {
      await this.send(scope === "project" ? this.project : null, Object.fromEntries(changes), leaving);
    } catch {
      for (const [name, value] of changes) if (isLast(name, value) && !this.changes[scope].has(name)) this.changes[scope].set(name, value);
      this.flushAfter(AGAIN_MS);
    }
    for (const [name, value] of changes) if (isLast(name, value)) sent.delete(name);
  }

  private flushAfter(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(false), ms);
  }

  /** Keys that end with the project's id are the project's. */
  private placeOf(key: string): { readonly scope: "everywhere" | "project"; readonly name: string } {
    const ending = `.${this.project}`;
    if (this.project !== null && key.endsWith(ending)) return { scope: "project", name: key.slice(0, -ending.length) };
    return { scope: "everywhere", name: key };
  }
}

// What a page that goes can't be sure to have sent, the next one of the same tab sends: after a reload, that is.
const UNSENT = "unsent";

function keepUnsent(changes: readonly (readonly [string, unknown])[]): void {
  rememberInTab(UNSENT, changes);
}

function takeUnsent(): readonly (readonly [string, unknown])[] {
  const changes = recallInTab(UNSENT, (value): value is readonly (readonly [string, unknown])[] => Array.isArray(value));
  rememberInTab(UNSENT, null);
  return changes ?? [];
}

let server: ServerMemory | null = null;

const lastTasks = new Set<() => void>();

/** Has `task` remember something when the page goes, while it can still be sent. The result takes that back. */
export function beforeLeaving(task: () => void): { dispose(): void } {
  lastTasks.add(task);
  return { dispose: () => void lastTasks.delete(task) };
}

/** Has `recall` and `remember` use the server too, from now on. */
export function rememberOnServer(project: string | null, remembered: Remembered, send: Send): void {
  server = new ServerMemory(project, remembered, send);
  addEventListener("pagehide", () => {
    for (const task of lastTasks) task();
    server?.flush(true);
  });
  // Another tab of this browser has remembered something, and sends it itself.
  addEventListener("storage", ({ key, newValue }) => key?.startsWith(PREFIX) && server?.learn(key.slice(PREFIX.length), parsed(newValue)));
}

/** The value remembered under `key`, if `accept` recognises it. */
export function recall<T>(key: string, accept: (value: unknown) => value is T): T | null {
  const told = server?.get(key);
  if (accept(told)) return told;
  return recallHere(key, accept);
}

export function remember(key: string, value: unknown): void {
  server?.set(key, value);
  rememberHere(key, value);
  for (const task of listeners.get(key) ?? []) task();
}

const listeners = new Map<string, Set<() => void>>();

/** Calls `task` whenever this page remembers something under `key`. The result ends that. */
export function onRemembered(key: string, task: () => void): { dispose(): void } {
  const tasks = listeners.get(key) ?? new Set();
  listeners.set(key, tasks.add(task));
  return { dispose: () => void tasks.delete(task) };
}

/** The same for what means nothing to another browser. */
export function recallHere<T>(key: string, accept: (value: unknown) => value is T): T | null {
  try {
    const value = parsed(localStorage.getItem(PREFIX + key));
    return accept(value) ? value : null;
  } catch {
    // Forbidden.
    return null;
  }
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

export function rememberHere(key: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Full or forbidden.
  }
}

export function forgetHere(key: string): void {
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // Forbidden.
  }
}

/** The same for what means nothing to another tab; it outlives a reload. */
export function recallInTab<T>(key: string, accept: (value: unknown) => value is T): T | null {
  try {
    const value = parsed(sessionStorage.getItem(PREFIX + key));
    return accept(value) ? value : null;
  } catch {
    // Forbidden.
    return null;
  }
}

export function rememberInTab(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Full or forbidden.
  }
}
