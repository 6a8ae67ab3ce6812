// Tells in the panel of a search in which of how many finds the cursor is.

import { getSearchQuery, searchPanelOpen } from "@codemirror/search";
import type { EditorState, Extension } from "@codemirror/state";
import { type EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { h } from "../dom";

const REST_MS = 100;
// More are not counted, nor for longer: the person types meanwhile.
const MOST = 1000;
const MOST_MS = 30;

export interface FindCount {
  readonly count: number;
  /** There are more. */
  readonly cut: boolean;
  /** Of the find that is selected, from 1; null for none. */
  readonly at: number | null;
}

/** Null without anything valid to search for. */
export function countFinds(state: EditorState): FindCount | null {
  const query = getSearchQuery(state);
  if (!query.valid) return null;
  const { from, to } = state.selection.main;
  const end = performance.now() + MOST_MS;
  const cursor = query.getCursor(state);
  let count = 0;
  let at: number | null = null;
  for (let next = cursor.next(); !next.done; next = cursor.next()) {
    if (count === MOST || performance.now() > end) return { count, cut: true, at };
    count += 1;
    if (next.value.from === from && next.value.to === to) at = count;
  }
  return { count, cut: false, at };
}

function sentence(found: FindCount | null): string {
  if (!found) return "";
  if (found.count === 0 && !found.cut) return "Nothing found";
  const all = `${found.count}${found.cut ? "+" : ""}`;
  return found.at === null ? `${all} found` : `${found.at} of ${all}`;
}

class Counter {
  private readonly label = h("span", { class: "cm-find-count", role: "status" });
  private timer: number | undefined;

  constructor(private readonly view: EditorView) {}

  update(update: ViewUpdate): void {
    if (!searchPanelOpen(update.state) || (update.transactions.length === 0 && this.label.isConnected)) return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.show(), REST_MS);
  }

  destroy(): void {
    window.clearTimeout(this.timer);
  }

  private show(): void {
    const panel = this.view.dom.querySelector(".cm-search");
    if (!panel) return;
    // Behind the buttons that go from one to the next.
    if (this.label.parentElement !== panel) panel.querySelector("[name=select]")?.after(this.label);
    const said = sentence(countFinds(this.view.state));
    if (this.label.textContent !== said) this.label.textContent = said;
  }
}

export const findCount: Extension = ViewPlugin.fromClass(Counter);
