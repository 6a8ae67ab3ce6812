// What a text defines, as its syntax tree has it: for where no language server tells.

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { SyntaxNode } from "@lezer/common";

export interface Definition {
  readonly name: string;
  /** A word for what it is; "" where that is not known. */
  readonly kind: string;
  /** The name of what it is defined in; "" for none. */
  readonly container: string;
  readonly from: number;
}

// As long as nobody wonders why the list does not come.
const PARSE_MS = 200;
const MOST = 5000;
const LONGEST_NAME = 100;
// What defines something, by the names that the parsers have for it, with the child that is its name.
const NAMED: Readonly<Record<string, readonly [kind: string, name: string]>> = {
  FunctionDeclaration: ["function", "VariableDefinition"],
  ClassDeclaration: ["class", "VariableDefinition"],
  MethodDeclaration: ["method", "PropertyDefinition"],
  InterfaceDeclaration: ["interface", "TypeDefinition"],
  TypeAliasDeclaration: ["type", "TypeDefinition"],
  EnumDeclaration: ["enum", "TypeDefinition"],
  NamespaceDeclaration: ["namespace", "VariableDefinition"],
  VariableDeclaration: ["variable", "VariableDefinition"],
  // Python's.
  FunctionDefinition: ["function", "VariableName"],
  ClassDefinition: ["class", "VariableName"],
  // Nix's and YAML's.
  Bind: ["attribute", "AttrPath"],
  Pair: ["key", "Key"],
};
// Those that are too many to be told one by one where they are inside of others.
const OUTERMOST: ReadonlySet<string> = new Set(["VariableDeclaration", "Bind", "Pair"]);

/** In the order of the text; of a long one what could be parsed in a moment. */
export function outlineOf(state: EditorState): readonly Definition[] {
  const found: Definition[] = [];
  const around: { readonly name: string; readonly to: number }[] = [];
  (ensureSyntaxTree(state, state.doc.length, PARSE_MS) ?? syntaxTree(state)).iterate({
    enter: (ref) => {
      if (found.length >= MOST) return false;
      while ((around.at(-1)?.to ?? Infinity) <= ref.from) around.pop();
      if (OUTERMOST.has(ref.name) && around.length > 0) return undefined;
      const definitions = definedBy(ref.name, ref.node, state);
      for (const { name, kind, from } of definitions) found.push({ name, kind, from, container: around.at(-1)?.name ?? "" });
      const [first] = definitions;
      if (first) around.push({ name: first.name, to: ref.to });
      return undefined;
    },
  });
  return found;
}

function definedBy(type: string, node: SyntaxNode, state: EditorState): readonly Omit<Definition, "container">[] {
  const text = (from: number, to: number): string => state.sliceDoc(from, Math.min(to, from + LONGEST_NAME)).replace(/\s+/g, " ").trim();
  const named = NAMED[type];
  if (named) return node.getChildren(named[1]).slice(0, type === "VariableDeclaration" ? undefined : 1).map(({ from, to }) => ({ name: text(from, to), kind: named[0], from }));
  if (type === "RuleSet") return [{ name: text(node.from, node.getChild("Block")?.from ?? node.to), kind: "rule", from: node.from }];
  if (/^(ATX|Setext)Heading\d$/.test(type)) {
    const name = text(node.from, state.doc.lineAt(node.from).to).replace(/^#+\s*|\s+#+$/g, "");
    return name ? [{ name, kind: "heading", from: node.from }] : [];
  }
  // What the parsers of single lines know.
  return type === "variableName.definition" ? [{ name: text(node.from, node.to), kind: "", from: node.from }] : [];
}
