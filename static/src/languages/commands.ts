// The commands of language intelligence.

import { startCompletion } from "@codemirror/autocomplete";
import type { Command } from "../commands";
import type { Ide } from "../ide";
import { load } from "../loading";
import { Palette, type PaletteSource } from "../views/palette";
import type { LanguageViewActions } from "../views/language";
import type { Loaded } from "./intelligence";

export function languageCommands(ide: Ide): readonly Command[] {
  const { intelligence } = ide;
  const inText = (id: string, title: string, key: string, task: (loaded: Loaded) => unknown): Command => ({
    id,
    title,
    keys: [key],
    inText: true,
    isEnabled: () => intelligence.applies,
    run: () => intelligence.run(task),
  });
  const anywhere = (id: string, title: string, key: string, isEnabled: () => boolean, task: (loaded: Loaded) => unknown): Command => ({
    id,
    title,
    keys: [key],
    isEnabled,
    run: () => intelligence.run(task),
  });
  const isOn = (): boolean => intelligence.on.get();
  const hasReferences = (): boolean => intelligence.references.get() !== null;
  const suggest = (): void => {
    const view = ide.activeView();
    if (view) startCompletion(view);
  };
  return [
    { id: "complete", title: "Suggest completions", keys: ["mod+space", "ctrl+space"], inText: true, isEnabled: () => ide.activeView() !== null, run: suggest },
    inText("definition", "Go to the definition", "f12", ({ navigation }) => navigation.goToDefinition()),
    inText("references", "Find references", "shift+f12", ({ navigation }) => navigation.findReferences()),
    anywhere("nextReference", "Next reference of those that were found", "f4", hasReferences, ({ navigation }) => navigation.stepReference(1)),
    anywhere("previousReference", "Previous reference of those that were found", "shift+f4", hasReferences, ({ navigation }) => navigation.stepReference(-1)),
    { id: "references.list", title: "Go to the list of references", isEnabled: hasReferences, run: () => ide.focusPane("references") },
    { id: "fileSymbol", title: "Go to symbol in this file…", keys: ["mod+shift+o"], isEnabled: () => ide.documents.active.get()?.kind === "text", run: () => new Palette(symbolLists(ide)["@"]()).open() },
    { id: "projectSymbol", title: "Go to symbol in all files…", keys: ["alt+t"], isEnabled: isOn, run: () => new Palette(symbolLists(ide)["#"]()).open() },
    inText("renameSymbol", "Rename this name in all files…", "f2", ({ actions }) => actions.rename()),
    inText("quickFix", "Quick fix for this place…", "mod+.", ({ codeActions }) => codeActions.choose()),
    inText("organizeImports", "Organize imports", "alt+shift+o", ({ codeActions }) => codeActions.organizeImports()),
    inText("signature", "Show the parameters of this call", "mod+shift+space", ({ actions }) => actions.showSignature()),
    inText("hover", "Show what is known of this word", "alt+f12", ({ actions }) => actions.showHover()),
    { id: "problems", title: "Problems", keys: ["mod+shift+m"], isEnabled: isOn, run: () => ide.focusPane("problems") },
    anywhere("nextProblem", "Next problem", "f8", isOn, ({ navigation }) => navigation.nextProblem(1)),
    anywhere("previousProblem", "Previous problem", "shift+f8", isOn, ({ navigation }) => navigation.nextProblem(-1)),
    { id: "languageServer", title: "Language server of this file…", isEnabled: () => intelligence.applies, run: () => languageActions(ide).open() },
  ];
}

/** The lists of symbols, by the character that leads to them from that of files. */
export function symbolLists(ide: Ide): Readonly<Record<"@" | "#", () => PaletteSource>> {
  const symbols = (): Promise<typeof import("./symbols")> => load(() => import("./symbols"));
  return {
    "@": () => ({ label: "Go to symbol in this file", placeholder: "Name of a function, a class, a heading…", items: symbols().then(({ symbolsInFile }) => symbolsInFile(ide)) }),
    "#": () => {
      const before = { cancel: (): void => undefined };
      return { label: "Go to symbol in all files", placeholder: "Name of what the running language servers know", items: async (text) => (await symbols()).symbolsInProject(ide, text, before) };
    },
  };
}

/** What the status line offers. */
export function languageActions(ide: Ide): LanguageViewActions {
  return {
    open: () => void load(() => import("./about")).then(({ aboutServer }) => aboutServer(ide)).catch(ide.report),
    showProblems: () => ide.focusPane("problems"),
    showReferences: () => ide.focusPane("references"),
  };
}
