// Dragging by a finger: a long press takes something up, and then the finger moves it. Without one it scrolls, as ever.

export type Point = Pick<MouseEvent, "clientX" | "clientY">;

export interface TouchDragged {
  /** It was pressed for long enough. */
  begin(): void;
  move(point: Point): void;
  /** The finger was lifted there; null when the drag came to nothing. */
  end(point: Point | null): void;
}

const PRESS_MS = 400;
// Pixels: no finger keeps quite still.
const STILL = 10;

export function dragByTouch(element: HTMLElement, does: TouchDragged): void {
  let press: { readonly at: Point; readonly timer: ReturnType<typeof setTimeout> } | null = null;
  let state: "none" | "dragged" | "dropped" = "none";
  const stop = (next: typeof state): void => {
    clearTimeout(press?.timer);
    press = null;
    state = next;
  };
  const begin = (): void => {
    state = "dragged";
    does.begin();
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    stop("none");
    press = { at: event, timer: setTimeout(begin, PRESS_MS) };
  });
  element.addEventListener("pointermove", (event) => {
    if (!press || !event.isPrimary) return;
    if (state === "dragged") does.move(event);
    else if (Math.hypot(event.clientX - press.at.clientX, event.clientY - press.at.clientY) > STILL) stop("none");
  });
  const end = (event: PointerEvent, at: Point | null): void => {
    if (!press || !event.isPrimary) return;
    const dragged = state === "dragged";
    stop(dragged && at ? "dropped" : "none");
    if (dragged) does.end(at);
  };
  element.addEventListener("pointerup", (event) => end(event, event));
  element.addEventListener("pointercancel", (event) => end(event, null));
  // The browser would scroll, click or open its menu, and take the finger away; or begin a drag of its own.
  const refuse = (event: Event): void => {
    if (event.cancelable) event.preventDefault();
  };
  element.addEventListener("touchmove", (event) => state === "dragged" && refuse(event), { passive: false });
  element.addEventListener("touchend", (event) => state === "dropped" && refuse(event), { passive: false });
  for (const type of ["contextmenu", "dragstart"]) {
    element.addEventListener(type, (event) => {
      if (!press) return;
      refuse(event);
      event.stopImmediatePropagation();
    });
  }
}
