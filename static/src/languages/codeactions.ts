// What a language server offers to do about a place: to mend its problems, or to put imports in order.

import { forEachDiagnostic } from "@codemirror/lint";
import type { LSPClientExtension } from "@codemirror/lsp-client";
import type { EditorState } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import type { CodeAction, Command, Range } from "vscode-languageserver-protocol";
import { h } from "../dom";
import type { Ide } from "../ide";
import { isObject } from "../wire";
import { openMenu } from "../widgets/menu";
import type { LanguageActions } from "./actions";
import { Snapshot } from "./edits";
import { rangeBetween } from "./places";
import type { Mark } from "./problems";
import type { Known } from "./servers";

/** What the client says that it can do with them. */
export const acting: LSPClientExtension = {
  clientCapabilities: {
    workspace: { applyEdit: true, workspaceEdit: { documentChanges: true } },
    textDocument: {
      codeAction: {
        codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix", "refactor", "source", "source.organizeImports"] } },
        isPreferredSupport: true,
        dataSupport: true,
        resolveSupport: { properties: ["edit", "command"] },
      },
    },
  },
};

type Offer = CodeAction | Command;

interface PlacedMark {
  readonly mark: Mark;
  readonly from: number;
  readonly to: number;
}

// As the protocol numbers what made the client ask.
const INVOKED = 1;
const MOST_OFFERS = 50;
const ORGANIZE = "source.organizeImports";
// In this order in the menu; what concerns the file as a whole is not of the place.
const KINDS = ["quickfix", "refactor", ""];

export class CodeActions {
  constructor(
    private readonly ide: Ide,
    private readonly actions: LanguageActions,
  ) {}

  /** Lets the person choose among what can be done about the problems at the cursor, or about what is selected. */
  async choose(): Promise<void> {
    const asked = this.actions.ask("codeActionProvider");
    if (!asked) return;
    const { view } = asked;
    const { state } = view;
    const { range, marks } = placeIn(state);
    const snapshot = new Snapshot(asked.client);
    try {
      const offers = (await this.request(asked, range, marks)).filter(({ kind }) => !kind.startsWith("source"));
      // A menu must not take the keys of who has gone on.
      if (view.state.doc !== state.doc || !view.state.selection.eq(state.selection)) return;
      if (offers.length === 0) return this.ide.store.notify("The language server has no quick fix for this place.");
      const chosen = await pick(view, offers.map(({ offer }) => offer));
      if (chosen) await this.carryOut(asked, chosen, snapshot);
    } finally {
      snapshot.release();
    }
  }

  async organizeImports(): Promise<void> {
    const asked = this.actions.ask("codeActionProvider");
    if (!asked) return;
    const snapshot = new Snapshot(asked.client);
    try {
      const { doc } = asked.view.state;
      const [first] = (await this.request(asked, rangeBetween(doc, 0, doc.length), [], ORGANIZE)).filter(({ kind }) => kind.startsWith(ORGANIZE));
      if (first) await this.carryOut(asked, first.offer, snapshot);
      else this.ide.store.notify("The language server has nothing to change about the imports.");
    } finally {
      snapshot.release();
    }
  }

  /** Makes the changes of an offer, whose places are those of the snapshot, and has the server do what it wants to do besides. */
  async carryOut(known: Known, offer: Offer, snapshot: Snapshot): Promise<void> {
    const { client } = known;
    const full = isBare(offer) ? { title: offer.title, command: offer } : await this.resolved(known, offer);
    let [changed, elsewhere] = ["", false];
    const change = async (edit: NonNullable<CodeAction["edit"]>, since: Snapshot): Promise<void> => {
      const outcome = await this.actions.change(known, edit, since);
      changed = outcome.where || changed;
      elsewhere ||= outcome.paths.some((path) => path !== known.file.path);
    };
    if (full.edit) await change(full.edit, snapshot);
    if (full.command) await client.execute(full.command, change);
    if (elsewhere) this.ide.store.notify(`${full.title}: ${changed}.`);
    else if (changed) this.ide.store.announce(`${full.title}: done.`);
    else if (!full.command) this.ide.store.notify(`${full.title}: there was nothing to change.`);
  }

  /** The problem's message, with a button as soon as the server has said that something can be done about it. */
  describe(view: EditorView, mark: Mark): Node {
    const message = h("span", {}, mark.message);
    const choose = (): void => {
      const place = placeOf(view.state, mark);
      view.focus();
      if (place) view.dispatch({ selection: { anchor: place.from }, scrollIntoView: true });
      this.choose().catch(this.ide.report);
    };
    const show = (): void => {
      const key = this.ide.commands.labelOf("quickFix");
      message.append(h("button", { type: "button", class: "problem-fix", on: { click: choose } }, "Quick fix… ", h("span", { class: "key" }, key)));
      view.requestMeasure();
    };
    // A message without the button says as much as before.
    this.canMend(view, mark).then((can) => can && show(), () => undefined);
    return message;
  }

