// The places where a name is used, as they were found, and where the person is among them.

import type { Text } from "@codemirror/state";
import type { Spot } from "../cursorhistory";

export interface Reference extends Spot {
  /** Of the name in its line. */
  readonly length: number;
  /** Its line; "" where that can't be read. */
  readonly text: string;
}

export interface References {
  readonly name: string;
  /** By path and place. */
  readonly list: readonly Reference[];
  /** -1 before the first was gone to. */
  readonly current: number;
}

/** Where the reference is by now, in a text that was changed since: where the nearest line is that reads the same. */
export function presentPlace(reference: Reference, text: Text): Spot {
  for (let away = 0; away < text.lines; away += 1) {
    for (const line of [reference.line - away, reference.line + away]) {
      if (line >= 1 && line <= text.lines && text.line(line).text === reference.text) return { ...reference, line };
    }
  }
  return reference;
}
