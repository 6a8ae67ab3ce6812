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

const STEP = 240;
const MUCH = 20;

// With each key that widens the content the browser lays out and paints every line anew, so that what is wider than the
// window grows in steps of so many pixels. They go when many characters are deleted at once: the widest line may be gone.
class Growing {
  private readonly content: HTMLElement;
  private width = 0;

  constructor(view: EditorView) {
    this.content = view.contentDOM;
    this.measure(view);
  }

  update({ view, changes, geometryChanged }: ViewUpdate): void {
    if (this.width > 0 && changes.length - changes.newLength > MUCH) this.grow(0);
    if (geometryChanged) this.measure(view);
  }

  destroy(): void {
    this.grow(0);
  }

  private measure(view: EditorView): void {
    view.requestMeasure({
      key: this,
      read: ({ lineWrapping, scrollDOM }) => {
        const width = this.content.offsetWidth;
        if (lineWrapping || width <= scrollDOM.clientWidth - this.content.offsetLeft) return 0;
        return width > this.width ? Math.ceil(width / STEP + 0.5) * STEP : this.width;
      },
      write: (width) => { this.grow(width); },
    });
  }

  private grow(width: number): void {
    if (width === this.width) return;
    this.width = width;
    this.content.style.minWidth = width > 0 ? `${width}px` : "";
  }
}

/** Keeps most keys on a line that is wider than the window from being a change of the width of all lines. */
export const growing: Extension = ViewPlugin.fromClass(Growing);

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
