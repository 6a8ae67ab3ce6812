// What the app and its installation print: the same stream as a terminal's, without a keyboard.

import type { Api } from "../api";
import { browserClock } from "../clock";
import type { Config } from "../config";
import { h, icon, listen, replace, setProps } from "../dom";
import { formatSize } from "../format";
import { icons } from "../icons";
import { DisposableStore, MutableDisposable } from "../lifecycle";
import type { Store } from "../store";
import { copyText } from "../terminal/clipboard";
import { HeldBytes } from "../terminal/held";
import { openInTab } from "../terminal/links";
import { PlainTail, stripControls } from "../terminal/plain";
import { TerminalPreferences } from "../terminal/preferences";
import { TerminalScreen } from "../terminal/screen";
import { SearchBar } from "../terminal/searchbar";
import { Session } from "../terminal/session";
import { StatusLine } from "../terminal/statusline";
import { button, iconButton } from "../widgets/button";
import { confirm } from "../widgets/dialog";
import type { View } from "./view";

const SCROLLBACK = 10_000;
/** With the page comes this much of the log; the server keeps ten times as much, which is a click away. */
const TAIL = 1024 * 1024;
const MOST_HELD = 10 * 1024 * 1024;
const PLAIN_LINES = 1000;
const PLAIN_DELAY_MS = 250;

export class LogView implements View {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly stream = this.disposables.add(new MutableDisposable<DisposableStore>());
  private readonly plainTimer = this.disposables.add(new MutableDisposable());
  private readonly screen: TerminalScreen;
  private readonly search: SearchBar;
  private readonly held = new HeldBytes(MOST_HELD);
  private readonly tail = new PlainTail(PLAIN_LINES);
  private readonly plain = h("pre", { class: "log-plain", tabindex: 0, role: "region", "aria-label": "Log as plain text", hidden: true });
  private readonly plainButton: HTMLButtonElement;
  private readonly gap = h("div", { class: "terminal-request", role: "status", hidden: true });
  private readonly older: HTMLButtonElement;
  private readonly status = h("div", {});
  private lost = 0;

  constructor(
    private readonly api: Api,
    private readonly config: Config,
    private readonly store: Store,
  ) {
    const preferences = new TerminalPreferences();
    this.screen = this.disposables.add(new TerminalScreen({ label: "Log", interactive: false, dark: store.dark, preferences, scrollback: SCROLLBACK }));
    this.search = this.disposables.add(new SearchBar(this.screen));
    this.plainButton = h("button", { type: "button", class: "button plain compact", "aria-pressed": "false", on: { click: () => this.togglePlain() } }, "Plain text");
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

  private get isPlain(): boolean {
    return !this.plain.hidden;
  }

  private makeBar(): HTMLElement {
    const find = iconButton("Find (Ctrl+Shift+F)", icons.search, () => this.search.show());
    const download = iconButton("Download this log as text", icons.download, () => this.download());
    const clear = iconButton("Clear the view; the log itself stays", icons.trash, () => this.clear());
    return h("div", { class: "tab-bar terminal-bar", role: "toolbar", "aria-label": "Log" }, this.older, h("div", { class: "spacer" }), this.plainButton, find, download, clear);
  }

  private listen(): void {
    const { disposables, screen } = this;
    disposables.add(listen(screen.element, "keydown", (event) => this.handleKey(event), { capture: true }));
    disposables.add(screen.onLink(({ url, disguised }) => void this.follow(url, disguised)));
  }

  /** Reads the log anew: its last `tail` bytes, or for null all that the server has. */
  private connect(tail: number | null): void {
    const stream = new DisposableStore();
    this.stream.value = stream;
    this.clear();
    this.older.hidden = true;
    const project = this.config.project?.id ?? this.store.project.get().id;
    const session = stream.add(
      new Session({
        endpoint: (offset) => this.api.logsUrl(project, offset),
        screen: this.screen,
        interactive: false,
        ...(tail === null ? {} : { tail }),
      }),
    );
    const status = stream.add(new StatusLine(session, false, () => browserClock.now()));
    replace(this.status, status.element);
    stream.add(session.onStart((offset) => (this.older.hidden = tail === null || offset === 0)));
    stream.add(session.onBytes((bytes) => this.take(bytes)));
    stream.add(session.onGap((lost) => this.noteGap(lost)));
    stream.add(this.store.status.onChange((next) => next?.container && session.state.get().kind === "refused" && session.retry()));
    session.start();
  }

  private take(bytes: Uint8Array<ArrayBuffer>): void {
    this.held.push(bytes);
    this.tail.push(bytes);
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
    this.held.clear();
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
    const atEnd = this.plain.scrollTop + this.plain.clientHeight >= this.plain.scrollHeight - 20;
    this.plain.textContent = this.tail.lines().join("\n");
    if (atEnd) this.plain.scrollTop = this.plain.scrollHeight;
  }

  private togglePlain(): void {
    const on = !this.isPlain;
    this.plain.hidden = !on;
    this.screen.element.hidden = on;
    this.screen.setVisible(!on);
    setProps(this.plainButton, { "aria-pressed": String(on) });
    this.renderPlain();
    this.focus();
  }

  private download(): void {
    const url = URL.createObjectURL(new Blob([stripControls(this.held.text())], { type: "text/plain;charset=utf-8" }));
    const link = h("a", { href: url, download: `${this.store.project.get().name}.log` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
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
