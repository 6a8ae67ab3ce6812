// Search in files: asks the server, takes the finds as they come, and keeps them by file.

import { type Api, encodePath, projectPath } from "./api";
import { type Disposable, DisposableStore, Emitter, type Event, Value } from "./lifecycle";
import { isWanted, matchesIn, type UnsavedTexts } from "./searchtexts";
import type { Found } from "./wire";

/** What to search for in files. The globs are a list with commas between. */
export interface SearchQuery {
  readonly q: string;
  readonly regex: boolean;
  readonly case: boolean;
  readonly word: boolean;
  readonly include: string;
  readonly exclude: string;
  readonly ignored: boolean;
}

export type Match = Extract<Found, { readonly type: "match" }>;

/** A file with what was found in it. */
export interface FoundFile {
  readonly path: string;
  readonly matches: Match[];
}

export interface SearchState {
  readonly running: boolean;
  /** Finds, and the files they are in. */
  readonly finds: number;
  readonly files: number;
  /** Sentences about what is missing. */
  readonly notes: readonly string[];
}

const NOTHING: SearchState = { running: false, finds: 0, files: 0, notes: [] };
// A page with more lines gets slow, and nobody reads on.
const MOST_LINES = 2000;

export class Search implements Disposable {
  readonly state = new Value<SearchState>(NOTHING);
  private readonly disposables = new DisposableStore();
  private readonly byPath = new Map<string, FoundFile>();
  private readonly changeEmitter = this.disposables.add(new Emitter<FoundFile>());
  private readonly renewedEmitter = this.disposables.add(new Emitter<FoundFile>());
  /** Files whose text was searched here, or of which something was left out: what is said of them stays. */
  private readonly searched = new Set<string>();
  private readonly dismissed = new Set<string>();
  private running: AbortController | null = null;
  private lines = 0;
  /** What was searched for last; null before that. */
  query: SearchQuery | null = null;

  /** More was found in this file. */
  readonly onFound = this.changeEmitter.event;
  /** The finds in this file are others now. */
  readonly onRenewed = this.renewedEmitter.event;

  constructor(
    private readonly api: Pick<Api, "stream">,
    private readonly project: string,
    private readonly texts: UnsavedTexts & { readonly onEdited: Event<string> },
  ) {
    this.disposables.add(texts.onEdited((path) => this.renew(path)));
  }

  get files(): readonly FoundFile[] {
    return [...this.byPath.values()];
  }

  /** Searches anew; the search before is given up. Throws ApiError for what can't be searched for. */
  async start(query: SearchQuery): Promise<void> {
    this.clear();
    this.query = query;
    const running = (this.running = new AbortController());
    this.state.set({ ...NOTHING, running: true });
    try {
      for (const path of this.texts.paths) if (isWanted(path, query, (other) => this.texts.isIgnored(other))) this.searchText(path, query);
      for await (const found of this.ask(query, running.signal)) {
        if (this.running !== running) return;
        if (found.type === "end") for (const note of [found.stopped, found.note]) if (note) this.note(note);
        if (found.type === "match") this.takeFromDisk(found, query);
        if (this.lines >= MOST_LINES) {
          this.note(`Only the first ${MOST_LINES} lines are shown. Search for something rarer.`);
          break;
        }
      }
    } catch (error) {
      if (this.running === running) throw error;
    } finally {
      if (this.running === running) this.state.set({ ...this.state.get(), running: false });
      running.abort();
    }
  }

  clear(): void {
    this.running?.abort();
    this.running = null;
    for (const paths of [this.byPath, this.searched, this.dismissed]) paths.clear();
    this.lines = 0;
    this.state.set(NOTHING);
  }

  /** Leaves out a file, or one line of it. */
  dismiss(path: string, match: Match | null = null): void {
    const file = this.byPath.get(path);
    if (!file) return;
    this.dismissed.add(path);
    const left = match ? file.matches.filter((other) => other !== match) : [];
    this.put(file, left);
  }

  dispose(): void {
    this.clear();
    this.disposables.dispose();
  }

  private async *ask(query: SearchQuery, signal: AbortSignal): AsyncGenerator<Found> {
    const values = Object.entries(query).map(([name, value]) => `${name}=${encodePath(String(value))}`);
    const { body } = await this.api.stream(`${projectPath(this.project)}/search?${values.join("&")}`, signal);
    for await (const line of linesOf(body)) yield JSON.parse(line) as Found;
  }

  /** What is on the disk counts but for files with unsaved text. */
  private takeFromDisk(found: Match, query: SearchQuery): void {
    const { path } = found;
    if (!this.searched.has(path) && this.texts.paths.includes(path)) this.searchText(path, query);
    if (!this.searched.has(path)) this.take(found);
  }

  private searchText(path: string, query: SearchQuery): void {
    this.searched.add(path);
    const text = this.texts.find(path);
    const found = text && matchesIn(path, text, query);
    if (found) found.forEach((match) => this.take(match));
    else this.note(`${path} has unsaved text, which the browser can’t search for this pattern: save it first.`);
  }

  /** Looks anew through the text of an open file, saved or not, that was edited since the search. */
  private renew(path: string): void {
    const [query, text] = [this.query, this.texts.find(path)];
    const known = this.byPath.get(path);
    if (!query?.q || !text || this.dismissed.has(path)) return;
    if (!known && !isWanted(path, query, (other) => this.texts.isIgnored(other))) return;
    this.searched.add(path);
    const file = known ?? { path, matches: [] };
    this.byPath.set(path, file);
    this.put(file, matchesIn(path, text, query) ?? []);
    this.renewedEmitter.fire(file);
  }

  private put(file: FoundFile, matches: readonly Match[]): void {
    file.matches.splice(0, file.matches.length, ...matches);
    if (matches.length === 0) this.byPath.delete(file.path);
    this.count();
  }

  private take(found: Match): void {
    const file = this.byPath.get(found.path) ?? { path: found.path, matches: [] };
    this.byPath.set(found.path, file);
    file.matches.push(found);
    this.lines += 1;
    const { finds } = this.state.get();
    this.state.set({ ...this.state.get(), finds: finds + Math.max(1, found.ranges.length), files: this.byPath.size });
    this.changeEmitter.fire(file);
  }

  private note(sentence: string): void {
    this.state.set({ ...this.state.get(), notes: [...this.state.get().notes, sentence] });
  }

  private count(): void {
    let finds = 0;
    for (const file of this.byPath.values()) for (const match of file.matches) finds += Math.max(1, match.ranges.length);
    this.state.set({ ...this.state.get(), finds, files: this.byPath.size });
  }
}

async function* linesOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    void reader?.cancel().catch(() => undefined);
  }
}
