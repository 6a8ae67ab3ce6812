// The IDE page: builds the store, the sockets and the views, and joins them. The only module that knows all of them.

import type { Extension } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { Api, ApiError, messageOf } from "./api";
import { AutoSave } from "./autosave";
import { ChosenEncodings } from "./chosenencodings";
import { browserClock } from "./clock";
import { Commands, isMac, placeOf } from "./commands";
import type { ProjectConfig } from "./config";
import { CursorHistory, type Spot } from "./cursorhistory";
import { Decorations } from "./decorations";
import { type Document, Documents } from "./documents";
import { h, listen } from "./dom";
import { DraftDatabase } from "./drafts";
import type { TextDocument } from "./editor/document";
import { KeyMaps } from "./editor/keymaps";
import { followLook, viewing } from "./editor/setup";
import { EditorConfigs } from "./editorconfig/configs";
import { EditorPreferences } from "./editorpreferences";
import { ProjectEvents } from "./events";
import { FileActions } from "./fileactions";
import { FileIndex } from "./fileindex";
import { FileTree, nameOf } from "./files";
import { FocusKeeper } from "./focuskeeper";
import { formatName } from "./format";
import { Formatting } from "./formatting";
import { ideCommands, vimActions } from "./idecommands";
import { makeEditor } from "./ideeditor";
import { decideUnsaved, fileItems, menuLabel, moreItems } from "./idemenus";
import { languageActions, languageCommands } from "./languages/commands";
import { Intelligence } from "./languages/intelligence";
import { IgnoredFiles } from "./tree/ignore";
import { DisposableStore, watch } from "./lifecycle";
import { browserPages } from "./pages";
import { PendingView } from "./pending";
import { DiskRefresh } from "./refresh";
import { Resending } from "./resending";
import { RunControl } from "./runcontrol";
import { anchorOf, parseAnchor } from "./session";
import { SessionKeeper } from "./sessionkeeper";
import { Side } from "./side";
import { type ListPane, type Pane, Store } from "./store";
import type { ThemeChoice } from "./theme";
import type { EditorArea } from "./views/editor";
import { HeaderView, PANE_TABS } from "./views/header";
import { LanguageView } from "./views/language";
import { StatusView } from "./views/status";
import { StepsView } from "./views/steps";
import { TreeView } from "./views/tree";
import { NARROW, PaneBarView, WorkbenchView } from "./views/workbench";
import { openMenu } from "./widgets/menu";
import { Notices } from "./widgets/notices";

/** Builds the page of one project in `root`. Resolves when the first file can be edited. */
export async function startIde(root: HTMLElement, config: ProjectConfig, theme: ThemeChoice): Promise<void> {
  await new Ide(root, config, theme).start();
}

interface OpenOptions {
  /** Only looked at: the tab goes when the next file is. */
  readonly preview?: boolean;
  readonly line?: number | null;
  /** Start and end in the line of what is to be selected. */
  readonly range?: readonly [number, number] | null;
  readonly focus?: boolean;
  /** Whether the person is elsewhere by now, and wants to stay there. */
  readonly hasLeft?: () => boolean;
}

export class Ide {
  readonly store: Store;
  readonly documents: Documents;
  readonly files: FileTree;
  /** What else is known of files and shown in the tree: whoever knows something adds itself. */
  readonly decorations = new Decorations();
  readonly ignored: IgnoredFiles;
  readonly index: FileIndex;
  readonly actions: FileActions;
  readonly commands: Commands;
  readonly places: CursorHistory;
  readonly side: Side;
  readonly workbench: WorkbenchView;
  readonly runControl: RunControl;
  readonly intelligence: Intelligence;
  readonly formatting: Formatting;
  /** Shows what went wrong. Never throws. */
  readonly report = (error: unknown): void => {
    if (!(error instanceof ApiError)) reportError(error);
    // A lost connection is in the status line as long as it lasts; the sentence need not outlive it.
    this.notices.show(messageOf(error), error instanceof ApiError && error.status === 0 ? "info" : "error");
  };

