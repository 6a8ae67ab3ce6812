// The parts of a run with their times, as they go by.

import { h, icon, replace } from "../dom";
import { formatDuration } from "../format";
import { icons } from "../icons";
import { DisposableStore, watch } from "../lifecycle";
import type { Store } from "../store";
import type { Status, Step } from "../wire";
import type { View } from "./view";

const NAMES: Readonly<Record<string, string>> = { clone: "Clone", container: "Container", environment: "Environment", install: "Install", app: "App" };
const ICONS = { pending: icons.circle, running: icons.dots, done: icons.check, skipped: icons.dash, failed: icons.warning } as const;
const WORDS = { pending: "waiting", running: "running", done: "done", skipped: "nothing to do", failed: "failed" } as const;

export class StepsView implements View {
  readonly element = h("div", { class: "steps", id: "steps" });
  private readonly disposables = new DisposableStore();
  private readonly list = h("ol", { class: "step-list", "aria-label": "Steps of the run" });
  private readonly detail = h("p", { class: "step-detail" });
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly store: Store) {
    this.element.append(this.list, this.detail);
    this.disposables.add(watch(store.status, () => this.render()));
  }

  dispose(): void {
    clearInterval(this.timer);
    this.disposables.dispose();
  }

  private render(): void {
    const status = this.store.status.get();
    const steps = status?.steps ?? [];
    replace(this.list, ...steps.map((step) => renderStep(step, status?.state === "running")));
    replace(this.detail, status && explain(status));
    clearInterval(this.timer);
    if (steps.some((step) => step.state === "running")) this.timer = setInterval(() => this.tick(), 200);
  }

  private tick(): void {
    const steps = this.store.status.get()?.steps ?? [];
    steps.forEach((step, index) => {
      const time = this.list.children[index]?.querySelector(".step-time");
      if (time && step.state === "running") time.textContent = timeOf(step);
    });
  }
}

function timeOf(step: Step): string {
  if (step.startedAt === null || step.state === "skipped") return "";
  const end = step.endedAt === null ? Date.now() : Date.parse(step.endedAt);
  // The app runs until it ends; how long is no step towards anything.
  if (step.name === "app" && step.state === "running") return "";
  return formatDuration(end - Date.parse(step.startedAt));
}

function renderStep(step: Step, up: boolean): HTMLElement {
  const name = NAMES[step.name] ?? step.name;
  // An app that runs is where the steps led to, and not one that is still under way.
  const state = step.name === "app" && step.state === "running" && up ? "done" : step.state;
  const time = h("span", { class: "step-time" }, timeOf(step));
  return h("li", { class: `step ${state}` }, icon(ICONS[state]), h("span", {}, name), h("span", { class: "sr-only" }, ` ${WORDS[step.state]} `), time);
}

/** The sentence under the steps: why it failed, or how the app ended. */
function explain(status: Status): string {
  const failed = status.steps.find((step) => step.state === "failed");
  if (failed?.detail) return failed.detail;
  if (failed && failed.code !== null) return `${NAMES[failed.name] ?? failed.name} ended with exit code ${failed.code}. The log has its last words.`;
  if (status.detail) return status.detail;
  if (status.state !== "exited") return "";
  return status.signal ? `The app was ended by ${status.signal}.` : `The app ended with exit code ${status.exitCode ?? 0}.`;
}
