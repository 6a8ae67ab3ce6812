// The small changes that make one text another. Loaded when a text is formatted, or changed on the disk.

import { diff } from "@codemirror/merge";
import type { ChangeSpec, Text } from "@codemirror/state";

// What takes longer is compared roughly: the person waits for a save.
const EFFORT = { scanLimit: 1000, timeout: 200 };

export function differences(before: Text, after: Text): readonly ChangeSpec[] {
  return diff(before.toString(), after.toString(), EFFORT).map(({ fromA, toA, fromB, toB }) => ({ from: fromA, to: toA, insert: after.slice(fromB, toB) }));
}
