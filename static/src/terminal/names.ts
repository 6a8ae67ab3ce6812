// Which terminals have a tab. Pure.

import { isObject, type Terminal } from "../wire";

const PREFIX = "terminal-";
const MOST_TITLE = 40;

/** The first free one of terminal-1, terminal-2, … */
export function freeName(taken: Iterable<string>): string {
  const names = new Set(taken);
  for (let number = 1; ; number += 1) if (!names.has(PREFIX + number)) return PREFIX + number;
}

/** What people call a terminal: the title they gave it, else `Terminal 1` for terminal-1 and any other name as it is. */
export function labelOf(name: string, title = name): string {
  if (title !== name) return title;
  return name.startsWith(PREFIX) ? `Terminal ${name.slice(PREFIX.length)}` : name;
}

/** Why a terminal can't be called so; null when it can. The server looks closer. */
export function problemWithTitle(title: string): string | null {
  return [...title].length > MOST_TITLE ? `A title has at most ${MOST_TITLE} characters.` : null;
}

/**
 * Terminals whose tab was closed. The server keeps an ended one until another takes its name, so each is known by the time when it
 * started too; null until the server has told it.
 */
export class ClosedTerminals {
  private readonly started: Map<string, string | null>;

  constructor(remembered: Readonly<Record<string, string | null>> = {}) {
    this.started = new Map(Object.entries(remembered));
  }

  add(name: string, startedAt: string | null): void {
    this.started.set(name, startedAt);
  }

  /** A new process is about to take the name. */
  remove(name: string): void {
    this.started.delete(name);
  }

  /** Those of the server's terminals that should have a tab. Forgets what the server has forgotten. */
  shown(terminals: readonly Terminal[]): readonly Terminal[] {
    const present = new Set(terminals.map(({ name }) => name));
    for (const name of this.started.keys()) if (!present.has(name)) this.started.delete(name);
    return terminals.filter((terminal) => !this.has(terminal));
  }

  toJSON(): Readonly<Record<string, string | null>> {
    return Object.fromEntries(this.started);
  }

  private has({ name, startedAt }: Terminal): boolean {
    const started = this.started.get(name);
    if (started === undefined) return false;
    if (started === null) this.started.set(name, startedAt);
    else if (started !== startedAt) this.started.delete(name);
    return this.started.has(name);
  }
}

export function isClosedTerminals(value: unknown): value is Record<string, string | null> {
  return isObject(value) && Object.values(value).every((started) => started === null || typeof started === "string");
}