  private readonly disposables = new DisposableStore();
  private readonly id: string;
  readonly events: ProjectEvents;
  private readonly resending: Resending;
  private readonly drafts: DraftDatabase;
  private readonly notices = new Notices();
  private readonly live = h("div", { class: "sr-only", role: "status", "aria-live": "polite" });
  readonly extensions: () => Extension;
  readonly editor: EditorArea;
  private readonly tree: TreeView;
  private readonly header: HeaderView;
  private readonly steps: StepsView;
  private readonly pending: Readonly<Record<"terminal" | "logs" | "preview" | ListPane, PendingView>>;
  readonly look = new EditorPreferences(document.documentElement, matchMedia(NARROW).matches);
  private readonly keys: KeyMaps;
  private started = false;

  constructor(
    private readonly root: HTMLElement,
    config: ProjectConfig,
    readonly theme: ThemeChoice,
  ) {
    const api = new Api();
    this.id = config.project.id;
    this.store = new Store(config.project);
    const mac = isMac(navigator.platform);
    this.keys = new KeyMaps(this.look.keyMap, mac, vimActions(this), (effect) => this.documents.configure(effect));
    this.extensions = () => viewing(config.nonce, this.keys.extension, this.look);
    this.commands = new Commands(mac, this.report);
    this.files = this.disposables.add(new FileTree(api, this.id));
    this.ignored = this.disposables.add(new IgnoredFiles(api, this.id, this.files));
    this.decorations.add(this.ignored);
    this.index = new FileIndex(api, this.id);
    this.drafts = new DraftDatabase(this.id, browserPages());
    const styles = this.disposables.add(new EditorConfigs(api, this.id, this.files));
    const context = { api, project: this.id, drafts: this.drafts, clock: browserClock, extensions: this.extensions, styles, encodings: new ChosenEncodings(this.id), beforeSave: (document: TextDocument) => this.formatting.beforeSave(document), report: this.report };
    this.documents = this.disposables.add(new Documents(context, decideUnsaved));
    this.actions = new FileActions(api, this.id, this.files, this.documents, (sentence, action) => this.notices.show(sentence, "info", action), this.report);
    this.events = this.disposables.add(new ProjectEvents(api, this.id));
    this.formatting = this.disposables.add(new Formatting(this, api, this.id));
    this.resending = this.disposables.add(new Resending(this.documents, this.store, this.events.onOpen, this.report));
    this.runControl = this.disposables.add(new RunControl(api, this.store, this.documents));
    this.pending = {
      terminal: new PendingView("pane terminal", "Terminal", async () => new (await import("./views/terminals")).TerminalPanel(api, config, this.store)),
      logs: new PendingView("pane logs", "Logs", async () => new (await import("./views/logs")).LogView(api, config, this.store)),
      preview: new PendingView("pane preview", "Preview", async () => new (await import("./views/preview")).PreviewPane(api, config, this.store)),
      problems: new PendingView("pane list", "Problems", async () => (await import("./languages/panels")).problemsPanel(this)),
      references: new PendingView("pane list", "References", async () => (await import("./languages/panels")).referencesPanel(this)),
    };
    this.tree = this.disposables.add(this.makeTree());
    this.side = this.disposables.add(new Side(this, api, this.id, this.tree.element));
    this.editor = this.disposables.add(makeEditor(this, api, this.id));
    this.places = this.disposables.add(new CursorHistory(this.documents, this.editor.position, this.files.onMoved, (spot) => this.openSpot(spot)));
    this.workbench = this.disposables.add(this.makeWorkbench());
    this.steps = this.disposables.add(new StepsView(this.store));
    this.header = this.disposables.add(this.makeHeader());
    this.intelligence = this.disposables.add(new Intelligence(this, api, this.id));
    this.commands.register(...ideCommands(this), ...languageCommands(this));
  }

