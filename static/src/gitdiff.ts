// What differs in a file, part by part, each of which can be staged, unstaged or discarded by itself.

import type { Extension } from "@codemirror/state";
import { h, listen, replace } from "./dom";
import { MOST_EDITABLE } from "./editor/bytes";
import { languageFor, languageOf } from "./editor/languages";
import { nameOf } from "./files";
import type { Git, GitHunk } from "./git";
import { icons } from "./icons";
import { DisposableStore } from "./lifecycle";
import { load } from "./loading";
import { type Decoded, escapedBytes } from "./text";
import type { EditorArea } from "./views/editor";
import { button, iconButton } from "./widgets/button";
import { confirm } from "./widgets/dialog";

export interface DiffContext {
  readonly git: Git;
  readonly area: EditorArea;
  /** The file as it is on the disk, or null when it is too large to be edited. Throws ApiError. */
  read(path: string): Promise<Uint8Array | null>;
  /** How editors look. */
  extensions(): Extension;
  open(path: string): void;
  /** The text of bytes that a file of this path had. */
  decode(path: string, bytes: Uint8Array): Decoded;
  report(error: unknown): void;
}

/** A line of a hunk, and where it stands in one of the two versions. */
interface Row {
  readonly element: HTMLElement;
  readonly kind: string;
  readonly sign: string;
  readonly text: string;
  readonly side: "old" | "new";
  readonly number: number;
}

const KINDS: Readonly<Record<string, string>> = { "+": "added", "-": "removed", "\\": "note" };
// More is no longer read line by line.
const MOST_COLOURED = 5000;

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
    const rows = hunks.map((hunk) => {
      const bytes = escapedBytes(hunk.text);
      return rowsOf(hunk, bytes ? context.decode(path, bytes).text : hunk.text);
    });
    replace(list, ...hunks.map((hunk, index) => hunkElement(hunk, rows[index] ?? [], staged, (action) => void apply(hunk, action).catch(context.report))));
    void colour(context, path, staged, rows.flat().slice(0, MOST_COLOURED));
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

function rowsOf({ oldStart, newStart }: GitHunk, text: string): readonly Row[] {
  const numbers = { old: oldStart, new: newStart };
  const [, ...lines] = text.replace(/\n$/, "").split("\n");
  return lines.map((line) => {
    const kind = KINDS[line[0] ?? ""] ?? "";
    const side = kind === "removed" ? "old" : "new";
    const row = { element: h("div", { class: `diff-line ${kind}` }), kind, sign: line[0] ?? " ", text: line.slice(1), side, number: numbers[side] } as const;
    if (kind === "" || kind === "removed") numbers.old += 1;
    if (kind === "" || kind === "added") numbers.new += 1;
    fill(row, [row.text]);
    return row;
  });
}

function fill({ element, kind, sign }: Row, content: readonly (string | HTMLElement)[]): void {
  const word = kind === "added" || kind === "removed" ? h("span", { class: "sr-only" }, `${kind}: `) : null;
  replace(element, word, sign, ...content);
}

/** Gives the lines the colours that they have in the whole file, as far as it is there. Never rejects. */
async function colour({ git, read, extensions, decode }: DiffContext, path: string, staged: boolean, rows: readonly Row[]): Promise<void> {
  if (!languageOf(nameOf(path))) return;
  const none = (): null => null;
  const [old, now, language, module] = await Promise.all([
    git.file(path, staged ? "HEAD" : "index").catch(none),
    (staged ? git.file(path, "index") : read(path)).catch(none),
    languageFor(path),
    load(() => import("./editor/colours")).catch(none),
  ]);
  if (!module) return;
  for (const [side, bytes] of Object.entries({ old, new: now })) {
    const lines = rows.filter((row) => row.side === side);
    if (!bytes || bytes.length > MOST_EDITABLE || lines.length === 0) continue;
    const stretchesOf = module.coloursOf(decode(path, bytes).text, lines.at(-1)?.number ?? 1, language, extensions());
    for (const row of lines) {
      const stretches = stretchesOf(row.number, row.text);
      if (stretches) fill(row, stretches.map(({ text, classes }) => (classes ? h("span", { class: classes }, text) : text)));
    }
  }
}

function hunkElement({ text }: GitHunk, rows: readonly Row[], staged: boolean, act: (action: string) => void): HTMLElement {
  const place = text.split("\n", 1)[0] ?? "";
  const does = staged
    ? [button("Unstage this part", () => act("unstage"))]
    : [button("Stage this part", () => act("stage"), "primary"), button("Discard", () => act("discard"))];
  return h("section", { class: "diff-hunk" }, h("div", { class: "diff-place" }, h("code", {}, place.replace(/^(@@.*?@@).*/, "$1")), ...does), h("div", { class: "diff-lines" }, ...rows.map(({ element }) => element)));
}
