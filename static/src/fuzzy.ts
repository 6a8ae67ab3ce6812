// Finds what a person means by a few letters of it.

export interface Match<T> {
  readonly item: T;
  readonly score: number;
  /** Indices of the matched letters. */
  readonly positions: readonly number[];
}

const START_OF_WORD = 8;
const START_OF_NAME = 6;
const IN_A_ROW = 5;
const IN_NAME = 2;

/** How well `query`'s letters occur in `text`, in order and regardless of case; null when they don't. */
export function score(query: string, text: string): { readonly score: number; readonly positions: number[] } | null {
  const wanted = query.toLowerCase();
  const lower = text.toLowerCase();
  const nameStart = text.lastIndexOf("/") + 1;
  // Letters are taken from the name first: who types "index" means src/index.js and not index/src.js.
  const fromName = place(wanted, lower, nameStart);
  const positions = fromName ?? place(wanted, lower, 0);
  if (!positions) return null;
  let total = fromName ? START_OF_NAME : 0;
  let previous = -2;
  for (const at of positions) {
    if (at === previous + 1) total += IN_A_ROW;
    if (isWordStart(text, at)) total += START_OF_WORD;
    if (at === nameStart) total += START_OF_NAME;
    if (at >= nameStart) total += IN_NAME;
    previous = at;
  }
  return { score: total - text.length / 100, positions };
}

/** The best `limit` of the items that match, best first; all in their order when there is no query. */
export function filter<T>(query: string, items: readonly T[], textOf: (item: T) => string, limit = 100): Match<T>[] {
  const wanted = query.replaceAll(/\s+/g, "");
  if (!wanted) return items.slice(0, limit).map((item) => ({ item, score: 0, positions: [] }));
  const matches: Match<T>[] = [];
  for (const item of items) {
    const found = score(wanted, textOf(item));
    if (found) matches.push({ item, ...found });
  }
  return matches.sort((a, b) => b.score - a.score).slice(0, limit);
}

/** Positions for each letter: the exact run where there is one, else word starts before anything else. */
function place(query: string, text: string, from: number): number[] | null {
  const run = bestRun(query, text, from);
  if (run >= 0) return Array.from(query, (_, index) => run + index);
  const positions: number[] = [];
  let at = from;
  for (const letter of query) {
    const next = text.indexOf(letter, at);
    if (next < 0) return null;
    const word = wordStartOf(letter, text, next);
    const chosen = word >= 0 && fits(query.slice(positions.length + 1), text, word + 1) ? word : next;
    positions.push(chosen);
    at = chosen + 1;
  }
  return positions;
}

function bestRun(query: string, text: string, from: number): number {
  const first = text.indexOf(query, from);
  for (let at = first; at >= 0; at = text.indexOf(query, at + 1)) if (isWordStart(text, at)) return at;
  return first;
}

function wordStartOf(letter: string, text: string, from: number): number {
  for (let at = from; at >= 0; at = text.indexOf(letter, at + 1)) if (isWordStart(text, at)) return at;
  return -1;
}

function fits(rest: string, text: string, from: number): boolean {
  let at = from;
  for (const letter of rest) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

function isWordStart(text: string, at: number): boolean {
  if (at === 0) return true;
  const [before, letter] = [text.charAt(at - 1), text.charAt(at)];
  if (/[/\-_. ]/.test(before)) return true;
  return /[a-z0-9]/.test(before) && /[A-Z]/.test(letter);
}
