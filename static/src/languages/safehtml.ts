// The HTML that is made of a language server's Markdown. The server runs in the project's container and may say anything.

const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s[^<>]*)?)>/gi;
const KEPT: ReadonlySet<string> = new Set(
  "p br hr pre code span em strong del ul ol li h1 h2 h3 h4 h5 h6 blockquote table thead tbody tr th td a".split(" "),
);
// The editor's own classes of highlighted code begin so.
const HIGHLIGHT = /\sclass="(\u037c[\w\u037c ]*)"/;
const WEB_ADDRESS = /\shref="(https?:\/\/[^"]*)"/;

/**
 * Keeps the plain tags that Markdown makes, without their attributes but for the colours of code and the addresses of links, which
 * open elsewhere. Every other tag is shown as the text it is; pictures, which would be fetched from anywhere, by their description.
 */
export function safeHtml(html: string): string {
  let result = "";
  let at = 0;
  for (const match of html.matchAll(TAG)) {
    result += asText(html.slice(at, match.index)) + safeTag(match[0], match[1] === "/", (match[2] ?? "").toLowerCase(), match[3] ?? "");
    at = match.index + match[0].length;
  }
  return result + asText(html.slice(at));
}

function safeTag(tag: string, closing: boolean, name: string, attributes: string): string {
  if (name === "img") return asText(/\salt="([^"]*)"/.exec(attributes)?.[1] ?? tag);
  if (!KEPT.has(name)) return asText(tag);
  if (closing) return `</${name}>`;
  const address = name === "a" ? WEB_ADDRESS.exec(attributes)?.[1] : undefined;
  if (address !== undefined) return `<a href="${address}" target="_blank" rel="noopener noreferrer">`;
  const colours = name === "span" ? HIGHLIGHT.exec(attributes)?.[1] : undefined;
  return colours === undefined ? `<${name}>` : `<span class="${colours}">`;
}

function asText(html: string): string {
  return html.replaceAll("<", "&lt;");
}
