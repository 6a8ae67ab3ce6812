// What keeps the time from a key to its paint short.

import { type Extension, type Transaction } from "@codemirror/state";
import { drawSelection, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";

const REST = 500;
const BLINKING = "blinking";

// A cursor that blinks is a layer of its own in every frame, so it does that only while nobody types.
class Blinking {
  private readonly view: EditorView;
  private moved = 0;
  private timer: number | undefined;

  constructor(view: EditorView) {
    this.view = view;
    this.hold();
  }

  update({ docChanged, selectionSet, focusChanged }: ViewUpdate): void {
    if (docChanged || selectionSet || focusChanged) this.hold();
  }

  destroy(): void {
    clearTimeout(this.timer);
    delete this.view.dom.dataset[BLINKING];
  }

  private hold(): void {
    this.moved = performance.now();
    if (this.timer !== undefined) return;
    delete this.view.dom.dataset[BLINKING];
    this.timer = window.setTimeout(this.look, REST);
  }

  private readonly look = (): void => {
    const left = this.moved + REST - performance.now();
    this.timer = left > 0 ? window.setTimeout(this.look, left) : undefined;
    if (this.timer === undefined) this.view.dom.dataset[BLINKING] = "";
  };
}

const still = EditorView.theme({
  // Over what the editor sets on the element itself with each move.
  ".cm-cursorLayer": { animation: "none !important" },
  [`&[data-${BLINKING}].cm-focused .cm-cursor`]: { animation: "cm-blink 1.2s steps(1) infinite" },
});

/** The cursor and the selection, several too, drawn by the editor. It blinks, but not for who wants nothing to move. */
export function cursor(): Extension {
  const blinks = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  return [drawSelection(), still, blinks ? ViewPlugin.fromClass(Blinking) : []];
}

/**
 * Takes what a key types out of the event. Otherwise the browser edits the page, and the editor reads its text back from
 * there. What an input method or a touch keyboard puts together stays with the browser.
 */
export const typed: Extension = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data } = event;
    if (event.inputType !== "insertText" || !data || event.isComposing || view.composing) return false;
    if (navigator.maxTouchPoints > 0 || view.state.readOnly) return false;
    const { from, to } = view.state.selection.main;
    const insert = (): Transaction =>
      view.state.update(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, data, insert))) {
      view.dispatch(insert());
    }
    return true;
  },
});
