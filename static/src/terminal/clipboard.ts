// The clipboard, on plain HTTP too, where browsers have no Clipboard API; and what may go through it.

/** Puts text into the clipboard. False when the browser refuses. Must be called from a key or a click. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** The clipboard's text; null when the browser gives it to no page (plain HTTP, or refused), where only its paste key works. */
export async function readText(): Promise<string | null> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return null;
  }
}

function copyBySelection(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "off-screen";
  area.readOnly = true;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}

/** Lines that a shell would run at once if this were pasted without bracketed paste; 0 when there is nothing to warn of. */
export function linesToRun(text: string): number {
  return text.replaceAll("\r\n", "\n").replaceAll("\r", "\n").split("\n").length - 1;
}

/** What a program may put into a clipboard at most: above it is an attack or a mistake. */
const MOST_COPIED = 100_000;

/**
 * The text that an OSC 52 sequence (`c;<base64>`) wants in the clipboard. Null for a question about its content, which is never
 * answered, for what is no base64 of UTF-8, and for too much.
 */
export function clipboardRequest(data: string): string | null {
  const match = /^[cpqs0-7]*;([A-Za-z0-9+/]+={0,2})$/.exec(data);
  const encoded = match?.[1];
  if (!encoded || encoded.length > (MOST_COPIED * 4) / 3) return null;
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
