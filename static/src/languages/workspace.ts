// The open documents as the language server's client sees them. A document is one file there, however many editors show it.

import { LSPPlugin, Workspace, type WorkspaceFile } from "@codemirror/lsp-client";
import { ChangeSet, Compartment, type Extension, StateEffect, type Text } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";
import { changesBetween } from "../editor/changes";
import type { TextDocument } from "../editor/document";

const slot = new Compartment();

export class DocumentFile implements WorkspaceFile {
  version = 0;
  readonly views: EditorView[] = [];
  /** As the server has it. */
  doc: Text;

  constructor(
    readonly document: TextDocument,
    readonly path: string,
    readonly uri: string,
    readonly languageId: string,
  ) {
    this.doc = document.state.doc;
  }

  getView(main?: EditorView): EditorView | null {
    return (main && this.views.includes(main) ? main : this.views[0]) ?? null;
  }

  /** What was typed since the server was told last. */
  get unsent(): ChangeSet {
    const view = this.getView();
    const plugin = view && LSPPlugin.get(view);
    if (plugin?.syncedDoc === this.doc) return plugin.unsyncedChanges;
    return ChangeSet.of(changesBetween(this.doc, this.text), this.doc.length);
  }

  /** Within an update of the editor the document is still a step behind. */
  get text(): Text {
    return (this.getView() ?? this.document).state.doc;
  }
}

export class DocumentWorkspace extends Workspace {
  files: DocumentFile[] = [];

  override getFile(uri: string): DocumentFile | null {
    return this.files.find((file) => file.uri === uri) ?? null;
  }

  fileAt(path: string): DocumentFile | null {
    return this.files.find((file) => file.path === path) ?? null;
  }

  syncFiles(): { file: DocumentFile; prevDoc: Text; changes: ChangeSet }[] {
    const changed = this.files.filter((file) => file.text !== file.doc);
    return changed.map((file) => {
      const [changes, prevDoc] = [file.unsent, file.doc];
      file.doc = file.text;
      file.version += 1;
      for (const view of file.views) if (view.state.doc === file.doc) LSPPlugin.get(view)?.clear();
      return { file, prevDoc, changes };
    });
  }

  /** Tells the server of the document, and gives its editors what the client knows, and `extension`. */
  add(file: DocumentFile, extension: Extension): void {
    this.files.push(file);
    this.client.didOpen(file);
    show(file.document, [this.client.plugin(file.uri, file.languageId), extension]);
  }

  remove(file: DocumentFile): void {
    this.files = this.files.filter((other) => other !== file);
    this.client.didClose(file.uri);
    show(file.document, []);
  }

  /** The connection is gone: nobody is told. */
  clear(): void {
    const files = this.files;
    this.files = [];
    for (const file of files) show(file.document, []);
  }

  override openFile(uri: string, _languageId: string, view: EditorView): void {
    const file = this.getFile(uri);
    if (!file) return;
    // The editor's plugin counts changes from what the editor shows now.
    if (file.text !== file.doc) this.client.sync();
    file.views.push(view);
  }

  override closeFile(uri: string, view: EditorView): void {
    const views = this.getFile(uri)?.views ?? [];
    const at = views.indexOf(view);
    if (at >= 0) views.splice(at, 1);
  }
}

function show(document: TextDocument, extension: Extension): void {
  const present = slot.get(document.state) !== undefined;
  document.dispatch({ effects: present ? slot.reconfigure(extension) : StateEffect.appendConfig.of(slot.of(extension)) });
}

