// JavaScript and TypeScript as their package has them, but for names completed within bounds.

import { completeFromList, type CompletionSource } from "@codemirror/autocomplete";
import { autoCloseTags, completionPath, javascriptLanguage, jsxLanguage, localCompletionSource, snippets, tsxLanguage, typescriptLanguage, typescriptSnippets } from "@codemirror/lang-javascript";
import { LanguageSupport } from "@codemirror/language";
import { bounded } from "./completion";

const KEYWORDS =
  "async await break case catch class const continue debugger default delete do else export extends false finally for from function get if import in instanceof let new null of return set static super switch this throw true try typeof undefined var void while yield";
const TYPESCRIPT_KEYWORDS = "abstract as asserts declare enum implements interface is keyof namespace override private protected public readonly satisfies type";

export function javascript({ jsx = false, typescript = false }: { readonly jsx?: boolean; readonly typescript?: boolean }): LanguageSupport {
  const language = jsx ? (typescript ? tsxLanguage : jsxLanguage) : typescript ? typescriptLanguage : javascriptLanguage;
  const keywords = (typescript ? `${KEYWORDS} ${TYPESCRIPT_KEYWORDS}` : KEYWORDS).split(" ").map((label) => ({ label, type: "keyword" }));
  const listed = completeFromList([...(typescript ? typescriptSnippets : snippets), ...keywords]);
  // Neither in comments and strings nor after a dot.
  const known: CompletionSource = (context) => (completionPath(context)?.path.length === 0 ? listed(context) : null);
  return new LanguageSupport(language, [
    [known, bounded(localCompletionSource)].map((autocomplete) => javascriptLanguage.data.of({ autocomplete })),
    jsx ? autoCloseTags : [],
  ]);
}
