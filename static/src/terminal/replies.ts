// What xterm.js answers of its own accord: device attributes, status and mode reports, colours, focus.

// oxlint-disable no-control-regex -- these are control sequences
const REPLIES: readonly RegExp[] = [
  // Focus; device attributes (c); status (n); cursor position (R); window size (t); modes (y); keyboard flags (u).
  /^\x1b\[(?:[IO]|[?>=]?[\d;:]*[cnRtu]|\??[\d;]*\$y)$/,
  // Colours, titles and the clipboard (OSC); settings and versions (DCS); each ended by BEL or ST.
  /^\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\)$/,
];

/**
 * Whether `data`, as xterm.js hands it out, has the shape of an automatic reply. No key, paste or mouse report looks like one,
 * except Shift-F3, which is a cursor report in some modes.
 */
export function isReply(data: string): boolean {
  return REPLIES.some((reply) => reply.test(data));
}
