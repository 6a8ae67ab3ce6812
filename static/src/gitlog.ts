// The commits of the branch, the latest first and some at a time.

import { h, replace } from "./dom";
import { formatAgo } from "./format";
import type { Git, GitCommit, GitStatus } from "./git";
import { button } from "./widgets/button";

const PAGE = 50;
// What the server tells at a time is one more, which says whether there are others.
const MOST = 199;

/** Branches and tags at a commit, as words beside it. */
export function refsOf({ refs }: Pick<GitCommit, "refs">): readonly HTMLElement[] {
  const names = refs ? refs.split(", ") : [];
  return names.map((name) => {
    const isHead = name.startsWith("HEAD -> ");
    return h("span", { class: `git-ref${isHead ? " is-head" : ""}` }, name.replace(/^HEAD -> |^tag: /, ""));
  });
}

export class CommitList {
  private readonly list = h("ol", { class: "git-log", "aria-label": "Commits" });
  private readonly more = button("Show more commits", () => this.attempt(() => this.extend()));
  readonly element = h("section", {}, h("h2", {}, "Commits"), this.list, this.more);
  private commits: readonly GitCommit[] = [];
  /** What the status said of the branch when it was last looked at; null when that failed. */
  private known: string | null = null;
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly git: Git,
    private readonly attempt: (task: () => Promise<void>) => void,
    private readonly open: (id: string) => void,
  ) {
    this.more.hidden = true;
  }

  /** Reads the list again where the status says that it is another. Never rejects. */
  update({ branch }: GitStatus): Promise<void> {
    // Ahead and behind tell of what was pushed and fetched, which moves the names beside commits.
    const state = JSON.stringify([branch?.commit, branch?.name, branch?.upstream, branch?.ahead, branch?.behind]);
    if (state === this.known) return this.work;
    this.known = state;
    return this.inTurn(async () => {
      // The next look is waiting already.
      if (state !== this.known) return;
      const most = Math.min(MOST, Math.max(PAGE, this.commits.length));
      const found = branch?.commit ? await this.git.log(0, most + 1) : [];
      this.render(found.slice(0, most), found.length > most);
    }).catch(() => {
      if (state === this.known) this.known = null;
    });
  }

  /** Gives the keyboard to a commit, or to the first when it is not there. */
  focus(id: string): void {
    const row = this.list.querySelector<HTMLElement>(`[data-commit="${id}"]`);
    (row ?? this.list.querySelector<HTMLElement>("button"))?.focus();
  }

  private extend(): Promise<void> {
    return this.inTurn(async () => {
      const found = await this.git.log(this.commits.length, PAGE + 1);
      this.render([...this.commits, ...found.slice(0, PAGE)], found.length > PAGE);
      if (found[0]) this.focus(found[0].id);
    });
  }

  /** One after the other: what is asked for goes on from what is shown. */
  private inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.work.then(task);
    this.work = done.catch(() => undefined);
    return done;
  }

  private render(commits: readonly GitCommit[], more: boolean): void {
    const focused = this.list.contains(document.activeElement) ? document.activeElement?.getAttribute("data-commit") : null;
    this.commits = commits;
    replace(this.list, ...commits.map((commit) => this.row(commit)));
    this.more.hidden = !more;
    if (focused) this.focus(focused);
  }

  private row(commit: GitCommit): HTMLElement {
    const { id, subject, author, time } = commit;
    const at = Date.parse(time);
    const row = h(
      "button",
      { type: "button", class: "git-commit-row", title: `${id.slice(0, 10)}, ${new Date(at).toLocaleString()}`, "data-commit": id },
      h("span", { class: "git-subject" }, subject || "(no subject)"),
      h("span", { class: "git-about" }, h("span", { class: "git-author" }, author), h("span", { class: "git-age" }, formatAgo(at, Date.now())), ...refsOf(commit)),
    );
    row.addEventListener("click", () => this.open(id));
    return h("li", {}, row);
  }
}
