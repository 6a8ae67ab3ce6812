// Replaces in files what a search has found, at the very places it told, and takes it back again.

import { isolateHistory } from "@codemirror/commands";
import { ChangeSet, Text } from "@codemirror/state";
import { type Api, ApiError, messageOf } from "./api";
import type { TextDocument } from "./editor/document";
import type { FoundFile, Match, SearchQuery } from "./search";

/** Makes the text that comes in the place of a find, given its line; null when the pattern means another thing here. */
export type Replacer = (line: string, start: number, end: number) => string | null;

export interface Outcome {
  /** Files that were changed. */
  readonly done: readonly string[];
  /** Those of them whose text was not saved before, and is not now. */
  readonly unsaved: readonly string[];
  /** Files that were left as they are, each with the reason. */
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

/** A file that was changed, on the disk or in its editor. `undo` throws when it was changed since. */
interface Replaced {
  readonly path: string;
  readonly unsaved: boolean;
  readonly undo: () => Promise<void>;
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

export interface Change {
  readonly from: number;
  readonly to: number;
  readonly insert: Text;
}

/** What is to be changed in the text so that all finds are replaced; a sentence when that can't be. */
export function changesFor(text: Text, matches: readonly Match[], replace: Replacer): { readonly changes: readonly Change[] } | { readonly why: string } {
  const changes: Change[] = [];
  for (const match of matches) {
    if (match.long) return { why: "it has lines that are too long" };
    const line = match.line <= text.lines ? text.line(match.line) : null;
    const found = line?.text.replace(/\r$/, "");
    if (!line || found?.slice(match.skipped, match.skipped + match.text.length) !== match.text) return { why: "it has changed since the search" };
    for (const [start, end] of match.ranges) {
      const next = replace(found, start, end);
      if (next === null) return { why: "the browser understands the pattern otherwise; use a replacement without $" };
      changes.push({ from: line.from + start, to: line.from + end, insert: Text.of([next]) });
    }
  }
  return { changes };
}

/** An open file with unsaved text. */
export type EditedText = Pick<TextDocument, "state" | "dispatch">;

export interface EditedTexts {
  unsaved(path: string): EditedText | null;
  isOpen(text: EditedText): boolean;
}

export class Replacing {
  private replaced: readonly Replaced[] = [];

  constructor(
    private readonly api: Pick<Api, "readFile" | "writeFile">,
    private readonly project: string,
    private readonly texts: EditedTexts,
  ) {}

  get canUndo(): boolean {
    return this.replaced.length > 0;
  }

  /** Replaces in each file: in its editor when that has unsaved text, or else on the disk, over the version that was read. Never throws for a single file. */
  async run(files: readonly FoundFile[], replace: Replacer): Promise<Outcome> {
    const replaced: Replaced[] = [];
    const outcome = await forEach(files, async ({ path, matches }) => {
      const edited = this.texts.unsaved(path);
      const done = edited ? this.replaceInEditor(path, edited, matches, replace) : await this.replaceOnDisk(path, matches, replace);
      replaced.push(done);
      return done;
    });
    // What was replaced before can't be undone any more by what comes now, so the newest counts.
    if (replaced.length > 0) this.replaced = replaced;
    return outcome;
  }

  /** Gives every file of the last replace its text back, unless it was changed since. */
  async undo(): Promise<Outcome> {
    const replaced = this.replaced;
    this.replaced = [];
    return forEach(replaced, async (item) => {
      await item.undo();
      return item;
    });
  }

  private replaceInEditor(path: string, edited: EditedText, matches: readonly Match[], replace: Replacer): Replaced {
    const before = edited.state.doc;
    const changes = ChangeSet.of([...changesOrThrow(before, matches, replace)], before.length);
    const back = changes.invert(before);
    edited.dispatch({ changes, ...ONE_STEP });
    const after = edited.state.doc;
    const undo = async (): Promise<void> => {
      if (!this.texts.isOpen(edited)) throw new Error("it was closed");
      if (!edited.state.doc.eq(after)) throw new Error("it was changed meanwhile");
      edited.dispatch({ changes: back, ...ONE_STEP });
    };
    return { path, unsaved: true, undo };
  }

  private async replaceOnDisk(path: string, matches: readonly Match[], replace: Replacer): Promise<Replaced> {
    const { bytes, etag } = await this.api.readFile(this.project, path);
    const written = await this.api.writeFile(this.project, path, rewritten(bytes, matches, replace), { etag });
    const undo = async (): Promise<void> => {
      if (this.texts.unsaved(path)) throw new Error("it has unsaved changes");
      await this.api.writeFile(this.project, path, bytes, { etag: written });
    };
    return { path, unsaved: false, undo };
  }
}

// Not joined with what was typed just before or after.
const ONE_STEP = { userEvent: "input.replace.all", annotations: isolateHistory.of("full") };

function changesOrThrow(text: Text, matches: readonly Match[], replace: Replacer): readonly Change[] {
  const found = changesFor(text, matches, replace);
  if ("why" in found) throw new Error(found.why);
  return found.changes;
}

function rewritten(bytes: Uint8Array<ArrayBuffer>, matches: readonly Match[], replace: Replacer): Uint8Array<ArrayBuffer> {
  const bom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bom ? bytes.subarray(3) : bytes);
  } catch {
    throw new Error("it is not UTF-8");
  }
  // Only at line feeds, so that every other line break stays what it is.
  const before = Text.of(text.split("\n"));
  const after = ChangeSet.of([...changesOrThrow(before, matches, replace)], before.length).apply(before);
  return new TextEncoder().encode((bom ? "\uFEFF" : "") + after.toString());
}

async function forEach<T extends { readonly path: string }>(items: readonly T[], work: (item: T) => Promise<Replaced>): Promise<Outcome> {
  const [done, unsaved]: [string[], string[]] = [[], []];
  const left: { path: string; why: string }[] = [];
  for (const item of items) {
    const { path } = item;
    try {
      if ((await work(item)).unsaved) unsaved.push(path);
      done.push(path);
    } catch (error) {
      left.push({ path, why: error instanceof ApiError && error.status === 412 ? "it was changed meanwhile" : messageOf(error) });
    }
  }
  return { done, unsaved, left };
}
