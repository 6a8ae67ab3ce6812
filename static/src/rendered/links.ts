// Where the links of a text lead, as its frame and the IDE both understand them.

export type Link = { readonly kind: "outside"; readonly href: string } | { readonly kind: "inside"; readonly path: string } | { readonly kind: "here"; readonly id: string };

/** Where a link of the text leads; null where it may not. */
export function linkOf(href: string): Link | null {
  if (href.startsWith("#")) return { kind: "here", id: decoded(href.slice(1)) };
  // What browsers leave out of an address before they look at its scheme.
  const bare = href.replaceAll(/[\0-\x20\x7f-\x9f]/g, "");
  if (/^(https?:|mailto:|\/\/)/i.test(bare)) return { kind: "outside", href: bare.startsWith("//") ? `https:${bare}` : bare };
  return /^[^/?#]*:/.test(bare) || bare === "" ? null : { kind: "inside", path: decoded(href.trim()) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
