// Completions as the language server offers them: what more it knows of an entry is asked for when that is chosen in the list, and
// what the entry changes elsewhere, such as the imports, is one step with it, or the next where a server takes long to say.

import { isolateHistory } from "@codemirror/commands";
import { closeCompletion, type Completion, type CompletionContext as Asked, type CompletionSource, insertCompletionText, pickedCompletion, snippet, startCompletion } from "@codemirror/autocomplete";
import { type LSPClientExtension, LSPPlugin, showSignatureHelp } from "@codemirror/lsp-client";
import { type ChangeDesc, ChangeSet, type ChangeSpec, type EditorState, MapMode, type Text, type Transaction, type TransactionSpec } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import type { Command, CompletionContext, CompletionItem, CompletionList, Range, TextEdit } from "vscode-languageserver-protocol";
import { changesBetween } from "../editor/changes";
import { isObject } from "../wire";
import type { ServerClient } from "./client";
import { documentationOf } from "./documentation";
import { isEdit } from "./edits";
import { offsetOf } from "./places";
import { templateOf } from "./snippets";

// As the protocol numbers them.
const INVOKED = 1;
const BY_CHARACTER = 2;
const SNIPPET = 2;
// As long as nobody wonders where the text is that they chose.
const WAIT_MS = 1500;
const MOST_ITEMS = 5000;
// The most that the editor knows: before what matches as well, and behind what is typed already.
const PRESELECTED = 99;
// What servers have their client do when an entry is in, by the names that Visual Studio Code has for it.
const OF_THE_CLIENT: Readonly<Record<string, (view: EditorView) => unknown>> = {
  "editor.action.triggerSuggest": startCompletion,
  "editor.action.triggerParameterHints": showSignatureHelp,
};
const BEGINS = /[\p{L}_$]/u;
const GOES_ON = /^[\p{L}\p{N}_$]*$/u;

/** What the client says that it can do with completions, besides what the library says. */
export const completing: LSPClientExtension = {
  clientCapabilities: {
    textDocument: {
      completion: {
        completionItem: {
          insertReplaceSupport: true,
          commitCharactersSupport: true,
          labelDetailsSupport: true,
          preselectSupport: true,
          resolveSupport: { properties: ["documentation", "detail", "additionalTextEdits", "command"] },
        },
      },
    },
  },
};

interface Span {
  readonly from: number;
  readonly to: number;
}

/** What is known of an entry. The places of `edits` are those of `text`. */
interface Known extends Pick<CompletionItem, "detail" | "documentation"> {
  readonly edits: readonly TextEdit[];
  readonly text: Text;
  readonly command: unknown;
}

/** Asks the server, when the person does or types a letter or what the server calls a trigger. `notify` hears of what an entry goes without. */
export function completionsOf(client: ServerClient, notify: (sentence: string) => void): CompletionSource {
  return async (asked) => {
    const plugin = asked.view && LSPPlugin.get(asked.view);
    const context = contextOf(asked, client);
    if (!plugin || !context) return null;
    client.sync();
    const { doc } = asked.state;
    const params = { textDocument: { uri: plugin.uri }, position: plugin.toPosition(asked.pos, doc), context };
    asked.addEventListener("abort", () => client.cancelRequest(params));
    const answer = await client.request<unknown, unknown>("textDocument/completion", params);
    const { items, itemDefaults } = listIn(answer);
    const [first] = items;
    if (!first) return null;
    const ranges = new Ranges(doc, asked.pos, itemDefaults?.editRange);
    const from = ranges.of(first)?.from ?? asked.matchBefore(/[\p{L}\p{N}_$]+/u)?.from ?? asked.pos;
    const list = new List(client, plugin, doc, from, asked.pos, ranges, notify);
    const typed = doc.sliceString(from, asked.pos);
    const options = items.map((item) => list.optionOf({ ...itemDefaults, ...item }, item));
    if (isObject(answer) && answer["isIncomplete"] === true) return { from, options };
    return { from, options, validFor: (text) => text.startsWith(typed) && GOES_ON.test(text.slice(typed.length)) };
  };
}

