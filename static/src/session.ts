// Which files were open in this project, and where in them the person was.

import { areParts, type Part } from "./splits";
import { recall, remember } from "./storage";
import { isObject } from "./wire";

/** The tabs of one group. */
export interface GroupSession {
  readonly name: string;
  readonly paths: readonly string[];
  readonly front: string | null;
  readonly preview: string | null;
  /** Where the cursors were: characters from the beginning, by path. */
  readonly cursors: Readonly<Record<string, number>>;
}

export interface Session {
  readonly groups: readonly GroupSession[];
  readonly layout: readonly Part[];
  /** The name of the group in use. */
  readonly active: string | null;
}

interface Remembered extends Session {
  readonly expanded: readonly string[];
}

/** A session of tabs in one group, the first in front. */
export function oneGroup(paths: readonly string[]): Session {
  return { groups: [{ name: "1", paths, front: paths[0] ?? null, preview: null, cursors: {} }], layout: [{ name: "1", weight: 1 }], active: "1" };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isStringOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}

function isRemembered(value: unknown): value is Remembered {
  if (!isObject(value) || !isStrings(value["expanded"]) || !areParts(value["layout"]) || !isStringOrNull(value["active"])) return false;
  return Array.isArray(value["groups"]) && value["groups"].every(isGroup);
}

function isGroup(value: unknown): value is GroupSession {
  if (!isObject(value) || typeof value["name"] !== "string" || !isStrings(value["paths"])) return false;
  return isStringOrNull(value["front"]) && isStringOrNull(value["preview"]) && areCursors(value["cursors"]);
}

function areCursors(value: unknown): value is Readonly<Record<string, number>> {
  return isObject(value) && Object.values(value).every((at) => typeof at === "number" && Number.isSafeInteger(at) && at >= 0);
}

/** Null when the project was not open before. */
export function recallSession(project: string): Remembered | null {
  return recall(`session.${project}`, isRemembered);
}

export function rememberSession(project: string, session: Remembered): void {
  remember(`session.${project}`, session);
}

/** The address of a line, which `parseAnchor` reads. */
export function anchorOf(path: string, line: number): string {
  return `#${path.split("/").map(encodeURIComponent).join("/")}:${line}`;
}

/** The file and line that the page's address names: `#src/index.js:12`. */
export function parseAnchor(hash: string): { readonly path: string; readonly line: number | null } | null {
  let text: string;
  try {
    text = decodeURIComponent(hash.replace(/^#/, ""));
  } catch {
    return null;
  }
  if (!text) return null;
  const line = /:(\d+)$/.exec(text);
  return line ? { path: text.slice(0, line.index), line: Number(line[1]) } : { path: text, line: null };
}
