// The commands of language intelligence.

import { startCompletion } from "@codemirror/autocomplete";
import type { Command } from "../commands";
import { h } from "../dom";
import type { Ide } from "../ide";
import { ask } from "../widgets/dialog";
import type { Loaded } from "./intelligence";
import { titleOf } from "./served";
import { summaryOf } from "./state";

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
  const suggest = (): void => {
    const view = ide.activeView();
    if (view) startCompletion(view);
  };
  return [
    { id: "complete", title: "Suggest completions", keys: ["mod+space", "ctrl+space"], inText: true, isEnabled: () => ide.activeView() !== null, run: suggest },
    inText("definition", "Go to the definition", "f12", ({ navigation }) => navigation.goToDefinition()),
    inText("references", "Find references", "shift+f12", ({ navigation }) => navigation.findReferences()),
    anywhere("back", "Go back, from a definition or a choice from a list", "mod+alt+-", () => intelligence.canGoBack, ({ navigation }) => navigation.goBack()),
    inText("renameSymbol", "Rename this name in all files…", "f2", ({ actions }) => actions.rename()),
    inText("signature", "Show the parameters of this call", "mod+shift+space", ({ actions }) => actions.showSignature()),
    inText("hover", "Show what is known of this word", "alt+f12", ({ actions }) => actions.showHover()),
    anywhere("problems", "Problems…", "mod+shift+m", isOn, ({ navigation }) => navigation.showProblems()),
    anywhere("nextProblem", "Next problem", "f8", isOn, ({ navigation }) => navigation.nextProblem(1)),
    anywhere("previousProblem", "Previous problem", "shift+f8", isOn, ({ navigation }) => navigation.nextProblem(-1)),
    { id: "languageServer", title: "Language server of this file…", isEnabled: () => intelligence.applies, run: () => languageActions(ide).open() },
  ];
}

/** What the status line offers. */
export function languageActions(ide: Ide): { open(): void; showProblems(): void } {
  return {
    open: () => void aboutServer(ide).catch(ide.report),
    showProblems: () => ide.commands.run("problems"),
  };
}

/** Says how the server of the document in front is, and starts it anew when asked to. */
async function aboutServer({ intelligence }: Ide): Promise<void> {
  const front = intelligence.front.get();
  if (!front) return;
  const { state, language } = front;
  const advice = state.kind === "stopped" || state.kind === "unavailable" ? state.advice : null;
  const restart = await ask({
    title: `Language server for ${titleOf(language)}`,
    body: [h("p", {}, summaryOf(state)), advice && h("p", {}, advice)],
    choices: [
      { label: "Close", value: false },
      { label: state.kind === "running" ? "Restart it" : "Start it", value: true, kind: "primary" },
    ],
    otherwise: false,
  });
  if (restart) await intelligence.restart(language);
}
