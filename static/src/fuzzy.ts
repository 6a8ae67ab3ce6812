// Finds what a person means by a few letters of it, among tens of thousands while they type.

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

/** A text with what every search in it needs to know. */
interface Entry<T> {
  readonly item: T;
  readonly text: string;
  readonly lower: string;
  readonly nameStart: number;
  /** Which letters there are, and with which of them a word begins. */
  readonly letters: number;
  readonly starts: number;
}

export class Finder<T> {
  private readonly entries: readonly Entry<T>[];
  private before: { readonly query: string; readonly found: readonly Entry<T>[] };

  constructor(
    private readonly items: readonly T[],
    textOf: (item: T) => string,
  ) {
    this.entries = items.map((item) => entryOf(item, textOf(item)));
    this.before = { query: "", found: this.entries };
  }

  /** The best `limit` of the items that match, best first; all in their order when there is no query. */
  find(query: string, limit = 100): Match<T>[] {
    const wanted = query.replaceAll(/\s+/g, "").toLowerCase();
    if (!wanted) return this.items.slice(0, limit).map((item) => ({ item, score: 0, positions: [] }));
    // What has no "in" has no "ind" either.
    const among = wanted.startsWith(this.before.query) ? this.before.found : this.entries;
    const letters = lettersOf(wanted);
    const found: Entry<T>[] = [];
    const best: { readonly entry: Entry<T>; readonly score: number }[] = [];
    for (const entry of among) {
      if ((letters & ~entry.letters) !== 0) continue;
      const score = scoreOf(wanted, entry);
      if (score === null) continue;
      found.push(entry);
      if (best.length === limit && score <= (best[limit - 1]?.score ?? 0)) continue;
      let at = best.length;
      while (at > 0 && (best[at - 1]?.score ?? 0) < score) at -= 1;
      best.splice(at, 0, { entry, score });
      if (best.length > limit) best.pop();
    }
    this.before = { query: wanted, found };
    return best.map(({ entry, score }) => {
      place(wanted, entry);
      return { item: entry.item, score, positions: spots.slice(0, wanted.length) };
    });
  }
}

function entryOf<T>(item: T, text: string): Entry<T> {
  const lower = text.toLowerCase();
  let starts = 0;
  for (let at = 0; at < text.length; at += 1) if (isWordStart(text, at)) starts |= bitOf(lower.charCodeAt(at));
  // Where small letters are more than the large ones, positions would be off.
  return { item, text, lower: lower.length === text.length ? lower : text, nameStart: text.lastIndexOf("/") + 1, letters: lettersOf(lower), starts };
}

/** How well the letters occur in the text, in order; null when they don't. */
function scoreOf(wanted: string, entry: Entry<unknown>): number | null {
  const inName = place(wanted, entry);
  if (inName === null) return null;
  const { text, nameStart } = entry;
  let total = inName ? START_OF_NAME : 0;
  let previous = -2;
  for (let index = 0; index < wanted.length; index += 1) {
    const at = spots[index] ?? 0;
    if (at === previous + 1) total += IN_A_ROW;
    if (isWordStart(text, at)) total += START_OF_WORD;
    if (at === nameStart) total += START_OF_NAME;
    if (at >= nameStart) total += IN_NAME;
    previous = at;
  }
  return total - text.length / 100;
}

// The positions that `place` found last: one array for all, as most of them are not wanted.
const spots: number[] = [];

/** Finds a position for each letter, and tells whether all are in the name; null for none. Who types "index" means src/index.js and not index/src.js. */
function place(wanted: string, entry: Entry<unknown>): boolean | null {
  if (placeFrom(wanted, entry, entry.nameStart)) return true;
  return entry.nameStart > 0 && placeFrom(wanted, entry, 0) ? false : null;
}

/** The exact run where there is one, else word starts before anything else. */
function placeFrom(wanted: string, entry: Entry<unknown>, from: number): boolean {
  const { lower } = entry;
  const run = bestRun(wanted, entry, from);
  let at = from;
  for (let index = 0; index < wanted.length; index += 1) {
    if (run >= 0) {
      spots[index] = run + index;
      continue;
    }
    const letter = wanted.charAt(index);
    const next = lower.indexOf(letter, at);
    if (next < 0) return false;
    const word = wordStartOf(letter, entry, next);
    const chosen = word >= 0 && fits(wanted, index + 1, lower, word + 1) ? word : next;
    spots[index] = chosen;
    at = chosen + 1;
  }
  return true;
}

function bestRun(wanted: string, { lower, text }: Entry<unknown>, from: number): number {
  const first = lower.indexOf(wanted, from);
  for (let at = first; at >= 0; at = lower.indexOf(wanted, at + 1)) if (isWordStart(text, at)) return at;
  return first;
}

function wordStartOf(letter: string, { lower, text, starts }: Entry<unknown>, from: number): number {
  if ((starts & bitOf(letter.charCodeAt(0))) === 0) return -1;
  for (let at = from; at >= 0; at = lower.indexOf(letter, at + 1)) if (isWordStart(text, at)) return at;
  return -1;
}

/** Whether the rest of what is wanted occurs in order too. */
function fits(wanted: string, index: number, lower: string, from: number): boolean {
  let at = from;
  for (let rest = index; rest < wanted.length; rest += 1) {
    at = lower.indexOf(wanted.charAt(rest), at) + 1;
    if (at === 0) return false;
  }
  return true;
}

// A bit for each small letter, one for all digits, and some for what paths have often.
const BITS = new Int32Array(128).fill(1 << 31);
for (let code = 97; code <= 122; code += 1) BITS[code] = 1 << (code - 97);
for (let code = 48; code <= 57; code += 1) BITS[code] = 1 << 26;
for (const [index, mark] of ["/", ".", "-", "_"].entries()) BITS[mark.charCodeAt(0)] = 1 << (27 + index);

function bitOf(code: number): number {
  return BITS[code] ?? 1 << 31;
}

function lettersOf(lower: string): number {
  let letters = 0;
  for (let at = 0; at < lower.length; at += 1) letters |= bitOf(lower.charCodeAt(at));
  return letters;
}

function isWordStart(text: string, at: number): boolean {
  if (at === 0) return true;
  const before = text.charCodeAt(at - 1);
  // A slash, a dash, an underscore, a dot or a blank.
  if (before === 47 || before === 45 || before === 95 || before === 46 || before === 32) return true;
  const small = (before >= 97 && before <= 122) || (before >= 48 && before <= 57);
  const letter = text.charCodeAt(at);
  return small && letter >= 65 && letter <= 90;
}
