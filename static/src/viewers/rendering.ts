// Markdown, SVG and notebooks as what they mean, beside their text or instead of it, in a frame that can reach nothing.

import type { EditorView } from "@codemirror/view";
import { type FileContent } from "../content";
import { h, setProps } from "../dom";
import type { TextDocument } from "../editor/document";
import { isPicture } from "../editor/opaque";
import { join, nameOf, parentOf } from "../files";
import { formatName } from "../format";
import { type Disposable, DisposableStore, Value, watch } from "../lifecycle";
import { type Rendering, type FromFrame, isFromFrame, type ToFrame } from "../rendered/messages";
import { linkOf } from "../rendered/links";
import { recall, remember } from "../storage";

export const MODES = ["source", "beside", "rendered"] as const;
export type Mode = (typeof MODES)[number];

export interface RenderingActions {
  /** Reads a file of the project. Throws ApiError. */
  read(path: string, most: number): Promise<FileContent>;
  open(path: string, line: number | null): void;
  /** Has the IDE take a key that was pressed in the frame. */
  nextPane(): void;
}

const KINDS: Readonly<Record<string, Rendering>> = { md: "markdown", markdown: "markdown", svg: "svg", ipynb: "notebook" };
const FIRST: Readonly<Record<Rendering, Mode>> = { markdown: "source", svg: "beside", notebook: "rendered" };
const LABELS: Readonly<Record<Mode, string>> = { source: "Source", beside: "Beside", rendered: "Rendered" };
const TYPES: Readonly<Record<string, string>> = { jpg: "image/jpeg", svg: "image/svg+xml", ico: "image/x-icon" };
const MOST_PICTURE = 10 * 1024 * 1024;
// Rendered once the typing pauses; long texts take longer.
const TYPING_MS = 120;

/** How a file of this name can be rendered; null for not at all. */
export function renderingOf(path: string): Rendering | null {
  const name = nameOf(path);
  return KINDS[name.slice(name.lastIndexOf(".") + 1).toLowerCase()] ?? null;
}

// Of a document in several groups all show the same.
const modes = new WeakMap<TextDocument, Value<Mode>>();

export function modeOf(document: TextDocument): Value<Mode> {
  const known = modes.get(document);
  if (known) return known;
  const rendering = renderingOf(document.path.get());
  const mode = new Value<Mode>(rendering ? (recall(`rendering.${rendering}`, isMode) ?? FIRST[rendering]) : "source");
  modes.set(document, mode);
  return mode;
}

/** Chooses how the document is shown, and files of its kind from now on. */
export function chooseMode(document: TextDocument, mode: Mode): void {
  const rendering = renderingOf(document.path.get());
  if (!rendering) return;
  modeOf(document).set(mode);
  remember(`rendering.${rendering}`, mode);
}

export function toggleRendering(document: TextDocument): void {
  chooseMode(document, modeOf(document).get() === "source" ? "beside" : "source");
}

function isMode(value: unknown): value is Mode {
  return MODES.some((mode) => mode === value);
}

/** The switch between text and rendered view, and the place of both. */
export class RenderingSide implements Disposable {
  readonly bar = h("div", { class: "rendering-bar", role: "group", "aria-label": "How this file is shown" });
  readonly row: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly buttons: readonly (readonly [Mode, HTMLElement])[];
  private frame: RenderedFrame | null = null;

  constructor(
    private readonly document: TextDocument,
    private readonly host: HTMLElement,
    private readonly view: () => EditorView,
    private readonly actions: RenderingActions,
  ) {
    this.buttons = MODES.map((mode) => [mode, h("button", { type: "button", class: "button plain", on: { click: () => chooseMode(document, mode) } }, LABELS[mode])] as const);
    this.bar.append(...this.buttons.map(([, element]) => element));
    this.row = h("div", { class: "rendering-row" }, host);
    this.disposables.add(watch(modeOf(document), () => this.apply()));
    this.disposables.add(document.path.onChange(() => this.apply()));
  }

  /** False when the text has the focus. */
  focus(): boolean {
    if (this.mode !== "rendered" || !this.frame) return false;
    this.frame.element.focus();
    return true;
  }

  dispose(): void {
    this.frame?.dispose();
    this.disposables.dispose();
  }

  private get mode(): Mode {
    return renderingOf(this.document.path.get()) ? modeOf(this.document).get() : "source";
  }

  private apply(): void {
    const { mode } = this;
    this.bar.hidden = renderingOf(this.document.path.get()) === null;
    this.row.dataset["mode"] = mode;
    for (const [each, element] of this.buttons) setProps(element, { "aria-pressed": String(each === mode) });
    this.host.inert = mode === "rendered";
    if (mode === "source") {
      this.frame?.dispose();
      this.frame = null;
    } else if (!this.frame) {
      this.frame = new RenderedFrame(this.document, this.view, this.actions);
      this.row.append(this.frame.element);
    }
  }
}

