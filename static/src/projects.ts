// The projects page.

import { Api, messageOf } from "./api";
import { h, icon, listen } from "./dom";
import { icons } from "./icons";
import type { ThemeChoice } from "./theme";
import { CreateView } from "./views/create";
import { pathOf, ProjectsView } from "./views/projects";
import { Notices } from "./widgets/notices";
import { themeButton } from "./widgets/themebutton";

const REFRESH_MS = 5000;

/** Builds the page in `root`. Resolves when the projects are shown. */
export async function startProjects(root: HTMLElement, theme: ThemeChoice): Promise<void> {
  const api = new Api();
  const notices = new Notices();
  const create = new CreateView(api, (project) => location.assign(pathOf(project)));
  const list = new ProjectsView(api, { create: () => create.focus(), report: (error) => notices.show(messageOf(error), "error") });
  root.classList.add("projects");
  root.replaceChildren(
    h("a", { class: "skip", href: "#main" }, "Skip to the projects"),
    header(theme),
    h("main", { id: "main", class: "projects-main", tabindex: -1 }, list.element, create.element),
    notices.element,
  );
  await Promise.all([list.refresh(), create.load()]);
  const refreshIfSeen = (): void => {
    if (document.visibilityState === "visible") void list.refresh();
  };
  setInterval(refreshIfSeen, REFRESH_MS);
  listen(document, "visibilitychange", refreshIfSeen);
}

function header(theme: ThemeChoice): HTMLElement {
  const signOut = h("button", { type: "submit", class: "icon-button", "aria-label": "Sign out", title: "Sign out" }, icon(icons.signOut));
  return h(
    "header",
    { class: "top" },
    h("a", { class: "home", href: "/" }, h("span", { class: "mark", "aria-hidden": "true" }), h("span", {}, "Hutch")),
    h("div", { class: "spacer" }),
    themeButton(theme.dark, () => theme.toggle()),
    h("form", { method: "post", action: "/logout" }, signOut),
  );
}
