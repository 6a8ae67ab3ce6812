// The panel of Git: what has changed, what goes into the next commit, and the way to and from elsewhere.

import { ApiError, messageOf } from "../api";
import { append, h, icon, replace } from "../dom";
import { nameOf, parentOf } from "../files";
import { type Git, type GitChange, type GitCommitDetails, type GitFileChange, type GitStatus, wordFor } from "../git";
import { CommitDetails } from "../gitcommit";
import { CommitList } from "../gitlog";
import { conflictOf, hasMarkers, OperationNote } from "../gitoperation";
import { icons } from "../icons";
import { DisposableStore, type Observable, watch } from "../lifecycle";
import { button, iconButton } from "../widgets/button";
import { confirm, prompt } from "../widgets/dialog";
import { below, type MenuItem, openMenu } from "../widgets/menu";
import type { View } from "./view";

export interface GitActions {
  startContainer(): Promise<void>;
  /** Shows what a commit changed in a file. */
  readonly compareCommit: (commit: GitCommitDetails, change: GitFileChange) => void;
  /** Shows what differs in a file. */
  compare(path: string, staged: boolean): void;
  open(path: string): void;
  /** The file as it is on the disk, or null when it is too large to be edited. Throws ApiError. */
  read(path: string): Promise<Uint8Array | null>;
  /** Asks for name and address, or for a host's account; true when they were given. */
  askIdentity(): Promise<boolean>;
  askAccount(host: string): Promise<boolean>;
  accounts(): void;
  notify(sentence: string): void;
}

const MOST_ROWS = 500;