/** The frame. Its sandbox gives it no origin, so that nothing of the IDE is in its reach; its own policy keeps it off the network. */
class RenderedFrame implements Disposable {
  readonly element: HTMLIFrameElement;
  private readonly disposables = new DisposableStore();
  private readonly themes = new MutationObserver(() => this.tellTheme());
  private port: MessagePort | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly document: TextDocument,
    private readonly view: () => EditorView,
    private readonly actions: RenderingActions,
  ) {
    this.element = h("iframe", { class: "rendered", sandbox: "allow-scripts", src: "/rendered", on: { load: () => this.connect() } });
    this.disposables.add(document.onEdit(() => this.showSoon()));
    this.disposables.add(watch(document.path, (path) => setProps(this.element, { title: `${formatName(nameOf(path))}, rendered` })));
    this.themes.observe(window.document.documentElement, { attributeFilter: ["data-theme", "data-contrast"] });
    // The editor is not there yet.
    queueMicrotask(() => this.followScrolling());
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.port?.close();
    this.themes.disconnect();
    this.disposables.dispose();
    this.element.remove();
  }

  /** After each load, for a frame that is moved in the page loads anew. */
  private connect(): void {
    this.port?.close();
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.onmessage = ({ data }: MessageEvent) => isFromFrame(data) && this.handle(data);
    // It has no origin to name.
    this.element.contentWindow?.postMessage(null, "*", [port2]);
    this.tellTheme();
    this.show();
  }

  private tell(message: ToFrame): void {
    this.port?.postMessage(message);
  }

  private tellTheme(): void {
    const { theme = "light", contrast = "usual" } = window.document.documentElement.dataset;
    this.tell({ type: "theme", theme, contrast });
  }

  private showSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.show(), TYPING_MS);
  }

  private show(): void {
    const path = this.document.path.get();
    const rendering = renderingOf(path);
    if (rendering) this.tell({ type: "show", rendering, name: formatName(nameOf(path)), text: this.document.state.doc.toString() });
  }

  private followScrolling(): void {
    const { scrollDOM } = this.view();
    const follow = (): void => {
      const view = this.view();
      if (modeOf(this.document).get() === "beside") this.tell({ type: "at", at: view.lineBlockAtHeight(view.scrollDOM.scrollTop).from });
    };
    scrollDOM.addEventListener("scroll", follow, { passive: true });
    this.disposables.add({ dispose: () => scrollDOM.removeEventListener("scroll", follow) });
  }

  private handle(message: FromFrame): void {
    switch (message.type) {
      case "picture":
        void this.sendPicture(message.path);
        break;
      case "link":
        // Nothing is opened but by a person's own click.
        if (navigator.userActivation.isActive) this.follow(message.href);
        break;
      case "key":
        if (message.key === "toggle") chooseMode(this.document, "source");
        if (message.key === "F6") this.actions.nextPane();
        else this.view().focus();
        break;
      case "shown":
        this.element.dataset["shown"] = "";
    }
  }

  private follow(href: string): void {
    const link = linkOf(href);
    if (link?.kind === "outside") window.open(link.href, "_blank", "noopener,noreferrer");
    if (link?.kind !== "inside") return;
    const [, place = "", line] = /^(.*?)(?:[?#](?:.*?L(\d+))?.*)?$/s.exec(link.path) ?? [];
    const path = this.resolve(place);
    if (path) this.actions.open(path, line === undefined ? null : Number(line));
  }

  private async sendPicture(written: string): Promise<void> {
    const path = this.resolve(written.replace(/[?#].*$/s, ""));
    const ending = path?.slice(path.lastIndexOf(".") + 1).toLowerCase() ?? "";
    let picture: Blob | null = null;
    if (path && (isPicture(path) || ending === "svg")) {
      const content = await this.actions.read(path, MOST_PICTURE).catch(() => null);
      if (content && content.size === content.bytes.length) picture = new Blob([content.bytes], { type: TYPES[ending] ?? `image/${ending}` });
    }
    this.tell({ type: "picture", path: written, picture });
  }

  /** A path in the project, from the text's folder or, with a slash before it, from the project's; null for one that leads out. */
  private resolve(written: string): string | null {
    const parts = written.startsWith("/") ? [] : parentOf(this.document.path.get()).split("/").filter(Boolean);
    for (const part of written.split("/")) {
      if (part === "" || part === ".") continue;
      if (part !== "..") parts.push(part);
      else if (parts.pop() === undefined) return null;
    }
    return parts.length > 0 ? parts.reduce(join) : null;
  }
}