  /** Puts the page together and loads what it shows. */
  async start(): Promise<void> {
    const focus = this.disposables.add(new FocusKeeper(this.id, this.editor));
    this.build();
    this.connect();
    this.listen();
    this.events.start();
    const hasLeft = this.workbench.watchLeaving();
    const ready = async (): Promise<void> => {
      await this.followAnchor({ focus: focus.isFree, hasLeft });
      focus.restore();
    };
    const keeper = this.disposables.add(new SessionKeeper(this.id, this.documents, this.files, this.editor.position, this.report));
    await keeper.restore({ linked: parseAnchor(location.hash)?.path, ready });
    this.started = true;
    void this.keys.start().catch(this.report);
    this.intelligence.start();
    this.formatting.start();
    void this.drafts.prune().catch(this.report);
    this.disposables.add(new AutoSave(this.documents, this.look.autoSave, this.editor, this.report));
    // What changed between the first look and the first connection was told to nobody.
    if (this.store.connection.get() === "open") void this.refreshFiles([""]);
    for (const pane of ["terminal", "logs", "preview"] as const) if (this.workbench.isVisible(pane)) void this.pending[pane].show();
  }

  activeView(): EditorView | null {
    const active = this.documents.active.get();
    return active && this.editor.viewOf(active);
  }

  /** What is selected in the editor, if it is within one line. */
  selectedText(): string {
    const state = this.activeView()?.state;
    const text = state?.sliceDoc(state.selection.main.from, state.selection.main.to) ?? "";
    return text.includes("\n") ? "" : text;
  }

  async openFile(path: string, { preview = false, line = null, range = null, focus = true, hasLeft = this.workbench.watchLeaving() }: OpenOptions = {}): Promise<void> {
    try {
      const [before, document] = [this.documents.active.get(), await this.documents.show(path, preview)];
      if (document !== this.documents.active.get()) return;
      const left = hasLeft();
      if (!left) this.store.show("editor");
      if (line !== null) this.places.jump(this.started && document === before, () => this.editor.goTo(document, line, range));
      if (focus && !left) this.editor.focus();
    } catch (error) {
      this.report(error);
    }
  }

  /** There. A file that is only looked at is in the tab of those. */
  openSpot({ path, line, column }: Spot, preview = false): Promise<void> {
    return this.openFile(path, { line, range: [column - 1, column - 1], preview });
  }

  /** The address of this page with the file, and the line of its cursor. */
  linkTo(document: Document): string {
    const line = document.kind === "text" ? document.state.doc.lineAt(document.state.selection.main.head).number : 1;
    return location.origin + location.pathname + anchorOf(document.path.get(), line);
  }

  async saveActive(): Promise<void> {
    const document = this.documents.active.get();
    if (document?.kind !== "text") return;
    if (document.readOnly) return this.notices.show(document.readOnly);
    await (document.saveCompared ?? (() => document.save()))();
    if (!document.dirty.get()) this.store.announce(`Saved ${formatName(nameOf(document.path.get()))}.`);
  }

  /** Asks for the name in the tree; without `folder` in the one where its cursor is. */
  startCreate(kind: "file" | "folder", folder?: string): void {
    this.showFiles();
    this.tree.startCreate(kind, folder);
  }

  async startRename(path: string): Promise<void> {
    await this.reveal(path);
    this.tree.startRename(path);
  }

  async reveal(path: string): Promise<void> {
    this.showFiles();
    await this.files.reveal(path);
    this.tree.select(path);
  }

  async refreshFiles(paths: readonly string[]): Promise<void> {
    this.index.invalidate(paths);
    await Promise.all([this.files.refresh(paths), this.documents.check(paths)]);
  }

  focusPane(pane: Pane): void {
    this.store.show(pane);
    if (pane === "files") this.side.showFiles();
    if (pane === "editor") this.editor.focus();
    else if (pane === "files") this.tree.focus();
    else void this.pending[pane].focus();
  }

