// The frame that shows the app, at the size of a phone, a tablet or the pane.

import { h, listen } from "../dom";
import type { Disposable } from "../lifecycle";
import { type PageMessage, parsePageMessage } from "./messages";

// The app is of another origin, whose storage and cookies are its own; it may not move the page around it.
const SANDBOX = "allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox allow-modals allow-downloads";

export class PreviewFrame implements Disposable {
  readonly element = h("div", { class: "preview-stage" });
  private frame: HTMLIFrameElement | null = null;
  /** The origin of the app's page; a sandbox has none of its own. */
  private origin = "null";
  private readonly listener: Disposable;

  /** `tell` gets what the script in the page says, or another in its name. */
  constructor(tell: (message: PageMessage) => void) {
    this.listener = listen(window, "message", ({ source, origin, data }) => {
      const message = this.frame && source === this.frame.contentWindow && origin === this.origin ? parsePageMessage(data) : null;
      if (message) tell(message);
    });
  }

  dispose(): void {
    this.listener.dispose();
  }

  /** Opens `url`. A new frame each time: one that is reused would put each page into the history of the IDE's tab. */
  open(url: string, title: string): void {
    const { origin } = new URL(url, location.href);
    const foreign = origin !== location.origin;
    this.origin = foreign ? origin : "null";
    const frame = h("iframe", {
      class: "preview-frame",
      title,
      // Under the IDE's own origin (previews by path) an origin of its own would be the IDE's.
      sandbox: foreign ? `${SANDBOX} allow-same-origin` : SANDBOX,
      allow: "fullscreen; clipboard-write",
      referrerpolicy: "no-referrer",
      src: url,
    });
    this.element.dataset["loading"] = "";
    frame.addEventListener("load", () => delete this.element.dataset["loading"]);
    this.element.replaceChildren(frame);
    this.frame = frame;
  }

  close(): void {
    this.element.replaceChildren();
    delete this.element.dataset["loading"];
    this.frame = null;
  }

  /** Has the page go back or forward by itself. Only the page that was opened gets to know. */
  order(move: "back" | "forward"): void {
    // A sandboxed page's origin can't be named.
    this.frame?.contentWindow?.postMessage({ hutch: move }, this.origin === "null" ? "*" : this.origin);
  }

  /** In pixels; null for all there is. */
  setSize(size: { readonly width: number; readonly height: number } | null): void {
    this.element.classList.toggle("sized", size !== null);
    this.element.style.setProperty("--frame-width", `${size?.width ?? 0}px`);
    this.element.style.setProperty("--frame-height", `${size?.height ?? 0}px`);
  }

  focus(): void {
    this.frame?.focus();
  }
}
