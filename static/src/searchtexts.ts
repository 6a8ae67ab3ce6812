// Searches the open texts that are not saved, of which the server knows nothing: it searches what is on the disk.

import type { Text } from "@codemirror/state";
import type { Documents } from "./documents";
import type { TextDocument } from "./editor/document";
import { DisposableStore, Emitter } from "./lifecycle";
import type { Match, SearchQuery } from "./search";
import { parseIgnore, ruling } from "./tree/ignore";

const EDITED_MS = 300;
// As the server cuts long lines.
const SHOWN = 400;
const BEFORE = 60;
// What ripgrep takes for a part of a word.
const WORD = "[\\p{L}\\p{M}\\p{N}_]";

/** What a search asks of open texts. */
export interface UnsavedTexts {
  readonly paths: readonly string[];
  /** The text of the file that is open, saved or not. */
  find(path: string): Text | null;
  isIgnored(path: string): boolean;
}

export class OpenTexts implements UnsavedTexts {
  private readonly disposables = new DisposableStore();
  private readonly editedEmitter = this.disposables.add(new Emitter<string>());
  private readonly edited = new Set<string>();

  /** The text of this file was edited some moments ago. */
  readonly onEdited = this.editedEmitter.event;

  constructor(
    private readonly documents: Documents,
    readonly isIgnored: (path: string) => boolean,
  ) {
    this.disposables.add(documents.onEdit((document) => this.tellSoon(document.path.get())));
  }

  get paths(): readonly string[] {
    return this.documents.dirty.map((document) => document.path.get());
  }

  find(path: string): Text | null {
    const document = this.documents.find(path);
    return document?.kind === "text" ? document.state.doc : null;
  }

  /** The document of the file, if it is not saved. */
  unsaved(path: string): TextDocument | null {
    return this.documents.dirty.find((document) => document.path.get() === path) ?? null;
  }

  isOpen(document: TextDocument): boolean {
    return this.documents.find(document.path.get()) === document;
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private tellSoon(path: string): void {
    if (this.edited.size === 0) setTimeout(() => this.tell(), EDITED_MS);
    this.edited.add(path);
  }

  private tell(): void {
    const paths = [...this.edited];
    this.edited.clear();
    for (const path of paths) this.editedEmitter.fire(path);
  }
}

/** Whether the search is about a file of this path. */
export function isWanted(path: string, query: SearchQuery, isIgnored: (path: string) => boolean): boolean {
  const folders = path.split("/").map((_, index, names) => names.slice(0, index + 1).join("/"));
  const isNamed = (globs: string): boolean => {
    const rules = parseIgnore(globs.split(",").map((glob) => glob.trim()).join("\n"));
    return folders.some((place) => ruling(rules, place, place !== path) === true);
  };
  const isIncluded = !query.include.trim() || isNamed(query.include);
  return isIncluded && !isNamed(query.exclude) && (query.ignored || !isIgnored(path));
}

/** The lines in which something is found; null when the browser does not understand the pattern. */
export function matchesIn(path: string, text: Text, query: SearchQuery): Match[] | null {
  const source = query.regex ? query.q : query.q.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  let pattern: RegExp;
  try {
    pattern = new RegExp(query.word ? `(?<!${WORD})(?:${source})(?!${WORD})` : source, query.case ? "gu" : "giu");
  } catch {
    return null;
  }
  const found: Match[] = [];
  let number = 0;
  for (const whole of text.iterLines()) {
    number += 1;
    const line = whole.replace(/\r$/, "");
    const ranges = Array.from(line.matchAll(pattern), ({ index, 0: { length } }): [number, number] => [index, index + length]);
    const first = ranges[0]?.[0];
    if (first === undefined) continue;
    const skipped = line.length <= SHOWN ? 0 : Math.max(0, Math.min(first - BEFORE, line.length - SHOWN));
    found.push({ type: "match", path, line: number, column: first + 1, text: line.slice(skipped, skipped + SHOWN), skipped, ranges, long: false });
  }
  return found;
}
