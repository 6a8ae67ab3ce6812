// Changes of a text that leave the cursor where it was.

import { type ChangeSpec, Text } from "@codemirror/state";
import { load } from "../loading";
import type { Indent } from "../text";

/** Replaces what lies between the common beginning and the common end. */
export function changesBetween(before: Text, after: Text): ChangeSpec {
  const [a, b] = [before.toString(), after.toString()];
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a.charCodeAt(start) === b.charCodeAt(start)) start += 1;
  let end = 0;
  while (end < most - start && a.charCodeAt(a.length - 1 - end) === b.charCodeAt(b.length - 1 - end)) end += 1;
  return { from: start, to: a.length - end, insert: after.slice(start, b.length - end) };
}

/** What lies between the places that differ keeps its cursors, and what is in sight its place. */
export async function smallChanges(before: Text, after: Text): Promise<ChangeSpec> {
  try {
    return (await load(() => import("./difference"))).differences(before, after);
  } catch {
    return changesBetween(before, after);
  }
}

/** Indents each line by as many steps of `to` as it has of `from`; what is more than whole steps stays as spaces. */
export function reindenting(text: Text, from: Indent, to: Indent): readonly ChangeSpec[] {
  const step = from.unit === "\t" ? from.tabWidth : from.unit.length;
  const changes: ChangeSpec[] = [];
  let start = 0;
  for (const line of text.iterLines()) {
    const blank = /^[ \t]*/.exec(line)?.[0] ?? "";
    let columns = 0;
    for (const character of blank) columns += character === "\t" ? from.tabWidth - (columns % from.tabWidth) : 1;
    const insert = to.unit.repeat(Math.floor(columns / step)) + " ".repeat(columns % step);
    if (insert !== blank) changes.push({ from: start, to: start + blank.length, insert });
    start += line.length + 1;
  }
  return changes;
}

/** Takes away blanks at the ends of lines where `trims`, and sees to the text's last line break where that is not null. */
export function tidying(text: Text, trims: boolean, finalNewline: boolean | null): readonly ChangeSpec[] {
  const changes: ChangeSpec[] = [];
  const whole = text.toString();
  // Not a regular expression: one would take the square of a line's blanks.
  const before = (at: number, characters: string): number => {
    let start = at;
    while (start > 0 && characters.includes(whole.charAt(start - 1))) start -= 1;
    return start;
  };
  const end = finalNewline === false ? before(whole.length, trims ? " \t\r\n" : "\r\n") : whole.length;
  if (trims) {
    for (const ending of whole.slice(0, end).matchAll(/\r\n|\n|\r|$/g)) {
      const from = before(ending.index, " \t");
      if (from < ending.index) changes.push({ from, to: ending.index });
    }
  }
  if (end < whole.length) changes.push({ from: end, to: whole.length });
  else if (finalNewline && whole !== "" && !/[\r\n]/.test(whole.charAt(whole.length - 1))) changes.push({ from: whole.length, insert: Text.of(["", ""]) });
  return changes;
}