  focusNextPane(): void {
    const tabs = PANE_TABS.map(([pane]) => pane);
    const panes = this.workbench.isNarrow ? tabs : [...tabs, "problems" as const, "references" as const].filter((pane) => this.workbench.isVisible(pane));
    const at = panes.findIndex((pane) => document.getElementById(`pane-${pane}`)?.contains(document.activeElement));
    const next = panes[(at + 1) % panes.length];
    if (next) this.focusPane(next);
  }

  private showFiles(): void {
    this.store.show("files");
    this.side.showFiles();
  }

  private makeTree(): TreeView {
    const attempt = (task: () => Promise<void>): void => void task().catch(this.report);
    return new TreeView(this.files, this.decorations, {
      open: (path, focus) => void this.openFile(path, { focus, preview: !focus }),
      look: (path) => void (this.workbench.isNarrow || this.openFile(path, { focus: false, preview: true })),
      createFile: (path) => attempt(() => this.files.createFile(path).then(() => this.openFile(path))),
      createFolder: (path) => attempt(() => this.actions.createFolder(path)),
      rename: (from, to) => attempt(() => this.actions.rename(from, to)),
      remove: (paths) => attempt(() => this.actions.remove(paths)),
      undo: () => attempt(() => this.actions.undo()),
      place: (paths, folder, how) => attempt(() => (how === "copy" ? this.actions.copyInto(paths, folder) : this.actions.moveInto(paths, folder))),
      keep: (paths, how) => this.actions.keep(paths, how),
      paste: (folder) => attempt(() => this.actions.paste(folder)),
      upload: (folder, items) => attempt(() => this.actions.upload(folder, items)),
      menu: (paths, place) => openMenu(fileItems(this, paths), place, menuLabel(paths)),
      report: this.report,
    });
  }

  private makeWorkbench(): WorkbenchView {
    return new WorkbenchView(this.store, {
      files: this.side.view.element,
      editor: this.editor.element,
      terminal: this.pending.terminal.element,
      logs: this.pending.logs.element,
      preview: this.pending.preview.element,
      problems: this.pending.problems.element,
      references: this.pending.references.element,
    });
  }

  private makeHeader(): HeaderView {
    return new HeaderView(this.store, {
      run: () => this.commands.run("run"),
      stop: () => this.commands.run("stop"),
      restart: () => this.commands.run("restart"),
      openPalette: () => this.commands.run("palette"),
      toggleTheme: () => this.theme.toggle(),
      toggleRegion: (region) => this.workbench.toggle(region),
      toggleSteps: () => this.runControl.toggleSteps(),
      isShown: (region) => this.workbench.isShown(region),
      menu: () => moreItems(this),
    });
  }

  private build(): void {
    const actions = {
      reconnect: () => {
        this.events.retry();
        this.resending.retry();
      },
      signIn: () => location.reload(),
      run: (id: string) => this.commands.run(id),
    };
    const status = this.disposables.add(new StatusView(this.store, this.documents, this.editor.position, this.keys.mode, actions));
    status.element.append(this.disposables.add(new LanguageView(this.intelligence, languageActions(this))).element);
    const bar = this.disposables.add(new PaneBarView(this.store, PANE_TABS));
    const skip = h("a", { class: "skip", href: "#main", on: { click: (event) => this.skipToEditor(event) } }, "Skip to the editor");
    this.root.classList.add("ide");
    this.root.replaceChildren(skip, this.header.element, this.steps.element, this.workbench.element, status.element, bar.element, this.live, this.notices.element);
    this.workbench.start();
  }

  private skipToEditor(event: Event): void {
    event.preventDefault();
    this.focusPane("editor");
  }

