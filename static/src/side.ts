// The side bar of an IDE page: the files, and the panels that are loaded when they are first looked at.

import type { Api } from "./api";
import { formatAgo } from "./format";
import { type BlameLine, Git } from "./git";
import { GitMarks } from "./gitmarks";
import { GitPerson } from "./gitperson";
import { listen } from "./dom";
import { MOST_EDITABLE } from "./editor/bytes";
import { toConflict } from "./editor/mergeconflicts";
import type { Ide } from "./ide";
import { icons } from "./icons";
import { DisposableStore } from "./lifecycle";
import { load } from "./loading";
import { PendingView } from "./pending";
import { SidebarView } from "./views/sidebar";
import type { View } from "./views/view";

export type SidePanel = "search" | "git";

export class Side {
  readonly view: SidebarView;
  readonly git: Git;
  private readonly disposables = new DisposableStore();
  private readonly panels: Readonly<Record<SidePanel, PendingView>>;

  constructor(
    private readonly ide: Ide,
    private readonly api: Api,
    private readonly project: string,
    tree: HTMLElement,
  ) {
    this.git = this.disposables.add(new Git(api, project, () => isRunning(ide)));
    this.panels = {
      search: this.disposables.add(new PendingView("pane side-panel", "Search", () => makeSearch(ide, api, project))),
      git: this.disposables.add(new PendingView("pane side-panel", "Git", () => makeGit(ide, this.git, api, project))),
    };
    this.view = this.disposables.add(
      new SidebarView([
        { id: "files", label: "Files", icon: icons.file, element: tree },
        { id: "search", label: "Search", icon: icons.search, element: this.panels.search.element },
        { id: "git", label: "Git", icon: icons.branch, element: this.panels.git.element },
      ]),
    );
    this.disposables.add(this.view.chosen.onChange((id) => void this.panelOf(id)?.show()));
    this.follow();
  }

  /** Looks at Git again whenever something may have changed: it tells nobody of what is done in a terminal. */
  private follow(): void {
    const { ide, git, disposables } = this;
    ide.decorations.add(git);
    disposables.add(new GitMarks(git, ide.documents));
    let running = false;
    disposables.add(ide.events.onTree(() => git.refreshSoon()));
    disposables.add(ide.events.onGit(() => git.refreshSoon()));
    disposables.add(listen(window, "focus", () => git.refreshSoon()));
    disposables.add(
      ide.store.status.onChange(() => {
        if (running !== (running = isRunning(ide))) git.refreshSoon();
      }),
    );
  }

  /** Brings the files back, for what is done in them. */
  showFiles(): void {
    this.view.chosen.set("files");
  }

  /** Shows a panel with the keyboard in it. */
  async show(id: SidePanel): Promise<View | null> {
    this.ide.store.show("files");
    this.view.chosen.set(id);
    return this.panels[id].focus();
  }

  /** Looks for what is selected in the editor, or for what the person types next. */
  async search(): Promise<void> {
    const selected = this.ide.selectedText();
    const view = await this.show("search");
    if (view && "fill" in view) (view as View & { fill(text: string): void }).fill(selected);
  }

  /** Lets the person choose an earlier version of the front document. */
  async showHistory(): Promise<void> {
    const { chooseVersion } = await load(() => import("./history"));
    await chooseVersion(this.ide, this.api, this.project);
  }

  /** Shows what is saved beside the front document's text. */
  async compareSaved(): Promise<void> {
    const { compareSaved } = await load(() => import("./history"));
    await compareSaved(this.ide);
  }

  /** Shows two files beside each other. */
  async compare(before: string, after: string): Promise<void> {
    const { compareFiles } = await load(() => import("./filecompare"));
    await compareFiles(this.ide, this.api, this.project, before, after);
  }

  /** Says who last changed the line of the cursor. */
  async blame(): Promise<void> {
    const found = await this.blamed();
    if (!found) return;
    const { line, author, time, commit, summary } = found;
    const sentence = `Line ${line}: ${author}, ${formatAgo(Date.parse(time), Date.now())}, in ${commit.slice(0, 7)}: ${summary}`;
    this.ide.store.notify(sentence, { label: "Open the commit", run: () => void this.openCommit(commit) });
  }

