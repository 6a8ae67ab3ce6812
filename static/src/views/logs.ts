// What the app and its installation print: the same stream as a terminal's, without a keyboard.

import { type Api, messageOf } from "../api";
import { browserClock } from "../clock";
import type { Config } from "../config";
import { h, icon, listen, replace, setProps } from "../dom";
import { formatSize } from "../format";
import { icons } from "../icons";
import { DisposableStore, MutableDisposable } from "../lifecycle";
import type { Store } from "../store";
import { copyText } from "../terminal/clipboard";
import { TimedOutput } from "../terminal/linetimes";
import { openInTab } from "../terminal/links";
import { PlainTail, stripControls } from "../terminal/plain";
import { TerminalPreferences } from "../terminal/preferences";
import { TerminalScreen } from "../terminal/screen";
import { SearchBar } from "../terminal/searchbar";
import { type Screen, Session } from "../terminal/session";
import { StatusLine } from "../terminal/statusline";
import { button, iconButton } from "../widgets/button";
import { confirm } from "../widgets/dialog";
import { below, type MenuItem, openMenu } from "../widgets/menu";
import type { View } from "./view";

const SCROLLBACK = 10_000;
/** With the page comes this much of the log; the server keeps ten times as much, which is a click away. */
const TAIL = 1024 * 1024;
// How long the time before each line of a download is, with the space after it.
const STAMP = "2026-01-01T00:00:00.000Z ".length;
const PLAIN_LINES = 1000;
const MOST_FOUND = 10_000;
const PLAIN_DELAY_MS = 250;

