// The packages that a new project starts with, as they are typed or pasted.

import { isObject } from "./wire";

export interface Dependency {
  readonly name: string;
  readonly range: string;
}

/**
 * The dependencies in a pasted JSON text: an object of names and ranges, or a package.json. Throws a sentence for the person
 * when it is neither.
 */
export function parseDependencies(text: string): readonly Dependency[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('This is not JSON. Expected an object such as {"express": "^4.18.2"}.');
  }
  const table = isObject(value) && isObject(value["dependencies"]) ? value["dependencies"] : value;
  if (!isObject(table)) throw new Error('Expected an object of names and ranges, such as {"express": "^4.18.2"}.');
  return Object.entries(table).map(([name, range]) => {
    if (typeof range !== "string") throw new Error(`Expected a version range in quotes for ${name}, such as "^1.2.3".`);
    return { name, range };
  });
}

/** Rows as the server wants them; rows without a name are left out, and a missing range means the newest. */
export function toTable(rows: readonly Dependency[]): Readonly<Record<string, string>> {
  const named = rows.map(({ name, range }) => ({ name: name.trim(), range: range.trim() })).filter(({ name }) => name !== "");
  return Object.fromEntries(named.map(({ name, range }) => [name, range || "latest"]));
}

/** The index of the first row that names a package again, or -1. */
export function firstTwice(rows: readonly Dependency[]): number {
  const names = rows.map((row) => row.name.trim());
  return names.findIndex((name, index) => name !== "" && names.indexOf(name) < index);
}
