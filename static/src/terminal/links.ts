// Which links of a terminal's output may be opened.

/** The address to open, or null for any that is not plainly http(s): other schemes run things or read files. */
export function openableUrl(text: string): string | null {
  try {
    const url = new URL(text);
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    return isWeb && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

/** Opens the page in a tab that can't reach back. */
export function openInTab(url: string): void {
  window.open(url, "_blank", "noopener,noreferrer");
}
