// The difference between two texts as one change, so that the cursor stays where it was.

import { type ChangeSpec, Text } from "@codemirror/state";

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
