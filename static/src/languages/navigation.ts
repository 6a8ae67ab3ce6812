// The ways from one place of the code to others: definitions, references, problems, and back.

import type { Location, LocationLink } from "vscode-languageserver-protocol";
import type { Api } from "../api";
import type { Spot } from "../cursorhistory";
import { MOST_EDITABLE } from "../editor/bytes";
import type { Ide } from "../ide";
import { decode } from "../text";
import { Palette } from "../views/palette";
import { isObject } from "../wire";
import { type LanguageActions, showTooltips } from "./actions";
import type { LanguageConnection } from "./connection";
import type { Problem, Severity } from "./problems";
import { presentPlace, type Reference } from "./references";

const MOST_READ = 50;
export const SEVERITIES: Readonly<Record<Severity, string>> = { error: "Error", warning: "Warning", info: "Note", hint: "Hint" };

interface Found {
  readonly spots: readonly Spot[];
  /** Names of files that are not the project's. */
  readonly outside: readonly string[];
}

export class Navigation {
  constructor(
    private readonly ide: Ide,
    private readonly api: Api,
    private readonly project: string,
    private readonly actions: LanguageActions,
  ) {}

  async goToDefinition(): Promise<void> {
    const asked = this.actions.ask("definitionProvider");
    if (!asked) return;
    const { spots, outside } = spotsIn(await asked.client.request("textDocument/definition", asked.params), asked.connection);
    const [first] = spots;
    if (first && spots.length === 1) await this.ide.openSpot(first);
    else if (first) await this.choose("Definitions", spots);
    else this.ide.store.notify(outside[0] ? `It is defined outside of the project, in ${outside[0]}.` : "No definition was found.");
  }

  async findReferences(): Promise<void> {
    const asked = this.actions.ask("referencesProvider");
    if (!asked) return;
    const word = asked.view.state.wordAt(asked.view.state.selection.main.head);
    const name = word ? asked.view.state.sliceDoc(word.from, word.to) : "this";
    const { spots } = spotsIn(await asked.client.request("textDocument/references", { ...asked.params, context: { includeDeclaration: true } }), asked.connection);
    if (spots.length === 0) return this.ide.store.notify("No references were found.");
    const sorted = [...spots].sort(compare);
    const lines = await this.linesOf(sorted);
    const list = sorted.map((spot, index): Reference => ({ ...spot, length: name.length, text: lines[index] ?? "" }));
    this.ide.intelligence.references.set({ name, list, current: -1 });
    this.ide.focusPane("references");
  }

  /** From the reference that was gone to last to the next, or the one before for -1; around the end. */
  async stepReference(step: 1 | -1): Promise<void> {
    const found = this.ide.intelligence.references.get();
    if (!found) return this.ide.store.notify("No references are listed.");
    const { length } = found.list;
    await this.goToReference(found.current < 0 && step === -1 ? length - 1 : (found.current + step + length) % length);
  }

  async goToReference(index: number): Promise<void> {
    const { references } = this.ide.intelligence;
    const found = references.get();
    const reference = found?.list[index];
    if (!found || !reference) return;
    references.set({ ...found, current: index });
    const document = this.ide.documents.find(reference.path);
    await this.ide.openSpot(document?.kind === "text" ? presentPlace(reference, document.state.doc) : reference, true);
    this.ide.store.announce(`Reference ${index + 1} of ${found.list.length}: ${where(reference)}`);
  }

  /** The next problem after the cursor, or before it for -1, in any file; around the end. */
  async nextProblem(step: 1 | -1): Promise<void> {
    const { here } = this.ide.places;
    const problems = step === 1 ? this.problems : [...this.problems].reverse();
    const next = problems.find((problem) => !here || compare(problem, here) * step > 0) ?? problems[0];
    if (!next) return this.ide.store.notify("No problems are known.");
    await this.ide.openSpot(next);
    this.ide.store.announce(`${SEVERITIES[next.severity]}, line ${next.line}: ${next.message}`);
    const view = this.ide.activeView();
    if (view) showTooltips(view);
  }

  /** Without hints, which mark what could be otherwise and are shown in the text. */
  get problems(): readonly Problem[] {
    return this.actions.servers.problems.now(this.actions.servers.files).filter(({ severity }) => severity !== "hint");
  }

  private async choose(label: string, spots: readonly Spot[]): Promise<void> {
    const sorted = [...spots].sort(compare);
    const items = this.linesOf(sorted).then((lines) => sorted.map((spot, index) => ({ text: `${where(spot)}  ${(lines[index] ?? "").trim()}`, run: () => void this.ide.openSpot(spot) })));
    await new Palette({ label, placeholder: "Part of a line or of a file’s name", items }).open();
  }

  /** The text of each place's line; "" where there are too many files, or one can't be read. */
  private async linesOf(spots: readonly Spot[]): Promise<readonly string[]> {
    const paths = [...new Set(spots.map(({ path }) => path))].slice(0, MOST_READ);
    const texts = new Map(await Promise.all(paths.map(async (path) => [path, await this.textOf(path).catch(() => [])] as const)));
    return spots.map(({ path, line }) => texts.get(path)?.[line - 1] ?? "");
  }

  private async textOf(path: string): Promise<readonly string[]> {
    const document = this.ide.documents.find(path);
    if (document?.kind === "text") return document.state.doc.toJSON();
    return decode((await this.api.readFile(this.project, path, { most: MOST_EDITABLE })).bytes).text.split("\n");
  }
}

function spotsIn(answer: unknown, connection: LanguageConnection): Found {
  const locations = (Array.isArray(answer) ? answer : [answer]).filter(isLocation);
  const spots: Spot[] = [];
  const outside: string[] = [];
  for (const location of locations) {
    const [uri, { start }] = "uri" in location ? [location.uri, location.range] : [location.targetUri, location.targetSelectionRange];
    const path = connection.pathOf(uri);
    if (path === null) outside.push(uri.slice(uri.lastIndexOf("/") + 1));
    else if (!spots.some((spot) => spot.path === path && spot.line === start.line + 1 && spot.column === start.character + 1)) spots.push({ path, line: start.line + 1, column: start.character + 1 });
  }
  return { spots, outside };
}

function isLocation(value: unknown): value is Location | LocationLink {
  if (!isObject(value)) return false;
  const range = value["range"] ?? value["targetSelectionRange"];
  return typeof (value["uri"] ?? value["targetUri"]) === "string" && isObject(range) && isObject(range["start"]);
}

function compare(a: Spot, b: Spot): number {
  return a.path === b.path ? a.line - b.line || a.column - b.column : a.path < b.path ? -1 : 1;
}

function where({ path, line }: Spot): string {
  return `${path}:${line}`;
}
