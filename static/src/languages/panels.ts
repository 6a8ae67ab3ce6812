// The panels of the problems and of the references, which stay while their places are walked.

import { h } from "../dom";
import { lineRow, type ShownFile } from "../filelines";
import { plural } from "../format";
import type { Spot } from "../cursorhistory";
import type { Ide } from "../ide";
import type { ListPane } from "../store";
import { type Listing, ListPanel } from "../views/list";
import { type Navigation, SEVERITIES } from "./navigation";
import { countsOf, type Problem } from "./problems";
import type { Reference } from "./references";

// More rows make a page slow, and nobody reads on.
const MOST_LINES = 2000;
// Characters of a line on either side of a name in it.
const MOST_BESIDE = 200;

export function problemsPanel(ide: Ide): ListPanel {
  const now = (): readonly Problem[] => ide.intelligence.problemsNow;
  const read = (): Listing => ({ summary: summaryOf(now()), files: shown(now(), problemRow), mark: null });
  const open = (path: string, index: number): void => {
    const problem = now().filter((one) => one.path === path)[index];
    if (problem) void ide.openSpot(problem, true);
  };
  return new ListPanel("Problems", ide.intelligence.problems, read, { open, leave: () => ide.focusPane("editor"), close: () => close(ide, "problems") });
}

export function referencesPanel(ide: Ide): ListPanel {
  const { references } = ide.intelligence;
  const read = (): Listing => {
    const { name = "", list = [], current = -1 } = references.get() ?? {};
    const summary = list.length > 0 ? `${plural(list.length, "reference")} to ${name} in ${plural(filesOf(list).size, "file")}.` : "";
    return { summary, files: shown(list, referenceRow), mark: placeOf(list, current) };
  };
  const open = (path: string, index: number): void => run(ide, (navigation) => navigation.goToReference(firstOf(references.get()?.list ?? [], path) + index));
  const forget = (): void => {
    references.set(null);
    close(ide, "references");
  };
  return new ListPanel("References", references, read, { open, leave: () => ide.focusPane("editor"), close: forget });
}

function run({ intelligence, report }: Ide, task: (navigation: Navigation) => Promise<void>): void {
  intelligence.run(({ navigation }) => task(navigation)).catch(report);
}

function close(ide: Ide, pane: ListPane): void {
  ide.workbench.close(pane);
  ide.focusPane("editor");
}

function summaryOf(problems: readonly Problem[]): string {
  if (problems.length === 0) return "No problems are known.";
  const { errors, warnings } = countsOf(problems);
  const notes = problems.length - errors - warnings;
  const kinds = [errors > 0 && plural(errors, "error"), warnings > 0 && plural(warnings, "warning"), notes > 0 && plural(notes, "note")].filter(Boolean);
  const cut = problems.length > MOST_LINES ? ` Only the first ${MOST_LINES.toLocaleString()} are shown.` : "";
  return `${kinds.join(", ")} in ${plural(filesOf(problems).size, "file")}.${cut}`;
}

function filesOf(spots: readonly Spot[]): ReadonlySet<string> {
  return new Set(spots.map(({ path }) => path));
}

/** The places are in the order of their files. */
function shown<T extends Spot>(spots: readonly T[], row: (spot: T) => HTMLElement): readonly ShownFile[] {
  const byPath = new Map<string, T[]>();
  for (const spot of spots.slice(0, MOST_LINES)) byPath.set(spot.path, [...(byPath.get(spot.path) ?? []), spot]);
  return [...byPath].map(([path, list]) => ({ path, key: JSON.stringify(list), lines: () => list.map(row) }));
}

function placeOf(list: readonly Spot[], current: number): Listing["mark"] {
  const spot = list[current];
  return spot ? { path: spot.path, index: current - firstOf(list, spot.path) } : null;
}

function firstOf(list: readonly Spot[], path: string): number {
  return list.findIndex((spot) => spot.path === path);
}

function problemRow({ line, severity, message }: Problem): HTMLElement {
  const mark = h("span", { class: `problem-mark is-${severity}` }, h("span", { class: "sr-only" }, `${SEVERITIES[severity]}, line `));
  const row = lineRow(line, h("span", { class: "problem-text" }, message.replace(/\s*\n\s*/g, " ")));
  row.prepend(mark);
  row.title = message;
  return row;
}

function referenceRow({ line, column, length, text }: Reference): HTMLElement {
  const [start, end] = [column - 1, column - 1 + length];
  const before = text.slice(0, start).trimStart();
  return lineRow(line, h("span", { class: "search-text" }, before.slice(-MOST_BESIDE), h("mark", {}, text.slice(start, end)), text.slice(end, end + MOST_BESIDE)));
}
