// A terminal as the panel knows it.

import type { Terminal } from "../wire";
import { labelOf } from "./names";
import type { TerminalPane } from "./pane";

export interface Entry {
  readonly name: string;
  /** Null before the first look at it. */
  pane: TerminalPane | null;
  /** The server's word; null for one that is not known there yet. */
  terminal: Terminal | null;
  fresh: boolean;
}

export function label({ name, terminal }: Entry): string {
  return labelOf(name, terminal?.title);
}

export function spokenLabel(entry: Entry): string {
  return `${label(entry)}. F6 leaves the terminal.`;
}

export function hasEnded({ pane, terminal }: Entry): boolean {
  return pane ? pane.session.state.get().kind === "ended" : (terminal?.ended ?? false);
}

/** Whether closing it ends a process. */
export function runs({ pane, terminal }: Entry): boolean {
  const kind = pane?.session.state.get().kind;
  if (kind === "refused" || kind === "ended") return false;
  return kind !== undefined || terminal?.ended === false;
}
