// One quiet line under a terminal: nothing while all is well, else what is wrong, for how long, and what to do.

import { h, replace } from "../dom";
import { type Disposable, DisposableStore, watch } from "../lifecycle";
import type { Session, SessionState } from "./session";

export interface Line {
  readonly text: string;
  /** What the button beside it says; null for no button. */
  readonly action: string | null;
}

/** The line for a state; null for none. `now` is a time of the session's clock. */
export function lineFor(state: SessionState, now: number, interactive: boolean): Line | null {
  switch (state.kind) {
    case "live":
      return null;
    case "connecting":
      return { text: "Connecting…", action: null };
    case "lost": {
      const time = formatElapsed(now - state.since);
      return { text: `Reconnecting… ${time}${interactive ? ". Keys are not sent meanwhile." : ""}`, action: "Try now" };
    }
    case "refused":
      return { text: state.detail, action: "Try again" };
    case "ended":
      return interactive ? { text: endedText(state.code, state.signal), action: "New shell" } : { text: "The stream has ended.", action: "Try again" };
  }
}

/** Whole seconds, minutes or hours: `12 s`, `3 min`, `2 h`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

function endedText(code: number | null, signal: string | null): string {
  return signal ? `Ended by ${signal}.` : `Ended with code ${code ?? "unknown"}.`;
}

const BLOCKED_MS = 400;

export class StatusLine implements Disposable {
  readonly element = h("div", { class: "terminal-status", role: "status", hidden: true });
  private readonly disposables = new DisposableStore();
  private readonly text = h("span", {});
  // Apart from the live region's sentence, so that the seconds are not read out one by one.
  private readonly button: HTMLButtonElement;
  private timer: ReturnType<typeof setInterval> | undefined;
  private blocked: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly session: Session,
    private readonly interactive: boolean,
    private readonly now: () => number,
  ) {
    this.button = h("button", { type: "button", class: "button plain", on: { click: () => this.act() } });
    replace(this.element, this.text, this.button);
    this.disposables.add(watch(session.state, () => this.render()));
    this.disposables.add(session.onBlocked(() => this.flash()));
  }

  dispose(): void {
    clearInterval(this.timer);
    clearTimeout(this.blocked);
    this.disposables.dispose();
  }

  private render(): void {
    clearInterval(this.timer);
    const state = this.session.state.get();
    this.element.dataset["state"] = state.kind;
    // The first moments need no words: the terminal is there before they could be read.
    if (state.kind === "connecting") this.timer = setInterval(() => this.draw(), 1000);
    else this.draw();
    if (state.kind === "lost") this.timer = setInterval(() => this.tick(), 1000);
  }

  private draw(): void {
    const line = lineFor(this.session.state.get(), this.now(), this.interactive);
    this.element.hidden = line === null;
    this.element.setAttribute("aria-live", "polite");
    this.text.textContent = line?.text ?? "";
    this.button.hidden = !line?.action;
    this.button.textContent = line?.action ?? "";
  }

  private tick(): void {
    this.element.setAttribute("aria-live", "off");
    this.text.textContent = lineFor(this.session.state.get(), this.now(), this.interactive)?.text ?? "";
  }

  /** A key went nowhere: the line draws the eye, so that nobody types on blindly. */
  private flash(): void {
    this.element.hidden = false;
    this.element.classList.add("blocked");
    clearTimeout(this.blocked);
    this.blocked = setTimeout(() => this.element.classList.remove("blocked"), BLOCKED_MS);
  }

  private act(): void {
    if (this.session.state.get().kind === "ended") this.session.restart();
    else this.session.retry();
  }
}
