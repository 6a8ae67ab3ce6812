// The terminals of a project as tabs. All that the server has come back with the page; one connects when it is first looked at.

import { type Api, messageOf } from "../api";
import type { Config } from "../config";
import { append, h, replace } from "../dom";
import { icons } from "../icons";
import { type Disposable, DisposableStore, MutableDisposable, watch } from "../lifecycle";
import { recall, remember } from "../storage";
import type { Store } from "../store";
import { endTerminal } from "../terminal/ending";
import { openInTab } from "../terminal/links";
import { ClosedTerminals, freeName, isClosedTerminals, labelOf, problemWithTitle } from "../terminal/names";
import { TerminalPane } from "../terminal/pane";
import { TerminalPreferences } from "../terminal/preferences";
import { TerminalTabs } from "../terminal/tabs";
import { showViewers } from "../terminal/viewers";
import { CloseCode, type Sizing, type Terminal } from "../wire";
import { button, iconButton } from "../widgets/button";
import { confirm, prompt } from "../widgets/dialog";
import { below, type MenuItem, openMenu } from "../widgets/menu";
import type { View } from "./view";

interface Entry {
  readonly name: string;
  /** Null before the first look at it. */
  pane: TerminalPane | null;
  /** The server's word; null for one that is not known there yet. */
  terminal: Terminal | null;
  fresh: boolean;
}

function label({ name, terminal }: Entry): string {
  return labelOf(name, terminal?.title);
}

function spokenLabel(entry: Entry): string {
  return `${label(entry)}. F6 leaves the terminal.`;
}

function isName(value: unknown): value is string {
  return typeof value === "string";
}

