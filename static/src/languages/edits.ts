// Changes that a language server asks for: in open documents through their editors, in other files on the disk.

import { ChangeSet, type ChangeSpec, Text } from "@codemirror/state";
import type { TextEdit, WorkspaceEdit } from "vscode-languageserver-protocol";
import { type Api, ApiError, messageOf } from "../api";
import type { Document, Documents } from "../documents";
import { bytesOf } from "../editor/bytes";
import type { TextDocument } from "../editor/document";
import { decode } from "../text";
import { isObject } from "../wire";
import type { ServerClient } from "./client";
import { offsetOf } from "./places";

export interface EditTarget {
  readonly api: Pick<Api, "readFile" | "writeFile">;
  readonly project: string;
  readonly documents: Documents;
  /** Null for what is no file of the project. */
  readonly pathOf: (uri: string) => string | null;
}

export interface Outcome {
  /** Open documents that were changed; they are not saved. */
  readonly open: number;
  /** Files that were changed on the disk. */
  readonly saved: number;
  /** Files that were left as they are, each with the reason. */
  readonly left: readonly { readonly path: string; readonly why: string }[];
}

const CHANGED = "The text was changed while the language server was at work. Try again.";

/** The open documents as the server knows them when it is asked, so that its answer can be placed in what they are by then. */
export class Snapshot {
  private readonly texts: ReadonlyMap<string, Text>;
  private readonly versions: ReadonlyMap<string, number>;
  private readonly mapping;

  constructor(private readonly client: ServerClient) {
    client.sync();
    this.texts = new Map(client.documents.files.map((file) => [file.path, file.doc]));
    this.versions = new Map(client.documents.files.map((file) => [file.path, file.version]));
    this.mapping = client.workspaceMapping();
  }

  /** Null for a document that the server did not know. Throws when the text at these places has changed since. */
  changesIn(path: string, edits: readonly TextEdit[]): ChangeSpec[] | null {
    // What is sent is in the mapping, for documents without an editor too.
    this.client.sync();
    const file = this.client.documents.fileAt(path);
    const text = this.texts.get(path);
    const since = file && this.mapping.getMapping(file.uri);
    if (!text || !since) return null;
    return edits.map((edit) => {
      const [from, to] = [offsetOf(text, edit.range.start), offsetOf(text, edit.range.end)];
      if (since.touchesRange(from, to)) throw new Error(CHANGED);
      return { from: since.mapPos(from, 1), to: since.mapPos(to, from === to ? 1 : -1), insert: edit.newText };
    });
  }

  /** Whether places in this version of a document would be in another text than that of the snapshot. */
  isOther(path: string, version: unknown): boolean {
    const known = this.versions.get(path);
    return typeof version === "number" && known !== undefined && version !== known;
  }

  release(): void {
    this.mapping.destroy();
  }
}

/** The edits by path. Throws when the server wants more than to change texts of the project, or means other texts than the snapshot has. */
export function editsByPath(edit: WorkspaceEdit | null, pathOf: EditTarget["pathOf"], snapshot: Snapshot): ReadonlyMap<string, readonly TextEdit[]> {
  const found = new Map<string, readonly TextEdit[]>();
  const add = (uri: unknown, edits: unknown, version?: unknown): void => {
    const path = typeof uri === "string" ? pathOf(uri) : null;
    if (path === null) throw new Error("The language server wants to change a file outside of the project. Nothing was changed.");
    if (!Array.isArray(edits) || !edits.every(isEdit)) throw new Error("The language server’s answer makes no sense. Nothing was changed.");
    if (snapshot.isOther(path, version)) throw new Error(CHANGED);
    if (edits.length > 0) found.set(path, [...(found.get(path) ?? []), ...edits]);
  };
  for (const [uri, edits] of Object.entries(edit?.changes ?? {})) add(uri, edits);
  for (const change of edit?.documentChanges ?? []) {
    if (!("textDocument" in change)) throw new Error("The language server wants to move files, which is not done here. Nothing was changed.");
    add(change.textDocument.uri, change.edits, change.textDocument.version);
  }
  return found;
}

/** Makes the changes, after all files that are not open were read. Throws before anything is changed; after that it tells what was left. */
export async function applyEdits(edits: ReadonlyMap<string, readonly TextEdit[]>, snapshot: Snapshot, target: EditTarget): Promise<Outcome> {
  const isClosed = (path: string): boolean => target.documents.find(path) === null;
  const writes = await Promise.all([...edits].filter(([path]) => isClosed(path)).map(([path, changes]) => rewritten(path, changes, target)));
  const opened = [...edits].flatMap(([path, changes]) => {
    const document = target.documents.find(path);
    return document ? [{ document: editable(document), changes: snapshot.changesIn(path, changes) ?? changesOnDisk(editable(document), changes) }] : [];
  });
  for (const { document, changes } of opened) document.dispatch({ changes, userEvent: "rename" });
  const left: { path: string; why: string }[] = [];
  for (const { path, bytes, etag } of writes) {
    try {
      await target.api.writeFile(target.project, path, bytes, { etag });
    } catch (error) {
      left.push({ path, why: error instanceof ApiError && error.status === 412 ? "it was changed meanwhile" : messageOf(error) });
    }
  }
  return { open: opened.length, saved: writes.length - left.length, left };
}

export function isEdit(value: unknown): value is TextEdit {
  return isObject(value) && typeof value["newText"] === "string" && isObject(value["range"]) && isObject(value["range"]["start"]) && isObject(value["range"]["end"]);
}

function editable(document: Document): TextDocument {
  if (document.kind !== "text" || document.readOnly) throw new Error(`${document.path.get()} can’t be edited. Nothing was changed.`);
  return document;
}

/** Where the server has not heard of an open document, it goes by what is on the disk. */
function changesOnDisk(document: TextDocument, edits: readonly TextEdit[]): ChangeSpec[] {
  const path = document.path.get();
  if (document.dirty.get()) throw new Error(`${path} has changes that the language server does not know. Save it first; nothing was changed.`);
  return changesTo(document.state.doc, edits);
}

function changesTo(text: Text, edits: readonly TextEdit[]): ChangeSpec[] {
  return edits.map(({ range, newText }) => ({ from: offsetOf(text, range.start), to: offsetOf(text, range.end), insert: newText }));
}

async function rewritten(path: string, edits: readonly TextEdit[], { api, project }: EditTarget): Promise<{ path: string; bytes: Uint8Array<ArrayBuffer>; etag: string }> {
  const content = await api.readFile(project, path);
  const { text, format, damaged } = decode(content.bytes);
  if (damaged) throw new Error(`${path} is not quite ${format.encoding.toUpperCase()}. Nothing was changed.`);
  const before = Text.of(text.split("\n"));
  const after = ChangeSet.of(changesTo(before, edits), before.length).apply(before);
  return { path, bytes: bytesOf(after, format), etag: content.etag };
}
