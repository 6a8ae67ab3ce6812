// The keyboard is in the editor again after a reload, if it was before and the person is nowhere else by then.

import { listen } from "./dom";
import { DisposableStore } from "./lifecycle";
import { recallInTab, rememberInTab } from "./storage";

export class FocusKeeper extends DisposableStore {
  private readonly key: string;
  private readonly was: boolean;
  private clicked = false;

  constructor(
    project: string,
    private readonly editor: { readonly element: HTMLElement; focus(): void },
  ) {
    super();
    this.key = `inEditor.${project}`;
    this.was = recallInTab(this.key, (value): value is boolean => typeof value === "boolean") ?? false;
    this.add(listen(window, "pointerdown", () => (this.clicked = true), { capture: true }));
    this.add(listen(document, "focusin", ({ target }) => rememberInTab(this.key, target instanceof Node && editor.element.contains(target))));
  }

  /** Whether an editor may take the keyboard unasked: what was clicked or has it keeps it, and none comes up over a phone's page. */
  get isFree(): boolean {
    return !this.clicked && document.activeElement === document.body && !matchMedia("(pointer: coarse)").matches;
  }

  restore(): void {
    if (this.was && this.isFree) this.editor.focus();
  }
}
