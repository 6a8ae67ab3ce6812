// Which port the preview shows. Pure.

import type { Port } from "../wire";

/** `port` of `[run]` in a hutch.toml; null where it names none. */
export function runPort(toml: string): number | null {
  let table = "";
  for (const line of toml.split("\n")) {
    const header = /^\s*\[\s*([^\]]+?)\s*\]\s*(?:#.*)?$/.exec(line);
    if (header) table = header[1] ?? "";
    const value = table === "run" ? /^\s*port\s*=\s*(\d{1,5})\s*(?:#.*)?\r?$/.exec(line) : null;
    const port = Number(value?.[1]);
    if (value && port >= 1 && port <= 65_535) return port;
  }
  return null;
}

/** The port to open by itself: the one that hutch.toml names once it listens; without a name the first that speaks HTTP. */
export function portToOpen(ports: readonly Port[], named: number | null): Port | null {
  return ports.find(({ port, http }) => (named === null ? http : port === named)) ?? null;
}

/** Ports that are known to speak HTTP now and were not before, other than `shown`. */
export function newPorts(before: readonly Port[], now: readonly Port[], shown: number | null): readonly Port[] {
  const known = new Set(before.filter(({ http }) => http).map(({ port }) => port));
  return now.filter(({ port, http }) => http && port !== shown && !known.has(port));
}

/** `3000 · node` */
export function portLabel({ port, process, http }: Port): string {
  return [port, process, http === false && "no HTTP"].filter(Boolean).join(" · ");
}
