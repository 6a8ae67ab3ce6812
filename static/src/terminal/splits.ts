// Which terminals show side by side, how wide each is, and which of them is in use. Pure.

import { isObject } from "../wire";

export interface Column {
  readonly name: string;
  /** Its part of the width, in proportion to the others'. */
  readonly weight: number;
}

/** More are too narrow to be read. */
const MOST = 4;

export class Splits {
  private list: readonly Column[] = [];
  private current: string | null = null;

  get columns(): readonly Column[] {
    return this.list;
  }

  /** The name of the terminal in use. It has a column; null while there is none. */
  get active(): string | null {
    return this.current;
  }

  get isFull(): boolean {
    return this.list.length >= MOST;
  }

  has(name: string): boolean {
    return this.list.some((column) => column.name === name);
  }

  restore(columns: readonly Column[], active: string | null): void {
    this.list = columns.slice(0, MOST);
    this.current = active !== null && this.has(active) ? active : (this.list[0]?.name ?? null);
  }

  /** Uses a terminal, in the column of the present one if it has none of its own. */
  choose(name: string): void {
    if (!this.has(name)) {
      const place = this.list.find((column) => column.name === this.current);
      this.list = place ? this.list.map((column) => (column === place ? { ...column, name } : column)) : [{ name, weight: 1 }];
    }
    this.current = name;
  }

  /** Uses a terminal in a column of its own, which takes half of the present one's width. */
  split(name: string): void {
    const place = this.list.find((column) => column.name === this.current);
    if (!place || this.has(name) || this.isFull) return this.choose(name);
    const half = place.weight / 2;
    this.list = this.list.flatMap((column) => (column === place ? [{ ...place, weight: half }, { name, weight: half }] : [column]));
    this.current = name;
  }

  /** Takes a terminal's column away; the next one is used in its place. */
  remove(name: string): void {
    const at = this.list.findIndex((column) => column.name === name);
    if (at < 0) return;
    this.list = this.list.filter((column) => column.name !== name);
    if (this.current === name) this.current = this.list[Math.min(at, this.list.length - 1)]?.name ?? null;
  }

  /** Leaves only the terminal in use. */
  unsplit(): void {
    this.list = this.list.filter((column) => column.name === this.current);
  }

  /** Uses the column `steps` further to the right. */
  move(steps: number): void {
    const at = this.list.findIndex((column) => column.name === this.current);
    const next = this.list[(at + steps + this.list.length) % this.list.length];
    if (next) this.current = next.name;
  }

  /** Divides what the columns at `index` and after it have between them: `part` of it for the left one. */
  divide(index: number, part: number): void {
    const [left, right] = [this.list[index], this.list[index + 1]];
    if (!left || !right) return;
    const both = left.weight + right.weight;
    this.list = this.list.map((column) => (column === left ? { ...left, weight: both * part } : column === right ? { ...right, weight: both * (1 - part) } : column));
  }
}

export function areColumns(value: unknown): value is readonly Column[] {
  return Array.isArray(value) && value.every(isColumn);
}

function isColumn(value: unknown): value is Column {
  return isObject(value) && typeof value["name"] === "string" && typeof value["weight"] === "number" && value["weight"] > 0;
}
