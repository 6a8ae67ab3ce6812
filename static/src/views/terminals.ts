// The terminals of a project as tabs. All that the server has come back with the page; one connects when it is first looked at.

import { type Api, messageOf } from "../api";
import type { Config } from "../config";
import { append, h, replace } from "../dom";
import { icons } from "../icons";
import { type Disposable, DisposableStore, MutableDisposable, watch } from "../lifecycle";
import { join } from "../files";
import { load } from "../loading";
import { areParts, Splits } from "../splits";
import { SplitView } from "../splitview";
import { recall, remember } from "../storage";
import type { Store } from "../store";
import { uploadDropped } from "../terminal/drop";
import { endTerminal } from "../terminal/ending";
import { type Entry, hasEnded, label, runs, spokenLabel } from "../terminal/entry";
import { openInTab } from "../terminal/links";
import { lookItems, paneItems } from "../terminal/menu";
import { ClosedTerminals, freeName, isClosedTerminals, problemWithTitle } from "../terminal/names";
import { TerminalPane } from "../terminal/pane";
import { TerminalPreferences } from "../terminal/preferences";
import { TerminalTabs } from "../terminal/tabs";
import { CloseCode, type Sizing, type Terminal } from "../wire";
import { button, iconButton } from "../widgets/button";
import { confirm, prompt } from "../widgets/dialog";
import { below, type MenuItem, openMenu } from "../widgets/menu";
import type { View } from "./view";

/** Of terminals beside each other. */
const MOST_COLUMNS = 4;
const AGAIN_MS = 1000;

function isName(value: unknown): value is string {
  return typeof value === "string";
}

