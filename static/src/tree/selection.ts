// Which rows of a tree are chosen: one, some, or a stretch from where the choice began. No DOM.

import { isWithin, type Moved, rebase } from "../files";

export class Selection {
  /** The row that keys act on; chosen or not. */
  cursor: string | null = null;
  private anchor: string | null = null;
  private chosen = new Set<string>();

  get paths(): readonly string[] {
    return [...this.chosen];
  }

  has(path: string): boolean {
    return this.chosen.has(path);
  }

  only(path: string): void {
    this.cursor = this.anchor = path;
    this.chosen = new Set([path]);
  }

  toggle(path: string): void {
    this.cursor = this.anchor = path;
    if (!this.chosen.delete(path)) this.chosen.add(path);
  }

  /** Chooses the stretch of `visible` paths from where the choice began up to `path`, and nothing else. */
  extendTo(path: string, visible: readonly string[]): void {
    const begin = visible.indexOf(this.anchor ?? path);
    const end = visible.indexOf(path);
    if (begin < 0 || end < 0) return this.only(path);
    this.cursor = path;
    this.chosen = new Set(visible.slice(Math.min(begin, end), Math.max(begin, end) + 1));
  }

  all(visible: readonly string[]): void {
    this.chosen = new Set(visible);
  }

  /** Lets go of what is no longer there. */
  retain(isThere: (path: string) => boolean): void {
    for (const path of this.chosen) if (!isThere(path)) this.chosen.delete(path);
  }

  /** Goes on from `path`, which was deleted, to what comes after it among the `visible` ones. */
  leave(path: string, visible: readonly string[]): void {
    const at = visible.indexOf(path);
    if (at < 0 || this.cursor === null || !isWithin(this.cursor, path)) return;
    const next = visible.slice(at).find((other) => !isWithin(other, path)) ?? visible[at - 1];
    if (next !== undefined) this.only(next);
  }

  /** What was chosen stays chosen under its new path. */
  follow(moved: Moved): void {
    const next = (path: string | null): string | null => path && rebase(path, moved);
    this.chosen = new Set([...this.chosen].map((path) => rebase(path, moved)));
    [this.cursor, this.anchor] = [next(this.cursor), next(this.anchor)];
  }
}