/** Where the entries say that they go, for a list that was asked for at `pos` of `text`. */
class Ranges {
  constructor(
    private readonly text: Text,
    private readonly pos: number,
    private readonly usual: unknown,
  ) {}

  /** Around the cursor; null for an entry that leaves it to the editor. What stands behind the cursor is kept where the server leaves the choice. */
  of({ textEdit }: CompletionItem): Span | null {
    const range = rangeIn(textEdit) ?? rangeIn({ range: this.usual }) ?? rangeIn(this.usual);
    return range && { from: Math.min(this.pos, offsetOf(this.text, range.start)), to: Math.max(this.pos, offsetOf(this.text, range.end)) };
  }
}

/** The entries of one answer. Only the one that was chosen last is asked about. */
class List {
  private readonly known = new Map<CompletionItem, Known>();
  private asking: { readonly item: CompletionItem; readonly answer: Promise<Known | null> } | null = null;

  constructor(
    private readonly client: ServerClient,
    private readonly plugin: LSPPlugin,
    private readonly text: Text,
    private readonly from: number,
    private readonly pos: number,
    private readonly ranges: Ranges,
    private readonly notify: (sentence: string) => void,
  ) {}

  /** `item` with what the list says of all; the server knows `sent`. */
  optionOf(item: CompletionItem, sent: CompletionItem): Completion {
    const label = typeof item.filterText === "string" ? item.filterText : item.label;
    const { detail = "", description = "" } = item.labelDetails ?? {};
    return {
      label,
      ...(label !== item.label && { displayLabel: item.label }),
      ...((item.labelDetails || item.detail) && { detail: item.labelDetails ? `${detail} ${description}`.trim() : String(item.detail) }),
      ...(typeof item.sortText === "string" && { sortText: item.sortText }),
      ...(item.preselect === true && { boost: PRESELECTED }),
      commitCharacters: (Array.isArray(item.commitCharacters) ? item.commitCharacters : []).filter(isMark),
      info: (option) => this.show(option, sent),
      apply: (view, option, from, to) => this.apply(view, option, item, sent, from, to),
    };
  }

  private show(option: Completion, sent: CompletionItem): HTMLElement | null | Promise<HTMLElement | null> {
    const render = (known: Known | null): HTMLElement | null => {
      if (!known) return null;
      // The list has it beside the name already.
      const { detail } = known;
      return documentationOf(detail === option.detail ? { ...known, detail: "" } : known, this.plugin);
    };
    const known = this.resolve(sent);
    return known instanceof Promise ? known.then(render).then(described) : render(known);
  }

  private apply(view: EditorView, option: Completion, item: CompletionItem, sent: CompletionItem, from: number, to: number): void {
    const own = this.ranges.of(item);
    const range = own ? { from: from - this.from + own.from, to: to + own.to - this.pos } : { from, to };
    const known = this.resolve(sent);
    if (known instanceof Promise) void this.applyLater(view, option, item, known, range);
    else this.insert(view, option, item, known, range);
  }

  /** Waits for what else is to be changed, for a while; the person may type on. */
  private async applyLater(view: EditorView, option: Completion, item: CompletionItem, answer: Promise<Known | null>, { from, to }: Span): Promise<void> {
    const { client, plugin } = this;
    const word = view.state.sliceDoc(from, to);
    closeCompletion(view);
    client.sync();
    const late = await client.withMapping(async (mapping) => {
      const known = await Promise.race([answer, new Promise<undefined>((resolve) => setTimeout(resolve, WAIT_MS))]);
      const range = { from: mapping.mapPos(plugin.uri, from, 1), to: mapping.mapPos(plugin.uri, to, -1) };
      if (view.state.sliceDoc(range.from, range.to) !== word) return null;
      const inserted = this.insert(view, option, item, known ?? null, range);
      return known === undefined ? inserted : null;
    });
    if (late) await this.changeLater(item, answer, late);
  }

