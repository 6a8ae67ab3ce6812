// The editor area below the tabs: one surface per open document, of which the front one shows.

import { EditorView } from "@codemirror/view";
import type { Document, Documents } from "../documents";
import { h, replace } from "../dom";
import type { TextDocument, Trouble } from "../editor/document";
import type { OpaqueDocument } from "../editor/opaque";
import { nameOf } from "../files";
import { formatName, formatSize, formatTime } from "../format";
import { type Disposable, disposable, DisposableStore, Value, watch } from "../lifecycle";
import { button } from "../widgets/button";
import type { View } from "./view";

export interface EditorActions {
  save(document: TextDocument): void;
  keepMine(document: TextDocument): void;
  takeTheirs(document: TextDocument): void;
  compare(document: TextDocument): void;
  close(document: Document): void;
  loadMore(document: TextDocument): void;
  fileUrl(path: string): string;
}

/** Where the cursor is, for the status line. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly selected: number;
}

interface Surface extends Disposable {
  readonly element: HTMLElement;
  focus(): void;
}

export class EditorArea implements View {
  readonly element: HTMLElement;
  readonly position = new Value<Position | null>(null);
  private readonly disposables = new DisposableStore();
  private readonly panel: HTMLElement;
  private readonly surfaces = new Map<Document, Surface>();

  constructor(
    private readonly documents: Documents,
    private readonly actions: EditorActions,
    tabs: HTMLElement,
    private readonly tabId: (document: Document) => string,
    private readonly welcome: HTMLElement,
  ) {
    this.panel = h("div", { class: "editor-panel", id: "editor-panel", role: "tabpanel", tabindex: -1 }, welcome);
    this.element = h("section", { class: "pane editor", id: "pane-editor", "aria-label": "Editor" }, tabs, this.panel);
    this.disposables.add(documents.open.onChange(() => this.sync()));
    this.disposables.add(watch(documents.active, () => this.sync()));
  }

  /** Calls back when another document comes to the front. */
  onFront(listener: () => void): Disposable {
    return this.documents.active.onChange(listener);
  }

  /** The editor of the document, as far as it has one. */
  viewOf(document: Document): EditorView | null {
    const surface = this.surfaces.get(document);
    return surface instanceof TextSurface ? surface.view : null;
  }

  focus(): void {
    const active = this.documents.active.get();
    if (active) this.surfaces.get(active)?.focus();
    else this.panel.focus();
  }

  /** Shows `element` over whatever document is in front, until the result is disposed. */
  overlay(element: HTMLElement): Disposable {
    const covered = [...this.panel.children].filter((child) => child instanceof HTMLElement && !child.inert);
    for (const child of covered) (child as HTMLElement).inert = true;
    this.panel.append(element);
    return disposable(() => {
      element.remove();
      for (const child of covered) (child as HTMLElement).inert = child.classList.contains("behind");
    });
  }

  /** Shows `element` in the document's place until the result is disposed. */
  cover(document: Document, element: HTMLElement): Disposable {
    const surface = this.surfaces.get(document)?.element;
    const covered = [...(surface?.children ?? [])].filter((child) => child instanceof HTMLElement);
    for (const child of covered) child.inert = true;
    surface?.append(element);
    return disposable(() => {
      element.remove();
      for (const child of covered) child.inert = false;
    });
  }

  dispose(): void {
    for (const surface of this.surfaces.values()) surface.dispose();
    this.disposables.dispose();
  }

  private sync(): void {
    const open = this.documents.open.get();
    const active = this.documents.active.get();
    for (const [document, surface] of this.surfaces) {
      if (open.includes(document)) continue;
      surface.dispose();
      this.surfaces.delete(document);
    }
    // A surface is made when its document first comes to the front: a session of thirty tabs opens like one.
    if (active && !this.surfaces.has(active)) this.add(active);
    for (const [document, { element }] of this.surfaces) {
      // Not `hidden`: an editor out of layout forgets where it was scrolled to.
      element.classList.toggle("behind", document !== active);
      element.inert = document !== active;
    }
    this.welcome.hidden = active !== null;
    if (active) this.panel.setAttribute("aria-labelledby", this.tabId(active));
    else this.panel.removeAttribute("aria-labelledby");
    const view = active && this.viewOf(active);
    this.position.set(view ? positionOf(view) : null);
  }

  private add(document: Document): void {
    const surface =
      document.kind === "text"
        ? new TextSurface(document, this.actions, (view) => this.handleUpdate(document, view))
        : new OpaqueSurface(document, this.actions);
    this.surfaces.set(document, surface);
    this.panel.append(surface.element);
  }

  private handleUpdate(document: Document, view: EditorView): void {
    if (document === this.documents.active.get()) this.position.set(positionOf(view));
  }
}

