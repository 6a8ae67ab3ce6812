// What a person can ask a language server for.

import { startCompletion } from "@codemirror/autocomplete";
import { showSignatureHelp } from "@codemirror/lsp-client";
import { getIndentUnit, indentUnit } from "@codemirror/language";
import { activateHover, type EditorView } from "@codemirror/view";
import type { Hover, Position, TextEdit, WorkspaceEdit } from "vscode-languageserver-protocol";
import type { Api } from "../api";
import type { TextDocument } from "../editor/document";
import type { Ide } from "../ide";
import { prompt } from "../widgets/dialog";
import { applyEdits, editsByPath, type EditTarget, Snapshot } from "./edits";
import { positionOf } from "./places";
import type { Known, LanguageServers } from "./servers";
import { programOf, sentence } from "./state";

interface Asked extends Known {
  readonly view: EditorView;
  readonly params: { readonly textDocument: { readonly uri: string }; readonly position: Position };
}

const LONGEST_SPOKEN = 500;

export class LanguageActions {
  constructor(
    private readonly ide: Ide,
    private readonly api: Api,
    private readonly project: string,
    readonly servers: LanguageServers,
  ) {}

  complete(): void {
    const asked = this.ask("completionProvider");
    if (asked) startCompletion(asked.view);
  }

  showSignature(): void {
    const asked = this.ask("signatureHelpProvider");
    if (asked) showSignatureHelp(asked.view);
  }

  /** Shows what is known of the word at the cursor until that moves, and says it to screen readers. */
  async showHover(): Promise<void> {
    const asked = this.ask("hoverProvider");
    if (!asked) return;
    showTooltips(asked.view);
    const found = await asked.client.request<unknown, Hover | null>("textDocument/hover", asked.params);
    this.ide.store.announce(found ? spoken(found.contents) : "Nothing is known of this place.");
  }

  async rename(): Promise<void> {
    const asked = this.ask("renameProvider");
    if (!asked) return;
    const word = asked.view.state.wordAt(asked.view.state.selection.main.head);
    if (!word) return this.ide.store.notify("There is no name at the cursor.");
    const old = asked.view.state.sliceDoc(word.from, word.to);
    const name = await prompt(`Rename ${old}`, old, (value) => (value ? null : "It needs a name."), "Rename");
    asked.view.focus();
    if (name === null || name === old) return;
    const snapshot = new Snapshot(asked.client);
    try {
      const edit = await asked.client.request<unknown, WorkspaceEdit | null>("textDocument/rename", { ...asked.params, newName: name });
      const { where } = await this.change(asked, edit, snapshot);
      this.ide.store.notify(where ? `Renamed ${old} in ${where}.` : `Nothing to rename was found.`);
    } finally {
      snapshot.release();
    }
  }

  /** Makes the changes, tells what had to be left as it was, and returns in which files they are: also in words, "" for none. Throws before anything is changed. */
  async change(known: Known, edit: WorkspaceEdit | null, snapshot: Snapshot): Promise<{ readonly where: string; readonly paths: readonly string[] }> {
    const target = this.targetOf(known);
    const edits = editsByPath(edit, target.pathOf, snapshot);
    const { open, saved, left } = await applyEdits(edits, snapshot, target);
    for (const { path, why } of left) this.ide.store.notify(`${path} was left as it is: ${why}.`);
    const where = [open > 0 && `${files(open)} in the editor, not saved yet`, saved > 0 && `${files(saved)} on disk`].filter(Boolean).join(", and ");
    return { where, paths: [...edits.keys()] };
  }

  /** Has the document's server format it; false when none does. Rejects with the server's refusal. */
  async format(document: TextDocument): Promise<boolean> {
    const known = this.servers.known(document);
    // Nix's servers run a formatter of their choice, not of the project's.
    if (!known?.client.serverCapabilities?.documentFormattingProvider || known.connection.language === "nix") return false;
    const { client, file } = known;
    const options = { tabSize: getIndentUnit(document.state), insertSpaces: !document.state.facet(indentUnit).includes("\t") };
    const snapshot = new Snapshot(client);
    try {
      const edits = await client.request<unknown, readonly TextEdit[] | null>("textDocument/formatting", { textDocument: { uri: file.uri }, options });
      const changes = snapshot.changesIn(file.path, edits ?? []);
      if (changes) document.dispatch({ changes, userEvent: "format" });
      return changes !== null;
    } finally {
      snapshot.release();
    }
  }

  /** The running server and the cursor's place, or null after it was said why there is none. */
  ask(capability: keyof NonNullable<Known["client"]["serverCapabilities"]>): Asked | null {
    const view = this.ide.activeView();
    const known = this.servers.known(this.ide.documents.active.get());
    if (!view || !known) return this.explain();
    if (!known.client.serverCapabilities?.[capability]) {
      const state = known.connection.state.get();
      this.ide.store.notify(`${state.kind === "running" ? programOf(state.command) : "This language server"} can’t do that.`);
      return null;
    }
    known.client.sync();
    const { doc, selection } = view.state;
    return { ...known, view, params: { textDocument: { uri: known.file.uri }, position: positionOf(doc, selection.main.head) } };
  }

  private explain(): null {
    const state = this.servers.front.get()?.state;
    const sentences = { starting: "The language server is starting; try again in a moment.", running: "The language server does not know this file.", none: "There is no language server for this file." };
    const failed = state?.kind === "stopped" || state?.kind === "unavailable" ? [state.reason, state.advice ?? ""].filter(Boolean).map(sentence).join(" ") : null;
    this.ide.store.notify(failed ?? sentences[state?.kind === "starting" || state?.kind === "running" ? state.kind : "none"]);
    return null;
  }

  private targetOf({ connection }: Known): EditTarget {
    return { api: this.api, project: this.project, documents: this.ide.documents, pathOf: (uri) => connection.pathOf(uri) };
  }
}

/** Shows all that is known of the cursor's place until something else happens there. */
export function showTooltips(view: EditorView): void {
  activateHover(view, view.state.selection.main.head, 1, { until: (transaction) => transaction.docChanged || transaction.selection !== undefined });
}

function spoken(contents: Hover["contents"]): string {
  const parts = (Array.isArray(contents) ? contents : [contents]).map((part) => (typeof part === "string" ? part : part.value));
  return parts.join(" ").replace(/```\w*|[`*]/g, "").slice(0, LONGEST_SPOKEN);
}

function files(count: number): string {
  return count === 1 ? "one file" : `${count} files`;
}
