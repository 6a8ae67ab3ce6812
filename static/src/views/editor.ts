// The editor area: groups of tabs beside and below each other, with a surface per tab, of which the front one shows.

import { EditorView } from "@codemirror/view";
import type { Document, Documents } from "../documents";
import { h, listen, replace, setProps } from "../dom";
import type { Draft } from "../drafts";
import type { TextDocument, Trouble } from "../editor/document";
import type { OpaqueDocument } from "../editor/opaque";
import { nameOf } from "../files";
import { formatAgo, formatName, formatTime } from "../format";
import type { Group, Groups, Tab } from "../groups";
import { type Disposable, disposable, DisposableStore, Value, watch } from "../lifecycle";
import { SplitView } from "../splitview";
import type { TabDrag } from "../tabdrag";
import { type RenderingActions, RenderingSide } from "../viewers/rendering";
import { ViewerSurface } from "../viewers/viewer";
import { button } from "../widgets/button";
import type { View } from "./view";

export interface EditorActions {
  save(document: TextDocument): void;
  keepMine(document: TextDocument): void;
  takeTheirs(document: TextDocument): void;
  compare(document: TextDocument): void;
  close(document: Document): void;
  editAnyway(document: OpaqueDocument): void;
  /** Asks in what encoding the front document is to be read. */
  chooseReading(): void;
  compareLeft(document: TextDocument): void;
  dismissLeft(document: TextDocument): void;
  fileUrl(path: string): string;
  readonly rendering: RenderingActions;
}

/** Where the cursor is, for the status line. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly selected: number;
}

interface Surface extends Disposable {
  readonly element: HTMLElement;
  /** Its document is worked on here now. */
  use(): void;
  focus(): void;
  /** Puts it into another panel. */
  moveTo(panel: HTMLElement): void;
}

/** One group in the page. */
interface Panel {
  readonly element: HTMLElement;
  /** Below the tabs. */
  readonly body: HTMLElement;
  readonly tabs: View;
  overlaid: boolean;
}

export class EditorArea implements View {
  readonly element: HTMLElement;
  readonly position = new Value<Position | null>(null);
  private readonly disposables = new DisposableStore();
  private readonly groups: Groups;
  private readonly layout: SplitView;
  private readonly panels = new Map<Group, Panel>();
  private readonly surfaces = new Map<Tab, Surface>();
  private readonly covers = new Map<Document, HTMLElement>();

  constructor(
    private readonly documents: Documents,
    private readonly drag: TabDrag,
    private readonly actions: EditorActions,
    private readonly makeTabs: (group: Group) => View,
    private readonly welcome: HTMLElement,
  ) {
    this.groups = documents.groups;
    this.layout = this.disposables.add(new SplitView(this.groups.splits, "editor-groups", "editors", () => this.groups.resized()));
    this.element = h("section", { class: "pane editor", id: "pane-editor", "aria-label": "Editor" }, this.layout.element);
    this.disposables.add(this.groups.onChange(() => this.sync()));
    this.sync();
  }

  /** Calls back when another document comes to the front. */
  onFront(listener: () => void): Disposable {
    return this.documents.active.onChange(listener);
  }

  /** Calls back when the keyboard leaves an editor, for another one too. */
  onLeave(listener: () => void): Disposable {
    return listen(this.element, "focusout", listener);
  }

  /** The document in whose editor the keyboard is. */
  get focused(): Document | null {
    return document.hasFocus() && this.element.contains(document.activeElement) ? this.documents.active.get() : null;
  }

  /** The editor of the document, as far as it has one: of several the one in use. */
  viewOf(document: Document): EditorView | null {
    const surface = this.surfaceOf(document);
    return surface instanceof TextSurface ? surface.view : null;
  }

