// What the keys of the on-screen key bar send.

export type BarKey = "escape" | "tab" | "up" | "down" | "left" | "right" | "home" | "end" | "pageUp" | "pageDown";

const ARROWS: Readonly<Partial<Record<BarKey, string>>> = { up: "A", down: "B", right: "C", left: "D", home: "H", end: "F" };

/** The sequence of a key. `application` is the cursor key mode that the program has set. */
export function sequenceOf(key: BarKey, application: boolean): string {
  const arrow = ARROWS[key];
  if (arrow) return (application ? "\x1bO" : "\x1b[") + arrow;
  switch (key) {
    case "tab":
      return "\t";
    case "pageUp":
      return "\x1b[5~";
    case "pageDown":
      return "\x1b[6~";
    default:
      return "\x1b";
  }
}

/** What Ctrl makes of a character; the character itself where it makes nothing. Whole pastes stay as they are. */
export function withControl(data: string): string {
  if (data.length !== 1) return data;
  const code = data.toUpperCase().charCodeAt(0);
  if (data === " ") return "\x00";
  if (data === "?") return "\x7f";
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : data;
}
