// xterm.js in an element of its own: rendering, size, colours, links, search. Knows no socket.

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { type ITerminalOptions, Terminal } from "@xterm/xterm";
import { h, listen } from "../dom";
import { type Disposable, DisposableStore, Emitter, MutableDisposable, type Observable, watch } from "../lifecycle";
import { clipboardRequest } from "./clipboard";
import { searchColours, themeFor } from "./colours";
import { allowSpanStyles } from "./inline";
import { openableUrl } from "./links";
import type { TerminalPreferences } from "./preferences";
import type { Screen, Size } from "./session";
import { touchScrolling } from "./touch";

export interface ScreenOptions {
  readonly label: string;
  /** False for output that nobody types into. */
  readonly interactive: boolean;
  readonly dark: Observable<boolean>;
  readonly preferences: TerminalPreferences;
  readonly scrollback: number;
}

export interface Link {
  readonly url: string;
  /** The page's text may say another address than this one (OSC 8). */
  readonly disguised: boolean;
}

export interface Found {
  /** From 0; -1 for none. */
  readonly index: number;
  readonly count: number;
}

// A drag of the splitter makes dozens of sizes a second, each of which makes the shell draw its prompt anew.
const FIT_DELAY_MS = 60;
const BELL_MS = 200;
const SMALLEST_FONT = 5;
const LONGEST_TITLE = 120;
const FONTS = 'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

export class TerminalScreen implements Screen, Disposable {
  readonly element: HTMLElement;
  readonly terminal: Terminal;
  private readonly disposables = new DisposableStore();
  private readonly fitAddon = new FitAddon();
  private readonly searchAddon = new SearchAddon({ highlightLimit: 1000 });
  private readonly gpu = this.disposables.add(new MutableDisposable());
  private readonly fitTimer = this.disposables.add(new MutableDisposable());
  private readonly bellTimer = this.disposables.add(new MutableDisposable());
  private readonly openEmitter = this.disposables.add(new Emitter<void>());
  private readonly roomEmitter = this.disposables.add(new Emitter<Size>());
  private readonly linkEmitter = this.disposables.add(new Emitter<Link>());
  private readonly hoverEmitter = this.disposables.add(new Emitter<string>());
  private readonly copyEmitter = this.disposables.add(new Emitter<string>());
  private readonly titleEmitter = this.disposables.add(new Emitter<string>());
  private readonly foundEmitter = this.disposables.add(new Emitter<Found>());

  /** Once, when the screen is in the page and has its size. */
  readonly onOpen = this.openEmitter.event;
  /** Another size that there is room for. */
  readonly onRoom = this.roomEmitter.event;
  /** A link that the person chose. Its address is http(s). */
  readonly onLink = this.linkEmitter.event;
  /** The address under the pointer, "" when there is none. */
  readonly onHover = this.hoverEmitter.event;
  /** Text that a program asks to be put into the clipboard. */
  readonly onCopyRequest = this.copyEmitter.event;
  readonly onTitle = this.titleEmitter.event;
  readonly onFound = this.foundEmitter.event;

  private label: string;
  private room: Size;
  private imposed: Size | null = null;
  private visible = false;
  private opened = false;
  private lastPointer = "mouse";

  constructor(private readonly options: ScreenOptions) {
    this.label = options.label;
    this.element = h("div", { class: "terminal-screen" });
    this.terminal = new Terminal(settings(options));
    this.room = { cols: this.terminal.cols, rows: this.terminal.rows };
    this.disposables.add({ dispose: () => this.terminal.dispose() });
    this.addAddons();
    this.listen();
    // Where nobody types, Tab goes on through the page.
    if (!options.interactive) this.terminal.attachCustomKeyEventHandler((event) => event.key !== "Tab");
    const { preferences, dark } = options;
    this.disposables.add(watch(dark, (isDark) => (this.terminal.options.theme = themeFor(isDark))));
    this.disposables.add(watch(preferences.fontSize, (size) => this.setFontSize(size)));
    this.disposables.add(watch(preferences.screenReader, (on) => (this.terminal.options.screenReaderMode = on)));
  }

  get cols(): number {
    return this.room.cols;
  }

  get rows(): number {
    return this.room.rows;
  }

  write(data: Uint8Array<ArrayBuffer>, parsed: () => void): void {
    this.terminal.write(data, parsed);
  }

  focus(): void {
    this.terminal.focus();
  }

  /** What a screen reader calls it. */
  setLabel(label: string): void {
    this.label = label;
    this.terminal.textarea?.setAttribute("aria-label", label);
  }

  /** Whether the screen can be seen. One that can't holds no graphics context: a browser gives a page about sixteen. */
  setVisible(visible: boolean): void {
    this.visible = visible;
    if (!visible) this.gpu.value = undefined;
    else if (this.opened) this.startGpu();
    this.scheduleFit();
  }

  /** Keeps this size from now on, whatever there is room for: the text gets as small as it takes to fit. Null fills the room. */
  setSize(size: Size | null): void {
    this.imposed = size;
    if (size) this.terminal.resize(size.cols, size.rows);
    this.scheduleFit();
  }

  find(text: string, options: { readonly back?: boolean; readonly incremental?: boolean; readonly caseSensitive?: boolean; readonly regex?: boolean }): void {
    const { back = false, ...rest } = options;
    const search = { ...rest, decorations: searchColours(this.options.dark.get()) };
    try {
      if (back) this.searchAddon.findPrevious(text, search);
      else this.searchAddon.findNext(text, search);
    } catch {
      // A regular expression that is still being typed.
      this.foundEmitter.fire({ index: -1, count: 0 });
    }
  }