  /** Makes the changes elsewhere, which came too late to be one step with the entry, as the next one: unless the entry was taken back. */
  private async changeLater({ label }: CompletionItem, answer: Promise<Known | null>, inserted: Span): Promise<void> {
    const { client, plugin } = this;
    client.sync();
    await client.withMapping(async (mapping) => {
      const known = await answer;
      if (!known) return this.notify(`The language server did not say in time what ${label} needs elsewhere, such as an import.`);
      client.sync();
      const document = client.documents.getFile(plugin.uri)?.document;
      const since = mapping.getMapping(plugin.uri);
      if (!document || !since || isGone(inserted, since)) return;
      const changes = changesIn(document.state, known, { from: since.mapPos(inserted.from, 1), to: since.mapPos(inserted.to, -1) });
      if (!changes) this.tellLeftOut(label);
      else if (changes.length > 0) document.dispatch({ changes, userEvent: "input.complete", annotations: isolateHistory.of("full") });
    });
  }

  /** Returns where the entry is then. */
  private insert(view: EditorView, option: Completion, item: CompletionItem, known: Known | null, { from, to }: Span): Span {
    const elsewhere = known ? changesIn(view.state, known, { from, to }) : [];
    const text = textOf(item);
    const spec = item.insertTextFormat === SNIPPET ? filledIn(view, option, text, { from, to }) : plain(view.state, option, text, { from, to });
    // Changes elsewhere come first, so that an import and a name that begin at one place are in that order.
    const transaction = view.state.update({ changes: elsewhere ?? [] }, spec);
    view.dispatch(transaction);
    if (!elsewhere) this.tellLeftOut(item.label);
    this.run(view, known?.command ?? item.command);
    return { from: transaction.changes.mapPos(from, -1), to: transaction.changes.mapPos(to, 1) };
  }

  /** Does what is to follow the entry where the client or the server knows it. */
  private run(view: EditorView, wanted: unknown): void {
    if (!isCommand(wanted)) return;
    const { client } = this;
    const { command, arguments: given } = wanted;
    if (Object.hasOwn(OF_THE_CLIENT, command)) OF_THE_CLIENT[command]?.(view);
    else if (client.serverCapabilities?.executeCommandProvider?.commands?.includes(command)) client.request("workspace/executeCommand", { command, arguments: given }).catch(() => undefined);
  }

  private tellLeftOut(label: string): void {
    this.notify(`What ${label} needs elsewhere, such as an import, was left out: the text there was changed meanwhile.`);
  }

  /** At once where all is known. Null when the server can't say. */
  private resolve(item: CompletionItem): Known | Promise<Known | null> {
    const text = this.client.documents.getFile(this.plugin.uri)?.doc;
    const known = this.known.get(item);
    if (known) return known;
    if (this.asking?.item === item) return this.asking.answer;
    if (!text || this.client.serverCapabilities?.completionProvider?.resolveProvider !== true) return this.learn(item, item, this.text);
    if (this.asking) this.client.cancelRequest(this.asking.item);
    const answer = this.client.request<unknown, CompletionItem | null>("completionItem/resolve", item).then((full) => {
      if (this.asking === asking) this.asking = null;
      return isObject(full) ? this.learn(item, full, text) : null;
    });
    const asking = (this.asking = { item, answer });
    return answer;
  }

  private learn(item: CompletionItem, { detail, documentation, additionalTextEdits, command }: Partial<CompletionItem>, text: Text): Known {
    // What came with the list is of the text as it was by then.
    const [edits, of] = item.additionalTextEdits ? [item.additionalTextEdits, this.text] : [additionalTextEdits, text];
    const known = { detail: detail ?? "", documentation: documentation ?? "", edits: Array.isArray(edits) ? edits.filter(isEdit) : [], text: of, command };
    this.known.set(item, known);
    return known;
  }
}

function contextOf({ explicit, state, pos }: Asked, { serverCapabilities }: ServerClient): CompletionContext | null {
  const before = state.sliceDoc(pos - 1, pos);
  if (!explicit && serverCapabilities?.completionProvider?.triggerCharacters?.includes(before)) return { triggerKind: BY_CHARACTER, triggerCharacter: before };
  return explicit || BEGINS.test(before) ? { triggerKind: INVOKED } : null;
}

