// Git in the project's container: what the page knows of it, and what it can have done.

import { type Api, ApiError, encodePath, projectPath } from "./api";
import type { Decoration, Decorator } from "./decorations";
import { type Disposable, DisposableStore, Emitter, Value } from "./lifecycle";

export interface GitChange {
  readonly path: string;
  readonly source: string | null;
  /** Git's letters; "." for none, "?" for a file that it does not know. */
  readonly index: string;
  readonly worktree: string;
  readonly conflict: boolean;
}

export interface GitBranchState {
  readonly name: string | null;
  readonly commit: string | null;
  readonly upstream: string | null;
  readonly ahead: number;
  readonly behind: number;
}

/** What was begun and waits: for conflicts to be resolved, mostly. */
export interface GitOperation {
  readonly kind: "merge" | "rebase" | "cherry-pick" | "revert" | "am";
  /** The branch or commit that it is about. */
  readonly subject: string | null;
  readonly step: number | null;
  readonly steps: number | null;
}

export interface GitStatus {
  readonly repository: boolean;
  readonly branch: GitBranchState | null;
  readonly operation: GitOperation | null;
  /** Those in conflict come first. */
  readonly changes: readonly GitChange[];
  readonly truncated: boolean;
}

export interface GitHunk {
  readonly id: string;
  /** Its first lines in the two versions, from 1. */
  readonly oldStart: number;
  readonly newStart: number;
  /** With a lone surrogate for each byte that is no UTF-8. */
  readonly text: string;
}

export interface GitCommit {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly email: string;
  readonly time: string;
  /** Branches and tags, such as "HEAD -> main, tag: v1". */
  readonly refs: string;
  readonly subject: string;
}

/** What a commit did to a file; `source` is what a renamed one was called. */
export interface GitFileChange {
  readonly path: string;
  readonly letter: string;
  readonly source: string | null;
}

export interface GitCommitDetails extends GitCommit {
  readonly message: string;
  /** Against the first parent. */
  readonly changes: readonly GitFileChange[];
  readonly truncated: boolean;
}

export interface GitBranch {
  readonly name: string;
  readonly remote: boolean;
  readonly current: boolean;
}

export interface BlameLine {
  readonly commit: string;
  readonly line: number;
  readonly author: string;
  readonly time: string;
  readonly summary: string;
}

const INSIDE: Decoration = { className: "git-inside", description: "has changes" };
const CONFLICT: Decoration = { className: "git-conflict", description: "has conflicts" };
// Several changes that come together are one look.
const SOON_MS = 250;
const WORDS: Readonly<Record<string, string>> = { M: "changed", A: "added", D: "deleted", R: "renamed", C: "copied", T: "of another type", U: "in conflict", "?": "new" };

export function wordFor(letter: string): string {
  return WORDS[letter] ?? "changed";
}

export class Git implements Disposable, Decorator {
  /** Null until it was asked for, and while no container runs. */
  readonly status = new Value<GitStatus | null>(null);
  private readonly disposables = new DisposableStore();
  private readonly changeEmitter = this.disposables.add(new Emitter<void>());
  private readonly marks = new Map<string, Decoration>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: Promise<void> | null = null;
  private again = false;

  readonly onChange = this.changeEmitter.event;

  /** `isRunning` tells whether there is a container to ask. */
  constructor(
    private readonly api: Api,
    private readonly project: string,
    private readonly isRunning: () => boolean,
  ) {}

  /** Looks again, soon; what fails is tried again with the next change. */
  refreshSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh().catch(() => undefined), SOON_MS);
  }

  /** Looks again. Throws ApiError. */
  async refresh(): Promise<void> {
    if (!this.isRunning()) return this.accept(null);
    if (this.asking) {
      this.again = true;
      return this.asking;
    }
    this.asking = this.ask().finally(() => (this.asking = null));
    return this.asking;
  }

  decorate(path: string, folder: boolean): Decoration | null {
    return this.marks.get(folder ? `${path}/` : path) ?? null;
  }

  /** Does one of the changes that answer with the status: stage, unstage, discard, hunk, init, branches, switch, operation, remote. */
  async change(what: string, body?: unknown): Promise<void> {
    this.accept(await this.api.json<GitStatus>("POST", this.path(what), body));
  }

  async commit(message: string): Promise<void> {
    await this.api.json("POST", this.path("/commit"), { message });
    await this.refresh();
  }

  /** Begins to fill the empty project; how it goes is a step in the project's status. */
  async clone(url: string): Promise<void> {
    await this.api.json("POST", this.path("/clone"), { url });
  }

  /** Fetch, pull or push. */
  async exchange(what: "fetch" | "pull" | "push"): Promise<string> {
    const { output } = await this.api.json<{ readonly output: string }>("POST", this.path(`/${what}`));
    await this.refresh();
    return output;
  }

  async hunks(path: string, staged: boolean): Promise<readonly GitHunk[] | "binary"> {
    const query = `?path=${encodePath(path)}&staged=${staged}`;
    const diff = await this.api.json<{ readonly binary: boolean; readonly hunks: readonly GitHunk[] }>("GET", this.path(`/diff${query}`));
    return diff.binary ? "binary" : diff.hunks;
  }

  /** The file as it was; null when that version does not have it. */
  async file(path: string, version: string): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      return await this.api.bytes(this.path(`/file?path=${encodePath(path)}&version=${version}`));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  log(skip: number, most: number): Promise<readonly GitCommit[]> {
    return this.api.json("GET", this.path(`/log?skip=${skip}&limit=${most}`));
  }

  details(commit: string): Promise<GitCommitDetails> {
    return this.api.json("GET", this.path(`/commits/${commit}`));
  }

  branches(): Promise<readonly GitBranch[]> {
    return this.api.json("GET", this.path("/branches"));
  }

  blame(path: string): Promise<readonly BlameLine[]> {
    return this.api.json("GET", this.path(`/blame?path=${encodePath(path)}`));
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.dispose();
    this.status.dispose();
  }

  private async ask(): Promise<void> {
    do {
      this.again = false;
      this.accept(await this.api.json<GitStatus>("GET", this.path("")));
    } while (this.again);
  }

  private accept(status: GitStatus | null): void {
    this.marks.clear();
    for (const change of status?.changes ?? []) {
      const letter = change.conflict ? "!" : change.worktree !== "." ? change.worktree : change.index;
      const className = change.conflict ? "git-conflict" : letter === "?" || letter === "A" ? "git-new" : "git-changed";
      this.marks.set(change.path, { className, badge: letter === "?" ? "U" : letter, description: change.conflict ? "in conflict" : wordFor(letter) });
      for (let end = change.path.lastIndexOf("/"); end > 0; end = change.path.lastIndexOf("/", end - 1)) {
        const folder = change.path.slice(0, end + 1);
        if (change.conflict || !this.marks.has(folder)) this.marks.set(folder, change.conflict ? CONFLICT : INSIDE);
      }
    }
    this.status.set(status);
    this.changeEmitter.fire();
  }

  private path(rest: string): string {
    return `${projectPath(this.project)}/git${rest}`;
  }
}
