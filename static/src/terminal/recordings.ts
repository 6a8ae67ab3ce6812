// The recordings of a project: a list over the terminals, from which one is played, downloaded or deleted. Loaded when it is asked for.

import { type Api, messageOf } from "../api";
import { h, icon, listen, replace } from "../dom";
import { formatAgo, formatSize } from "../format";
import { icons } from "../icons";
import { type Disposable, DisposableStore, MutableDisposable } from "../lifecycle";
import type { Store } from "../store";
import type { Recording } from "../wire";
import { iconButton } from "../widgets/button";
import { confirm } from "../widgets/dialog";
import { formatPosition, parseCast } from "./cast";
import { labelOf } from "./names";
import type { TerminalPreferences } from "./preferences";
import { Replay } from "./replay";

export interface RecordingsOptions {
  readonly api: Api;
  readonly project: string;
  readonly store: Store;
  readonly preferences: TerminalPreferences;
  readonly closed: () => void;
}

export class RecordingsView implements Disposable {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly replay = this.disposables.add(new MutableDisposable<Replay>());
  private readonly title = h("h2", { class: "recordings-title", tabindex: -1 });
  private readonly back = iconButton("Back to the recordings", "M10 3L5 8l5 5", () => void this.list());
  private readonly body = h("div", { class: "recordings-body" });

  constructor(private readonly options: RecordingsOptions) {
    const close = iconButton("Close the recordings (Escape)", icons.close, () => this.close());
    const head = h("div", { class: "recordings-head" }, this.back, this.title, h("div", { class: "spacer" }), close);
    this.element = h("section", { class: "recordings", "aria-label": "Recordings" }, head, this.body);
    this.disposables.add(listen(this.element, "keydown", (event) => this.handleKey(event)));
    this.disposables.add(options.store.terminals.onChange(() => !this.replay.value && void this.fill()));
  }

  /** To be called when the element is in the page. */
  start(): Promise<void> {
    return this.list();
  }

  dispose(): void {
    this.disposables.dispose();
    this.element.remove();
  }

  private async list(): Promise<void> {
    this.replay.value = undefined;
    this.back.hidden = true;
    this.title.textContent = "Recordings";
    replace(this.body);
    this.title.focus();
    await this.fill();
  }

  private async fill(): Promise<void> {
    const { api, project, store } = this.options;
    try {
      const recordings = await api.recordings(project);
      if (this.replay.value || this.disposables.isDisposed) return;
      const focused = document.activeElement?.getAttribute("data-key");
      if (recordings.length === 0) replace(this.body, h("p", { class: "recordings-empty" }, "Nothing has been recorded yet. A terminal’s menu begins a recording."));
      else replace(this.body, h("ul", { class: "recordings-list" }, ...recordings.map((recording) => this.item(recording))));
      if (focused) this.body.querySelector<HTMLElement>(`[data-key="${focused}"]`)?.focus();
    } catch (error) {
      store.notify(messageOf(error));
    }
  }

  private item(recording: Recording): HTMLElement {
    const { api, project } = this.options;
    const label = labelOf(recording.title);
    const name = `${label}, ${formatAgo(Date.parse(recording.startedAt), Date.now())}`;
    const facts = [formatPosition(recording.seconds), formatSize(recording.size)];
    if (recording.active) facts.unshift("being recorded");
    else facts.push(recording.ended ?? "it was cut off");
    const play = h("button", { type: "button", class: "recording-play", "data-key": `play-${recording.id}`, on: { click: () => void this.play(recording, label) } }, icon(icons.play), h("span", { class: "recording-name" }, name), h("span", { class: "recording-facts" }, facts.join(" · ")));
    const download = h("a", { class: "icon-button", href: api.recordingUrl(project, recording.id), download: "", "aria-label": `Download ${name}`, title: "Download as asciicast" }, icon(icons.download));
    const remove = iconButton(`Delete ${name}`, icons.trash, () => void this.remove(recording, name));
    remove.hidden = recording.active;
    return h("li", {}, play, download, remove);
  }

  private async play(recording: Recording, label: string): Promise<void> {
    const { api, project, store, preferences } = this.options;
    try {
      const cast = parseCast(await api.readRecording(project, recording.id));
      if (this.disposables.isDisposed) return;
      const replay = new Replay(cast, { title: label, dark: store.dark, preferences });
      this.replay.value = replay;
      this.back.hidden = false;
      this.title.textContent = label;
      replace(this.body, replay.element);
      replay.start();
    } catch (error) {
      store.notify(messageOf(error));
    }
  }

  private async remove(recording: Recording, name: string): Promise<void> {
    const { api, project, store } = this.options;
    if (!(await confirm("Delete this recording?", name, "Delete it"))) return;
    try {
      await api.deleteRecording(project, recording.id);
    } catch (error) {
      store.notify(messageOf(error));
    }
    await this.fill();
    this.title.focus();
  }

  private close(): void {
    this.dispose();
    this.options.closed();
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    if (this.replay.value) void this.list();
    else this.close();
    event.stopPropagation();
  }
}
