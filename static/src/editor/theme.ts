// Colours of the editor. They are custom properties of the page, so that light and dark change without the editor's doing.

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

const highlight = HighlightStyle.define([
  { tag: [t.keyword, t.modifier, t.operatorKeyword, t.controlKeyword], color: "var(--syntax-keyword)" },
  { tag: [t.string, t.special(t.string), t.regexp, t.character], color: "var(--syntax-string)" },
  { tag: [t.number, t.bool, t.null, t.atom, t.unit, t.color], color: "var(--syntax-constant)" },
  { tag: [t.comment, t.lineComment, t.blockComment, t.docComment], color: "var(--syntax-comment)", fontStyle: "italic" },
  { tag: [t.function(t.variableName), t.function(t.propertyName), t.macroName], color: "var(--syntax-function)" },
  { tag: [t.typeName, t.className, t.namespace], color: "var(--syntax-type)" },
  { tag: [t.propertyName, t.attributeName, t.definition(t.propertyName), t.labelName], color: "var(--syntax-property)" },
  { tag: [t.tagName, t.angleBracket], color: "var(--syntax-tag)" },
  { tag: [t.meta, t.processingInstruction, t.annotation, t.documentMeta], color: "var(--syntax-meta)" },
  { tag: t.escape, color: "var(--syntax-escape)" },
  { tag: t.heading, fontWeight: "600", color: "var(--syntax-keyword)" },
  { tag: t.strong, fontWeight: "700" },
  { tag: t.emphasis, fontStyle: "italic" },
  { tag: t.strikethrough, textDecoration: "line-through" },
  { tag: [t.link, t.url], color: "var(--syntax-string)", textDecoration: "underline" },
  { tag: t.inserted, color: "var(--syntax-inserted)" },
  { tag: t.deleted, color: "var(--syntax-deleted)" },
  { tag: t.invalid, color: "var(--danger-text)" },
]);

const chrome = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "var(--code-size)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--accent)", paddingBlock: "8px" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selection)" },
  ".cm-activeLine": { backgroundColor: "var(--line)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text-faint)", border: "none" },
  ".cm-activeLineGutter": { backgroundColor: "var(--line)", color: "var(--text)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 8px 0 16px" },
  ".cm-foldGutter span": { color: "var(--text-faint)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--raised)", border: "1px solid var(--border)", color: "var(--text-soft)", padding: "0 4px" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--match)", outline: "1px solid var(--border-strong)" },
  ".cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent", color: "var(--danger-text)" },
  ".cm-highlightSpace": { backgroundImage: "radial-gradient(circle at 50% 55%, var(--border-strong) 18%, transparent 0)" },
  ".cm-occurrence": { borderRadius: "2px", boxShadow: "inset 0 0 0 1px var(--border-strong)" },
  ".cm-selectionMatch": { backgroundColor: "var(--match)" },
  ".cm-searchMatch": { backgroundColor: "var(--found)", outline: "1px solid var(--border-strong)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--found-now)" },
  // Not every colour of the syntax can be read on every background.
  ".cm-searchMatch, .cm-searchMatch span, .cm-selectionMatch, .cm-selectionMatch span": { color: "var(--text)" },
  ".cm-deletedText, .cm-deletedText span": { color: "var(--text)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)", borderColor: "var(--border)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--border)" },
  ".cm-panel.cm-search": { padding: "8px 32px 8px 8px", font: "inherit" },
  ".cm-panel.cm-search label": { fontSize: "12px" },
  // As wide as most are, so that nothing beside it moves.
  ".cm-find-count": { display: "inline-block", minWidth: "76px", color: "var(--text-soft)", fontSize: "12px" },
  ".cm-panel.cm-search [name=close]": { color: "var(--text)", width: "24px", height: "24px" },
  ".cm-textfield": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--border-strong)", borderRadius: "4px", padding: "2px 6px", fontSize: "12px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--border-strong)", borderRadius: "4px", fontSize: "12px" },
  ".cm-panel.cm-gotoLine": { fontSize: "12px", padding: "6px 8px" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--border)", borderRadius: "6px", boxShadow: "var(--shadow)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "1.6" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-chunkButtons button[name=accept]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-chunkButtons button[name=reject]": { backgroundColor: "var(--danger)", color: "var(--on-danger)" },
  ".cm-mergeView, .cm-mergeViewEditors": { height: "100%" },
});

export const theme: Extension = [chrome, syntaxHighlighting(highlight)];
