// What shows while there is no page yet: the steps of the run and the last lines of the log, or what to do.

import type { Api } from "../api";
import { h, icon, replace } from "../dom";
import { formatDuration } from "../format";
import { icons } from "../icons";
import { type Disposable, MutableDisposable } from "../lifecycle";
import { PlainTail } from "../terminal/plain";
import { Session } from "../terminal/session";
import { button } from "../widgets/button";
import type { RunState, Status, Step } from "../wire";

const LINES = 8;
const TAIL_BYTES = 8 * 1024;
const DRAW_DELAY_MS = 150;
// With the page come status and ports one after the other; most often there is nothing to wait for after all.
const FOLLOW_DELAY_MS = 200;
const NAMES: Readonly<Record<string, string>> = { clone: "Clone", container: "Container", environment: "Environment", install: "Install", app: "App" };
const WORDS = { pending: "waiting", running: "running", done: "done", skipped: "nothing to do", failed: "failed" } as const;
const ICONS = { pending: icons.circle, running: icons.dots, done: icons.check, skipped: icons.dash, failed: icons.warning } as const;

export interface Waiting {
  readonly status: Status | null;
  /** The port that is expected, where one is known. */
  readonly port: number | null;
  /** A page was open on it before. */
  readonly gone: boolean;
  /** Something listens there, and speaks no HTTP. */
  readonly mute?: boolean;
}

/** The sentence for a state. */
export function sentenceFor({ status, port, gone, mute = false }: Waiting): string {
  const where = port === null ? "a port" : `port ${port}`;
  switch (status?.state) {
    case undefined:
      return "Asking the server…";
    case "starting":
      return "The project is starting.";
    case "installing":
      return "The dependencies are being installed.";
    case "running":
      if (mute) return `What listens on ${where} does not speak HTTP, so there is no page to show. Programs in the project reach it.`;
      return gone ? `Nothing listens on ${where} any more. The page comes back with it.` : `The app runs; nothing listens on ${where} yet. The page opens by itself.`;
    case "exited":
      return status.signal ? `The app was ended by ${status.signal}.` : `The app ended with code ${status.exitCode ?? "unknown"}.`;
    case "failed":
      return status.detail ?? "The run failed.";
    case "stopped":
      return "The app’s page shows here once it runs.";
  }
}

export class WaitingState implements Disposable {
  readonly element: HTMLElement;
  private readonly sentence = h("p", { class: "waiting-sentence", role: "status" });
  private readonly steps = h("ol", { class: "waiting-steps", "aria-label": "Steps of the run" });
  private readonly log = h("pre", { class: "waiting-log", "aria-label": "Last lines of the log", hidden: true });
  private readonly runButton: HTMLButtonElement;
  private readonly session = new MutableDisposable<Session>();
  private readonly drawing = new MutableDisposable();
  private readonly following = new MutableDisposable();
  private readonly tail = new PlainTail(LINES);
  private before: RunState | null = null;

  constructor(
    private readonly api: Api,
    private readonly project: string,
    run: () => void,
  ) {
    this.runButton = button("Run", run, "primary");
    this.element = h("div", { class: "preview-waiting" }, this.sentence, this.steps, this.log, this.runButton);
  }

  /** Shows the state; null hides all of it and lets go of the log. */
  render(waiting: Waiting | null): void {
    this.element.hidden = waiting === null;
    const status = waiting?.status ?? null;
    this.follow(waiting !== null, status);
    this.before = status?.state ?? this.before;
    if (!waiting) return;
    this.sentence.textContent = sentenceFor(waiting);
    const active = status !== null && ["starting", "installing"].includes(status.state);
    replace(this.steps, ...(active || status?.state === "failed" ? status.steps.map(renderStep) : []));
    this.runButton.hidden = !(status && ["stopped", "exited", "failed"].includes(status.state));
    this.runButton.textContent = status?.state === "stopped" ? "Run" : "Run again";
  }

  dispose(): void {
    this.following.dispose();
    this.session.dispose();
    this.drawing.dispose();
  }

  /** Reads the log while it has something to say. A run that begins now starts with an empty picture. */
  private follow(shown: boolean, status: Status | null): void {
    const wanted = shown && status !== null && status.container && status.state !== "stopped";
    const begins = status?.state === "starting" && this.before !== null && this.before !== "starting";
    if (!wanted || begins) this.session.value = this.following.value = undefined;
    if (!wanted || this.session.value || this.following.value) return;
    const timer = setTimeout(() => this.connect(begins ? 0 : TAIL_BYTES), begins ? 0 : FOLLOW_DELAY_MS);
    this.following.value = { dispose: () => clearTimeout(timer) };
  }

  private connect(tail: number): void {
    this.following.value = undefined;
    this.tail.clear();
    this.draw();
    const write = (data: Uint8Array<ArrayBuffer>, parsed: () => void): void => {
      this.tail.push(data);
      this.scheduleDraw();
      parsed();
    };
    const endpoint = (offset: number | null): string => this.api.logsUrl(this.project, offset);
    this.session.value = new Session({ endpoint, screen: { cols: 80, rows: LINES, setSize: () => undefined, write }, interactive: false, tail });
    this.session.value.start();
  }

  private scheduleDraw(): void {
    if (this.drawing.value) return;
    const timer = setTimeout(() => this.draw(), DRAW_DELAY_MS);
    this.drawing.value = { dispose: () => clearTimeout(timer) };
  }

  private draw(): void {
    this.drawing.value = undefined;
    const lines = this.tail.lines(LINES);
    this.log.hidden = lines.length === 0;
    this.log.textContent = lines.join("\n");
  }
}

function renderStep(step: Step): HTMLElement {
  const time = step.startedAt && step.endedAt ? formatDuration(Date.parse(step.endedAt) - Date.parse(step.startedAt)) : "";
  const word = h("span", { class: "sr-only" }, ` ${WORDS[step.state]} `);
  return h("li", { class: `step ${step.state}` }, icon(ICONS[step.state]), h("span", {}, NAMES[step.name] ?? step.name), word, h("span", { class: "step-time" }, time));
}
