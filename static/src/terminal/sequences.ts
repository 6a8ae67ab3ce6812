// Control sequences that the panel itself writes to a screen.

// CAN ends a sequence that was cut in the middle; then plain attributes, the whole screen as scroll region (which moves the cursor,
// hence saved and restored), ASCII, no insert mode. Alternate screen and mouse stay: a program that used them most likely still does.
const REPAIR = "\x18\x1b[0m\x1b7\x1b[r\x1b8\x1b(B\x0f\x1b[4l";
// What a program that is gone may have left: the alternate screen, mouse reports, bracketed paste, other modes, a hidden cursor.
// Leaving the alternate screen moves the cursor to where it was saved, so it is saved first for those who are not in it.
const LEAVE = "\x18\x1b7\x1b[?1049l\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?2004l\x1b[!p\x1b[?25h";

/** A line of ours among the program's: slanted and grey, which both colour schemes keep readable. */
function remark(sentence: string): string {
  return `\r\n\x1b[3;90m${sentence}\x1b[0m\r\n`;
}

/** Makes the screen fit for output that goes on in the middle, and says how much is missing there. */
export function gapNotice(lostBytes: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${REPAIR}${remark(`… ${lostBytes} of output are no longer held …`)}`);
}

/** Puts the screen back for another process, after a sentence in its own line. */
export function endNotice(sentence: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${LEAVE}${remark(sentence)}`);
}