  /** Puts the cursor into a line, or selects from the first to the second place in it. */
  goTo(document: Document, number: number, range: readonly [number, number] | null): void {
    const view = this.viewOf(document);
    if (document.kind === "large") document.ask({ kind: "goTo", line: number });
    if (!view) return;
    const line = view.state.doc.line(Math.min(Math.max(1, number), view.state.doc.lines));
    const [anchor, head] = (range ?? [0, 0]).map((offset) => Math.min(line.to, line.from + offset)) as [number, number];
    view.dispatch({ selection: { anchor, head }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  }

  focus(): void {
    const { front } = this.groups.active;
    if (front) this.surfaces.get(front)?.focus();
    else this.panels.get(this.groups.active)?.body.focus();
  }

  /** Shows `element` over whatever document is in front, until the result is disposed. */
  overlay(element: HTMLElement): Disposable {
    const panel = this.panels.get(this.groups.active);
    const cover = (covered: boolean): void => {
      if (panel) panel.overlaid = covered;
      this.sync();
    };
    panel?.body.append(element);
    cover(true);
    return disposable(() => {
      element.remove();
      cover(false);
    });
  }

  /** Shows `element` in the document's place until the result is disposed. Meanwhile it can't be edited in other groups either. */
  cover(document: Document, element: HTMLElement): Disposable {
    this.covers.set(document, element);
    this.syncCovers();
    return disposable(() => {
      this.covers.delete(document);
      element.remove();
      this.syncCovers();
    });
  }

  dispose(): void {
    for (const surface of this.surfaces.values()) surface.dispose();
    for (const { tabs } of this.panels.values()) tabs.dispose();
    this.disposables.dispose();
  }

  private surfaceOf(document: Document): Surface | undefined {
    const tabs = [this.groups.active.tabOf(document), ...this.groups.tabsOf(document)];
    return tabs.map((tab) => tab && this.surfaces.get(tab)).find((surface) => surface) ?? undefined;
  }

  private sync(): void {
    const { all, active } = this.groups;
    const had = document.activeElement;
    const focused = this.element.contains(had);
    const tabs = new Set(all.flatMap((group) => group.tabs));
    for (const [tab, surface] of this.surfaces) {
      if (tabs.has(tab)) continue;
      surface.dispose();
      this.surfaces.delete(tab);
    }
    for (const group of all) this.syncGroup(group);
    for (const [group, panel] of this.panels) if (!all.includes(group)) this.remove(group, panel);
    this.layout.render((name) => this.panels.get(this.groups.named(name) ?? active)?.element);
    if (active.front) this.welcome.remove();
    else if (!this.welcome.isConnected) this.panels.get(active)?.body.append(this.welcome);
    this.syncCovers();
    if (active.front) this.surfaces.get(active.front)?.use();
    const view = active.front && this.viewOf(active.front.document);
    this.position.set(view ? positionOf(view) : null);
    // What had the focus may be gone, or behind: there the browser takes it away, but only later.
    if (focused && (!this.element.contains(document.activeElement) || had?.closest("[inert]"))) this.focus();
  }

  private syncGroup(group: Group): void {
    const { element, body, overlaid } = this.panels.get(group) ?? this.add(group);
    const { front } = group;
    // A surface is made when its document first comes to the front: a session of thirty tabs opens like one.
    if (front && !this.surfaces.has(front)) body.append(this.makeSurface(front).element);
    for (const tab of group.tabs) {
      const surface = this.surfaces.get(tab);
      if (!surface) continue;
      if (surface.element.parentElement !== body) surface.moveTo(body);
      // Not `hidden`: an editor out of layout forgets where it was scrolled to.
      surface.element.classList.toggle("behind", tab !== front);
      surface.element.inert = overlaid || tab !== front;
    }
    setProps(body, { "aria-labelledby": front ? `tab-${front.id}` : null });
    const several = this.groups.all.length > 1;
    setProps(element, { role: several ? "group" : null, "aria-label": several ? `Editors ${this.groups.all.indexOf(group) + 1}` : null });
  }

  private syncCovers(): void {
    for (const [covered, element] of this.covers) if (!element.isConnected) this.surfaceOf(covered)?.element.append(element);
    for (const [{ document }, surface] of this.surfaces) {
      const cover = this.covers.get(document);
      for (const child of surface.element.children) if (child instanceof HTMLElement) child.inert = cover !== undefined && child !== cover;
    }
  }

  private add(group: Group): Panel {
    const body = h("div", { class: "editor-panel", id: `editor-panel-${group.name}`, role: "tabpanel", tabindex: -1 });
    const tabs = this.makeTabs(group);
    const element = h("div", { class: "editor-group", id: `editor-group-${group.name}`, on: { focusin: () => this.groups.active !== group && this.groups.activate(group) } }, tabs.element, body);
    const panel = { element, body, tabs, overlaid: false };
    this.panels.set(group, panel);
    this.drag.dropInto(body, group);
    this.layout.element.append(element);
    return panel;
  }

  private remove(group: Group, { element, tabs }: Panel): void {
    this.panels.delete(group);
    tabs.dispose();
    element.remove();
  }

  private makeSurface(tab: Tab): Surface {
    const { document } = tab;
    const moved = (view: EditorView): void => {
      if (tab === this.groups.active.front) this.position.set(positionOf(view));
    };
    const surface = document.kind === "text" ? new TextSurface(document, tab, this.actions, moved) : new ViewerSurface(document, () => this.actions.editAnyway(document));
    this.surfaces.set(tab, surface);
    return surface;
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
  private readonly rendering: RenderingSide;

  constructor(
    private readonly document: TextDocument,
    tab: Tab,
    private readonly actions: EditorActions,
    moved: (view: EditorView) => void,
  ) {
    const [notes, left] = [h("div", { class: "banner-place" }), h("div", { class: "banner-place" })];
    const host = h("div", { class: "code" });
    this.rendering = this.disposables.add(new RenderingSide(document, host, () => this.view, actions.rendering));
    this.element = h("div", { class: "surface" }, notes, left, this.rendering.bar, this.rendering.row);
    const cursor = Math.min(tab.cursor, document.state.doc.length);
    this.view = new EditorView({
      state: document.state.update({ selection: { anchor: cursor } }).state,
      scrollTo: EditorView.scrollIntoView(cursor, { y: "center" }),
      parent: host,
      dispatchTransactions: (transactions, view) => {
        view.update(transactions);
        tab.cursor = view.state.selection.main.head;
        document.accept(view, transactions);
        moved(view);
      },
    });
    this.disposables.add(document.show(this.view));
    this.disposables.add(watch(document.path, (path) => this.view.contentDOM.setAttribute("aria-label", formatName(path))));
    this.disposables.add(watch(document.trouble, (trouble) => replace(notes, this.bannerFor(trouble))));
    this.disposables.add(watch(document.left, (drafts) => replace(left, this.leftNote(drafts))));
  }

  use(): void {
    this.document.use(this.view);
  }

  focus(): void {
    if (!this.rendering.focus()) this.view.focus();
  }

  moveTo(panel: HTMLElement): void {
    const scrolled = this.view.scrollSnapshot();
    panel.append(this.element);
    this.view.dispatch({ effects: scrolled });
  }

  dispose(): void {
    this.disposables.dispose();
    this.view.destroy();
    this.element.remove();
  }

  private bannerFor(trouble: Trouble | null): HTMLElement | null {
    const { document, actions } = this;
    const name = formatName(nameOf(document.path.get()));
    const back = (task: () => void): (() => void) => this.focusing(task);
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

  private leftNote([newest, ...others]: readonly Draft[]): HTMLElement | null {
    const { document, actions } = this;
    if (!newest) return null;
    const name = formatName(nameOf(document.path.get()));
    const more = others.length > 0 ? ` So did ${others.length} more.` : "";
    return banner(
      "info",
      `Another tab left unsaved text of ${name}, typed ${formatAgo(newest.at, Date.now())}.${more}`,
      button("Compare", () => actions.compareLeft(document), "primary"),
      button("Dismiss", this.focusing(() => actions.dismissLeft(document))),
    );
  }

  /** A button goes away with its banner, and the focus belongs back in the text. */
  private focusing(task: () => void): () => void {
    return () => {
      this.view.focus();
      task();
    };
  }

  private readOnlyNote(): HTMLElement | null {
    const { document, actions } = this;
    if (!document.readOnly) return null;
    const path = document.path.get();
    const download = h("a", { class: "button plain", href: actions.fileUrl(path), download: nameOf(path) }, "Download");
    return banner("info", document.readOnly, button("Read in another encoding…", () => actions.chooseReading()), download);
  }
}

function banner(kind: "warning" | "info", sentence: string, ...actions: readonly HTMLElement[]): HTMLElement {
  return h("div", { class: `banner ${kind}`, role: kind === "warning" ? "alert" : "status" }, h("p", {}, sentence), ...actions);
}
