// A file that is read in pieces as one scrolls: a large text, or bytes as a hex dump, with a bar to get about in it.

import { Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { h, listen, setProps } from "../dom";
import { MOST_AT_ALL } from "../editor/bytes";
import { type Ask, endingOf, type OpaqueDocument } from "../editor/opaque";
import { nameOf } from "../files";
import { formatName, formatSize, formatTime } from "../format";
import { icons } from "../icons";
import { type Disposable, DisposableStore, watch } from "../lifecycle";
import { button, iconButton } from "../widgets/button";
import { HexLayout, type Layout, TextLayout } from "./layout";
import { type Find, findOf, parsePlace } from "./places";
import { PagedSource } from "./source";
import type { Viewer } from "./viewer";
import { FileWindow } from "./window";

const STEPS = 1_000_000;
const NARROW_ROW = 8;
const WIDE_ROW = 16;
const LEAST_WIDE = 700;
// The number of a line is asked for once one stays there.
const REST_MS = 150;

export class PagedViewer implements Viewer {
  readonly element: HTMLElement;
  private readonly disposables = new DisposableStore();
  private readonly source: PagedSource;
  private readonly window: FileWindow;
  private readonly query = h("input", { class: "input", type: "search", placeholder: "Find", "aria-label": "Find in this file", autocomplete: "off", spellcheck: "false" });
  private readonly place = h("input", { class: "input paged-place", type: "text", "aria-label": "Go to", autocomplete: "off", spellcheck: "false" });
  private readonly position = h("span", { class: "paged-position" });
  private readonly note = h("span", { class: "paged-note", role: "status" });
  private readonly slider = h("input", { class: "paged-slider", type: "range", min: 0, max: STEPS, step: 1, "aria-label": "Position in the file", "aria-orientation": "vertical" });
  private readonly matchCase: HTMLElement;
  private readonly form: HTMLElement;
  private found: { readonly offset: number; readonly length: number } | null = null;
  private asking = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `edit` opens a text in the editor all the same, or media in their player. */
  constructor(
    private readonly document: OpaqueDocument,
    edit: () => void,
  ) {
    const { context, version } = document;
    this.source = new PagedSource(document.read, version.get());
    this.matchCase = iconButton("Match case", icons.caseSensitive, () => this.toggleCase());
    this.matchCase.setAttribute("aria-pressed", "false");
    this.window = new FileWindow(this.source, this.layoutOf(document.kind === "large" ? "text" : "hex"), () => this.extensions(), context.report);
    this.form = this.makeForm();
    this.element = h("div", { class: "paged" }, this.makeBar(edit), h("div", { class: "paged-body" }, this.window.view.dom, this.slider));
    this.disposables.add(this.window);
    this.disposables.add(this.window.onMove(() => this.handleMove()));
    this.disposables.add(version.onChange((next) => this.handleVersion(next)));
    this.disposables.add(document.onAsk((ask) => this.answer(ask)));
    this.disposables.add(listen(this.slider, "input", () => void this.window.go(Math.round((this.slider.valueAsNumber / STEPS) * this.source.version.size))));
    this.disposables.add(watch(document.path, () => this.label()));
    if (endingOf(document.path.get()) === "pdf") this.note.textContent = "PDF can’t be shown here, only its bytes.";
    void this.window.go(0);
  }

  focus(): void {
    this.window.view.focus();
  }

  dispose(): void {
    this.asking.abort();
    clearTimeout(this.timer);
    this.disposables.dispose();
  }

  private get isHex(): boolean {
    return !this.window.layout.numbered;
  }

  private layoutOf(kind: "text" | "hex"): Layout {
    return kind === "text" ? new TextLayout(this.document.encoding) : new HexLayout(innerWidth < LEAST_WIDE ? NARROW_ROW : WIDE_ROW);
  }

  private makeForm(): HTMLElement {
    const find = h(
      "form",
      { class: "paged-form", role: "search", "aria-label": "This file" },
      this.query,
      this.matchCase,
      iconButton("Previous match", icons.up, () => void this.find(true)),
      iconButton("Next match", icons.down, () => void this.find(false)),
    );
    find.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.find(false);
    });
    this.query.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.shiftKey) {
        event.preventDefault();
        void this.find(true);
      } else if (event.key === "Escape") {
        this.focus();
      }
    });
    this.query.addEventListener("input", () => (this.found = null));
    return find;
  }

  private makeBar(edit: () => void): HTMLElement {
    const { document } = this;
    const go = h("form", { class: "paged-form" }, this.place);
    go.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.goTo(this.place.value);
    });
    this.place.addEventListener("keydown", (event) => event.key === "Escape" && this.focus());
    const other = button("", () => {
      void this.window.use(this.layoutOf(this.isHex ? "text" : "hex")).then(() => this.label());
      this.label();
    });
    other.classList.add("paged-other");
    const download = h("a", { class: "button plain", href: document.url, download: nameOf(document.path.get()) }, "Download");
    const editable = document.kind === "large" && this.source.version.size <= MOST_AT_ALL;
    return h("div", { class: "paged-bar" }, this.form, go, this.position, this.note, h("span", { class: "spacer" }), other, editable && button("Edit anyway", edit), document.kind === "media" && button("Play", edit), download);
  }

  private label(): void {
    const name = formatName(nameOf(this.document.path.get()));
    this.element.classList.toggle("hex", this.isHex);
    this.window.view.contentDOM.setAttribute("aria-label", this.isHex ? `${name}, bytes in hex` : `${name}, read-only`);
    const other = this.element.querySelector(".paged-other");
    if (other) other.textContent = this.isHex ? "As text" : "As bytes";
    const hint = this.isHex ? "Go to 0x1f or 50 %" : "Go to line or 50 %";
    setProps(this.place, { placeholder: hint, title: this.isHex ? "A byte by its offset, such as 31 or 0x1f, or a part of the file, such as 50 %" : "A line, a part of the file such as 50 %, or a byte such as 0x1f" });
  }

  private extensions(): readonly [ReturnType<OpaqueDocument["context"]["extensions"]>, ReturnType<typeof Prec.high>] {
    const keys = [
      { key: "Ctrl-g", run: () => this.answer({ kind: "goTo" }) },
      { key: "Mod-f", run: () => this.answer({ kind: "find" }) },
      { key: "F3", run: () => this.findAgain(false), shift: () => this.findAgain(true) },
      { key: "Mod-g", run: () => this.findAgain(false), shift: () => this.findAgain(true) },
      { key: "Mod-Alt-g", run: () => this.answer({ kind: "goTo" }) },
    ];
    return [this.document.context.extensions(), Prec.high([keymap.of(keys), EditorView.editorAttributes.of({ class: "paged-text" })])];
  }

  private answer(ask: Ask): boolean {
    // Of a document that shows twice only the one in sight answers.
    if (!this.element.checkVisibility() || this.element.closest("[inert]")) return false;
    if (ask.kind === "goTo" && ask.line !== undefined) {
      void this.goTo(String(ask.line));
      return true;
    }
    const field = ask.kind === "find" ? this.query : this.place;
    field.focus();
    field.select();
    return true;
  }

  private findAgain(backwards: boolean): boolean {
    void this.find(backwards);
    return true;
  }

  private toggleCase(): void {
    this.matchCase.setAttribute("aria-pressed", String(this.matchCase.getAttribute("aria-pressed") !== "true"));
    this.found = null;
  }

  private async find(backwards: boolean): Promise<void> {
    const wanted = findOf(this.query.value, this.isHex, this.document.encoding);
    if (!wanted) return this.query.focus();
    const { offset, length } = this.found ?? { offset: this.window.top, length: 0 };
    const { size } = this.source.version;
    await this.attempt("Searching…", async (signal) => {
      const from = backwards ? offset : offset + Math.min(1, length);
      const first = await this.search(wanted, from, backwards, signal);
      const next = first ?? (await this.search(wanted, backwards ? size : 0, backwards, signal));
      if (next === null) return "Not found.";
      this.found = { offset: next, length: wanted.length };
      await this.window.go(next, wanted.length);
      const place = `Found at byte ${next}.`;
      return first === null ? `${place} Begun again at the ${backwards ? "end" : "start"}.` : place;
    });
  }

  private async search({ text, encoding }: Find, offset: number, backwards: boolean, signal: AbortSignal): Promise<number | null> {
    const matchCase = encoding === "hex" || this.matchCase.getAttribute("aria-pressed") === "true";
    return (await this.document.locate({ text, encoding, offset, case: matchCase, backwards }, signal)).offset;
  }

  private async goTo(text: string): Promise<void> {
    const place = parsePlace(text, this.isHex, this.source.version.size);
    if (!place) {
      this.note.textContent = "Expected a number, or a part such as 50 %.";
      return;
    }
    this.found = null;
    await this.attempt("Looking…", async (signal) => {
      const offset = place.kind === "offset" ? place.offset : ((await this.document.locate({ line: place.line }, signal)).offset ?? 0);
      await this.window.go(offset);
      this.place.value = "";
      this.focus();
      return "";
    });
  }

  /** Only what was asked for last counts. */
  private async attempt(sentence: string, task: (signal: AbortSignal) => Promise<string>): Promise<void> {
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    this.note.textContent = sentence;
    try {
      const outcome = await task(signal);
      if (!signal.aborted) this.note.textContent = outcome;
    } catch (error) {
      if (signal.aborted) return;
      this.note.textContent = "";
      this.document.context.report(error);
    }
  }

  private handleMove(): void {
    this.document.meet(this.source.version);
    const { progress } = this.window;
    const percent = `${(progress * 100).toFixed(progress > 0 && progress < 1 ? 1 : 0)} %`;
    this.position.textContent = `${formatSize(this.source.version.size)} · ${percent}`;
    // Not what one is dragging just now.
    if (!this.slider.matches(":active")) this.slider.value = String(Math.round(progress * STEPS));
    this.slider.setAttribute("aria-valuetext", percent);
    clearTimeout(this.timer);
    if (this.window.unnumbered !== null) this.timer = setTimeout(() => void this.number(), REST_MS);
  }

  private async number(): Promise<void> {
    const offset = this.window.unnumbered;
    if (offset === null) return;
    const { line } = await this.document.locate({ offset }, this.asking.signal).catch(() => ({ line: null }));
    if (line !== null) this.window.number(offset, line);
  }

  private handleVersion(version: { readonly size: number; readonly etag: string }): void {
    this.note.textContent = `Changed on disk at ${formatTime(Date.now())}; this is how it is now.`;
    if (version.etag === this.source.version.etag) return;
    this.source.adopt(version);
    void this.window.go(this.window.top);
  }
}

/** Makes the viewer, for who loads this module when it is used. */
export function pagedViewer(document: OpaqueDocument, edit: () => void): Viewer & Disposable {
  return new PagedViewer(document, edit);
}
