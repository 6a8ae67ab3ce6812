// A page that shows one terminal to somebody who only looks.

import { Api, messageOf } from "./api";
import type { ProjectConfig } from "./config";
import { h } from "./dom";
import { ProjectEvents } from "./events";
import { labelOf } from "./terminal/names";
import { TerminalPane } from "./terminal/pane";
import { TerminalPreferences } from "./terminal/preferences";
import type { ThemeChoice } from "./theme";
import { Notices } from "./widgets/notices";
import { themeButton } from "./widgets/themebutton";
import type { Terminal } from "./wire";

/** Builds the page in `root`. Resolves when the terminal is being shown. */
export async function startOnlooker(root: HTMLElement, config: ProjectConfig, name: string, theme: ThemeChoice): Promise<void> {
  const api = new Api();
  const { project } = config;
  const notices = new Notices();
  const title = h("h1", { class: "onlooker-title" });
  const pane = new TerminalPane({
    label: "A terminal that others use",
    endpoint: ({ offset }) => api.terminalUrl(project.id, name, { view: 1, offset }),
    offset: null,
    fresh: false,
    viewOnly: true,
    upload: () => Promise.reject(new Error("This page only looks.")),
    stopRecording: null,
    takesKey: () => false,
    dark: theme.dark,
    preferences: new TerminalPreferences(),
    notify: (sentence) => notices.show(sentence),
  });
  const take = (terminals: readonly Terminal[]): void => {
    const terminal = terminals.find((candidate) => candidate.name === name);
    title.textContent = labelOf(name, terminal?.title);
    document.title = `${title.textContent} – ${project.name}`;
    pane.setRecorded(!!terminal?.recording);
    // It was not there, or the project did not run.
    if (terminal && !terminal.ended && pane.session.state.get().kind === "refused") pane.session.retry();
  };
  root.classList.add("onlooker");
  root.replaceChildren(
    h(
      "header",
      { class: "top" },
      h("a", { class: "home", href: `/projects/${project.id}` }, h("span", { class: "mark", "aria-hidden": "true" }), h("span", {}, project.name)),
      title,
      h("span", { class: "badge" }, "View only"),
      h("div", { class: "spacer" }),
      themeButton(theme.dark, () => theme.toggle()),
    ),
    h("main", { class: "onlooker-main" }, pane.element),
    notices.element,
  );
  take([]);
  pane.setVisible(true);
  const events = new ProjectEvents(api, project.id);
  events.onTerminals(take);
  events.start();
  try {
    take(await api.terminals(project.id));
  } catch (error) {
    notices.show(messageOf(error), "error");
  }
}
