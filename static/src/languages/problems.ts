// What language servers find wrong: under the text of open files, counted, and as a list.

import { type Diagnostic, forEachDiagnostic, setDiagnostics } from "@codemirror/lint";
import type { Diagnostic as Found, PublishDiagnosticsParams } from "vscode-languageserver-protocol";
import type { EditorView } from "@codemirror/view";
import { type Observable, Value } from "../lifecycle";
import { isObject } from "../wire";
import { offsetOf } from "./places";
import type { ServerLanguage } from "./served";
import type { Counts } from "./state";
import type { DocumentFile } from "./workspace";

export type Severity = Diagnostic["severity"];

export interface Problem {
  readonly language: ServerLanguage;
  readonly path: string;
  /** From 1, like `column`. */
  readonly line: number;
  readonly column: number;
  readonly severity: Severity;
  readonly message: string;
}

/** A problem under the text, with what the server said of it. */
export interface Mark extends Diagnostic {
  readonly found: Found;
}

/** What is shown of a mark in the editor. */
export type Describe = (view: EditorView, mark: Mark) => Node;

// A generated file may have tens of thousands, and a server may send what it likes.
const MOST_OF_A_FILE = 500;
const MOST_FILES = 500;
const LONGEST_MESSAGE = 2000;
const SEVERITIES: readonly Severity[] = ["error", "warning", "info", "hint"];

export class Problems {
  private readonly byPath = new Map<string, readonly Problem[]>();
  private readonly all = new Value<readonly Problem[]>([]);

  /** Of all files that a server told of, by path and place. */
  readonly list: Observable<readonly Problem[]> = this.all;

  /** Without `describe` the message is shown. */
  constructor(private readonly describe?: Describe) {}

  /** Takes what a server said of a file; `file` when it is open. What was found in an older version of its text is left out. */
  take(language: ServerLanguage, path: string, file: DocumentFile | null, { diagnostics, version }: PublishDiagnosticsParams): void {
    if (file && typeof version === "number" && version !== file.version) return;
    const found = (Array.isArray(diagnostics) ? diagnostics : []).filter(isFound).slice(0, MOST_OF_A_FILE);
    if (file) underline(file, found, this.describe);
    this.set(path, found.map((one) => problemOf(language, path, one)).sort(byPlace));
  }

  /** Nobody watches the file any more. */
  forget(file: DocumentFile): void {
    underline(file, []);
    this.set(file.path, []);
  }

  /** The language's server is gone, and what it told of files that are not open is worth nothing. */
  forgetAll(language: ServerLanguage): void {
    for (const [path, problems] of this.byPath) if (problems[0]?.language === language) this.set(path, []);
  }

  /** The list with the places where problems of open documents are by now. */
  now(files: readonly DocumentFile[]): readonly Problem[] {
    const open = new Map(files.map((file) => [file.path, file]));
    return [...this.byPath].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([path, problems]) => {
      const file = open.get(path);
      return file && problems[0] ? presentIn(file, problems[0].language) : problems;
    });
  }

  private set(path: string, problems: readonly Problem[]): void {
    if (problems.length > 0 && (this.byPath.has(path) || this.byPath.size < MOST_FILES)) this.byPath.set(path, problems);
    else if (!this.byPath.delete(path)) return;
    this.all.set([...this.byPath.values()].flat());
  }
}

function isFound(value: unknown): value is Found {
  return isObject(value) && isObject(value["range"]) && isObject(value["range"]["start"]) && isObject(value["range"]["end"]) && messageIn(value["message"]) !== "";
}

function messageIn(message: unknown): string {
  const text = isObject(message) ? message["value"] : message;
  return typeof text === "string" ? text.slice(0, LONGEST_MESSAGE) : "";
}

function severityOf({ severity }: Found): Severity {
  return SEVERITIES[(severity ?? 1) - 1] ?? "error";
}

function problemOf(language: ServerLanguage, path: string, found: Found): Problem {
  const { line, character } = found.range.start;
  return { language, path, line: line + 1, column: character + 1, severity: severityOf(found), message: messageIn(found.message) };
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}

function underline(file: DocumentFile, found: readonly Found[], describe?: Describe): void {
  const { unsent, document } = file;
  const place = (position: Found["range"]["start"], side: number): number => unsent.mapPos(offsetOf(file.doc, position), side);
  const marks = found.map((one): Mark => {
    const from = place(one.range.start, 1);
    const source = typeof one.source === "string" ? { source: one.source.slice(0, 100) } : {};
    const mark: Mark = { from, to: Math.max(from, place(one.range.end, -1)), severity: severityOf(one), message: messageIn(one.message), ...source, found: one };
    return describe ? Object.assign(mark, { renderMessage: (view: EditorView) => describe(view, mark) }) : mark;
  });
  document.dispatch(setDiagnostics(document.state, marks));
}

function presentIn({ path, document }: DocumentFile, language: ServerLanguage): readonly Problem[] {
  const problems: Problem[] = [];
  forEachDiagnostic(document.state, ({ severity, message }, from) => {
    const line = document.state.doc.lineAt(from);
    problems.push({ language, path, line: line.number, column: from - line.from + 1, severity, message });
  });
  return problems.sort(byPlace);
}

export function countsOf(problems: readonly Problem[]): Counts {
  const count = (severity: Severity): number => problems.filter((problem) => problem.severity === severity).length;
  return { errors: count("error"), warnings: count("warning") };
}
