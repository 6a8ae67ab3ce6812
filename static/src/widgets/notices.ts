// Sentences that come up for a while, in a corner.

import { h, icon } from "../dom";
import { icons } from "../icons";

const SHOWN_MS = 8000;
// Who is to decide something gets more time for it.
const SHOWN_WITH_ACTION_MS = 20_000;
const MOST = 3;

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void;
}

export class Notices {
  readonly element = h("div", { class: "notices", role: "region", "aria-label": "Notices" });
  private readonly live = h("div", { class: "notice-list", role: "status" });

  constructor() {
    this.element.append(this.live);
  }

  /** An error stays until it is dismissed, and what the pointer or the keyboard is at for as long. The same sentence is not shown twice at a time. */
  show(sentence: string, kind: "info" | "error" = "info", action?: NoticeAction): void {
    for (const shown of this.live.children) if (shown.firstChild?.textContent === sentence) shown.remove();
    const dismiss = h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss" }, icon(icons.close));
    const act = action ? h("button", { type: "button", class: "button" }, action.label) : null;
    const notice = h("div", { class: `notice ${kind}`, role: kind === "error" ? "alert" : null }, h("p", {}, sentence), act, dismiss);
    dismiss.addEventListener("click", () => notice.remove());
    act?.addEventListener("click", () => {
      notice.remove();
      action?.run();
    });
    this.live.append(notice);
    while (this.live.children.length > MOST) this.live.firstChild?.remove();
    const end = (): void => {
      if (notice.matches(":hover, :focus-within")) setTimeout(end, SHOWN_MS);
      else notice.remove();
    };
    if (kind === "info") setTimeout(end, action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
  }
}
