// Buttons, with words or with a picture.

import { h, icon } from "../dom";

export function button(label: string, run: () => void, kind: "primary" | "danger" | "plain" = "plain"): HTMLButtonElement {
  return h("button", { type: "button", class: `button ${kind}`, on: { click: run } }, label);
}

/** A picture whose label is read out and shown on hover. */
export function iconButton(label: string, path: string, run: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: run } }, icon(path));
}
