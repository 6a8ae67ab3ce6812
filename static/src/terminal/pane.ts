// One terminal: its screen, its connection, and the strips around it.

import { messageOf } from "../api";
import { browserClock } from "../clock";
import { append, h, listen, replace } from "../dom";
import { type Disposable, DisposableStore, type Observable, Value } from "../lifecycle";
import type { LocalFile } from "../upload";
import { button } from "../widgets/button";
import { confirm } from "../widgets/dialog";
import { copyText, readText } from "./clipboard";
import { dropTarget, pastedFiles, shellQuoted } from "./drop";
import { KeyBar } from "./keybar";
import { openInTab } from "./links";
import { settlePaste } from "./paste";
import type { TerminalPreferences } from "./preferences";
import { type Link, TerminalScreen } from "./screen";
import { SearchBar } from "./searchbar";
import { Session } from "./session";
import { StatusLine } from "./statusline";

export interface PaneOptions {
  readonly label: string;
  readonly endpoint: (view: { cols: number; rows: number; offset: number | null }) => string;
  readonly offset: number | null;
  /** The shell starts with this pane. */
  readonly fresh: boolean;
  /** Shows a terminal that others use: it takes no input, and the size that they give it. */
  readonly viewOnly?: boolean;
  readonly dark: Observable<boolean>;
  readonly preferences: TerminalPreferences;
  readonly notify: (sentence: string) => void;
  /** Whether the panel has taken the key for itself. */
  readonly takesKey: (event: KeyboardEvent) => boolean;
  /** Puts files into the project and tells the paths that its programs find them by. */
  readonly upload: (uploads: readonly LocalFile[]) => Promise<readonly string[]>;
  /** Null for who may not. */
  readonly stopRecording: (() => void) | null;
}

const SCROLLBACK = 10_000;
/** Bytes that take so long to upload that it needs a word. */
const LARGE = 2_000_000;

export class TerminalPane implements Disposable {
  readonly element = h("div", { class: "terminal-pane" });
  readonly screen: TerminalScreen;
  readonly session: Session;
  private readonly disposables = new DisposableStore();
  private readonly search: SearchBar;
  private readonly keys: KeyBar;
  private readonly request = h("div", { class: "terminal-request", role: "group", hidden: true });
  private readonly recording = h("div", { class: "terminal-recording", role: "status", hidden: true });
  private readonly hovered = h("div", { class: "terminal-hover", "aria-hidden": "true" });
  private readonly titleValue = new Value<string>("");

  /** What the program calls itself; "" until it does. */
  readonly title: Observable<string> = this.titleValue;

  constructor(private readonly options: PaneOptions) {
    const { label, dark, preferences, viewOnly = false } = options;
    this.screen = this.disposables.add(new TerminalScreen({ label, interactive: !viewOnly, dark, preferences, scrollback: SCROLLBACK }));
    const { screen } = this;
    this.session = this.disposables.add(
      new Session({
        endpoint: (offset) => options.endpoint({ cols: screen.cols, rows: screen.rows, offset }),
        screen,
        interactive: !viewOnly,
        viewOnly,
        offset: options.offset,
        fresh: options.fresh,
      }),
    );
    this.search = this.disposables.add(new SearchBar(screen));
    this.keys = new KeyBar(screen);
    const status = this.disposables.add(new StatusLine(this.session, !viewOnly, () => browserClock.now()));
    const stage = h("div", { class: "terminal-stage" }, screen.element, this.hovered, this.recording, this.request, status.element);
    append(this.element, [this.search.element, stage, viewOnly ? null : this.keys.element]);
    this.connect();
  }

  /** To be called when the pane comes into sight or leaves it. */
  setVisible(visible: boolean): void {
    this.element.hidden = !visible;
    this.screen.setVisible(visible);
  }

  /** Tells everyone who looks at the terminal that it is recorded. */
  setRecorded(recorded: boolean): void {
    if (recorded !== this.recording.hidden) return;
    this.recording.hidden = !recorded;
    const { stopRecording } = this.options;
    if (recorded) replace(this.recording, h("span", { class: "recording-dot" }), h("span", {}, "Recording"), stopRecording && button("Stop", stopRecording));
    else replace(this.recording);
  }

  focus(): void {
    this.screen.focus();
  }

  openSearch(): void {
    this.search.show();
  }

