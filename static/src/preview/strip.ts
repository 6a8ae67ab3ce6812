// Below the app's page: what went wrong in it, in a line that opens into a list.

import { h, icon, replace } from "../dom";
import { icons } from "../icons";
import { type Disposable, MutableDisposable } from "../lifecycle";
import { iconButton } from "../widgets/button";
import { type Counted, type Report, Reports } from "./messages";

// A page in a loop reports faster than anybody reads.
const DRAW_DELAY_MS = 150;
const NAMES = { console: "Console", error: "Error", request: "Request" } as const;

export class ReportStrip implements Disposable {
  readonly element: HTMLElement;
  private readonly reports = new Reports();
  private readonly drawing = new MutableDisposable();
  private readonly summary = h("span", {});
  private readonly spoken = h("span", { class: "sr-only", role: "status" });
  private readonly list = h("ul", { class: "strip-list", id: "preview-reports", "aria-label": "What went wrong in the page", tabindex: 0, hidden: true });
  private readonly toggle = h("button", { type: "button", class: "strip-toggle", "aria-expanded": "false", "aria-controls": "preview-reports" }, icon(icons.warning), this.summary);

  constructor() {
    this.toggle.addEventListener("click", () => this.open(this.list.hidden !== false));
    const clear = iconButton("Clear the list", icons.trash, () => this.clear());
    this.element = h("section", { class: "preview-strip", "aria-label": "Problems of the page", hidden: true }, h("div", { class: "strip-head" }, this.toggle, clear), this.list, this.spoken);
  }

  add(report: Report): void {
    this.reports.add(report);
    if (this.drawing.value) return;
    const timer = setTimeout(() => this.draw(), DRAW_DELAY_MS);
    this.drawing.value = { dispose: () => clearTimeout(timer) };
  }

  clear(): void {
    this.reports.clear();
    this.open(false);
    this.draw();
  }

  dispose(): void {
    this.drawing.dispose();
  }

  private open(open: boolean): void {
    this.list.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
  }

  private draw(): void {
    this.drawing.value = undefined;
    const { summary, list } = this.reports;
    this.element.hidden = summary === "";
    this.summary.textContent = this.spoken.textContent = summary;
    replace(this.list, ...list.map(renderReport));
    this.list.scrollTop = this.list.scrollHeight;
  }
}

function renderReport({ report, times }: Counted): HTMLElement {
  const count = times > 1 ? h("span", { class: "strip-times" }, `× ${times}`) : null;
  const place = report.place ? h("span", { class: "strip-place" }, report.place) : null;
  return h("li", {}, h("span", { class: "strip-kind" }, NAMES[report.kind]), h("span", { class: "strip-text" }, report.text), count, place);
}