export class TerminalPanel implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly recordings = this.disposables.add(new MutableDisposable<Disposable>());
  private readonly preferences = new TerminalPreferences();
  private readonly tabs: TerminalTabs;
  private readonly splits = new Splits(MOST_COLUMNS);
  private readonly columns = this.disposables.add(new SplitView(this.splits, "terminal-body", "terminals", () => this.splitsChanged()));
  private readonly empty = h("div", { class: "terminal-empty" });
  private readonly closed: ClosedTerminals;
  private readonly project: string;
  private readonly folder: string;
  private entries: Entry[] = [];
  private listed = false;
  private unlisted: ReturnType<typeof setTimeout> | undefined;
  private shown = false;
  /** Where the focus was when it was asked for before there was a terminal. */
  private awaited: Element | null = null;

  constructor(
    private readonly api: Api,
    config: Config,
    private readonly store: Store,
  ) {
    this.folder = config.folder;
    this.project = config.project?.id ?? store.project.get().id;
    this.closed = new ClosedTerminals(recall(`terminal.closed.${this.project}`, isClosedTerminals) ?? {});
    this.tabs = this.disposables.add(
      new TerminalTabs({
        choose: (name, beside) => this.choose(name, beside),
        close: (name) => void this.close(name),
        rename: (name) => void this.rename(name),
        enter: () => this.focus(),
      }),
    );
    const add = iconButton("New terminal", icons.plus, () => this.create());
    const split = iconButton("Split (Ctrl+Shift+5)", icons.split, () => this.create(true));
    split.classList.add("wide-only");
    const find = iconButton("Find (Ctrl+Shift+F)", icons.search, () => this.active?.pane?.openSearch());
    const more = iconButton("Terminal menu", icons.dots, () => openMenu(this.menu(), below(more), "Terminal menu"));
    more.setAttribute("aria-haspopup", "menu");
    const bar = h("div", { class: "tab-bar terminal-bar" }, this.tabs.element, add, split, find, more);
    this.element = h("div", { class: "terminal-panel" }, bar, this.columns.element, this.empty);
    this.disposables.add(watch(store.terminals, (terminals) => this.take(terminals)));
    this.disposables.add(watch(store.status, () => this.handleStatus()));
    this.disposables.add({ dispose: () => clearTimeout(this.unlisted) });
    this.disposables.add({ dispose: () => this.entries.forEach((entry) => entry.pane?.dispose()) });
    void this.load();
  }

  show(): void {
    this.shown = true;
    this.open();
  }

  focus(): void {
    if (this.active?.pane) {
      this.awaited = null;
      return this.active.pane.focus();
    }
    this.empty.querySelector("button")?.focus();
    this.awaited = document.activeElement;
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private get active(): Entry | null {
    return this.find(this.splits.active);
  }

  private find(name: string | null): Entry | null {
    return this.entries.find((entry) => entry.name === name) ?? null;
  }

  private get isUp(): boolean {
    return this.store.status.get()?.container ?? false;
  }

  /** Asks until it is known which terminals there are: taken for none, another one would be opened beside them. */
  private async load(): Promise<void> {
    try {
      this.take(await this.api.terminals(this.project));
    } catch (error) {
      if (!this.unlisted) this.store.notify(messageOf(error));
      this.unlisted = setTimeout(() => void this.load(), AGAIN_MS);
      return;
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
    this.splits.restore(recall(`terminal.columns.${this.project}`, areParts) ?? [], recall(`terminal.active.${this.project}`, isName));
    for (const name of this.splits.names) if (!this.find(name)) this.splits.remove(name);
    const first = this.entries[0];
    if (!this.active && first) this.splits.choose(first.name);
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
    if (this.shown && this.listed && this.entries.length === 0 && this.isUp) {
      this.add();
      return;
    }
    const entries = this.shown ? this.entries : [];
    for (const entry of entries) if (this.splits.has(entry.name)) entry.pane ??= this.connect(entry);
    // Laid out first: a screen opens, and takes the focus, only where it has a size.
    this.render();
    for (const { name, pane } of entries) pane?.setVisible(this.splits.has(name));
    // Nobody may lose what they type elsewhere to a shell that opens by itself.
    if (this.active?.pane && this.awaited && [this.awaited, document.body].includes(document.activeElement ?? document.body)) this.focus();
  }

  /** Starts a terminal, with `beside` in a column of its own. */
  private create(beside = false): void {
    if (!this.isUp) return this.renderEmpty();
    this.add(beside);
    this.focus();
  }

  private add(beside = false): void {
    const taken = [...this.entries, ...this.store.terminals.get().filter(({ ended }) => !ended)];
    const entry: Entry = { name: freeName(taken.map(({ name }) => name)), pane: null, terminal: null, fresh: true };
    this.closed.remove(entry.name);
    this.entries.push(entry);
    this.shown = true;
    this.choose(entry.name, beside);
  }

  private choose(name: string, beside = false): void {
    const entry = this.find(name);
    if (!entry) return;
    if (beside) this.splits.split(name);
    else this.splits.choose(name);
    this.splitsChanged();
  }

  /** A key pressed with Ctrl (or ⌘) and Shift in a terminal. */
  private takeKey({ code }: KeyboardEvent): boolean {
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[code];
    if (code === "Digit5") this.create(true);
    else if (step !== undefined && this.splits.names.length > 1) this.move(step);
    else return false;
    return true;
  }

  private move(steps: number): void {
    this.splits.move(steps);
    this.splitsChanged();
    this.focus();
  }

  private unsplit(): void {
    this.splits.unsplit();
    this.splitsChanged();
    this.focus();
  }

  private splitsChanged(): void {
    remember(`terminal.active.${this.project}`, this.splits.active);
    remember(`terminal.columns.${this.project}`, this.splits.parts);
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
      upload: async (uploads) => (await uploadDropped(this.api, this.project, uploads)).map((path) => join(this.folder, path)),
      stopRecording: () => void this.setRecorded(entry, false),
      takesKey: (event) => this.takeKey(event),
    });
    pane.element.addEventListener("focusin", () => this.splits.active !== entry.name && this.choose(entry.name));
    pane.element.id = `terminal-panel-${entry.name}`;
    pane.element.setAttribute("role", "tabpanel");
    pane.element.setAttribute("aria-labelledby", TerminalTabs.idOf(entry.name));
    // Their listeners end with the pane.
    pane.title.onChange(() => this.render());
    pane.session.state.onChange(() => this.render());
    this.columns.element.append(pane.element);
    return pane;
  }

  private async rename(name: string): Promise<void> {
    const entry = this.find(name);
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
    const { RecordingsView } = await load(() => import("../terminal/recordings"));
    const { api, project, store, preferences } = this;
    const view = new RecordingsView({ api, project, store, preferences, closed: () => this.focus() });
    this.recordings.value = view;
    this.element.append(view.element);
    await view.start();
  }

  private async close(name: string): Promise<void> {
    const entry = this.find(name);
    if (!entry) return;
    if (runs(entry) && !(await confirm(`End ${label(entry)}?`, "What runs in it is ended too.", "End it"))) return this.focus();
    if (runs(entry)) this.end(entry);
    this.remove(entry);
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
    this.splits.remove(entry.name);
    const next = this.entries[Math.min(at, this.entries.length - 1)];
    if (!this.splits.active && next) this.splits.choose(next.name);
    this.splitsChanged();
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
        ended: hasEnded(entry),
        shown: this.splits.has(name),
        recorded,
        viewers: terminal?.viewers ?? 0,
      };
    });
    this.tabs.render(tabs, this.splits.active);
    this.columns.render((name) => this.find(name)?.pane?.element);
    this.renderEmpty();
  }

  private renderEmpty(): void {
    this.empty.hidden = this.entries.length > 0;
    this.columns.element.hidden = this.entries.length === 0;
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

  private menu(): MenuItem[] {
    const { active } = this;
    const items: MenuItem[] = [{ label: "New terminal", run: () => this.create() }];
    const looks: MenuItem[] = [...lookItems(this.preferences), { label: "Recordings…", run: () => void this.showRecordings() }];
    if (!active?.pane) return [...items, ...looks];
    if (!this.splits.isFull) items.push({ label: "Split", key: "Ctrl+Shift+5", run: () => this.create(true) });
    if (this.splits.names.length > 1) items.push({ label: "Show only this one", run: () => this.unsplit() });
    const own = paneItems(active, active.pane, {
      rename: () => void this.rename(active.name),
      setRecorded: (on) => void this.setRecorded(active, on),
      setSizing: (sizing) => void this.change(active, { sizing }),
      openCopy: () => openInTab(`/projects/${this.project}/terminals/${active.name}`),
    });
    return [...own, ...items, ...looks, { label: "Close terminal", danger: true, run: () => void this.close(active.name) }];
  }
}
