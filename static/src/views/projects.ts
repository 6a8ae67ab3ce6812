// The list of projects.

import { type Api, messageOf } from "../api";
import { h, icon, replace } from "../dom";
import { formatAgo } from "../format";
import { icons } from "../icons";
import { button } from "../widgets/button";
import { confirm, prompt } from "../widgets/dialog";
import { below, openMenu } from "../widgets/menu";
import type { Project, RunState } from "../wire";
import type { View } from "./view";

const WORDS: Readonly<Record<RunState, string>> = {
  stopped: "Stopped",
  starting: "Starting",
  installing: "Installing",
  running: "Running",
  exited: "Ended",
  failed: "Failed",
};

export interface ProjectsActions {
  /** Brings the person to the form. */
  create(): void;
  report(error: unknown): void;
}

export class ProjectsView implements View {
  readonly element: HTMLElement;
  private readonly body = h("div", { class: "project-list-body" }, h("p", { class: "hint" }, "Loading…"));
  private shown = "";

  constructor(
    private readonly api: Api,
    private readonly actions: ProjectsActions,
  ) {
    const head = h("div", { class: "list-head" }, h("h1", {}, "Projects"));
    this.element = h("section", { class: "project-list", "aria-label": "Projects" }, head, this.body);
  }

  /** Asks the server again. Shows why when it doesn't answer. */
  async refresh(): Promise<void> {
    try {
      this.render(await this.api.projects());
    } catch (error) {
      this.shown = "";
      replace(this.body, h("p", { class: "problem", role: "alert" }, messageOf(error)), button("Try again", () => void this.refresh()));
    }
  }

  dispose(): void {
    this.element.remove();
  }

  private render(projects: readonly Project[]): void {
    const text = JSON.stringify(projects);
    // Not drawn again for nothing: an open menu and the focus stay.
    if (text === this.shown) return;
    this.shown = text;
    const newestFirst = [...projects].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
    if (projects.length === 0) replace(this.body, this.empty());
    else replace(this.body, h("ul", { class: "project-cards" }, ...newestFirst.map((project) => this.card(project))));
  }

  private empty(): HTMLElement {
    return h(
      "div",
      { class: "empty" },
      h("h2", {}, "Your first project is a minute away"),
      h(
        "ol",
        {},
        h("li", {}, h("strong", {}, "Create it. "), "Name the npm packages it needs; a starter that answers on the web comes with it."),
        h("li", {}, h("strong", {}, "Press Run. "), "The packages are installed in a container of its own, and the app starts."),
        h("li", {}, h("strong", {}, "Edit, and look. "), "The preview beside the code shows what the app answers."),
      ),
      button("Create a project", () => this.actions.create(), "primary"),
    );
  }

  private card(project: Project): HTMLElement {
    const state = typeof project.status === "string" ? project.status : (project.status?.state ?? "stopped");
    const badge = h("span", { class: "badge" }, h("span", { class: "dot", "aria-hidden": "true" }), WORDS[state]);
    badge.dataset["state"] = state;
    const more = h("button", { type: "button", class: "icon-button", "aria-label": `Actions for ${project.name}`, "aria-haspopup": "menu" }, icon(icons.dots));
    more.addEventListener("click", () => this.openMenu(project, more));
    const created = Date.parse(project.createdAt);
    const about = h("p", { class: "hint" }, `${project.template} · created `, h("time", { datetime: project.createdAt }, formatAgo(created, Date.now())));
    return h("li", { class: "project-card" }, h("div", { class: "project-text" }, h("a", { class: "project-link", href: pathOf(project) }, project.name), about), badge, more);
  }

  private openMenu(project: Project, place: HTMLElement): void {
    const attempt = (task: () => Promise<void>) => (): void => void task().catch((error: unknown) => this.actions.report(error));
    openMenu(
      [
        { label: "Open", run: () => location.assign(pathOf(project)) },
        { label: "Rename…", run: attempt(() => this.rename(project)) },
        { label: "Download as a zip", run: () => location.assign(this.api.archiveUrl(project.id)) },
        { label: "Delete…", danger: true, run: attempt(() => this.remove(project)) },
      ],
      below(place),
      `Actions for ${project.name}`,
    );
  }

  private async rename(project: Project): Promise<void> {
    const name = await prompt("Name of the project", project.name, (value) => (value === "" ? "Type a name." : null));
    if (name === null || name === project.name) return;
    await this.api.renameProject(project.id, name);
    await this.refresh();
  }

  private async remove(project: Project): Promise<void> {
    const sentence = "Its files, its container and all that runs in it will be gone. This can't be undone.";
    if (!(await confirm(`Delete ${project.name}?`, sentence, "Delete project"))) return;
    await this.api.deleteProject(project.id);
    await this.refresh();
  }
}

export function pathOf(project: Project): string {
  return `/projects/${encodeURIComponent(project.id)}`;
}
