// How keys move through the rows of a tree. No DOM.

import { type Row, parentOf } from "./files";

export type TreeMove =
  | { readonly kind: "move"; readonly path: string }
  | { readonly kind: "expand" | "collapse"; readonly path: string };

const PAGE = 12;

/** What an arrow, Home, End or Page key does at row `at`, -1 for none; null when it does nothing here. */
export function treeMove(rows: readonly Row[], at: number, key: string): TreeMove | null {
  const row = rows[at];
  const target = (index: number): TreeMove | null => {
    const found = rows[Math.min(rows.length - 1, Math.max(0, index))];
    return found ? { kind: "move", path: found.path } : null;
  };
  switch (key) {
    case "ArrowDown":
      return target(at + 1);
    case "ArrowUp":
      return target(at < 0 ? rows.length - 1 : at - 1);
    case "PageDown":
      return target(at + PAGE);
    case "PageUp":
      return target(at - PAGE);
    case "Home":
      return target(0);
    case "End":
      return target(rows.length - 1);
    case "ArrowRight":
      if (!row?.folder) return null;
      return row.expanded ? target(at + 1) : { kind: "expand", path: row.path };
    case "ArrowLeft":
      if (row?.expanded) return { kind: "collapse", path: row.path };
      return row && row.depth > 0 ? { kind: "move", path: parentOf(row.path) } : null;
    default:
      return null;
  }
}

/** The next row after `cursor` whose name begins with what was typed. The same letter again goes on to the next one. */
export function typeAhead(rows: readonly Row[], cursor: string | null, typed: string): string | null {
  const prefix = typed.toLowerCase();
  const same = Array.from(prefix).every((letter) => letter === prefix.charAt(0));
  const wanted = same ? prefix.charAt(0) : prefix;
  const at = rows.findIndex((row) => row.path === cursor);
  const start = same ? at + 1 : Math.max(0, at);
  for (let step = 0; step < rows.length; step += 1) {
    const row = rows[(start + step) % rows.length];
    if (row?.name.toLowerCase().startsWith(wanted)) return row.path;
  }
  return null;
}

const TYPE_AHEAD_MS = 800;

/** Letters that are typed one soon after the other. */
export class TypeAhead {
  private typed = "";
  private at = 0;

  /** The path that all of them mean, this one being the last. */
  find(rows: readonly Row[], cursor: string | null, { key, timeStamp }: KeyboardEvent): string | null {
    this.typed = timeStamp - this.at < TYPE_AHEAD_MS ? this.typed + key : key;
    this.at = timeStamp;
    return typeAhead(rows, cursor, this.typed);
  }

  /** What is typed next is another name, however soon it comes. */
  end(): void {
    this.typed = "";
  }
}

const MOST_NAME_BYTES = 255;

/** What is wrong with a name for a file or folder; null when it can be used. */
export function nameProblem(name: string, taken: (name: string) => boolean): string | null {
  if (name === "") return "Type a name.";
  if (name === "." || name === "..") return `“${name}” stands for a folder already.`;
  if (name.includes("/")) return "A name can't contain a slash.";
  if (name.includes("\0")) return "A name can't contain a NUL character.";
  if (new TextEncoder().encode(name).length > MOST_NAME_BYTES) return `A name has at most ${MOST_NAME_BYTES} bytes.`;
  if (taken(name)) return `“${name}” exists here already.`;
  return null;
}

/** The same for something new, which may be in folders that are new too: `lib/util/index.js`. */
export function newProblem(path: string, taken: (name: string) => boolean): string | null {
  const names = path.split("/");
  if (names.length === 1) return nameProblem(path, taken);
  return names.map((name) => nameProblem(name, () => false)).find((problem) => problem !== null) ?? null;
}