  private async canMend(view: EditorView, mark: Mark): Promise<boolean> {
    const file = this.actions.servers.files.find(({ views }) => views.includes(view));
    const known = file ? this.actions.servers.known(file.document) : null;
    const place = placeOf(view.state, mark);
    if (!known?.client.serverCapabilities?.codeActionProvider || !place) return false;
    known.client.sync();
    const offers = await this.request(known, rangeBetween(view.state.doc, place.from, place.to), [place], "quickfix");
    return offers.some(({ kind }) => kind.startsWith("quickfix"));
  }

  private async request({ client, file }: Known, range: Range, marks: readonly PlacedMark[], only?: string): Promise<readonly { readonly offer: Offer; readonly kind: string }[]> {
    const diagnostics = marks.map(({ mark, from, to }) => ({ ...mark.found, range: rangeBetween(file.doc, from, to) }));
    const context = { diagnostics, triggerKind: INVOKED, ...(only && { only: [only] }) };
    const answer = await client.request<unknown, unknown>("textDocument/codeAction", { textDocument: { uri: file.uri }, range, context });
    const offers = (Array.isArray(answer) ? answer : []).filter(isOffer).slice(0, MOST_OFFERS).map((offer) => ({ offer, kind: kindOf(offer) }));
    return offers.sort((a, b) => rankOf(a) - rankOf(b));
  }

  private async resolved({ client }: Known, offer: CodeAction): Promise<CodeAction> {
    const provider = client.serverCapabilities?.codeActionProvider;
    if (offer.edit || !isObject(provider) || provider["resolveProvider"] !== true) return offer;
    const full = await client.request<unknown, unknown>("codeAction/resolve", offer);
    return isOffer(full) && !isBare(full) ? full : offer;
  }
}

/** What is selected, with the problems in it. Without a selection, the cursor with those there, or else the nearest one in its line. */
function placeIn(state: EditorState): { readonly range: Range; readonly marks: readonly PlacedMark[] } {
  const { doc, selection } = state;
  const { from, to, empty } = selection.main;
  const [first, last] = [doc.lineAt(from), doc.lineAt(to)];
  const near = marksIn(state).filter((mark) => mark.from <= last.to && mark.to >= first.from);
  const here = near.filter((mark) => mark.from <= to && mark.to >= from);
  const distance = (mark: PlacedMark): number => Math.max(mark.from - to, from - mark.to);
  const [nearest] = empty && here.length === 0 ? near.sort((a, b) => distance(a) - distance(b)) : [];
  return nearest ? { range: rangeBetween(doc, nearest.from, nearest.to), marks: [nearest] } : { range: rangeBetween(doc, from, to), marks: here };
}

function placeOf(state: EditorState, mark: Mark): PlacedMark | null {
  return marksIn(state).find((one) => one.mark === mark) ?? null;
}

function marksIn(state: EditorState): PlacedMark[] {
  const marks: PlacedMark[] = [];
  forEachDiagnostic(state, (mark, from, to) => "found" in mark && marks.push({ mark: mark as Mark, from, to }));
  return marks;
}

function isOffer(value: unknown): value is Offer {
  return isObject(value) && typeof value["title"] === "string" && value["title"] !== "" && !value["disabled"];
}

/** Whether it is no action, but a command alone. */
function isBare(offer: Offer): offer is Command {
  return typeof offer.command === "string";
}

function kindOf(offer: Offer): string {
  return isBare(offer) || typeof offer.kind !== "string" ? "" : offer.kind;
}

function rankOf({ offer, kind }: { readonly offer: Offer; readonly kind: string }): number {
  if (!isBare(offer) && offer.isPreferred === true) return -1;
  return KINDS.findIndex((one) => kind.startsWith(one));
}

/** Null when the person chooses none. */
function pick(view: EditorView, offers: readonly Offer[]): Promise<Offer | null> {
  const { left, bottom } = view.coordsAtPos(view.state.selection.main.head) ?? view.dom.getBoundingClientRect();
  return new Promise((resolve) => {
    const items = offers.map((offer) => ({ label: offer.title, run: () => resolve(offer) }));
    openMenu(items, { x: left, y: bottom }, "Quick fixes", () => resolve(null));
  });
}