function listIn(answer: unknown): Pick<CompletionList, "items" | "itemDefaults"> {
  const { items, itemDefaults } = Array.isArray(answer) ? { items: answer as unknown[], itemDefaults: undefined } : isObject(answer) ? answer : {};
  return {
    items: (Array.isArray(items) ? items : []).filter(isItem).slice(0, MOST_ITEMS),
    ...(isObject(itemDefaults) && { itemDefaults }),
  };
}

function isItem(value: unknown): value is CompletionItem {
  return isObject(value) && typeof value["label"] === "string";
}

function isCommand(value: unknown): value is Command {
  return isObject(value) && typeof value["command"] === "string";
}

function rangeIn(value: unknown): Range | null {
  const range = isObject(value) ? (value["range"] ?? value["insert"]) : null;
  return isObject(range) && isObject(range["start"]) && isObject(range["end"]) ? (range as unknown as Range) : null;
}

/** A letter or a blank goes on with what is typed, whatever a server makes of it. */
function isMark(character: unknown): boolean {
  return typeof character === "string" && /^[^\p{L}\p{N}\s_]$/u.test(character);
}

/** Tells screen readers of what came after the entry was read out. */
function described(content: HTMLElement | null): HTMLElement | null {
  // The editor puts it into the list's tooltip as soon as it has it.
  if (content) setTimeout(() => content.closest(".cm-tooltip-autocomplete")?.querySelector("[aria-selected]")?.setAttribute("aria-describedby", content.parentElement?.id ?? ""));
  return content;
}

function textOf({ textEdit, textEditText, insertText, label }: CompletionItem): string {
  const text = [textEdit?.newText, textEditText, insertText].find((one) => typeof one === "string");
  return text ?? label;
}

function plain(state: EditorState, option: Completion, text: string, { from, to }: Span): TransactionSpec {
  const annotations = pickedCompletion.of(option);
  const { main } = state.selection;
  // The person has typed on, and stays where they are.
  if (main.head < from || main.head > to) return { changes: { from, to, insert: text }, userEvent: "input.complete", annotations };
  return { ...insertCompletionText(state, text, from, to), annotations };
}

function filledIn({ state }: EditorView, option: Completion, text: string, { from, to }: Span): TransactionSpec {
  let made: Transaction | null = null;
  snippet(templateOf(text))({ state, dispatch: (transaction) => (made = transaction) }, option, from, to);
  const { changes, selection, effects } = made as unknown as Transaction;
  return { changes, ...(selection && { selection }), effects, scrollIntoView: true, userEvent: "input.complete", annotations: pickedCompletion.of(option) };
}

/** Whether nothing of it has stayed. */
function isGone({ from, to }: Span, since: ChangeDesc): boolean {
  let gone = false;
  since.iterChangedRanges((start, end) => (gone ||= start <= from && end >= to));
  return gone;
}

/** The changes elsewhere, as the text is by now; null when one of them would change what was typed since. */
function changesIn({ doc }: EditorState, { text, edits }: Known, main: Span): readonly ChangeSpec[] | null {
  if (edits.length === 0) return [];
  const since = ChangeSet.of(changesBetween(text, doc), text.length);
  const changes: { from: number; to: number; insert: string }[] = [];
  for (const { range, newText } of edits) {
    const [start, end] = [offsetOf(text, range.start), offsetOf(text, range.end)];
    const gone = start === end ? since.mapPos(start, 1, MapMode.TrackDel) === null : since.touchesRange(start, end) !== false;
    const above = since.mapPos(start, -1) <= main.from;
    const [from, to] = [since.mapPos(start, above ? -1 : 1), since.mapPos(end, above ? -1 : 1)];
    if (gone || (from < main.to && to > main.from)) return null;
    changes.push({ from, to, insert: newText });
  }
  return changes;
}
