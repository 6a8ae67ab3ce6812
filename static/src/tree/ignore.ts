// Which files Git ignores, as the .gitignore files say that the tree has come by.

import type { Api } from "../api";
import type { Decoration, Decorator } from "../decorations";
import { type FileTree, nameOf, parentOf } from "../files";
import { FolderFiles } from "../folderfiles";

export interface IgnoreRule {
  readonly pattern: RegExp;
  readonly negated: boolean;
  readonly foldersOnly: boolean;
}

// A pattern with more stars than anyone needs takes long to fail.
const MOST_LENGTH = 256;
const MOST_STARS = 6;

/** The rules of a .gitignore file, whose paths are relative to its folder. What can't be understood is left out. */
export function parseIgnore(text: string): readonly IgnoreRule[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const trimmed = line.replace(/(?<!\\) +$/, "");
    if (!trimmed || trimmed.startsWith("#") || trimmed.length > MOST_LENGTH) return [];
    const negated = trimmed.startsWith("!");
    const whole = trimmed.slice(negated ? 1 : 0);
    const foldersOnly = whole.endsWith("/");
    const body = foldersOnly ? whole.slice(0, -1) : whole;
    if (!body || (body.match(/\*+/g) ?? []).length > MOST_STARS) return [];
    const anchored = body.includes("/");
    try {
      return [{ pattern: new RegExp(`^${anchored ? "" : "(?:.*/)?"}${translate(body.replace(/^\//, ""))}$`, "s"), negated, foldersOnly }];
    } catch {
      return [];
    }
  });
}

function translate(glob: string): string {
  const tokens = /^\*\*\/|\/\*\*\/|\/\*\*$|\*+|\?|\[[!^]?\]?[^\]]*\]|\\.|[^]/gu;
  return glob.replace(tokens, (token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "/**/") return "/(?:.*/)?";
    if (token === "/**") return "/.*";
    if (token.startsWith("*")) return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 2 && token.startsWith("[")) return `[${token.slice(1, -1).replace(/^[!^]/, "^").replace(/[\\[]/g, "\\$&")}]`;
    const literal = token.length > 1 && token.startsWith("\\") ? token.slice(1) : token;
    return literal.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  });
}

/** What the last rule says that fits; null when none does. */
export function ruling(rules: readonly IgnoreRule[], path: string, folder: boolean): boolean | null {
  const rule = [...rules].reverse().find((candidate) => (folder || !candidate.foldersOnly) && candidate.pattern.test(path));
  return rule ? !rule.negated : null;
}

export class IgnoredFiles extends FolderFiles<readonly IgnoreRule[]> implements Decorator {
  constructor(api: Api, project: string, files: FileTree) {
    super(api, project, files, ".gitignore", parseIgnore);
  }

  decorate(path: string, folder: boolean): Decoration | null {
    return this.isIgnored(path, folder) ? { className: "ignored", description: "ignored by Git" } : null;
  }

  /** Whether Git ignores the entry, or a folder that it is in. */
  isIgnored(path: string, folder: boolean): boolean {
    const parent = parentOf(path);
    if (parent && this.isIgnored(parent, true)) return true;
    if (nameOf(path) === ".git") return true;
    for (let above: string | null = parent; above !== null; above = above ? parentOf(above) : null) {
      const said = ruling(this.get(above) ?? [], above ? path.slice(above.length + 1) : path, folder);
      if (said !== null) return said;
    }
    return false;
  }
}
