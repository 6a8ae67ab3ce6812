// Snippets as language servers write them, for the editor, which has a form of its own.

// An escaped character, a choice, the beginning of a placeholder or of a variable with a default, a tab stop, a variable, an end, text.
const PART = /\\([$}\\])|\$\{(\d+)\|((?:\\.|[^|\\])*)\|\}|\$\{(\d+|[a-z_]\w*):|\$(?:(\d+)|\{(\d+)\})|\$(?:[a-z_]\w*|\{[a-z_]\w*(?:\/(?:\\.|[^\\}])*)?\})|\}|([^\\$}]+|[\\$])/gisy;

/**
 * The snippet in the editor's form. A choice becomes its first word, a variable its default, and what stands for a tab stop is plain
 * text inside. The last stop is the end where the snippet names none.
 */
export function templateOf(snippet: string): string {
  const texts = new Map<string, string>();
  const parts = snippet.matchAll(PART);
  const field = (number: string, text: string): string => {
    if (!texts.has(number) || text !== "") texts.set(number, text);
    const shown = texts.get(number) ?? "";
    // The editor's stops hold no more than that.
    return /[{}\n]/.test(shown) ? escaped(shown) : `\${${number}${shown && `:${shown}`}}`;
  };
  /** Up to the end of what was begun; `inside` a placeholder there is text alone. */
  const read = (inside: boolean): string => {
    let result = "";
    for (let next = parts.next(); !next.done; next = parts.next()) {
      const [whole, character, choice, words = "", begun, bare, braced, text] = next.value;
      const stop = bare ?? braced;
      if (begun !== undefined) {
        const content = read(true);
        result += /^\d/.test(begun) && !inside ? field(begun, content) : inside ? content : escaped(content);
      } else if (whole === "}" && inside) {
        return result;
      } else if (choice !== undefined) {
        const first = (/^(?:\\.|[^,\\])*/s.exec(words)?.[0] ?? "").replace(/\\(.)/gs, "$1");
        result += inside ? first : field(choice, first);
      } else if (stop !== undefined) {
        result += inside ? (texts.get(stop) ?? "") : field(stop, "");
      } else {
        const plain = character ?? text ?? (whole === "}" ? whole : "");
        result += inside ? plain : escaped(plain);
      }
    }
    return result;
  };
  const template = read(false);
  return texts.size > 0 && !texts.has("0") ? `${template}\${0}` : template;
}

/** Braces are the editor's marks, wherever they stand. */
function escaped(text: string): string {
  return text.replace(/[{}]/g, "\\$&");
}
