// Sentences that come up for a while, in a corner.

import { h, icon } from "../dom";
import { icons } from "../icons";

const SHOWN_MS = 8000;
const MOST = 3;

export class Notices {
  readonly element = h("div", { class: "notices", role: "region", "aria-label": "Notices" });
  private readonly live = h("div", { class: "notice-list", role: "status" });

  constructor() {
    this.element.append(this.live);
  }

  /** An error stays until it is dismissed. The same sentence is not shown twice at a time. */
  show(sentence: string, kind: "info" | "error" = "info"): void {
    for (const shown of this.live.children) if (shown.firstChild?.textContent === sentence) shown.remove();
    const dismiss = h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss" }, icon(icons.close));
    const notice = h("div", { class: `notice ${kind}`, role: kind === "error" ? "alert" : null }, h("p", {}, sentence), dismiss);
    dismiss.addEventListener("click", () => notice.remove());
    this.live.append(notice);
    while (this.live.children.length > MOST) this.live.firstChild?.remove();
    if (kind === "info") setTimeout(() => notice.remove(), SHOWN_MS);
  }
}
