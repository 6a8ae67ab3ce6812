// Numbers and times as people read them.

/** `0.4 s`, `12 s`, `2 m 05 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`;
}

/** `1 file`, `1,200 files`. */
export function plural(count: number, word: string): string {
  return `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
}

/** `640 B`, `12 KB`, `3.4 MB`: powers of 1024. */
export function formatSize(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** `3 minutes ago`, `yesterday`. Both in milliseconds since 1970. */
export function formatAgo(then: number, now: number): string {
  const seconds = Math.round((now - then) / 1000);
  const [unit, length] = STEPS.find(([, size]) => seconds >= size) ?? ["second", 1];
  if (unit === "second") return "just now";
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.floor(seconds / length), unit);
}

/** `14:05`, in the person's own way of writing it. */
export function formatTime(at: number): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(at);
}

// Controls, line breaks of Unicode's own, changes of direction, what has no width, and bytes that are no UTF-8. Joiners only where
// no script needs them.
const UNSEEN = /[\p{Cc}\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]|(?<=[\0-\x7f])[\u200c\u200d]/gu;

function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const byte = code >= 0xdc80 && code <= 0xdcff;
  return byte ? `⟨0x${(code - 0xdc00).toString(16).toUpperCase()}⟩` : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** A file's name as one line that reads as it is: what can't be seen or changes the direction is shown, not obeyed. */
export function formatName(name: string): string {
  return name.replaceAll(UNSEEN, shown);
}

/** The name that was meant by what was made of `formatName(before)`. */
export function parseName(text: string, before: string): string {
  return [...new Set(before.match(UNSEEN) ?? [])].reduce((name, character) => name.replaceAll(shown(character), character), text);
}
