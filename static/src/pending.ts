// A view that is loaded when it is first seen.

import { h, replace } from "./dom";
import { type Disposable, DisposableStore } from "./lifecycle";
import { load } from "./loading";
import type { View } from "./views/view";
import { button } from "./widgets/button";

export class PendingView implements Disposable {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private loading: Promise<View | null> | null = null;
  private mounted = false;

  constructor(
    className: string,
    label: string,
    private readonly make: () => Promise<View>,
  ) {
    this.element = h("section", { class: className, "aria-label": label });
  }

  /** Loads the view unless it was, and tells it that it is seen. */
  async show(): Promise<View | null> {
    this.loading ??= this.mount();
    const view = await this.loading;
    view?.show?.();
    return view;
  }

  /** Shows the view with the keyboard in it. What is typed before it is there goes nowhere, and not into a file. */
  async focus(): Promise<View | null> {
    if (!this.mounted) {
      this.element.tabIndex = -1;
      this.element.focus();
    }
    const view = await this.show();
    view?.focus?.();
    return view;
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async mount(): Promise<View | null> {
    try {
      const view = this.disposables.add(await load(this.make));
      replace(this.element, view.element);
      this.mounted = true;
      return view;
    } catch (error) {
      this.loading = null;
      reportError(error);
      const again = button("Try again", () => void this.show());
      replace(this.element, h("p", { class: "pane-note" }, "This part could not be loaded. "), again);
      return null;
    }
  }
}