export class GitPanel implements View {
  readonly element = h("div", { class: "git" });
  private readonly disposables = new DisposableStore();
  private readonly operation = new OperationNote((action) => this.attempt(() => this.git.change("/operation", { action })));
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private readonly head = h("div", { class: "git-head" });
  private readonly message = h("textarea", { class: "input git-message", rows: 3, placeholder: "Message of the commit", "aria-label": "Message of the commit" });
  private readonly commitButton = button("Commit", () => this.attempt(() => this.commit()), "primary");
  private readonly lists = h("div", { class: "git-lists" });
  private readonly log: CommitList;
  private readonly details: CommitDetails;
  /** Of the commit that shows in place of the rest, which was scrolled so far. */
  private opened: { readonly id: string; readonly scrolled: number } | null = null;
  private busy = false;
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly git: Git,
    running: Observable<unknown>,
    private readonly isRunning: () => boolean,
    private readonly actions: GitActions,
  ) {
    this.log = new CommitList(git, (task) => this.attempt(task), (id) => this.openCommit(id));
    this.details = new CommitDetails(git, { compare: actions.compareCommit, open: (id) => this.openCommit(id), back: () => this.closeCommit() });
    this.message.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.attempt(() => this.commit());
    });
    this.message.addEventListener("input", () => this.renderCommit());
    this.disposables.add(watch(git.status, () => this.render()));
    this.disposables.add(running.onChange(() => git.status.get() === null && this.render()));
  }

  show(): void {
    this.attempt(() => this.git.refresh());
  }

  focus(): void {
    if (this.message.isConnected) this.message.focus();
    else this.element.querySelector("button")?.focus();
  }

  /** Shows a commit in place of the changes. */
  openCommit(id: string): void {
    this.attempt(async () => {
      await this.details.show(id);
      this.opened ??= { id, scrolled: this.element.scrollTop };
      this.element.classList.add("has-commit");
      this.element.scrollTop = 0;
      this.details.element.focus();
    });
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private closeCommit(): void {
    const { opened } = this;
    this.forgetCommit();
    if (!opened) return;
    this.log.focus(opened.id);
    this.element.scrollTop = opened.scrolled;
  }

  private forgetCommit(): void {
    this.opened = null;
    this.element.classList.remove("has-commit");
  }

  // ---- what shows

  private render(): void {
    const status = this.git.status.get();
    if (!status) return this.renderWithout();
    if (!status.repository) {
      this.forgetCommit();
      const make = button("Make a repository", () => this.attempt(() => this.git.change("/init")), "primary");
      const clone = button("Clone one…", () => this.attempt(() => this.clone()));
      const accounts = button("Git accounts…", () => this.actions.accounts());
      return replace(this.element, this.problem, h("p", { class: "pane-note" }, "This project is no Git repository yet."), make, clone, accounts);
    }
    const had = this.element.contains(this.message);
    const focused = this.buttons.findIndex((other) => other === document.activeElement);
    this.renderHead(status);
    this.operation.render(status);
    this.renderLists(status);
    this.renderCommit();
    if (!had) replace(this.element, this.head, this.operation.element, this.problem, h("div", { class: "git-commit" }, this.message, this.commitButton), this.lists, this.log.element, this.details.element);
    // What had the focus was made anew, or is done: the next one takes its place.
    if (focused >= 0 && !this.buttons.some((other) => other === document.activeElement)) this.buttons[Math.min(focused, this.buttons.length - 1)]?.focus();
    void this.log.update(status);
  }

  private get buttons(): readonly HTMLButtonElement[] {
    return [...this.element.querySelectorAll<HTMLButtonElement>("button:enabled")].filter((one) => !one.closest("[hidden]"));
  }

  private renderWithout(): void {
    this.forgetCommit();
    if (this.isRunning()) return replace(this.element, this.problem, h("p", { class: "pane-note" }, "Looking…"));
    const start = button("Start the container", () => this.attempt(() => this.actions.startContainer()), "primary");
    replace(this.element, this.problem, h("p", { class: "pane-note" }, "Git works in the project’s container, which does not run."), start);
  }

  private renderHead({ branch }: GitStatus): void {
    const name = branch?.name ?? (branch?.commit ? `at ${branch.commit.slice(0, 7)}` : "no branch");
    const branches = h("button", { type: "button", class: "button plain git-branch", title: "Branches", "aria-haspopup": "menu" }, icon(icons.branch), h("span", {}, name));
    branches.addEventListener("click", () => this.attempt(() => this.openBranches(branches)));
    const count = (label: string, number: number): string => (number > 0 ? `${label} (${number})` : label);
    const pull = button(count("Pull", branch?.behind ?? 0), () => this.exchange("pull"));
    const push = button(branch?.upstream ? count("Push", branch.ahead) : "Push", () => this.exchange("push"));
    const more = iconButton("More of Git", icons.dots, () => openMenu(this.moreItems(), below(more), "More of Git"));
    replace(this.head, branches, h("div", { class: "git-exchange" }, pull, push, more));
  }

  private renderCommit(): void {
    const staged = this.git.status.get()?.changes.some(isStaged) ?? false;
    this.commitButton.disabled = this.busy || !staged || !this.message.value.trim();
    this.commitButton.title = staged ? "" : "Stage something first";
  }

  private renderLists({ changes, truncated }: GitStatus): void {
    const focused = document.activeElement?.closest<HTMLElement>("[data-key]")?.dataset["key"];
    const conflicts = changes.filter((change) => change.conflict);
    const staged = changes.filter(isStaged);
    const rest = changes.filter((change) => change.worktree !== "." && !change.conflict);
    replace(
      this.lists,
      this.list("Conflicts", conflicts, false, null),
      this.list("Staged", staged, true, iconButton("Unstage all", icons.minus, () => this.change("/unstage", staged))),
      this.list("Changes", rest, false, iconButton("Stage all", icons.plus, () => this.change("/stage", rest))),
      changes.length === 0 && h("p", { class: "pane-note" }, "Nothing has changed since the last commit."),
      truncated && h("p", { class: "pane-note" }, "There are more changes than are shown. A .gitignore file may be missing."),
    );
    if (focused) this.lists.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"] button`)?.focus();
  }

  private list(title: string, changes: readonly GitChange[], staged: boolean, all: HTMLElement | null): HTMLElement | null {
    if (changes.length === 0) return null;
    const rows = changes.slice(0, MOST_ROWS).map((change) => this.row(change, staged));
    const more = changes.length > MOST_ROWS ? h("li", { class: "pane-note" }, `and ${changes.length - MOST_ROWS} more`) : null;
    return h("section", {}, h("div", { class: "git-title" }, h("h2", {}, `${title} (${changes.length})`), all), h("ul", { "aria-label": title }, ...rows, more));
  }

  private row(change: GitChange, staged: boolean): HTMLElement {
    const { path } = change;
    const letter = staged ? change.index : change.worktree;
    const open = h(
      "button",
      { type: "button", class: "git-file", title: `${path}: ${change.conflict ? conflictOf(change) : wordFor(letter)}` },
      h("span", { class: `git-name${letter === "D" && !change.conflict ? " gone" : ""}` }, nameOf(path)),
      h("span", { class: "git-folder" }, parentOf(path)),
    );
    open.addEventListener("click", () => (letter === "?" || change.conflict ? this.actions.open(path) : this.actions.compare(path, staged)));
    const does = staged
      ? [iconButton(`Unstage ${nameOf(path)}`, icons.minus, () => this.change("/unstage", [change]))]
      : change.conflict
        ? [iconButton(`Stage ${nameOf(path)} as resolved`, icons.plus, () => this.attempt(() => this.resolve(path)))]
        : [
            letter === "?" ? null : iconButton(`Discard the changes of ${nameOf(path)}`, icons.undo, () => this.attempt(() => this.discard(path))),
            iconButton(`Stage ${nameOf(path)}`, icons.plus, () => this.change("/stage", [change])),
          ];
    const sign = h("span", { class: `git-letter ${change.conflict ? "git-conflict" : letter === "?" || letter === "A" ? "git-new" : "git-changed"}` }, change.conflict ? "!" : letter === "?" ? "U" : letter);
    const row = h("li", {}, open, ...does, sign);
    row.dataset["key"] = `${staged}:${path}`;
    return row;
  }

  // ---- what is done

  private change(what: string, changes: readonly GitChange[]): void {
    const paths = changes.flatMap(({ path, source }) => (source === null ? [path] : [path, source]));
    this.attempt(() => this.git.change(what, { paths: paths.slice(0, 1000) }));
  }

  private async discard(path: string): Promise<void> {
    const sure = await confirm(`Discard the changes of ${nameOf(path)}?`, "The file is brought back to what is staged or committed.", "Discard");
    if (sure) await this.git.change("/discard", { paths: [path] });
  }

  private async resolve(path: string): Promise<void> {
    const marked = await hasMarkers(this.actions.read(path));
    const sure = !marked || (await confirm(`Stage ${nameOf(path)} as it is?`, "There are still lines in it with which Git marks a conflict: <<<<<<< or >>>>>>>.", "Stage it"));
    if (sure) await this.git.change("/stage", { paths: [path] });
  }

  private async commit(): Promise<void> {
    await this.git.commit(this.message.value);
    this.message.value = "";
    this.actions.notify("Committed.");
  }

  private exchange(what: "fetch" | "pull" | "push"): void {
    this.attempt(async () => {
      await this.git.exchange(what);
      this.actions.notify({ fetch: "Fetched.", pull: "Pulled.", push: "Pushed." }[what]);
    });
  }

  private async openBranches(place: HTMLElement): Promise<void> {
    const branches = await this.git.branches();
    const here = new Set(branches.filter((branch) => !branch.remote).map((branch) => branch.name));
    const local = (name: string): string => name.slice(name.indexOf("/") + 1);
    const others = branches.filter((branch) => !branch.current && !(branch.remote && here.has(local(branch.name))));
    const items: MenuItem[] = [{ label: "New branch…", run: () => this.attempt(() => this.createBranch()) }];
    for (const branch of others.slice(0, 30)) {
      items.push({ label: branch.name, run: () => this.attempt(() => this.git.change("/switch", { name: branch.remote ? local(branch.name) : branch.name })) });
    }
    openMenu(items, below(place), "Branches");
  }

  private async createBranch(): Promise<void> {
    const name = await prompt("Name of the new branch", "", branchProblem);
    if (name) await this.git.change("/branches", { name });
  }

  private async setRemote(): Promise<boolean> {
    const url = await prompt("Address of the remote, such as https://github.com/me/project.git", "", (value) => (value ? null : "An address is needed."));
    if (url) await this.git.change("/remote", { url });
    return url !== null;
  }

  private async clone(): Promise<void> {
    const url = await prompt("Address of the repository, to be cloned into the empty project", "", (value) => (value ? null : "An address is needed."));
    if (url) await this.git.clone(url);
  }

  private moreItems(): readonly MenuItem[] {
    return [
      { label: "Fetch", run: () => this.exchange("fetch") },
      { label: "Address of the remote…", run: () => this.attempt(async () => void (await this.setRemote())) },
      { label: "Git accounts…", run: () => this.actions.accounts() },
      { label: "Look again", run: () => this.attempt(() => this.git.refresh()) },
    ];
  }

  /** Does one thing at a time; what is missing for it is asked for, and then it is done again. */
  private attempt(task: () => Promise<void>): void {
    this.work = this.work.then(() => this.run(task));
  }

  private async run(task: () => Promise<void>): Promise<void> {
    this.setBusy(true);
    this.problem.textContent = "";
    try {
      await task();
    } catch (error) {
      this.problem.textContent = messageOf(error);
      if (error instanceof ApiError && isAboutKeys(error)) append(this.problem, [" ", button("Git accounts…", () => this.actions.accounts())]);
      if (error instanceof ApiError && (await this.supply(error))) {
        this.setBusy(false);
        return this.run(task);
      }
    } finally {
      this.setBusy(false);
    }
  }

  private async supply(error: ApiError): Promise<boolean> {
    try {
      if (error.reason === "identity") return await this.actions.askIdentity();
      if (error.reason === "account") return await this.actions.askAccount(error.host ?? "");
      return error.reason === "remote" && (await this.setRemote());
    } catch (problem) {
      this.problem.textContent = messageOf(problem);
      return false;
    }
  }

  private setBusy(busy: boolean): void {
    this.busy = busy;
    this.element.setAttribute("aria-busy", String(busy));
    this.renderCommit();
  }
}

// Git has more rules; what it refuses beyond these it says itself.
function branchProblem(name: string): string | null {
  if (!name) return "A branch needs a name.";
  return /[\s~^:?*[\\]|^-|\.\./.test(name) ? "A branch’s name has no spaces, no two dots in a row, none of ~^:?*[\\, and begins with no dash." : null;
}

function isAboutKeys({ reason }: ApiError): boolean {
  return reason === "sshkey" || reason === "hostkey";
}

function isStaged(change: GitChange): boolean {
  return change.index !== "." && change.index !== "?" && !change.conflict;
}
