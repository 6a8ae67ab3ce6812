// What Git has begun and not ended, above the changes: how far it is, the ways on, and what is in their way.

import { ApiError } from "./api";
import { h, replace } from "./dom";
import { plural } from "./format";
import type { GitChange, GitOperation, GitStatus } from "./git";
import { decode } from "./text";
import { button } from "./widgets/button";
import { confirm } from "./widgets/dialog";

export type Proceed = "continue" | "skip" | "abort";

interface Words {
  /** Before the name of what it is about. */
  readonly doing: string;
  readonly noun: string;
}

const WORDS: Readonly<Record<GitOperation["kind"], Words>> = {
  merge: { doing: "Merging", noun: "merge" },
  rebase: { doing: "Rebasing", noun: "rebase" },
  "cherry-pick": { doing: "Cherry-picking", noun: "cherry-pick" },
  revert: { doing: "Reverting", noun: "revert" },
  am: { doing: "Applying patches", noun: "applying of patches" },
};

// By Git's letters for the two sides.
const CONFLICTS: Readonly<Record<string, string>> = {
  UU: "changed by both sides",
  AA: "added by both sides",
  DD: "deleted by both sides",
  AU: "added by us",
  UA: "added by them",
  DU: "deleted by us, changed by them",
  UD: "changed by us, deleted by them",
};

export function conflictOf({ index, worktree }: GitChange): string {
  return `in conflict: ${CONFLICTS[index + worktree] ?? "changed by both sides"}`;
}

// How Git marks where the sides differ.
const MARKER = /^(<{7}|>{7}) /m;

/** Whether the file that `read` gives has what Git puts around a conflict. Throws ApiError. */
export async function hasMarkers(read: Promise<Uint8Array | null>): Promise<boolean> {
  try {
    const bytes = await read;
    return bytes !== null && MARKER.test(decode(bytes).text);
  } catch (error) {
    // To be gone may be how it is resolved.
    if (error instanceof ApiError && (error.status === 404 || error.status === 409)) return false;
    throw error;
  }
}

function describe({ kind, subject, step, steps }: GitOperation): string {
  const place = step !== null && steps !== null && steps > 1 ? ` (${step} of ${steps})` : "";
  return `${WORDS[kind].doing}${subject === null ? "" : ` ${subject}`}${place}`;
}

export class OperationNote {
  readonly element = h("div", { class: "git-operation", role: "group", "aria-label": "What is under way", hidden: true });
  private readonly sentence = h("p", { role: "status" });
  private readonly goOn = button("Continue", () => this.proceed("continue"), "primary");
  private readonly skip = button("Skip this commit…", () => void this.ask("skip"));
  private readonly abort = button("Abort…", () => void this.ask("abort"));
  private operation: GitOperation | null = null;

  constructor(private readonly proceed: (how: Proceed) => void) {
    this.element.append(this.sentence, h("div", { class: "row" }, this.goOn, this.skip, this.abort));
  }

  render({ operation, changes }: GitStatus): void {
    this.operation = operation;
    this.element.hidden = operation === null;
    if (!operation) return replace(this.sentence);
    const conflicts = changes.filter((change) => change.conflict).length;
    const sentence = `${describe(operation)}: ${conflicts > 0 ? `${plural(conflicts, "file")} with conflicts.` : "no conflicts are left."}`;
    // What has not changed is not said again.
    if (this.sentence.textContent !== sentence) replace(this.sentence, sentence);
    this.goOn.disabled = conflicts > 0;
    this.goOn.title = conflicts > 0 ? "Resolve and stage the files with conflicts first" : "";
    this.skip.hidden = operation.kind === "merge";
  }

  private async ask(how: "skip" | "abort"): Promise<void> {
    const { operation } = this;
    if (!operation) return;
    const { noun } = WORDS[operation.kind];
    const sure =
      how === "abort"
        ? await confirm(`Abort the ${noun}?`, "All files are brought back to what they were before it. What was resolved or changed since then is lost.", `Abort the ${noun}`)
        : await confirm("Skip this commit?", "What it would have changed is left out, and what was resolved of it is lost.", "Skip it");
    if (sure) this.proceed(how);
  }
}
