// A click on what is made anew between press and release. A list that follows the disk or Git is so at any moment, and the
// browser then tells the click to nobody.

const CONTROLS = "button, a[href], [role=tab], [role=treeitem], [role=option], [role=menuitem]";

interface Press {
  readonly target: Element;
  readonly control: HTMLElement;
}

/** Passes such clicks on to what has the same name in the same place. */
export function keepClicks(document: Document): void {
  let press: Press | null = null;
  document.addEventListener("pointerdown", (event) => (press = event.pointerType === "mouse" && event.button === 0 ? pressOn(event.target) : null), true);
  document.addEventListener(
    "pointerup",
    (event) => {
      const began = press;
      press = null;
      const ended = pressOn(event.target);
      if (!began || !ended || began.target.isConnected || nameOf(began.control) !== nameOf(ended.control)) return;
      let told = false;
      const note = (): void => void (told = true);
      document.addEventListener("click", note, { capture: true, once: true });
      // The browser's own comes before that, if it comes.
      setTimeout(() => {
        document.removeEventListener("click", note, true);
        if (!told) ended.control.dispatchEvent(new MouseEvent("click", event));
      });
    },
    true,
  );
}

function pressOn(target: EventTarget | null): Press | null {
  const control = target instanceof Element ? target.closest<HTMLElement>(CONTROLS) : null;
  return control && { target: target as Element, control };
}

function nameOf(control: HTMLElement): string {
  return `${control.tagName} ${control.getAttribute("aria-label") ?? control.textContent}`;
}
