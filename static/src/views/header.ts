// The top line of the IDE: which project, what it is doing, and Run.

import { h, icon, replace, setProps } from "../dom";
import { icons } from "../icons";
import { DisposableStore, watch } from "../lifecycle";
import type { Pane, Store } from "../store";
import type { RunState } from "../wire";
import { iconButton } from "../widgets/button";
import { below, type MenuItem, openMenu } from "../widgets/menu";
import { themeButton } from "../widgets/themebutton";
import type { View } from "./view";

export type Region = "files" | "bottom" | "preview";

export interface HeaderActions {
  run(): void;
  stop(): void;
  restart(): void;
  openPalette(): void;
  toggleTheme(): void;
  toggleRegion(region: Region): void;
  toggleSteps(): void;
  isShown(region: Region): boolean;
  menu(): readonly MenuItem[];
}

const WORDS: Readonly<Record<RunState, string>> = {
  stopped: "Stopped",
  starting: "Starting",
  installing: "Installing",
  running: "Running",
  exited: "Ended",
  failed: "Failed",
};

const REGIONS: readonly (readonly [Region, string, string])[] = [
  ["files", "Show files", icons.paneLeft],
  ["bottom", "Show terminal and logs", icons.paneBottom],
  ["preview", "Show preview", icons.paneRight],
];

export class HeaderView implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly badge: HTMLButtonElement;
  private readonly runButton: HTMLButtonElement;
  private readonly stopButton: HTMLButtonElement;
  private readonly restartButton: HTMLButtonElement;
  private readonly regionButtons = new Map<Region, HTMLButtonElement>();

  constructor(
    private readonly store: Store,
    private readonly actions: HeaderActions,
  ) {
    this.badge = h("button", { type: "button", class: "badge", "aria-controls": "steps", title: "Steps of the run", on: { click: () => actions.toggleSteps() } });
    this.runButton = labelled("Run", icons.play, "primary", () => actions.run());
    this.stopButton = labelled("Stop", icons.stop, "plain", () => actions.stop());
    this.restartButton = labelled("Restart", icons.restart, "plain optional", () => actions.restart());
    const theme = themeButton(store.dark, () => actions.toggleTheme());
    theme.classList.add("wide-only");
    const more = iconButton("More", icons.dots, () => openMenu(actions.menu(), below(more), "More"));
    const palette = iconButton("Commands", icons.search, () => actions.openPalette());
    palette.classList.add("optional");
    this.element = h(
      "header",
      { class: "top" },
      h("a", { class: "home", href: "/", title: "All projects" }, h("span", { class: "mark", "aria-hidden": "true" }), h("span", { class: "home-word" }, "Hutch")),
      this.title(),
      this.badge,
      h("div", { class: "run-buttons", role: "group", "aria-label": "Run" }, this.runButton, this.stopButton, this.restartButton),
      h("div", { class: "spacer" }),
      palette,
      ...this.regions(),
      theme,
      more,
    );
    more.setAttribute("aria-haspopup", "menu");
    this.disposables.add(watch(store.status, () => this.renderState()));
  }

  /** Follows which regions and whether the steps show. */
  renderRegions(stepsShown: boolean): void {
    for (const [region, button] of this.regionButtons) setProps(button, { "aria-pressed": String(this.actions.isShown(region)) });
    setProps(this.badge, { "aria-expanded": String(stepsShown) });
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private title(): HTMLElement {
    const title = h("h1", { class: "project-name" });
    this.disposables.add(watch(this.store.project, (project) => replace(title, project.name)));
    return title;
  }

  private regions(): readonly HTMLElement[] {
    return REGIONS.map(([region, label, path]) => {
      const button = iconButton(label, path, () => this.actions.toggleRegion(region));
      button.classList.add("wide-only");
      this.regionButtons.set(region, button);
      return button;
    });
  }

  private renderState(): void {
    const { state } = this.store;
    const active = state === "starting" || state === "installing" || state === "running";
    const known = this.store.status.get() !== null;
    this.badge.dataset["state"] = known ? state : "unknown";
    replace(this.badge, h("span", { class: "dot", "aria-hidden": "true" }), known ? WORDS[state] : "…");
    this.runButton.hidden = active;
    this.stopButton.hidden = !active;
    this.restartButton.hidden = state !== "running";
  }
}

function labelled(label: string, path: string, kind: string, run: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: `button ${kind}`, on: { click: run } }, icon(path), label);
}

export const PANE_TABS: readonly (readonly [Pane, string, string])[] = [
  ["files", "Files", icons.folder],
  ["editor", "Editor", icons.code],
  ["terminal", "Terminal", icons.terminal],
  ["logs", "Logs", icons.logs],
  ["preview", "Preview", icons.preview],
];
