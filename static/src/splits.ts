// Which things show beside and below each other, how large each is, and which of them is in use. Pure.

import { isObject } from "./wire";

/** Something that shows, or several that lie across: below each other in a row, beside each other in a column. */
export type Part = Leaf | Branch;

interface Leaf {
  readonly name: string;
  /** Its part of the length, in proportion to its neighbours'. */
  readonly weight: number;
}

interface Branch {
  readonly parts: readonly Part[];
  readonly weight: number;
}

export type Side = "left" | "right" | "above" | "below";

/** A place within the whole, which is 1 wide and 1 high. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Between two neighbours: where it is, and what they have between them. */
export interface Line {
  /** Which of the parts on the way from the outermost ones holds the neighbours, and the place of the first of them. */
  readonly path: readonly number[];
  readonly upright: boolean;
  readonly first: Place;
  readonly second: Place;
}

export class Splits {
  private list: readonly Part[] = [];
  private current: string | null = null;

  /** At most `most` show: more are too small to be read. */
  constructor(private readonly most: number) {}

  /** The outermost ones, which lie beside each other. */
  get parts(): readonly Part[] {
    return this.list;
  }

  /** In the order in which they are read. */
  get names(): readonly string[] {
    return namesIn(this.list);
  }

  /** The one in use; null while there is none. */
  get active(): string | null {
    return this.current;
  }

  get isFull(): boolean {
    return this.names.length >= this.most;
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  restore(parts: readonly Part[], active: string | null): void {
    this.list = parts;
    const { names } = this;
    for (const name of names.slice(this.most)) this.list = without(this.list, name);
    this.current = active !== null && this.has(active) ? active : (names[0] ?? null);
  }

  /** Uses `name`, in the place of the present one if it has none of its own. */
  choose(name: string): void {
    if (!this.has(name)) this.list = this.current === null ? [{ name, weight: 1 }] : replaced(this.list, this.current, (leaf) => [{ ...leaf, name }]);
    this.current = name;
  }

  /** Uses `name` in a place of its own: as large as its neighbours' where these have all the same, or else half of that of `beside`. */
  split(name: string, side: Side = "right", beside = this.current): void {
    if (beside === null || this.has(name) || this.isFull) return this.choose(name);
    const along = side === "left" || side === "right";
    const order = <T>(old: T, added: T): T[] => (side === "left" || side === "above" ? [added, old] : [old, added]);
    this.list = replaced(this.list, beside, (leaf, upright, neighbours) => {
      const weight = neighbours.every((other) => other.weight === leaf.weight) ? leaf.weight : leaf.weight / 2;
      if (upright === along) return order({ ...leaf, weight }, { name, weight });
      return [{ weight: leaf.weight, parts: order({ ...leaf, weight: 1 }, { name, weight: 1 }) }];
    });
    this.current = name;
  }

  /** Takes one away; the next one is used in its place. */
  remove(name: string): void {
    const at = this.names.indexOf(name);
    if (at < 0) return;
    this.list = without(this.list, name);
    if (this.current === name) this.current = this.names[Math.min(at, this.names.length - 1)] ?? null;
  }

  /** Leaves only the one in use. */
  unsplit(): void {
    this.list = this.current === null ? [] : [{ name: this.current, weight: 1 }];
  }

  /** Uses the one `steps` further. */
  move(steps: number): void {
    const { names } = this;
    const next = names[(names.indexOf(this.current ?? "") + steps + names.length) % names.length];
    if (next !== undefined) this.current = next;
  }

  /** Divides what the neighbours of a line have between them: `part` of it for the first. */
  divide({ path }: Line, part: number): void {
    this.list = divided(this.list, path, part);
  }

  /** Where each is. */
  get places(): ReadonlyMap<string, Place> {
    const places = new Map<string, Place>();
    lay(this.list, (leaf, place) => places.set(leaf.name, place), () => undefined);
    return places;
  }

  get lines(): readonly Line[] {
    const lines: Line[] = [];
    lay(this.list, () => undefined, (line) => lines.push(line));
    return lines;
  }
}

export function areParts(value: unknown): value is readonly Part[] {
  return Array.isArray(value) && value.every(isPart);
}

function isPart(value: unknown): value is Part {
  if (!isObject(value) || typeof value["weight"] !== "number" || !(value["weight"] > 0)) return false;
  return typeof value["name"] === "string" || (areParts(value["parts"]) && value["parts"].length > 1);
}

function namesIn(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => ("name" in part ? [part.name] : namesIn(part.parts)));
}

function replaced(parts: readonly Part[], name: string, make: (leaf: Leaf, upright: boolean, neighbours: readonly Part[]) => readonly Part[], upright = true): readonly Part[] {
  return parts.flatMap((part) => {
    if (!("name" in part)) return [{ ...part, parts: replaced(part.parts, name, make, !upright) }];
    return part.name === name ? make(part, upright, parts) : [part];
  });
}

/** What is left alone takes the place of what held it. */
function without(parts: readonly Part[], name: string): readonly Part[] {
  return parts.flatMap((part) => {
    if ("name" in part) return part.name === name ? [] : [part];
    const rest = without(part.parts, name);
    const [only] = rest;
    if (!only || rest.length > 1) return [{ ...part, parts: rest }];
    if ("name" in only) return [{ ...only, weight: part.weight }];
    // Its parts lie as these do, and become neighbours.
    return only.parts.map((inner) => ({ ...inner, weight: (inner.weight / sum(only.parts)) * part.weight }));
  });
}

function divided(parts: readonly Part[], [at = 0, ...rest]: readonly number[], share: number): readonly Part[] {
  if (rest.length > 0) return parts.map((part, index) => (index === at && "parts" in part ? { ...part, parts: divided(part.parts, rest, share) } : part));
  const both = sum(parts.slice(at, at + 2));
  return parts.map((part, index) => (index === at ? { ...part, weight: both * share } : index === at + 1 ? { ...part, weight: both * (1 - share) } : part));
}

function sum(parts: readonly Part[]): number {
  return parts.reduce((total, { weight }) => total + weight, 0);
}

const WHOLE: Place = { x: 0, y: 0, width: 1, height: 1 };

/** Tells where each part is, and each line between two. */
function lay(parts: readonly Part[], leaf: (leaf: Leaf, place: Place) => void, line: (line: Line) => void, whole = WHOLE, upright = true, path: readonly number[] = []): void {
  const total = sum(parts);
  let done = 0;
  let before: Place | null = null;
  for (const [index, part] of parts.entries()) {
    const [start, share] = [done / total, part.weight / total];
    const place = upright ? { ...whole, x: whole.x + start * whole.width, width: share * whole.width } : { ...whole, y: whole.y + start * whole.height, height: share * whole.height };
    if ("name" in part) leaf(part, place);
    else lay(part.parts, leaf, line, place, !upright, [...path, index]);
    if (before) line({ path: [...path, index - 1], upright, first: before, second: place });
    before = place;
    done += part.weight;
  }
}
