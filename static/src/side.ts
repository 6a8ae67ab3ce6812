// The side bar of an IDE page: the files, and the panels that are loaded when they are first looked at.

import type { Api } from "./api";
import type { Ide } from "./ide";
import { icons } from "./icons";
import { DisposableStore } from "./lifecycle";
import { PendingView } from "./pending";
import { SidebarView } from "./views/sidebar";
import type { View } from "./views/view";

export type SidePanel = "search";

export class Side {
  readonly view: SidebarView;
  private readonly disposables = new DisposableStore();
  private readonly panels: Readonly<Record<SidePanel, PendingView>>;

  constructor(
    private readonly ide: Ide,
    api: Api,
    project: string,
    tree: HTMLElement,
  ) {
    this.panels = {
      search: this.disposables.add(new PendingView("pane side-panel", "Search", () => makeSearch(ide, api, project))),
    };
    this.view = this.disposables.add(
      new SidebarView([
        { id: "files", label: "Files", icon: icons.file, element: tree },
        { id: "search", label: "Search", icon: icons.search, element: this.panels.search.element },
      ]),
    );
    this.disposables.add(this.view.chosen.onChange((id) => void this.panelOf(id)?.show()));
  }

  /** Brings the files back, for what is done in them. */
  showFiles(): void {
    this.view.chosen.set("files");
  }

  /** Shows a panel with the keyboard in it. */
  async show(id: SidePanel): Promise<View | null> {
    this.ide.store.show("files");
    this.view.chosen.set(id);
    const view = await this.panels[id].show();
    view?.focus?.();
    return view;
  }

  /** Looks for what is selected in the editor, or for what the person types next. */
  async search(): Promise<void> {
    const selected = this.ide.selectedText();
    const view = await this.show("search");
    if (view && "fill" in view) (view as View & { fill(text: string): void }).fill(selected);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private panelOf(id: string): PendingView | null {
    return id in this.panels ? this.panels[id as SidePanel] : null;
  }
}

async function makeSearch(ide: Ide, api: Api, project: string): Promise<View> {
  const [{ SearchPanel }, { Search }, { Replacing }] = await Promise.all([import("./views/search"), import("./search"), import("./replacing")]);
  const isEdited = (path: string): boolean => ide.documents.dirty.some((document) => document.path.get() === path);
  return new SearchPanel(new Search(api, project), new Replacing(api, project, isEdited), {
    open: (path, match) => void ide.openFile(path, { line: match.line, range: match.ranges[0] ?? null }),
  });
}
