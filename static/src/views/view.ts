// What every view is: an element, and the release of all it holds.

import type { Disposable } from "../lifecycle";

/** A view takes what it needs as constructor arguments, puts nothing into the page itself and knows no other view. */
export interface View extends Disposable {
  readonly element: HTMLElement;
  /** Called when the view comes to the front, after it has a size. */
  show?(): void;
  /** Takes the keyboard, where the person would want to type. */
  focus?(): void;
}