  /** What the server tells goes into the store; what the store tells goes to the views. */
  private connect(): void {
    const { disposables, events, store } = this;
    disposables.add(events.onStatus((status) => store.setStatus(status)));
    disposables.add(events.onPorts((ports) => store.setPorts(ports)));
    disposables.add(events.onWatching((watching) => store.setWatching(watching)));
    disposables.add(events.onTerminals((terminals) => store.setTerminals(terminals)));
    disposables.add(events.onNotice((sentence) => this.notices.show(sentence)));
    disposables.add(events.onState((state) => store.setConnection(state)));
    disposables.add(events.onClose(({ code, final }) => store.setRefusal(final ? code : null)));
    disposables.add(new DiskRefresh(store, () => this.started && void this.refreshFiles([""])));
    disposables.add(events.onTree((paths) => void this.refreshFiles(paths)));
    // Changes on disk during a lost connection were told to nobody.
    disposables.add(events.onOpen(() => this.started && void this.refreshFiles([""])));
    disposables.add(this.files.onMoved((moved) => void this.documents.handleMoved(moved).catch(this.report)));
    disposables.add(this.files.onRemoved((path) => void this.documents.handleRemoved(path).catch(this.report)));
    disposables.add(watch(this.actions.progress, (sentence) => this.tree.say("progress", sentence)));
    disposables.add(watch(store.watching, ({ detail }) => this.tree.say("late", detail && `Programs’ changes show late: ${detail}.`)));
    disposables.add(followLook(this.look, (effect) => this.documents.configure(effect)));
    // The editor measures its letters itself, and only when told that they changed.
    disposables.add(this.look.fontSize.onChange(() => this.activeView()?.requestMeasure()));
    disposables.add(watch(this.theme.dark, (dark) => store.setDark(dark)));
    disposables.add(store.onAnnouncement((sentence) => this.live.replaceChildren(sentence)));
    disposables.add(store.onNotice(({ sentence, action }) => this.notices.show(sentence, "info", action)));
    disposables.add(this.workbench.onLayout(() => this.renderSteps()));
    disposables.add(this.workbench.onLeft(() => this.focusPane("editor")));
    disposables.add(this.workbench.onVisible((pane) => this.handleVisible(pane)));
    disposables.add(watch(store.project, (project) => (document.title = `${project.name} · Hutch`)));
    disposables.add(watch(this.runControl.stepsShown, () => this.renderSteps()));
  }

  private listen(): void {
    const handleKey = (event: KeyboardEvent): void => {
      if (document.querySelector("dialog[open]") || this.keys.claims(event, event.target) || !this.commands.handleKey(event, placeOf(event.target))) return;
      event.preventDefault();
      event.stopPropagation();
    };
    this.disposables.add(listen(window, "keydown", handleKey, { capture: true }));
    this.disposables.add(listen(window, "beforeunload", (event) => this.documents.dirty.length > 0 && event.preventDefault()));
    // The browser asks before it goes on, and the journal is written meanwhile: a page that goes has no time for it.
    for (const type of ["beforeunload", "pagehide"] as const) this.disposables.add(listen(window, type, () => void this.documents.writeJournals()));
    this.disposables.add(listen(window, "hashchange", () => void this.followAnchor()));
    this.disposables.add(listen(document, "visibilitychange", () => void this.documents.writeJournals()));
    this.disposables.add(this.documents.active.onChange((active) => this.tree.select(active?.path.get() ?? null)));
  }

  private async followAnchor(options: OpenOptions = {}, { hash } = location): Promise<void> {
    const anchor = parseAnchor(hash);
    if (!anchor) return;
    await this.openFile(anchor.path, { ...options, line: anchor.line });
    // It has led there; loaded again, the page is to show where the person was. Another one is yet to lead somewhere.
    if (location.hash === hash) history.replaceState(history.state, "", location.pathname + location.search);
  }

  private handleVisible(pane: Pane): void {
    // The first file comes first; the rest is loaded once it can be edited.
    if (this.started && pane !== "files" && pane !== "editor") void this.pending[pane].show();
  }

  private renderSteps(): void {
    const shown = this.runControl.stepsShown.get();
    this.steps.element.hidden = !shown;
    this.header.renderRegions(shown);
  }
}