function positionOf({ state }: EditorView): Position {
  const { head, from, to } = state.selection.main;
  const line = state.doc.lineAt(head);
  return { line: line.number, column: head - line.from + 1, selected: to - from };
}

class TextSurface implements Surface {
  readonly element: HTMLElement;
  readonly view: EditorView;
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly document: TextDocument,
    private readonly actions: EditorActions,
    moved: (view: EditorView) => void,
  ) {
    const notes = h("div", { class: "banner-place" });
    const host = h("div", { class: "code" });
    this.element = h("div", { class: "surface" }, notes, host);
    this.view = new EditorView({
      state: document.state,
      scrollTo: EditorView.scrollIntoView(document.cursor, { y: "center" }),
      parent: host,
      dispatchTransactions: (transactions, view) => {
        view.update(transactions);
        document.accept(view.state);
        moved(view);
      },
    });
    document.show(this.view);
    this.disposables.add(watch(document.path, (path) => this.view.contentDOM.setAttribute("aria-label", formatName(path))));
    this.disposables.add(watch(document.trouble, (trouble) => replace(notes, this.bannerFor(trouble))));
    this.disposables.add(document.remaining.onChange(() => replace(notes, this.bannerFor(document.trouble.get()))));
  }

  focus(): void {
    this.view.focus();
  }

  dispose(): void {
    this.disposables.dispose();
    this.view.destroy();
    this.element.remove();
  }

  private bannerFor(trouble: Trouble | null): HTMLElement | null {
    const { document, actions } = this;
    const name = formatName(nameOf(document.path.get()));
    // The button goes away with its banner, and the focus belongs back in the text.
    const back = (task: () => void) => (): void => {
      this.view.focus();
      task();
    };
    switch (trouble?.kind) {
      case "changed":
        return banner(
          "warning",
          trouble.refused
            ? `Not saved: ${name} was changed on disk after you opened it. Your text is kept here.`
            : `${name} was changed on disk while you were editing it.`,
          button("Compare", () => actions.compare(document), "primary"),
          button("Keep mine", back(() => actions.keepMine(document))),
          button("Take theirs", back(() => actions.takeTheirs(document))),
        );
      case "deleted":
        return banner(
          "warning",
          `${name} was deleted on disk. Your text is kept here.`,
          button("Save it again", back(() => actions.keepMine(document)), "primary"),
          button("Close", () => actions.close(document)),
        );
      case "restored":
        return banner(
          "info",
          `Your unsaved changes of ${formatTime(trouble.at)} were restored.`,
          button("Save", back(() => actions.save(document)), "primary"),
          button("Discard them", back(() => document.revert())),
          button("Dismiss", back(() => document.dismissTrouble())),
        );
      default:
        return this.readOnlyNote();
    }
  }

  private readOnlyNote(): HTMLElement | null {
    const { document, actions } = this;
    if (!document.readOnly) return null;
    const path = document.path.get();
    const download = h("a", { class: "button plain", href: actions.fileUrl(path), download: nameOf(path) }, "Download");
    const left = document.remaining.get();
    if (left === 0) return banner("info", document.readOnly, download);
    const more = button("Load more", () => actions.loadMore(document));
    return banner("info", `${document.readOnly} ${formatSize(left)} are not loaded.`, more, download);
  }
}

function banner(kind: "warning" | "info", sentence: string, ...actions: readonly HTMLElement[]): HTMLElement {
  return h("div", { class: `banner ${kind}`, role: kind === "warning" ? "alert" : "status" }, h("p", {}, sentence), ...actions);
}

class OpaqueSurface implements Surface {
  readonly element = h("div", { class: "surface opaque", tabindex: -1 });
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly document: OpaqueDocument,
    private readonly actions: EditorActions,
  ) {
    this.disposables.add(watch(document.etag, () => this.render()));
    this.disposables.add(document.path.onChange(() => this.render()));
  }

  focus(): void {
    this.element.focus();
  }

  dispose(): void {
    this.disposables.dispose();
    this.element.remove();
  }

  private render(): void {
    const path = this.document.path.get();
    const url = this.actions.fileUrl(path);
    const size = formatSize(this.document.size.get());
    const download = h("a", { class: "button plain", href: url, download: nameOf(path) }, `Download (${size})`);
    const picture = h("img", { src: `${url}?v=${encodeURIComponent(this.document.etag.get())}`, alt: formatName(nameOf(path)) });
    if (this.document.kind === "picture") replace(this.element, h("figure", {}, picture, h("figcaption", {}, download)));
    else replace(this.element, h("p", {}, `${formatName(nameOf(path))} is not a text file.`), download);
  }
}
