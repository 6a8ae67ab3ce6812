// Which files Git ignores, as the .gitignore files say that the tree has come by.

import type { Api } from "../api";
import type { Decoration, Decorator } from "../decorations";
import { type FileTree, join, nameOf, parentOf } from "../files";
import { type Disposable, DisposableStore, Emitter } from "../lifecycle";

export interface IgnoreRule {
  readonly pattern: RegExp;
  readonly negated: boolean;
  readonly foldersOnly: boolean;
}

const FILE = ".gitignore";
const MOST_BYTES = 64 * 1024;
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

export class IgnoredFiles implements Decorator, Disposable {
  private readonly disposables = new DisposableStore();
  private readonly changeEmitter = this.disposables.add(new Emitter<void>());
  private readonly rules = new Map<string, readonly IgnoreRule[]>();
  private readonly etags = new Map<string, string | null>();

  readonly onChange = this.changeEmitter.event;

  constructor(
    private readonly api: Api,
    private readonly project: string,
    files: FileTree,
  ) {
    this.disposables.add(
      files.onListed(({ folder, entries }) => {
        const entry = entries.find((candidate) => candidate.type === "file" && nameOf(candidate.path) === FILE);
        void this.read(folder, entry?.etag ?? null);
      }),
    );
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
      const said = ruling(this.rules.get(above) ?? [], above ? path.slice(above.length + 1) : path, folder);
      if (said !== null) return said;
    }
    return false;
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async read(folder: string, etag: string | null): Promise<void> {
    if ((this.etags.get(folder) ?? null) === etag) return;
    this.etags.set(folder, etag);
    try {
      const file = etag === null ? null : await this.api.readFile(this.project, join(folder, FILE), { most: MOST_BYTES });
      if (this.etags.get(folder) !== etag) return;
      this.rules.set(folder, file ? parseIgnore(new TextDecoder().decode(file.bytes)) : []);
      this.changeEmitter.fire();
    } catch {
      // Gone in between, or no connection: the next listing tries again.
      this.etags.delete(folder);
    }
  }
}
