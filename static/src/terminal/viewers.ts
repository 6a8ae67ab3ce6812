// Who looks at a terminal.

import { h } from "../dom";
import { ask } from "../widgets/dialog";
import type { Terminal, Viewer } from "../wire";
import { formatElapsed } from "./statusline";

/** One viewer in words. `now` is in milliseconds, as `Date.now()` has it. */
export function describeViewer({ since, viewOnly }: Viewer, now: number): string {
  const time = since === null ? "" : `, for ${formatElapsed(now - Date.parse(since))}`;
  return (viewOnly ? "View only" : "May type") + time;
}

/** Shows the viewers of a terminal in a dialog. */
export async function showViewers(label: string, terminal: Terminal | null): Promise<void> {
  const { attached = [], viewers = 0 } = terminal ?? {};
  const items = attached.map((viewer) => h("li", {}, describeViewer(viewer, Date.now())));
  if (viewers > attached.length) items.push(h("li", {}, `and ${viewers - attached.length} more`));
  const note = h("p", {}, "Each page and program that shows the terminal counts, this page too.");
  await ask({ title: `Attached to ${label}`, body: [h("ul", { class: "viewer-list" }, ...items), note], choices: [{ label: "Close", value: null, kind: "primary" }], otherwise: null });
}
