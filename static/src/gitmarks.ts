// Keeps the marks beside the lines of the front document up to date with what Git has.

import type { Document, Documents } from "./documents";
import type { Git } from "./git";
import { type Disposable, DisposableStore } from "./lifecycle";
import { load } from "./loading";

export class GitMarks implements Disposable {
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly git: Git,
    private readonly documents: Documents,
  ) {
    const update = (): void => void this.update(documents.active.get()).catch(() => undefined);
    this.disposables.add(git.status.onChange(update));
    this.disposables.add(documents.active.onChange(update));
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async update(document: Document | null): Promise<void> {
    const status = this.git.status.get();
    if (document?.kind !== "text" || !status?.branch?.commit) return;
    const path = document.path.get();
    const unknown = status.changes.some((change) => change.path === path && change.worktree === "?");
    const bytes = unknown ? null : await this.git.file(path, "HEAD");
    const { compareWith } = await load(() => import("./editor/gutter"));
    if (this.documents.find(path) === document) compareWith(document, bytes && document.disk.decode(bytes).text);
  }
}
