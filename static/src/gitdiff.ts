// What differs in a file, part by part, each of which can be staged, unstaged or discarded by itself.

import { h, listen, replace } from "./dom";
import type { Git, GitHunk } from "./git";
import { icons } from "./icons";
import { DisposableStore } from "./lifecycle";
import type { EditorArea } from "./views/editor";
import { button, iconButton } from "./widgets/button";
import { confirm } from "./widgets/dialog";

export interface DiffContext {
  readonly git: Git;
  readonly area: EditorArea;
  open(path: string): void;
  report(error: unknown): void;
}

/** Covers the editor with the differences of a file until they are closed, or there are none left. */
export async function showDiff(context: DiffContext, path: string, staged: boolean): Promise<void> {
  const { git, area } = context;
  const disposables = new DisposableStore();
  const list = h("div", { class: "diff-hunks", tabindex: 0, role: "region", "aria-label": `Changes of ${path}` });
  const close = (): void => {
    disposables.dispose();
    area.focus();
  };
  const apply = async (hunk: GitHunk, action: string): Promise<void> => {
    if (action === "discard" && !(await confirm("Discard this part?", "It is brought back to what is staged or committed.", "Discard"))) return;
    await git.change("/hunk", { path, hunk: hunk.id, action });
    await render();
    list.focus();
  };
  const render = async (): Promise<void> => {
    const hunks = await git.hunks(path, staged);
    if (hunks === "binary") return replace(list, h("p", { class: "pane-note" }, "This is no text file; its differences can’t be shown."));
    if (hunks.length === 0) return close();
    replace(list, ...hunks.map((hunk) => hunkElement(hunk, staged, (action) => void apply(hunk, action).catch(context.report))));
  };
  const head = h(
    "div",
    { class: "diff-head" },
    h("p", {}, `${path} — ${staged ? "what is staged" : "what is not staged"}`),
    button("Open the file", () => {
      close();
      context.open(path);
    }),
    iconButton("Close the differences", icons.close, close),
  );
  await render();
  if (disposables.isDisposed) return;
  const element = h("div", { class: "diff-cover", role: "group", "aria-label": "Differences" }, head, list);
  disposables.add(listen(element, "keydown", (event) => event.key === "Escape" && close()));
  disposables.add(area.overlay(element));
  // Another file that is opened is what the person wants to see now.
  disposables.add(area.onFront(close));
  list.focus();
}

function hunkElement(hunk: GitHunk, staged: boolean, act: (action: string) => void): HTMLElement {
  const [place = "", ...lines] = hunk.text.replace(/\n$/, "").split("\n");
  const does = staged
    ? [button("Unstage this part", () => act("unstage"))]
    : [button("Stage this part", () => act("stage"), "primary"), button("Discard", () => act("discard"))];
  const kinds: Readonly<Record<string, string>> = { "+": "added", "-": "removed", "\\": "note" };
  const rows = lines.map((line) => {
    const kind = kinds[line[0] ?? ""] ?? "";
    const word = kind === "added" || kind === "removed" ? h("span", { class: "sr-only" }, `${kind}: `) : null;
    return h("div", { class: `diff-line ${kind}` }, word, line || " ");
  });
  return h("section", { class: "diff-hunk" }, h("div", { class: "diff-place" }, h("code", {}, place.replace(/^(@@.*?@@).*/, "$1")), ...does), h("div", { class: "diff-lines" }, ...rows));
}
