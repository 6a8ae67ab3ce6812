// Brings back what was open, and remembers what is.

import { browserClock } from "./clock";
import type { Documents, FirstFile } from "./documents";
import type { FileTree } from "./files";
import { DisposableStore, MutableDisposable, type Observable } from "./lifecycle";
import { oneGroup, recallSession, rememberSession } from "./session";
import { beforeLeaving } from "./storage";

// The files that a newcomer wants to see first, best first.
const STARTERS = ["index.js", "main.py", "app.py", "index.html", "src/index.js", "README.md", "package.json"];
// A cursor that moves is remembered when it rests.
const CURSOR_MS = 500;

export class SessionKeeper extends DisposableStore {
  private readonly timer = this.add(new MutableDisposable());

  constructor(
    private readonly project: string,
    private readonly documents: Documents,
    private readonly files: FileTree,
    /** Changes when the cursor moves. */
    private readonly position: Observable<unknown>,
    private readonly report: (error: unknown) => void,
  ) {
    super();
  }

  /** Opens what was open last time, or what a newcomer wants to see; from then on it remembers. */
  async restore(begin: FirstFile): Promise<void> {
    const session = recallSession(this.project);
    try {
      await this.files.load("");
      await Promise.allSettled((session?.expanded ?? []).map((folder) => this.files.expand(folder)));
    } catch (error) {
      this.report(error);
    }
    const first = STARTERS.find((path) => this.files.indexOf(path) >= 0);
    await this.documents.restore(session ?? oneGroup(first ? [first] : []), begin);
    this.listen();
  }

  private listen(): void {
    const save = (): void => rememberSession(this.project, { ...this.documents.session, expanded: this.files.expandedFolders });
    this.add(beforeLeaving(save));
    this.add(this.position.onChange(() => (this.timer.value = browserClock.after(CURSOR_MS, save))));
    this.add(this.files.onChange(save));
    this.add(this.documents.groups.onChange(save));
  }
}
