// The part of the status line about language servers: how that of the document in front is, and how many problems are known.

import { h, replace } from "../dom";
import { plural } from "../format";
import { titleOf } from "../languages/served";
import { type Counts, type FrontServer, programOf, type ServerState, summaryOf } from "../languages/state";
import { DisposableStore, type Observable, watch } from "../lifecycle";
import type { View } from "./view";

export interface LanguageViewActions {
  open(): void;
  showProblems(): void;
  showReferences(): void;
}

export class LanguageView implements View {
  readonly element = h("span", { class: "status-language" });
  private readonly disposables = new DisposableStore();
  private readonly server = h("span", { role: "status" });
  private readonly problems = h("span", {});
  private readonly references = h("button", { type: "button", class: "status-item status-references", on: { click: () => this.actions.showReferences() } }, "References");

  constructor(
    source: { readonly front: Observable<FrontServer | null>; readonly counts: Observable<Counts>; readonly references: Observable<unknown> },
    private readonly actions: LanguageViewActions,
  ) {
    this.element.append(this.references, this.problems, this.server);
    this.disposables.add(watch(source.references, (references) => (this.references.hidden = references === null)));
    this.disposables.add(watch(source.front, (front) => this.renderServer(front)));
    this.disposables.add(watch(source.counts, (counts) => this.renderCounts(counts)));
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private renderServer(front: FrontServer | null): void {
    if (!front) return replace(this.server);
    const { state, language } = front;
    const advice = state.kind === "stopped" || state.kind === "unavailable" ? state.advice : null;
    const props = { type: "button", class: `status-item server-${state.kind}`, title: [summaryOf(state), advice].filter(Boolean).join(" "), on: { click: () => this.actions.open() } };
    replace(this.server, h("button", props, `${titleOf(language)}: ${wordOf(state)}`));
  }

  private renderCounts({ errors, warnings }: Counts): void {
    const text = [errors > 0 && plural(errors, "error"), warnings > 0 && plural(warnings, "warning")].filter(Boolean).join(", ");
    const props = { type: "button", class: `status-item ${errors > 0 ? "has-errors" : ""}`, title: "Problems", on: { click: () => this.actions.showProblems() } };
    replace(this.problems, text && h("button", props, text));
  }
}

function wordOf(state: ServerState): string {
  switch (state.kind) {
    case "starting":
      return "starting…";
    case "running":
      return programOf(state.command);
    case "stopped":
      return state.retrying ? "stopped, starts again" : "stopped";
    case "unavailable":
      return "no language server";
  }
}
