// Says what is waited for, once that takes long enough to be noticed. It lives as long as the page.

import { h, replace } from "../dom";
import { type Observable, watch } from "../lifecycle";

// What comes sooner would only flicker.
const NOTICED_MS = 150;

/** Shows the sentence of `waiting` while there is one. */
export function waitNote(waiting: Observable<string | null>): HTMLElement {
  const note = h("p", { class: "wait-note", role: "status" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(waiting, (sentence) => {
    clearTimeout(timer);
    if (sentence === null || note.hasChildNodes()) replace(note, sentence);
    else timer = setTimeout(() => replace(note, sentence), NOTICED_MS);
  });
  return note;
}
