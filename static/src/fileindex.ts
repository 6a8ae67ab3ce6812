// All files of the project by path, for quick open.

import { type Api, ApiError } from "./api";
import { isWithin, nameOf, parentOf } from "./files";

// What programs put there by the thousand and nobody opens by name.
const PASSED_OVER: ReadonlySet<string> = new Set([
  "node_modules", ".git", ".hg", ".svn", "__pycache__", ".venv", "venv", ".direnv", ".cache", ".mypy_cache", ".pytest_cache",
]);
const MOST_FILES = 50_000;
const AT_ONCE = 4;

interface Listing {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

export class FileIndex {
  private paths: Promise<readonly string[]> | null = null;
  private readonly listings = new Map<string, Promise<Listing>>();

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

  /** These have changed, "" for any: look again when asked next, where they are. */
  invalidate(paths: readonly string[]): void {
    this.paths = null;
    for (const path of new Set(paths)) {
      this.listings.delete(parentOf(path));
      for (const folder of this.listings.keys()) if (isWithin(folder, path)) this.listings.delete(folder);
    }
  }

  private async walk(): Promise<readonly string[]> {
    const found: string[] = [];
    const folders = [""];
    while (folders.length > 0 && found.length < MOST_FILES) {
      const batch = folders.splice(0, AT_ONCE);
      // Several at a time, but never all: a walk must not keep a save from getting through.
      for (const listing of await Promise.all(batch.map((folder) => this.listingOf(folder)))) {
        for (const path of listing.files) found.push(path);
        for (const path of listing.folders) folders.push(path);
      }
    }
    return found;
  }

  private listingOf(folder: string): Promise<Listing> {
    const known = this.listings.get(folder);
    if (known) return known;
    const listing = this.listFolder(folder);
    // What changes while it is on its way takes it out, and is asked for again.
    this.listings.set(folder, listing);
    listing.catch(() => this.listings.get(folder) === listing && this.listings.delete(folder));
    return listing;
  }

  private async listFolder(folder: string): Promise<Listing> {
    // Gone since the folder above it was listed, which another event will tell.
    const entries = await this.api.tree(this.project, folder).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    });
    const isFolder = ({ type }: { readonly type: string }): boolean => type === "directory";
    return {
      files: entries.filter((entry) => !isFolder(entry)).map(({ path }) => path),
      folders: entries.filter((entry) => isFolder(entry) && !PASSED_OVER.has(nameOf(entry.path))).map(({ path }) => path),
    };
  }
}
