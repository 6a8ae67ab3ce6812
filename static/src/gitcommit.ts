// One commit in Git's panel: what it says, and the files that it changed.

import { h, replace } from "./dom";
import { nameOf, parentOf } from "./files";
import { formatAgo, formatName, plural } from "./format";
import { type Git, type GitCommitDetails, type GitFileChange, wordFor } from "./git";
import { refsOf } from "./gitlog";
import { button } from "./widgets/button";

const MOST_ROWS = 500;

export interface CommitActions {
  /** Shows what the commit changed in a file. */
  compare(commit: GitCommitDetails, change: GitFileChange): void;
  open(id: string): void;
  back(): void;
}

export class CommitDetails {
  readonly element = h("section", { class: "git-details", "aria-label": "Commit", tabindex: -1 });

  constructor(
    private readonly git: Git,
    private readonly actions: CommitActions,
  ) {}

  /** Throws ApiError. */
  async show(id: string): Promise<void> {
    this.render(await this.git.details(id));
  }

  private render(commit: GitCommitDetails): void {
    const { id, message, author, email, parents, changes, truncated } = commit;
    const at = Date.parse(commit.time);
    const [subject = "", ...rest] = message.split("\n");
    const body = rest.join("\n").trim();
    const open = (parent: string): HTMLElement => {
      const link = button(parent.slice(0, 7), () => this.actions.open(parent));
      link.setAttribute("aria-label", `Parent ${parent.slice(0, 7)}`);
      return link;
    };
    const rows = changes.slice(0, MOST_ROWS).map((change) => this.row(commit, change));
    replace(
      this.element,
      button("Back to the changes", () => this.actions.back()),
      h("h2", { class: "git-message-subject" }, subject || "(no subject)"),
      body && h("p", { class: "git-message-body" }, body),
      h("p", { class: "git-about" }, h("span", { title: email }, author), h("span", { class: "git-age", title: new Date(at).toLocaleString() }, formatAgo(at, Date.now())), ...refsOf(commit)),
      h("p", { class: "git-about" }, h("code", { title: id }, id.slice(0, 10)), ...(parents.length > 0 ? [parents.length > 1 ? "merges" : "after", ...parents.map(open)] : ["the first commit"])),
      h("h3", {}, `${truncated ? "More than " : ""}${plural(changes.length, "file")} changed`),
      parents.length > 1 && h("p", { class: "pane-note" }, "Compared with the first of its parents."),
      h("ul", { "aria-label": "Files changed", class: "git-rows" }, ...rows, changes.length > MOST_ROWS && h("li", { class: "pane-note" }, `and ${(changes.length - MOST_ROWS).toLocaleString()} more`)),
    );
  }

  private row(commit: GitCommitDetails, change: GitFileChange): HTMLElement {
    const { path, letter, source } = change;
    const open = h(
      "button",
      { type: "button", class: "git-file", title: `${formatName(path)}: ${wordFor(letter)}${source === null ? "" : `, was ${formatName(source)}`}` },
      h("span", { class: `git-name${letter === "D" ? " gone" : ""}` }, formatName(nameOf(path))),
      h("span", { class: "git-folder" }, formatName(source === null ? parentOf(path) : `${parentOf(path)} ← ${source}`)),
    );
    open.addEventListener("click", () => this.actions.compare(commit, change));
    return h("li", {}, open, h("span", { class: `git-letter ${letter === "A" ? "git-new" : "git-changed"}` }, letter));
  }
}
