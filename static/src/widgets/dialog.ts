// Questions that need an answer before anything else goes on.

import { type Child, h } from "../dom";

export interface Choice<T> {
  readonly label: string;
  readonly value: T;
  readonly kind?: "primary" | "danger" | "plain";
}

export interface Question<T> {
  readonly title: string;
  readonly body?: Child | readonly Child[];
  readonly choices: readonly Choice<T>[];
  /** What Escape and a click beside the dialog answer. */
  readonly otherwise: T;
}

/** Asks in a modal dialog. Focus goes back where it was. */
export function ask<T>(question: Question<T>): Promise<T> {
  return new Promise((resolve) => {
    let answer = question.otherwise;
    const body = Array.isArray(question.body) ? (question.body as readonly Child[]) : [question.body as Child];
    const buttons = question.choices.map((choice) => {
      const props = { type: "button", class: `button ${choice.kind ?? "plain"}`, autofocus: choice.kind === "primary" };
      const button = h("button", props, choice.label);
      button.addEventListener("click", () => {
        answer = choice.value;
        dialog.close();
      });
      return button;
    });
    const dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "dialog-title" },
      h("h2", { id: "dialog-title" }, question.title),
      h("div", { class: "dialog-body" }, ...body),
      h("div", { class: "dialog-actions" }, ...buttons),
    );
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** True when the person agrees. */
export function confirm(title: string, body: string, action: string): Promise<boolean> {
  const choices: Choice<boolean>[] = [
    { label: "Cancel", value: false, kind: "primary" },
    { label: action, value: true, kind: "danger" },
  ];
  return ask({ title, body: h("p", {}, body), choices, otherwise: false });
}

/** Asks for one line of text; null when the person gave up. `check` returns what is wrong with it, or null. */
export function prompt(title: string, initial: string, check: (value: string) => string | null, action = "Save"): Promise<string | null> {
  return new Promise((resolve) => {
    const input = h("input", { class: "input", value: initial, "aria-label": title, "aria-describedby": "prompt-problem", autofocus: true });
    const problem = h("p", { class: "problem", id: "prompt-problem", role: "alert" });
    const save = h("button", { type: "submit", class: "button primary" }, action);
    const cancel = h("button", { type: "button", class: "button plain", on: { click: () => dialog.close() } }, "Cancel");
    const form = h("form", { method: "dialog" }, h("h2", {}, title), input, problem, h("div", { class: "dialog-actions" }, cancel, save));
    const dialog = h("dialog", { class: "dialog", "aria-label": title }, form);
    let answer: string | null = null;
    form.addEventListener("submit", (event) => {
      const wrong = check(input.value.trim());
      problem.textContent = wrong;
      if (wrong === null) answer = input.value.trim();
      else event.preventDefault();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  });
}
