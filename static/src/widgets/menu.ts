// A menu that opens at a point or under a button.

import { h, listen } from "../dom";
import { DisposableStore } from "../lifecycle";

export interface MenuItem {
  readonly label: string;
  readonly key?: string;
  readonly danger?: boolean;
  readonly run: () => void;
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** The lower left corner of an element, where its menu opens. */
export function below(element: Element): Place {
  const { left, bottom } = element.getBoundingClientRect();
  return { x: left, y: bottom };
}

/** Opens the menu with the first item focused. It closes on a choice, Escape, Tab or a press elsewhere; focus goes back. `closed` is called then, after the choice was run. */
export function openMenu(items: readonly MenuItem[], place: Place, label: string, closed?: () => void): void {
  const before = document.activeElement;
  const listeners = new DisposableStore();
  const close = (choice?: MenuItem): void => {
    listeners.dispose();
    menu.remove();
    if (before instanceof HTMLElement) before.focus();
    choice?.run();
    closed?.();
  };
  const buttons = items.map((item) => {
    const key = item.key ? h("span", { class: "key" }, item.key) : null;
    const button = h("button", { type: "button", role: "menuitem", tabindex: -1, class: item.danger ? "danger" : null }, h("span", {}, item.label), key);
    button.addEventListener("click", () => close(item));
    return button;
  });
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label }, ...buttons);
  // Within the page's main part, so that a screen reader is not led out of it.
  (document.querySelector("main") ?? document.body).append(menu);
  position(menu, place);
  listeners.add(listen(menu, "keydown", (event) => handleKey(event, buttons, close)));
  listeners.add(listen(document, "pointerdown", (event) => !menu.contains(event.target as Node) && close(), { capture: true }));
  listeners.add(listen(window, "blur", () => close()));
  listeners.add(listen(window, "resize", () => close()));
  buttons[0]?.focus();
}

function position(menu: HTMLElement, { x, y }: Place): void {
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(x, innerWidth - width - 4))}px`;
  menu.style.top = `${Math.max(4, y + height + 4 > innerHeight ? innerHeight - height - 4 : y)}px`;
}

function handleKey(event: KeyboardEvent, buttons: readonly HTMLButtonElement[], close: () => void): void {
  const at = buttons.findIndex((button) => button === document.activeElement);
  const steps: Readonly<Record<string, number>> = { ArrowDown: at + 1, ArrowUp: at - 1 + buttons.length, Home: 0, End: buttons.length - 1 };
  const next = steps[event.key];
  if (next !== undefined) buttons[next % buttons.length]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") close();
  else if (event.key.length === 1) buttons.find((button) => button.textContent?.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
  if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
  event.stopPropagation();
}
