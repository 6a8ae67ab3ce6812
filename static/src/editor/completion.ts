// What is offered while typing where no language server says more.

import type { CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";

// In characters. Longer files define so many names that to collect and sort them holds up the keys.
const LONG = 100_000;
const NEAR = 20_000;
const WORD = /[\p{L}_$][\p{L}\p{N}_$]*/gu;
const WORD_BEFORE = /[\p{L}_$][\p{L}\p{N}_$]*$/u;
const WHOLE_WORD = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** A source that collects all names of a file: in a long one the words near the cursor take its place, unless it is asked for by key. */
export function bounded(names: CompletionSource): CompletionSource {
  return (context) => {
    if (context.explicit || context.state.doc.length <= LONG) return names(context);
    const { name } = syntaxTree(context.state).resolveInner(context.pos, -1);
    return /Comment|String|RegExp/.test(name) ? null : wordsNear(context);
  };
}

function wordsNear(context: CompletionContext): CompletionResult | null {
  const begun = context.matchBefore(WORD_BEFORE);
  if (!begun) return null;
  const { doc } = context.state;
  const sides = [doc.sliceString(begun.from - NEAR, begun.from), doc.sliceString(begun.to, begun.to + NEAR)];
  const words = new Set(sides.flatMap((side) => side.match(WORD) ?? []));
  return { from: begun.from, options: [...words].map((label) => ({ label })), validFor: WHOLE_WORD };
}
