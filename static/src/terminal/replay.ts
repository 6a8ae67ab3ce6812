// One recording, played.

import { h, icon, listen, setProps } from "../dom";
import { icons } from "../icons";
import { type Disposable, DisposableStore, type Observable, watch } from "../lifecycle";
import { iconButton } from "../widgets/button";
import { type Cast, formatPosition } from "./cast";
import { Player } from "./player";
import type { TerminalPreferences } from "./preferences";
import { TerminalScreen } from "./screen";

const SPEEDS = [1, 2, 4];
const STEP = 5;
const SCROLLBACK = 10_000;
const PAUSE = "M5 3v10M11 3v10";

export interface ReplayOptions {
  readonly title: string;
  readonly dark: Observable<boolean>;
  readonly preferences: TerminalPreferences;
}

/** Space plays and pauses, the arrows seek, wherever the focus is in it. */
export class Replay implements Disposable {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly screen: TerminalScreen;
  private readonly player: Player;
  private readonly playButton = iconButton("Play", icons.play, () => this.toggle());
  private readonly slider = h("input", { type: "range", class: "replay-position", min: 0, step: 0.1, "aria-label": "Position" });
  private readonly time = h("span", { class: "replay-time" });
  private readonly said = h("span", { class: "sr-only", role: "status" });

  constructor(cast: Cast, options: ReplayOptions) {
    const { dark, preferences, title } = options;
    this.screen = this.disposables.add(new TerminalScreen({ label: `Recording of ${title}`, interactive: false, dark, preferences, scrollback: SCROLLBACK }));
    const { screen } = this;
    this.player = this.disposables.add(
      new Player(cast, {
        write: (text, parsed) => screen.terminal.write(text, parsed),
        resize: (size) => screen.setSize(size),
      }),
    );
    const speed = h("select", { class: "input replay-speed", "aria-label": "Speed" }, ...SPEEDS.map((factor) => h("option", { value: factor }, `${factor}×`)));
    const skip = h("input", { type: "checkbox", checked: true });
    const bar = h("div", { class: "replay-bar" }, this.playButton, this.slider, this.time, speed, h("label", { class: "replay-skip" }, skip, "Skip pauses"), this.said);
    this.element = h("div", { class: "replay" }, screen.element, bar);
    this.disposables.add(listen(this.slider, "input", () => this.player.seek(this.slider.valueAsNumber)));
    this.disposables.add(listen(speed, "change", () => this.player.setSpeed(Number(speed.value))));
    this.disposables.add(listen(skip, "change", () => this.skipPauses(skip.checked)));
    this.disposables.add(listen(this.element, "keydown", (event) => this.handleKey(event), { capture: true }));
    this.disposables.add(watch(this.player.position, () => this.renderPosition()));
    this.disposables.add(this.player.playing.onChange((playing) => this.renderPlaying(playing)));
    this.disposables.add(screen.onOpen(() => this.player.play()));
  }

  /** To be called when the element is in the page. */
  start(): void {
    this.screen.setVisible(true);
    this.playButton.focus();
  }

  dispose(): void {
    this.disposables.dispose();
    this.element.remove();
  }

  private toggle(): void {
    if (this.player.playing.get()) this.player.pause();
    else this.player.play();
  }

  private skipPauses(on: boolean): void {
    this.player.skipPauses(on);
    this.renderPosition();
  }

  private renderPosition(): void {
    const { player, slider } = this;
    const [at, end] = [player.position.get(), player.duration];
    setProps(slider, { max: end, "aria-valuetext": `${formatPosition(at)} of ${formatPosition(end)}` });
    slider.valueAsNumber = at;
    this.time.textContent = `${formatPosition(at)} / ${formatPosition(end)}`;
  }

  private renderPlaying(playing: boolean): void {
    const label = playing ? "Pause" : "Play";
    setProps(this.playButton, { "aria-label": label, title: label });
    this.playButton.replaceChildren(icon(playing ? PAUSE : icons.play));
    // Only now and then, so that the seconds are not read out one by one.
    const { position, duration } = this.player;
    const at = position.get();
    this.said.textContent = playing ? "Playing" : at >= duration ? "The recording has ended" : `Paused at ${formatPosition(at)}`;
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -STEP, ArrowRight: STEP };
    const step = steps[event.key];
    if (event.key === " " && !target?.matches("button, select, input[type=checkbox]")) this.toggle();
    else if (step !== undefined && !target?.matches("select")) this.player.seek(this.player.position.get() + step);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
