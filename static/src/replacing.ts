// Replaces in files what a search has found, at the very places it told, and takes it back again.

import { type Api, ApiError, messageOf } from "./api";
import type { FoundFile, Match, SearchQuery } from "./search";

/** Makes the text that comes in the place of a find, given its line; null when the pattern means another thing here. */
export type Replacer = (line: string, start: number, end: number) => string | null;

export interface Outcome {
  /** Files that were written. */
  readonly done: readonly string[];
  /** Files that were left as they are, each with the reason. */
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

interface Written {
  readonly path: string;
  readonly before: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

const GROUP = /\$(?:(\$)|(&)|(\d{1,2})|<(\w+)>|\{(\w+)\})/g;

/** Groups of a regular expression can be used as $1, $<name> or $&; in a search for plain text the replacement is plain too. */
export function replacer(query: SearchQuery, replacement: string): Replacer {
  if (!query.regex || replacement.search(GROUP) < 0) return () => replacement;
  let pattern: RegExp;
  try {
    pattern = new RegExp(query.q, query.case ? "uy" : "iuy");
  } catch {
    return () => null;
  }
  return (line, start, end) => {
    pattern.lastIndex = start;
    const match = pattern.exec(line);
    if (!match || start + match[0].length !== end) return null;
    return replacement.replace(GROUP, (_, dollar: string, whole: string, number: string, ...names: string[]) => {
      if (dollar) return "$";
      if (whole) return match[0];
      if (number) return match[Number(number)] ?? "";
      return match.groups?.[names[0] ?? names[1] ?? ""] ?? "";
    });
  };
}

/** The text with all finds replaced; a sentence when that can't be. */
export function replaceAll(text: string, matches: readonly Match[], replace: Replacer): { readonly text: string } | { readonly why: string } {
  const lines = text.split("\n");
  for (const match of matches) {
    const line = lines[match.line - 1]?.replace(/\r$/, "");
    if (match.long) return { why: "it has lines that are too long" };
    if (line === undefined || line.slice(match.skipped, match.skipped + match.text.length) !== match.text) return { why: "it has changed since the search" };
    const changed = replaceLine(line, match, replace);
    if (changed === null) return { why: "the browser understands the pattern otherwise; use a replacement without $" };
    lines[match.line - 1] = changed + (lines[match.line - 1] ?? "").slice(line.length);
  }
  return { text: lines.join("\n") };
}

function replaceLine(line: string, match: Match, replace: Replacer): string | null {
  const parts: string[] = [];
  let at = 0;
  for (const [start, end] of match.ranges) {
    const next = replace(line, start, end);
    if (next === null) return null;
    parts.push(line.slice(at, start), next);
    at = end;
  }
  return parts.join("") + line.slice(at);
}

export class Replacing {
  private written: readonly Written[] = [];

  /** `isEdited` tells which files have unsaved changes in this page. */
  constructor(
    private readonly api: Pick<Api, "readFile" | "writeFile">,
    private readonly project: string,
    private readonly isEdited: (path: string) => boolean,
  ) {}

  get canUndo(): boolean {
    return this.written.length > 0;
  }

  /** Replaces in each file, which is saved only over the version that was read. Never throws for a single file. */
  async run(files: readonly FoundFile[], replace: Replacer): Promise<Outcome> {
    const written: Written[] = [];
    const outcome = await forEach(files.map((file) => file.path), async (path, index) => {
      if (this.isEdited(path)) throw new Error("it has unsaved changes");
      const { bytes, etag } = await this.api.readFile(this.project, path);
      const next = rewritten(bytes, files[index]?.matches ?? [], replace);
      written.push({ path, before: bytes, etag: await this.api.writeFile(this.project, path, next, { etag }) });
    });
    // What was replaced before can't be undone any more by what comes now, so the newest counts.
    if (written.length > 0) this.written = written;
    return outcome;
  }

  /** Gives every file of the last replace its bytes back, unless it was changed since. */
  async undo(): Promise<Outcome> {
    const written = this.written;
    this.written = [];
    return forEach(written.map((item) => item.path), async (path, index) => {
      const item = written[index];
      if (this.isEdited(path)) throw new Error("it has unsaved changes");
      if (item) await this.api.writeFile(this.project, path, item.before, { etag: item.etag });
    });
  }
}

function rewritten(bytes: Uint8Array<ArrayBuffer>, matches: readonly Match[], replace: Replacer): Uint8Array<ArrayBuffer> {
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bom ? bytes.subarray(3) : bytes);
  } catch {
    throw new Error("it is not UTF-8");
  }
  const changed = replaceAll(text, matches, replace);
  if ("why" in changed) throw new Error(changed.why);
  return new TextEncoder().encode((bom ? "\uFEFF" : "") + changed.text);
}

async function forEach(paths: readonly string[], work: (path: string, index: number) => Promise<void>): Promise<Outcome> {
  const done: string[] = [];
  const left: { path: string; why: string }[] = [];
  for (const [index, path] of paths.entries()) {
    try {
      await work(path, index);
      done.push(path);
    } catch (error) {
      left.push({ path, why: error instanceof ApiError && error.status === 412 ? "it was changed meanwhile" : messageOf(error) });
    }
  }
  return { done, left };
}