export class LogView implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly stream = this.disposables.add(new MutableDisposable<DisposableStore>());
  private readonly plainTimer = this.disposables.add(new MutableDisposable());
  private readonly screen: TerminalScreen;
  private readonly search: SearchBar;
  private readonly tail = new PlainTail(PLAIN_LINES);
  private readonly plain = h("pre", { class: "log-plain", tabindex: 0, role: "region", "aria-label": "Log as plain text", hidden: true });
  private readonly plainButton: HTMLButtonElement;
  private readonly timesButton: HTMLButtonElement;
  private readonly gap = h("div", { class: "terminal-request", role: "status", hidden: true });
  private readonly older: HTMLButtonElement;
  private readonly status = h("div", {});
  private lost = 0;
  // What the plain text is while lines of the whole log are listed.
  private found: string | null = null;
  // The last bytes that were asked for, null for all that the server has.
  private reach: number | null = TAIL;

  constructor(
    private readonly api: Api,
    private readonly config: Config,
    private readonly store: Store,
  ) {
    const preferences = new TerminalPreferences();
    this.screen = this.disposables.add(new TerminalScreen({ label: "Log", interactive: false, dark: store.dark, preferences, scrollback: SCROLLBACK }));
    this.search = this.disposables.add(new SearchBar(this.screen, (matches, sought) => void this.listAll(matches, sought)));
    this.plainButton = toggle("Plain text", () => this.togglePlain());
    this.timesButton = toggle("Times", () => this.toggleTimes());
    this.older = button("Load the whole log", () => this.connect(null));
    this.older.classList.add("compact");
    this.older.hidden = true;
    this.element = h("div", { class: "terminal-panel log-panel" }, this.makeBar(), this.search.element, this.gap, this.screen.element, this.plain, this.status);
    this.listen();
    this.connect(TAIL);
  }

  show(): void {
    this.screen.setVisible(!this.isPlain);
  }

  focus(): void {
    if (!this.isPlain) this.screen.focus();
    else this.plain.focus();
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private get project(): string {
    return this.config.project?.id ?? this.store.project.get().id;
  }

  private get isPlain(): boolean {
    return !this.plain.hidden;
  }

  private makeBar(): HTMLElement {
    const find = iconButton("Find (Ctrl+Shift+F)", icons.search, () => this.search.show());
    const download = iconButton("Download the whole log", icons.download, () => openMenu(this.downloads(), below(download), "Download the whole log"));
    download.setAttribute("aria-haspopup", "menu");
    const clear = iconButton("Clear the view; the log itself stays", icons.trash, () => this.clear());
    return h("div", { class: "tab-bar terminal-bar", role: "toolbar", "aria-label": "Log" }, this.older, h("div", { class: "spacer" }), this.timesButton, this.plainButton, find, download, clear);
  }

  private listen(): void {
    const { disposables, screen } = this;
    disposables.add(listen(screen.element, "keydown", (event) => this.handleKey(event), { capture: true }));
    disposables.add(screen.onLink(({ url, disguised }) => void this.follow(url, disguised)));
  }

  /** Reads the log anew: its last `tail` bytes, or for null all that the server has. */
  private connect(tail: number | null): void {
    this.reach = tail;
    const stream = new DisposableStore();
    this.stream.value = stream;
    this.clear();
    this.older.hidden = true;
    const timed = isPressed(this.timesButton) ? stream.add(new TimedOutput((offset) => this.api.logTimes(this.project, offset), (data, parsed) => this.print(data, parsed))) : null;
    // Where the stream stands, and the piece of it that is handed on: what else the session writes are remarks of its own.
    let [offset, piece]: [number, Uint8Array | null] = [0, null];
    const screen: Screen = {
      cols: this.screen.cols,
      rows: this.screen.rows,
      setSize: () => undefined,
      write: (data, parsed) => {
        if (timed) timed.push(data, data === piece ? offset - data.length : null, parsed);
        else this.print(data, parsed);
      },
    };
    const endpoint = (from: number | null): string => this.api.logsUrl(this.project, from);
    const session = stream.add(new Session({ endpoint, screen, interactive: false, ...(tail === null ? {} : { tail }) }));
    const status = stream.add(new StatusLine(session, false, () => browserClock.now()));
    replace(this.status, status.element);
    stream.add(
      session.onStart((start) => {
        offset = start;
        this.older.hidden = tail === null || start === 0;
      }),
    );
    stream.add(
      session.onBytes((bytes) => {
        piece = bytes;
        offset += bytes.length;
      }),
    );
    stream.add(
      session.onGap((lost) => {
        offset += lost;
        this.noteGap(lost);
      }),
    );
    stream.add(this.store.status.onChange((next) => next?.container && session.state.get().kind === "refused" && session.retry()));
    session.start();
  }

  private print(data: Uint8Array<ArrayBuffer>, parsed: () => void): void {
    this.screen.write(data, parsed);
    this.tail.push(data);
    if (!this.isPlain || this.plainTimer.value) return;
    const timer = setTimeout(() => this.renderPlain(), PLAIN_DELAY_MS);
    this.plainTimer.value = { dispose: () => clearTimeout(timer) };
  }

  private noteGap(lost: number): void {
    this.lost += lost;
    const hide = iconButton("Hide this notice", icons.close, () => (this.gap.hidden = true));
    replace(this.gap, icon(icons.warning), h("span", {}, `${formatSize(this.lost)} of output came faster than it could be shown and was skipped here.`), hide);
    this.gap.hidden = false;
  }

  private clear(): void {
    this.tail.clear();
    this.lost = 0;
    this.gap.hidden = true;
    // Full reset, in the stream's own order: what is still to be parsed would come back otherwise.
    this.screen.terminal.write("\x18\x1bc");
    this.renderPlain();
  }

  private renderPlain(): void {
    this.plainTimer.value = undefined;
    if (!this.isPlain) return;
    if (this.found !== null) {
      this.plain.textContent = this.found;
      return;
    }
    const atEnd = this.plain.scrollTop + this.plain.clientHeight >= this.plain.scrollHeight - 20;
    this.plain.textContent = this.tail.lines().join("\n");
    if (atEnd) this.plain.scrollTop = this.plain.scrollHeight;
  }

  private async listAll(matches: (line: string) => boolean, sought: string): Promise<void> {
    try {
      const lines = timedLines((await this.api.readLog(this.project, { times: true })).replace(/\n$/, ""));
      const found = lines.filter(([, line]) => matches(line));
      const shown = found.slice(-MOST_FOUND);
      const note = shown.length < found.length ? `, the last ${shown.length.toLocaleString("en")} of them here` : "";
      const head = `${found.length.toLocaleString("en")} of ${lines.length.toLocaleString("en")} lines in the whole log have “${sought}”${note}:`;
      this.found = [head, ...shown.map(([time, line]) => time + line)].join("\n");
      if (this.isPlain) this.renderPlain();
      else this.togglePlain();
      this.plain.scrollTop = 0;
    } catch (error) {
      this.store.notify(messageOf(error));
    }
  }

  private togglePlain(): void {
    const on = !this.isPlain;
    if (!on) this.found = null;
    this.plain.hidden = !on;
    this.screen.element.hidden = on;
    this.screen.setVisible(!on);
    setProps(this.plainButton, { "aria-pressed": String(on) });
    this.renderPlain();
    this.focus();
  }

  private toggleTimes(): void {
    setProps(this.timesButton, { "aria-pressed": String(!isPressed(this.timesButton)) });
    this.connect(this.reach);
  }

  private downloads(): MenuItem[] {
    return [
      { label: "As plain text", run: () => void this.download(stripControls) },
      { label: "As plain text, with times", run: () => void this.download((text) => timedLines(text).map((line) => line.join("")).join("\n"), { times: true }) },
      { label: "With its colours", run: () => this.save(this.api.logDownloadUrl(this.project)) },
    ];
  }

  private async download(change: (text: string) => string, options: { readonly times?: boolean } = {}): Promise<void> {
    try {
      const text = change(await this.api.readLog(this.project, options));
      const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
      this.save(url);
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    } catch (error) {
      this.store.notify(messageOf(error));
    }
  }

  private save(url: string): void {
    h("a", { href: url, download: `${this.store.project.get().name}.log` }).click();
  }

  private async follow(url: string, disguised: boolean): Promise<void> {
    if (!disguised || (await confirm("Open this page?", url, "Open"))) openInTab(url);
  }

  private handleKey(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const selected = this.screen.terminal.getSelection();
    if (event.code === "KeyF" && event.shiftKey) this.search.show();
    else if (event.code === "KeyC" && selected) void copyText(selected);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The time before each line, and the line as plain text. */
function timedLines(text: string): (readonly [time: string, line: string])[] {
  return text.split("\n").map((line) => [line.slice(0, STAMP), stripControls(line.slice(STAMP))] as const);
}

function toggle(label: string, run: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "button plain compact", "aria-pressed": "false", on: { click: run } }, label);
}

function isPressed(button: HTMLButtonElement): boolean {
  return button.getAttribute("aria-pressed") === "true";
}
