// Reads an asciicast v2 recording. Pure.

import { isColumns, isObject } from "../wire";
import type { Size } from "./session";

export interface CastEvent {
  /** Seconds since the beginning. */
  readonly time: number;
  /** `o` for output, `r` for a size such as `80x24`, `m` for a remark. */
  readonly code: string;
  readonly data: string;
}

export interface Cast {
  readonly cols: number;
  readonly rows: number;
  readonly events: readonly CastEvent[];
}

/** The recording; lines that are no events are passed over. Throws when the first line is no header. */
export function parseCast(text: string): Cast {
  const [first = "", ...lines] = text.split("\n");
  const header = parsed(first);
  if (!isObject(header) || header["version"] !== 2) throw new Error("This is not a recording in the asciicast format, version 2.");
  const events: CastEvent[] = [];
  for (const line of lines) {
    const event = parsed(line);
    if (!Array.isArray(event)) continue;
    const [time, code, data] = event as readonly unknown[];
    if (typeof time !== "number" || typeof code !== "string" || typeof data !== "string") continue;
    // Times never go back, whatever the file says.
    events.push({ time: Math.max(time, events.at(-1)?.time ?? 0), code, data });
  }
  return { ...sizeOf(header["width"], header["height"]), events };
}

/** The times of the events with every pause cut to `longest` seconds. */
export function withoutPauses(events: readonly CastEvent[], longest: number): readonly number[] {
  let before = 0;
  let at = 0;
  return events.map(({ time }) => {
    at += Math.min(time - before, longest);
    before = time;
    return at;
  });
}

/** The size in the data of an `r` event; the usual one for what is none. */
export function parseSize(data: string): Size {
  const [cols, rows] = data.split("x");
  return sizeOf(Number(cols), Number(rows));
}

/** `0:07`, `12:05`, `1:02:03`. */
export function formatPosition(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const rest = `${Math.floor(whole / 60) % 60}:${two(whole % 60)}`;
  return whole < 3600 ? rest : `${Math.floor(whole / 3600)}:${rest.padStart(5, "0")}`;
}

function sizeOf(cols: unknown, rows: unknown): Size {
  return { cols: isColumns(cols) ? cols : 80, rows: isColumns(rows) ? rows : 24 };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
