// Builds elements from text and attributes. Nothing in the front end parses HTML.

import { type Disposable, disposable } from "./lifecycle";

export type Child = Node | string | number | null | undefined | false;

type Handlers = { readonly [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void };
type AttributeValue = string | number | boolean | null | undefined;

/**
 * Attributes by their HTML names, and handlers under `on`. `true` sets an empty attribute; `false`, null and undefined leave
 * it out. No `style`: the content security policy refuses it; set `element.style` instead.
 */
export interface Props {
  readonly on?: Handlers;
  readonly [attribute: string]: AttributeValue | Handlers;
}

/** An element with attributes and children; strings become text nodes. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setProps(element, props);
  append(element, children);
  return element;
}

/** Sets or, for false, null and undefined, removes each attribute. */
export function setProps(element: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "object" && value !== null) {
      for (const [type, handler] of Object.entries(value)) element.addEventListener(type, handler as EventListener);
    } else if (value === false || value === null || value === undefined) {
      element.removeAttribute(name);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

export function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Puts `children` in the place of all that `parent` holds. */
export function replace(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** A 16-pixel line icon drawn from SVG path data; decoration only, hidden from screen readers. */
export function icon(path: string): SVGSVGElement {
  const element = document.createElementNS(SVG, "svg");
  setProps(element, { class: "icon", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  element.append(line);
  return element;
}

type EventsOf<T> = T extends Window
  ? WindowEventMap
  : T extends Document
    ? DocumentEventMap
    : T extends WebSocket
      ? WebSocketEventMap
      : T extends MediaQueryList
        ? MediaQueryListEventMap
        : HTMLElementEventMap;

/** `addEventListener` whose result removes the listener again. */
export function listen<T extends EventTarget, E extends keyof EventsOf<T> & string>(
  target: T,
  type: E,
  handler: (event: EventsOf<T>[E]) => void,
  options?: AddEventListenerOptions,
): Disposable {
  target.addEventListener(type, handler as EventListener, options);
  return disposable(() => target.removeEventListener(type, handler as EventListener, options));
}
