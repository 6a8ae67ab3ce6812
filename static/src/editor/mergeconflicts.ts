// What Git has written into a text where two sides changed the same lines: shown as such, with a choice of what is kept.

import { isolateHistory } from "@codemirror/commands";
import { type ChangeSet, EditorState, type Extension, RangeSetBuilder, StateField, type Text } from "@codemirror/state";
import { type Command, Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import { h } from "../dom";

/** Offsets of whole lines, with the break behind the last of them. */
interface Lines {
  readonly from: number;
  readonly to: number;
}

interface Side extends Lines {
  /** What Git calls it: a branch, a commit, or nothing. */
  readonly name: string;
}

/** From the line `<<<<<<<` to the line `>>>>>>>`, both with it. What was there before either change is shown by some settings of Git. */
export interface MergeConflict extends Lines {
  readonly ours: Side;
  readonly base: Lines | null;
  readonly theirs: Side;
}

export type Kept = "ours" | "theirs" | "both";

const MARKER = /^(?:([<>|])\1{6}(?: (.*?))?|={7})\r?$/;

interface Marker extends Lines {
  readonly sign: string;
  readonly name: string;
}

function markerIn(line: string, from: number, length: number): Marker | null {
  const sign = line.charAt(0);
  const found = "<=>|".includes(sign) && sign !== "" ? MARKER.exec(line) : null;
  return found && { sign, name: found[2] ?? "", from, to: Math.min(from + line.length + 1, length) };
}

/** The conflicts of a text in their order. One that is not complete is none, and none is within another. */
export function mergeConflictsIn(text: Text): readonly MergeConflict[] {
  const found: MergeConflict[] = [];
  let markers: Marker[] = [];
  let from = 0;
  for (const line of text.iterLines()) {
    const marker = markerIn(line, from, text.length);
    from += line.length + 1;
    if (!marker) continue;
    const signs = markers.map(({ sign }) => sign).join("") + marker.sign;
    if (marker.sign === "<") markers = [marker];
    else if (/^<\|?=?>?$/.test(signs) && signs !== "<>" && signs !== "<|>") markers.push(marker);
    if (marker.sign !== ">") continue;
    const conflict = conflictOf(markers);
    if (conflict) found.push(conflict);
    markers = [];
  }
  return found;
}

function conflictOf(markers: readonly Marker[]): MergeConflict | null {
  const at = (sign: string): Marker | undefined => markers.find((marker) => marker.sign === sign);
  const [first, base, middle, last] = [at("<"), at("|"), at("="), at(">")];
  if (!first || !middle || !last) return null;
  return {
    from: first.from,
    to: last.to,
    ours: { name: first.name, from: first.to, to: (base ?? middle).from },
    base: base ? { from: base.to, to: middle.from } : null,
    theirs: { name: last.name, from: middle.to, to: last.from },
  };
}

// A text without conflicts, as nearly all are, is not looked through with each key.
function mayHaveBegun(changes: ChangeSet, text: Text): boolean {
  let begun = false;
  changes.iterChangedRanges((_fromA, _toA, from, to) => {
    for (let line = text.lineAt(from); !begun; line = text.line(line.number + 1)) {
      begun = markerIn(line.text, line.from, text.length) !== null;
      if (line.to >= to) break;
    }
  });
  return begun;
}

const conflicts = StateField.define<readonly MergeConflict[]>({
  create: ({ doc }) => mergeConflictsIn(doc),
  update(before, { docChanged, changes, newDoc }) {
    if (!docChanged || (before.length === 0 && !mayHaveBegun(changes, newDoc))) return before;
    return mergeConflictsIn(newDoc);
  },
  provide: (field) => EditorView.decorations.compute([field], (state) => decorate(state.doc, state.field(field))),
});

const LOOKS = {
  marker: Decoration.line({ class: "cm-conflict-marker" }),
  ours: Decoration.line({ class: "cm-conflict-ours" }),
  base: Decoration.line({ class: "cm-conflict-base" }),
  theirs: Decoration.line({ class: "cm-conflict-theirs" }),
};

function decorate(text: Text, all: readonly MergeConflict[]): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const { from, to, ours, base, theirs } of all) {
    builder.add(from, from, Decoration.widget({ widget: new Choice(ours.name, theirs.name), block: true, side: -1 }));
    const within = (at: number, lines: Lines | null): boolean => lines !== null && at >= lines.from && at < lines.to;
    for (let at = from; at < to; ) {
      builder.add(at, at, within(at, ours) ? LOOKS.ours : within(at, base) ? LOOKS.base : within(at, theirs) ? LOOKS.theirs : LOOKS.marker);
      at = text.lineAt(at).to + 1;
    }
  }
  return builder.finish();
}

class Choice extends WidgetType {
  constructor(
    private readonly ours: string,
    private readonly theirs: string,
  ) {
    super();
  }

  override eq(other: Choice): boolean {
    return other.ours === this.ours && other.theirs === this.theirs;
  }

  override toDOM(view: EditorView): HTMLElement {
    const names = { ours: this.ours || "ours", theirs: this.theirs || "theirs", both: "both" };
    const choose = (kept: Kept): void => {
      const conflict = conflictAt(view.state, view.posAtDOM(element));
      if (conflict) resolve(view, conflict, kept);
      view.focus();
    };
    const buttons = (["ours", "theirs", "both"] as const).map((kept) => {
      const label = `Keep ${names[kept]}`;
      return h("button", { type: "button", class: "button plain", title: label, on: { click: () => choose(kept) } }, label);
    });
    const element = h("div", { class: "cm-conflict-choice", role: "group", "aria-label": "Merge conflict" }, ...buttons);
    return element;
  }
}

function conflictAt(state: EditorState, at: number): MergeConflict | null {
  return mergeConflictsOf(state).find(({ from, to }) => at >= from && (at < to || (at === to && to === state.doc.length))) ?? null;
}

function resolve(view: EditorView, { from, to, ours, theirs }: MergeConflict, kept: Kept): void {
  const text = [kept === "theirs" ? null : ours, kept === "ours" ? null : theirs].map((side) => (side ? view.state.sliceDoc(side.from, side.to) : "")).join("");
  // One step of its own, which Undo takes back alone.
  view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from }, scrollIntoView: true, userEvent: "input.conflict", annotations: isolateHistory.of("full") });
}

/** Those of the text, in their order; none where `mergeConflicts` is not in use. */
export function mergeConflictsOf(state: EditorState): readonly MergeConflict[] {
  return state.field(conflicts, false) ?? [];
}

/** Replaces the conflict at the cursor with what is kept of it; false where there is none. */
export function keepSide(kept: Kept): Command {
  return (view) => {
    const conflict = conflictAt(view.state, view.state.selection.main.head);
    if (conflict) resolve(view, conflict, kept);
    return conflict !== null;
  };
}

/** Moves the cursor to the next conflict, or the one before, around the end of the text; false where there is none. */
export function toConflict(direction: 1 | -1): Command {
  return (view) => {
    const { head } = view.state.selection.main;
    const all = [...mergeConflictsOf(view.state)];
    if (direction < 0) all.reverse();
    const next = all.find(({ from }) => (from - head) * direction > 0) ?? all[0];
    if (next) view.dispatch({ selection: { anchor: next.from }, effects: EditorView.scrollIntoView(next.from, { y: "center" }) });
    return next !== undefined;
  };
}

export function isInConflict(state: EditorState): boolean {
  return conflictAt(state, state.selection.main.head) !== null;
}

/** Shows the merge conflicts of a text that can be edited. */
export const mergeConflicts: Extension = conflicts;
