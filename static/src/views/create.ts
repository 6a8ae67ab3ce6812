// The form that makes a project.

import { type Api, ApiError, messageOf, type NewProject } from "../api";
import { toTable } from "../dependencies";
import { h, replace } from "../dom";
import { GitPerson } from "../gitperson";
import type { Project, Template } from "../wire";
import { button } from "../widgets/button";
import { DependenciesView } from "./dependencies";
import type { View } from "./view";

const STARTER = { name: "express", range: "^4.18.2" };

export class CreateView implements View {
  readonly element: HTMLElement;
  private readonly name = h("input", {
    class: "input",
    id: "create-name",
    name: "name",
    placeholder: "my-first-app",
    maxlength: 100,
    autocomplete: "off",
    "aria-describedby": "create-name-problem",
  });
  private readonly nameProblem = h("p", { class: "problem", id: "create-name-problem", role: "alert" });
  private readonly template = h("select", { class: "input", id: "create-template", name: "template", "aria-describedby": "create-template-hint" });
  private readonly templateHint = h("p", { class: "hint", id: "create-template-hint" });
  private readonly source = h("input", {
    class: "input",
    id: "create-source",
    type: "text",
    placeholder: "https://github.com/owner/name.git",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "create-source-hint create-source-problem",
  });
  private readonly sourceHint = h("p", { class: "hint", id: "create-source-hint" }, "Clones a repository in place of a template.");
  private readonly sourceProblem = h("p", { class: "problem", id: "create-source-problem", role: "alert" });
  private readonly accounts = button("Git accounts…", () => this.showAccounts());
  private readonly dependencies = new DependenciesView([STARTER]);
  private readonly problem = h("p", { class: "problem", role: "alert" });
  private readonly submit = h("button", { type: "submit", class: "button primary large" }, "Create project");
  private templates: readonly Template[] = [];

  /** `created` hears of the project that the server made. */
  constructor(
    private readonly api: Api,
    private readonly created: (project: Project) => void,
  ) {
    const form = h(
      "form",
      { class: "create", id: "create", novalidate: true, "aria-labelledby": "create-title" },
      h("h2", { id: "create-title" }, "New project"),
      field("create-name", "Name", this.name, this.nameProblem),
      field("create-template", "Template", this.template, this.templateHint),
      this.dependencies.element,
      field("create-source", "Git address (optional)", this.source, this.sourceHint, this.sourceProblem, this.accounts),
      this.problem,
      this.submit,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.template.addEventListener("change", () => this.renderHint());
    this.source.addEventListener("input", () => this.renderHint());
    this.element = form;
  }

  focus(): void {
    this.name.focus();
  }

  /** Fills the choice of templates. */
  async load(): Promise<void> {
    try {
      this.templates = await this.api.templates();
      replace(this.template, ...this.templates.map((template) => h("option", { value: template.name }, template.title ?? template.name)));
      this.renderHint();
    } catch (error) {
      replace(this.problem, messageOf(error));
    }
  }

  dispose(): void {
    this.element.remove();
  }

  private renderHint(): void {
    const template = this.templates.find((candidate) => candidate.name === this.template.value);
    replace(this.templateHint, template?.description);
    const cloned = this.source.value.trim() !== "";
    this.template.disabled = cloned;
    this.accounts.hidden = !cloned;
    this.dependencies.element.hidden = cloned || template?.dependencies === false;
  }

  /** What a private repository asks for can be set before it is cloned. */
  private showAccounts(): void {
    import("../gitdialogs").then(({ showAccounts }) => showAccounts(new GitPerson(this.api))).catch((error: unknown) => replace(this.problem, messageOf(error)));
  }

  private async send(): Promise<void> {
    this.clear();
    const withDependencies = !this.dependencies.element.hidden;
    if (withDependencies && !this.dependencies.check()) return;
    const name = this.name.value.trim();
    const source = this.source.value.trim();
    const project: NewProject = {
      ...(name ? { name } : {}),
      ...(source ? { source } : {}),
      ...(this.template.value && !source ? { template: this.template.value } : {}),
      ...(withDependencies ? { dependencies: toTable(this.dependencies.value) } : {}),
    };
    this.setBusy(true);
    try {
      this.created(await this.api.createProject(project));
    } catch (error) {
      this.showProblem(error);
    } finally {
      this.setBusy(false);
    }
  }

  private clear(): void {
    replace(this.problem);
    replace(this.nameProblem);
    replace(this.sourceProblem);
    this.source.removeAttribute("aria-invalid");
    this.name.removeAttribute("aria-invalid");
  }

  private setBusy(busy: boolean): void {
    this.submit.disabled = busy;
    replace(this.submit, busy ? "Creating…" : "Create project");
  }

  /** Puts the server's sentence where the input is that it is about. */
  private showProblem(error: unknown): void {
    const sentence = messageOf(error);
    const refused = (error instanceof ApiError && error.field) || "";
    const dependency = /^dependencies\.(.*)$/s.exec(refused)?.[1];
    if (refused === "name") {
      replace(this.nameProblem, sentence);
      this.name.setAttribute("aria-invalid", "true");
      this.name.focus();
    } else if (refused === "source") {
      replace(this.sourceProblem, sentence);
      this.source.setAttribute("aria-invalid", "true");
      this.source.focus();
    } else if (dependency === undefined || !this.dependencies.showProblem(dependency, sentence)) {
      replace(this.problem, sentence);
    }
  }
}

function field(id: string, label: string, ...content: readonly HTMLElement[]): HTMLElement {
  return h("div", { class: "field" }, h("label", { for: id }, label), ...content);
}