  endFind(): void {
    this.searchAddon.clearDecorations();
    this.terminal.clearSelection();
  }

  dispose(): void {
    this.disposables.dispose();
    this.element.remove();
  }

  private addAddons(): void {
    const { terminal } = this;
    terminal.loadAddon(this.fitAddon);
    terminal.loadAddon(this.searchAddon);
    terminal.loadAddon(new Unicode11Addon());
    terminal.unicode.activeVersion = "11";
    const links = { hover: (_: MouseEvent, url: string) => this.hoverEmitter.fire(url), leave: () => this.hoverEmitter.fire("") };
    terminal.loadAddon(new WebLinksAddon((event, url) => this.follow(event, { url, disguised: false }), links));
    terminal.options.linkHandler = { ...links, activate: (event, url) => this.follow(event, { url, disguised: true }) };
    // Only ever written to the clipboard, after a click; true says that nobody else need look, so that a question gets no answer.
    this.disposables.add(terminal.parser.registerOscHandler(52, (data) => this.handleClipboard(data)));
  }

  private listen(): void {
    const { terminal, disposables, element } = this;
    disposables.add(terminal.onBell(() => this.flash()));
    disposables.add(terminal.onTitleChange((title) => this.titleEmitter.fire(title.slice(0, LONGEST_TITLE))));
    disposables.add(this.searchAddon.onDidChangeResults(({ resultIndex, resultCount }) => this.foundEmitter.fire({ index: resultIndex, count: resultCount })));
    disposables.add(listen(element, "pointerdown", (event) => (this.lastPointer = event.pointerType), { capture: true }));
    disposables.add(touchScrolling(element, terminal));
    const observer = new ResizeObserver(() => this.scheduleFit());
    observer.observe(element);
    disposables.add({ dispose: () => observer.disconnect() });
  }

  private handleClipboard(data: string): boolean {
    const text = clipboardRequest(data);
    if (text) this.copyEmitter.fire(text);
    return true;
  }

  private follow(event: MouseEvent, link: Link): void {
    const url = openableUrl(link.url);
    const meant = event.ctrlKey || event.metaKey || this.lastPointer !== "mouse";
    if (url && meant) this.linkEmitter.fire({ ...link, url });
  }

  private setFontSize(size: number): void {
    this.terminal.options.fontSize = size;
    this.scheduleFit();
  }

  private scheduleFit(): void {
    if (!this.opened) return this.fit();
    const timer = setTimeout(() => this.fit(), FIT_DELAY_MS);
    this.fitTimer.value = { dispose: () => clearTimeout(timer) };
  }

  /** Fills the element. Does nothing while it has no size: a shell of no columns wraps every letter. */
  private fit(): void {
    if (this.element.clientWidth === 0 || this.element.clientHeight === 0) return;
    if (!this.opened) return this.open();
    const { terminal } = this;
    const fontSize = this.options.preferences.fontSize.get();
    terminal.options.fontSize = fontSize;
    const room = this.fitAddon.proposeDimensions();
    if (!room || !Number.isFinite(room.cols) || !Number.isFinite(room.rows)) return;
    const cols = Math.min(1000, Math.max(2, room.cols));
    const rows = Math.min(1000, Math.max(1, room.rows));
    const size = this.imposed ?? { cols, rows };
    const part = Math.min(cols / size.cols, rows / size.rows);
    if (part < 1) terminal.options.fontSize = Math.max(SMALLEST_FONT, Math.floor(fontSize * part));
    this.element.classList.toggle("imposed", size.cols !== cols || size.rows !== rows);
    if (size.cols !== terminal.cols || size.rows !== terminal.rows) terminal.resize(size.cols, size.rows);
    if (cols === this.cols && rows === this.rows) return;
    this.room = { cols, rows };
    this.roomEmitter.fire(this.room);
  }

  private open(): void {
    this.opened = true;
    allowSpanStyles();
    this.terminal.open(this.element);
    this.setLabel(this.label);
    if (this.visible) this.startGpu();
    this.fit();
    this.openEmitter.fire();
  }

  /** Draws by WebGL where there is one; xterm.js draws with elements otherwise, and when the browser takes the context away. */
  private startGpu(): void {
    if (this.gpu.value) return;
    try {
      const addon = new WebglAddon();
      this.terminal.loadAddon(addon);
      this.gpu.value = addon;
      addon.onContextLoss(() => (this.gpu.value = undefined));
    } catch {
      this.gpu.value = undefined;
    }
  }

  private flash(): void {
    this.element.classList.add("bell");
    const timer = setTimeout(() => this.element.classList.remove("bell"), BELL_MS);
    this.bellTimer.value = { dispose: () => clearTimeout(timer) };
  }
}

function settings(options: ScreenOptions): ITerminalOptions {
  return {
    // Unicode widths and the marks of a search are proposed API.
    allowProposedApi: true,
    convertEol: false,
    cursorBlink: false,
    cursorInactiveStyle: options.interactive ? "outline" : "none",
    disableStdin: !options.interactive,
    fontFamily: FONTS,
    macOptionIsMeta: true,
    minimumContrastRatio: 4.5,
    // The marks of a search show in it.
    overviewRuler: { width: 10 },
    rightClickSelectsWord: false,
    scrollback: options.scrollback,
    theme: themeFor(options.dark.get()),
  };
}