  /** Opens the commit that last changed the line of the cursor. */
  async blameCommit(): Promise<void> {
    const found = await this.blamed();
    if (found) await this.openCommit(found.commit);
  }

  /** What Git knows of the line of the cursor; null after a word why that is nothing. */
  private async blamed(): Promise<BlameLine | null> {
    const document = this.ide.documents.active.get();
    const line = this.ide.editor.position.get()?.line;
    if (document?.kind !== "text" || line === undefined) return null;
    const say = (sentence: string): null => (this.ide.store.notify(sentence), null);
    if (document.dirty.get()) return say("Save first: Git knows the lines of the file as it is on the disk.");
    const found = (await this.git.blame(document.path.get())).find((one) => one.line === line);
    if (!found) return say("Git knows nothing of this line.");
    return /^0+$/.test(found.commit) ? say(`Line ${line} is not committed yet.`) : found;
  }

  private async openCommit(id: string): Promise<void> {
    const view = await this.show("git");
    if (view && "openCommit" in view) (view as View & { openCommit(id: string): void }).openCommit(id);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private panelOf(id: string): PendingView | null {
    return id in this.panels ? this.panels[id as SidePanel] : null;
  }
}

async function makeSearch(ide: Ide, api: Api, project: string): Promise<View> {
  const [{ SearchPanel }, { Search }, { OpenTexts }, { Replacing }] = await Promise.all([import("./views/search"), import("./search"), import("./searchtexts"), import("./replacing")]);
  const texts = new OpenTexts(ide.documents, (path) => ide.ignored.isIgnored(path, false));
  return new SearchPanel(new Search(api, project, texts), new Replacing(api, project, texts), {
    open: (path, match) => void ide.openFile(path, { line: match.line, range: match.ranges[0] ?? null }),
  });
}

function isRunning(ide: Ide): boolean {
  return ide.store.status.get()?.container ?? false;
}

/** Opens a file with the cursor at its next merge conflict, if it has one. */
async function openAtConflict(ide: Ide, path: string): Promise<void> {
  await ide.openFile(path);
  const document = ide.documents.find(path);
  const view = document && ide.editor.viewOf(document);
  if (view) toConflict(1)(view);
}

async function makeGit(ide: Ide, git: Git, api: Api, project: string): Promise<View> {
  const [{ GitPanel }, { showDiff }, { showFileChange }, dialogs] = await Promise.all([import("./views/git"), import("./gitdiff"), import("./gitcompare"), import("./gitdialogs")]);
  const person = new GitPerson(api);
  const read = async (path: string): Promise<Uint8Array | null> => {
    const { bytes, size } = await api.readFile(project, path, { most: MOST_EDITABLE, otherwise: 0 });
    return size > bytes.length ? null : bytes;
  };
  const context = { git, area: ide.editor, read, extensions: ide.extensions, isNarrow: () => ide.workbench.isNarrow, open: (path: string) => void ide.openFile(path), decode: (path: string, bytes: Uint8Array) => ide.documents.encodings.decode(path, bytes), report: ide.report };
  return new GitPanel(git, ide.store.status, () => isRunning(ide), {
    startContainer: async () => {
      ide.store.setStatus(await api.start(project));
      await git.refresh();
    },
    compare: (path, staged) => {
      ide.store.show("editor");
      showDiff(context, path, staged).catch(ide.report);
    },
    compareCommit: (commit, change) => {
      ide.store.show("editor");
      showFileChange(context, commit, change).catch(ide.report);
    },
    open: (path) => void openAtConflict(ide, path),
    read,
    askIdentity: () => dialogs.askIdentity(person),
    askAccount: (host) => dialogs.askAccount(person, host),
    accounts: () => void dialogs.showAccounts(person).catch(ide.report),
    notify: (sentence) => ide.store.notify(sentence),
  });
}