export class TerminalPanel implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly recordings = this.disposables.add(new MutableDisposable<Disposable>());
  private readonly preferences = new TerminalPreferences();
  private readonly tabs: TerminalTabs;
  private readonly body = h("div", { class: "terminal-body" });
  private readonly empty = h("div", { class: "terminal-empty" });
  private readonly closed: ClosedTerminals;
  private readonly project: string;
  private entries: Entry[] = [];
  private active: Entry | null = null;
  private listed = false;
  private shown = false;

  constructor(
    private readonly api: Api,
    config: Config,
    private readonly store: Store,
  ) {
    this.project = config.project?.id ?? store.project.get().id;
    this.closed = new ClosedTerminals(recall(`terminal.closed.${this.project}`, isClosedTerminals) ?? {});
    this.tabs = this.disposables.add(
      new TerminalTabs({
        choose: (name) => this.choose(name),
        close: (name) => void this.close(name),
        rename: (name) => void this.rename(name),
        enter: () => this.focus(),
      }),
    );
    const add = iconButton("New terminal", icons.plus, () => this.create());
    const find = iconButton("Find (Ctrl+Shift+F)", icons.search, () => this.active?.pane?.openSearch());
    const more = iconButton("Terminal menu", icons.dots, () => openMenu(this.menu(), below(more), "Terminal menu"));
    more.setAttribute("aria-haspopup", "menu");
    const bar = h("div", { class: "tab-bar terminal-bar" }, this.tabs.element, add, find, more);
    this.element = h("div", { class: "terminal-panel" }, bar, this.body, this.empty);
    this.disposables.add(store.terminals.onChange((terminals) => this.take(terminals)));
    this.disposables.add(watch(store.status, () => this.handleStatus()));
    this.disposables.add({ dispose: () => this.entries.forEach((entry) => entry.pane?.dispose()) });
    void this.load();
  }

  show(): void {
    this.shown = true;
    this.open();
  }

  focus(): void {
    if (this.active?.pane) this.active.pane.focus();
    else this.empty.querySelector("button")?.focus();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private get isUp(): boolean {
    return this.store.status.get()?.container ?? false;
  }

  private async load(): Promise<void> {
    try {
      this.take(await this.api.terminals(this.project));
    } catch (error) {
      this.store.notify(messageOf(error));
    }
    this.listed = true;
    this.open();
  }

  /** Brings the tabs in line with the server's list. A tab that is there stays: its end can still be read in it. */
  private take(terminals: readonly Terminal[]): void {
    for (const terminal of this.closed.shown(terminals)) {
      const known = this.entries.find(({ name }) => name === terminal.name);
      if (known) known.terminal = terminal;
      else this.entries.push({ name: terminal.name, pane: null, terminal, fresh: false });
    }
    this.rememberClosed();
    if (!this.active) this.restoreChoice();
    this.render();
  }

  private restoreChoice(): void {
    const last = recall(`terminal.active.${this.project}`, isName);
    this.active = this.entries.find(({ name }) => name === last) ?? this.entries[0] ?? null;
    if (this.active) this.open();
  }

  private handleStatus(): void {
    if (this.isUp) {
      for (const { pane } of this.entries) {
        const state = pane?.session.state.get();
        if (state?.kind === "refused" && state.code === CloseCode.notRunning) pane?.session.retry();
      }
    }
    this.open();
  }

  /** Shows the chosen terminal, or the first one of a project that has none. */
  private open(): void {
    if (this.shown && this.listed && this.entries.length === 0 && this.isUp) return this.create();
    if (this.shown && this.active) {
      this.active.pane ??= this.connect(this.active);
      this.active.pane.setVisible(true);
    }
    this.render();
  }

  private create(): void {
    if (!this.isUp) return this.renderEmpty();
    const taken = [...this.entries, ...this.store.terminals.get().filter(({ ended }) => !ended)];
    const entry: Entry = { name: freeName(taken.map(({ name }) => name)), pane: null, terminal: null, fresh: true };
    this.closed.remove(entry.name);
    this.entries.push(entry);
    this.shown = true;
    this.choose(entry.name);
    this.focus();
  }

  private choose(name: string): void {
    const entry = this.entries.find((candidate) => candidate.name === name);
    if (!entry) return;
    if (entry !== this.active) this.active?.pane?.setVisible(false);
    this.active = entry;
    remember(`terminal.active.${this.project}`, name);
    this.open();
  }

  private connect(entry: Entry): TerminalPane {
    const pane = new TerminalPane({
      label: spokenLabel(entry),
      endpoint: (view) => this.api.terminalUrl(this.project, entry.name, view),
      // Without an offset the server would put a new shell in the place of one that has ended.
      offset: entry.terminal?.ended ? 0 : null,
      fresh: entry.fresh,
      dark: this.store.dark,
      preferences: this.preferences,
      notify: (sentence) => this.store.notify(sentence),
      stopRecording: () => void this.setRecorded(entry, false),
    });
    pane.element.id = `terminal-panel-${entry.name}`;
    pane.element.setAttribute("role", "tabpanel");
    pane.element.setAttribute("aria-labelledby", TerminalTabs.idOf(entry.name));
    // Their listeners end with the pane.
    pane.title.onChange(() => this.render());
    pane.session.state.onChange(() => this.render());
    this.body.append(pane.element);
    return pane;
  }

  private async rename(name: string): Promise<void> {
    const entry = this.entries.find((candidate) => candidate.name === name);
    if (!entry) return;
    const title = await prompt("Name of the terminal", label(entry), problemWithTitle);
    if (title !== null && title !== label(entry)) await this.change(entry, { title: title || null });
    else this.focus();
  }

  private async change(entry: Entry, change: { readonly title?: string | null; readonly sizing?: Sizing }): Promise<void> {
    try {
      entry.terminal = await this.api.changeTerminal(this.project, entry.name, change);
    } catch (error) {
      this.store.notify(messageOf(error));
    }
    this.render();
    this.focus();
  }

  private sizingItem(entry: Entry): MenuItem {
    const latest = entry.terminal?.sizing === "latest";
    return { label: latest ? "Size to the smallest viewer" : "Size to who types", run: () => void this.change(entry, { sizing: latest ? "smallest" : "latest" }) };
  }

  private async setRecorded({ name, terminal }: Entry, on: boolean): Promise<void> {
    try {
      if (on) await this.api.startRecording(this.project, name);
      else if (terminal?.recording) await this.api.stopRecording(this.project, terminal.recording.id);
    } catch (error) {
      this.store.notify(messageOf(error));
    }
    this.focus();
  }

  private async showRecordings(): Promise<void> {
    const { RecordingsView } = await import("../terminal/recordings");
    const { api, project, store, preferences } = this;
    const view = new RecordingsView({ api, project, store, preferences, closed: () => this.focus() });
    this.recordings.value = view;
    this.element.append(view.element);
    await view.start();
  }

  private async close(name: string): Promise<void> {
    const entry = this.entries.find((candidate) => candidate.name === name);
    if (!entry) return;
    if (this.runs(entry) && !(await confirm(`End ${label(entry)}?`, "What runs in it is ended too.", "End it"))) return this.focus();
    if (this.runs(entry)) this.end(entry);
    this.remove(entry);
  }

  private runs({ pane, terminal }: Entry): boolean {
    const kind = pane?.session.state.get().kind;
    if (kind === "refused" || kind === "ended") return false;
    return kind !== undefined || terminal?.ended === false;
  }

  private end({ name, pane }: Entry): void {
    if (pane?.session.end()) return;
    void endTerminal(this.api.terminalUrl(this.project, name, { cols: 80, rows: 24, offset: null }));
  }

  private remove(entry: Entry): void {
    const at = this.entries.indexOf(entry);
    this.closed.add(entry.name, entry.terminal?.startedAt ?? null);
    this.rememberClosed();
    this.entries.splice(at, 1);
    entry.pane?.dispose();
    if (this.active === entry) this.active = null;
    const next = this.entries[Math.min(at, this.entries.length - 1)];
    if (this.active) this.render();
    else if (next) this.choose(next.name);
    else this.render();
    this.focus();
  }

  private rememberClosed(): void {
    remember(`terminal.closed.${this.project}`, this.closed);
  }

  private render(): void {
    const tabs = this.entries.map((entry) => {
      const { name, pane, terminal } = entry;
      const recorded = !!terminal?.recording;
      pane?.screen.setLabel(spokenLabel(entry));
      pane?.setRecorded(recorded);
      return {
        name,
        label: label(entry),
        hint: pane?.title.get() || label(entry),
        ended: pane ? pane.session.state.get().kind === "ended" : (terminal?.ended ?? false),
        recorded,
        viewers: terminal?.viewers ?? 0,
      };
    });
    this.tabs.render(tabs, this.active?.name ?? null);
    this.renderEmpty();
  }

  private renderEmpty(): void {
    this.empty.hidden = this.entries.length > 0;
    this.body.hidden = this.entries.length === 0;
    if (this.empty.hidden) return;
    if (this.isUp) {
      replace(this.empty, h("p", {}, "No terminal is open."), button("New terminal", () => this.create(), "primary"));
      return;
    }
    const starting = this.store.state === "starting";
    replace(this.empty, h("p", {}, starting ? "The project is starting…" : "A terminal opens in the project’s container, which is not running."));
    if (!starting) append(this.empty, [button("Run the project", () => void this.run(), "primary")]);
  }

  private async run(): Promise<void> {
    try {
      this.store.setStatus(await this.api.run(this.project));
    } catch (error) {
      this.store.notify(messageOf(error));
    }
  }

  private recordItem(entry: Entry): MenuItem {
    const on = !entry.terminal?.recording;
    return { label: on ? "Record this terminal" : "Stop recording", run: () => void this.setRecorded(entry, on) };
  }

  private menu(): MenuItem[] {
    const pane = this.active?.pane;
    const { preferences } = this;
    const reader = preferences.screenReader.get();
    const items: MenuItem[] = [
      { label: "New terminal", run: () => this.create() },
      { label: "Larger text", run: () => preferences.zoom(1) },
      { label: "Smaller text", run: () => preferences.zoom(-1) },
      { label: "Usual text size", run: () => preferences.zoom(0) },
      { label: "Recordings…", run: () => void this.showRecordings() },
      { label: `Screen reader mode: turn ${reader ? "off" : "on"}`, run: () => preferences.toggleScreenReader() },
    ];
    if (!this.active || !pane) return items;
    const { name } = this.active;
    const own: MenuItem[] = [
      { label: "Find", key: "Ctrl+Shift+F", run: () => pane.openSearch() },
      { label: "Copy", key: "Ctrl+Shift+C", run: () => void pane.copySelection() },
      { label: "Paste", key: "Ctrl+Shift+V", run: () => void pane.pasteClipboard() },
      { label: "Select all", run: () => pane.screen.terminal.selectAll() },
      { label: "Clear", run: () => pane.screen.terminal.clear() },
      { label: `Who is attached (${this.active?.terminal?.viewers ?? 1})…`, run: () => this.active && void showViewers(label(this.active), this.active.terminal) },
      { label: "Rename…", key: "F2", run: () => this.active && void this.rename(this.active.name) },
      this.recordItem(this.active),
      this.sizingItem(this.active),
      { label: "Open a view-only copy", run: () => openInTab(this.api.onlookerUrl(this.project, name)) },
      { label: "Interrupt", key: "Ctrl+C", run: () => pane.session.signal("INT") },
    ];
    const close: MenuItem = { label: "Close terminal", danger: true, run: () => this.active && void this.close(this.active.name) };
    return [...own, ...items, close];
  }
}
