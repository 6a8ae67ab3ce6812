// All files of the project by path, for quick open.

import type { Api } from "./api";
import { nameOf } from "./files";

// What programs put there by the thousand and nobody opens by name.
const PASSED_OVER: ReadonlySet<string> = new Set([
  "node_modules", ".git", ".hg", ".svn", "__pycache__", ".venv", "venv", ".direnv", ".cache", ".mypy_cache", ".pytest_cache",
]);
const MOST_FILES = 50_000;
const AT_ONCE = 4;

export class FileIndex {
  private paths: Promise<readonly string[]> | null = null;

  constructor(
    private readonly api: Api,
    private readonly project: string,
  ) {}

  /** The paths as they were when the tree changed last. Throws ApiError. */
  list(): Promise<readonly string[]> {
    this.paths ??= this.walk().catch((error: unknown) => {
      this.paths = null;
      throw error;
    });
    return this.paths;
  }

  /** The tree changed: look again when asked next. */
  invalidate(): void {
    this.paths = null;
  }

  private async walk(): Promise<readonly string[]> {
    const found: string[] = [];
    const folders = [""];
    while (folders.length > 0 && found.length < MOST_FILES) {
      const batch = folders.splice(0, AT_ONCE);
      // Several at a time, but never all: a walk must not keep a save from getting through.
      const listings = await Promise.all(batch.map((folder) => this.api.tree(this.project, folder)));
      for (const entry of listings.flat()) {
        if (entry.type !== "directory") found.push(entry.path);
        else if (!PASSED_OVER.has(nameOf(entry.path))) folders.push(entry.path);
      }
    }
    return found;
  }
}