  async copySelection(): Promise<void> {
    const text = this.screen.terminal.getSelection();
    if (!text) return this.options.notify("Nothing is selected in the terminal.");
    if (!(await copyText(text))) this.options.notify("The browser does not let this page copy.");
  }

  /** Pastes from a menu, where the browser allows pages to read the clipboard. */
  async pasteClipboard(): Promise<void> {
    const text = await readText();
    if (text === null) return this.options.notify("The browser gives the clipboard only to its own paste key: Ctrl+Shift+V, or ⌘V on a Mac.");
    await this.paste(text);
  }

  dispose(): void {
    this.disposables.dispose();
    this.element.remove();
  }

  private connect(): void {
    const { disposables, screen, session } = this;
    const { terminal } = screen;
    disposables.add(screen.onOpen(() => session.start()));
    disposables.add(screen.onRoom(({ cols, rows }) => session.resize(cols, rows)));
    disposables.add(terminal.onData((data) => session.input(this.keys.apply(data))));
    disposables.add(terminal.onBinary((data) => session.binaryInput(data)));
    disposables.add(screen.onLink((link) => void this.follow(link)));
    disposables.add(screen.onHover((url) => this.showTarget(url)));
    disposables.add(screen.onTitle((title) => this.titleValue.set(title)));
    disposables.add(screen.onCopyRequest((text) => this.offerCopy(text)));
    if (!this.options.viewOnly) {
      disposables.add(listen(screen.element, "paste", (event) => this.handlePaste(event), { capture: true }));
      disposables.add(dropTarget(this.element, (uploads) => void this.takeFiles(uploads)));
    }
    terminal.attachCustomKeyEventHandler((event) => this.handleKey(event));
  }

  /** False keeps the key from the shell. */
  private handleKey(event: KeyboardEvent): boolean {
    if (this.options.viewOnly && event.key === "Tab") return false;
    if (event.type !== "keydown" || !event.shiftKey || !(event.ctrlKey || event.metaKey) || event.altKey) return true;
    if (this.options.takesKey(event)) {
      event.preventDefault();
      return false;
    }
    switch (event.code) {
      case "KeyC":
        event.preventDefault();
        void this.copySelection();
        return false;
      case "KeyF":
        event.preventDefault();
        this.openSearch();
        return false;
      case "KeyV":
        // The browser pastes by itself, on plain HTTP too.
        return false;
      default:
        return true;
    }
  }

  private handlePaste(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    const data = event.clipboardData;
    const files = data ? pastedFiles(data, new Date()) : [];
    if (files.length) void this.takeFiles(Promise.resolve(files));
    else void this.paste(data?.getData("text/plain") ?? "");
  }

  /** Uploads files, then types their names as if pasted: nothing of it runs by itself. */
  private async takeFiles(found: Promise<readonly LocalFile[]>): Promise<void> {
    const { notify, upload } = this.options;
    try {
      const uploads = await found;
      if (uploads.length === 0) return notify("There is no file in what was dropped.");
      if (uploads.reduce((sum, { file }) => sum + file.size, 0) > LARGE) notify(uploads.length === 1 ? "Uploading the file…" : `Uploading ${uploads.length} files…`);
      const paths = await upload(uploads);
      await this.paste(`${paths.map(shellQuoted).join(" ")} `);
    } catch (error) {
      notify(messageOf(error));
    }
  }

  private async paste(text: string): Promise<void> {
    const { terminal } = this.screen;
    const settled = await settlePaste(text, terminal.modes.bracketedPasteMode);
    if (settled) terminal.paste(settled);
    this.focus();
  }

  private showTarget(url: string): void {
    this.hovered.textContent = url && `${url} (Ctrl or ⌘ and click opens it)`;
  }

  private async follow({ url, disguised }: Link): Promise<void> {
    if (!disguised || (await confirm("Open this page?", url, "Open"))) openInTab(url);
  }

  /** A program's wish to fill the clipboard waits for a click: what it put there could be run with the next paste. */
  private offerCopy(text: string): void {
    if (this.session.isReplaying) return;
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    const copy = button("Copy", () => {
      this.endRequest();
      void copyText(text);
    });
    replace(this.request, h("span", {}, "A program wants to copy: ", h("code", {}, shown)), copy, button("Ignore", () => this.endRequest()));
    this.request.hidden = false;
  }

  private endRequest(): void {
    this.request.hidden = true;
    this.focus();
  }
}
