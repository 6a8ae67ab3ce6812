// The way to see the app on a phone: its address as a QR code, or why a phone can't reach it.

import { h } from "../dom";
import { ask } from "../widgets/dialog";

/** Whether the address leads to the machine itself, whatever machine asks. */
export function isLocalOnly(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname.endsWith(".localhost") || /^127\./.test(hostname) || hostname === "[::1]";
}

const CLOSE = [{ label: "Close", value: null, kind: "primary" }] as const;

/** Shows `url`, an absolute address, in a dialog. */
export async function showOnPhone(url: string): Promise<void> {
  if (isLocalOnly(url)) {
    const name = new URL(url).hostname.endsWith(".localhost") ? "Names that end in .localhost stand" : "This address stands";
    const body = [
      h("p", {}, `${name} for the machine itself, so a phone would look for the app on the phone.`),
      h("p", {}, "To reach it from others, start Hutch with ", h("code", {}, "HUTCH_HOST=0.0.0.0"), " and ", h("code", {}, "HUTCH_PREVIEW_DOMAIN"), " set to a domain of which every name leads to this machine, and open the IDE by a name or address that the phone knows."),
    ];
    await ask({ title: "A phone can’t reach this address", body, choices: CLOSE, otherwise: null });
    return;
  }
  // Most people never look at it.
  const { generate } = await import("lean-qr");
  const canvas = h("canvas", { class: "qr", role: "img", "aria-label": `QR code of ${url}` });
  generate(url).toCanvas(canvas, { on: [0, 0, 0], off: [255, 255, 255] });
  const note = h("p", {}, "Point the phone’s camera at it. The phone signs in first, unless the port is public.");
  await ask({ title: "Open on a phone", body: [canvas, h("p", { class: "qr-address" }, url), note], choices: CLOSE, otherwise: null });
}
