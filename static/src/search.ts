// Search in files: asks the server, takes the finds as they come, and keeps them by file.

import { type Api, encodePath, projectPath } from "./api";
import { type Disposable, Emitter, Value } from "./lifecycle";
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
  private readonly byPath = new Map<string, FoundFile>();
  private readonly changeEmitter = new Emitter<FoundFile>();
  private running: AbortController | null = null;
  private lines = 0;
  /** What was searched for last; null before that. */
  query: SearchQuery | null = null;

  /** More was found in this file. */
  readonly onFound = this.changeEmitter.event;

  constructor(
    private readonly api: Pick<Api, "stream">,
    private readonly project: string,
  ) {}

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
      for await (const found of this.ask(query, running.signal)) {
        if (this.running !== running) return;
        this.take(found);
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
    this.byPath.clear();
    this.lines = 0;
    this.state.set(NOTHING);
  }

  /** Leaves out a file, or one line of it. */
  dismiss(path: string, match: Match | null = null): void {
    const file = this.byPath.get(path);
    if (!file) return;
    const left = match ? file.matches.filter((other) => other !== match) : [];
    file.matches.splice(0, file.matches.length, ...left);
    if (left.length === 0) this.byPath.delete(path);
    this.count();
  }

  dispose(): void {
    this.clear();
    this.changeEmitter.dispose();
  }

  private async *ask(query: SearchQuery, signal: AbortSignal): AsyncGenerator<Found> {
    const values = Object.entries(query).map(([name, value]) => `${name}=${encodePath(String(value))}`);
    const { body } = await this.api.stream(`${projectPath(this.project)}/search?${values.join("&")}`, signal);
    for await (const line of linesOf(body)) yield JSON.parse(line) as Found;
  }

  private take(found: Found): void {
    if (found.type === "end") {
      for (const note of [found.stopped, found.note]) if (note) this.note(note);
      return;
    }
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
