// What is defined in a file and in the project, to go to by name: as language servers tell it, or the file's syntax tree.

import type { TextDocument } from "../editor/document";
import type { Ide } from "../ide";
import type { PaletteItem } from "../views/palette";
import { isObject } from "../wire";
import { outlineOf } from "./outline";
import { positionOf } from "./places";

interface Found {
  readonly name: string;
  readonly kind: string;
  readonly container: string;
  /** From 1, like `column`. */
  readonly line: number;
  readonly column: number;
}

// A server that is busy for longer is not waited for: the syntax tree is there.
const WAIT_MS = 2000;
const MOST_OF_A_FILE = 5000;
const MOST_OF_THE_PROJECT = 200;
// As the protocol numbers them, from 1.
const KINDS = ["file", "module", "namespace", "package", "class", "method", "property", "field", "constructor", "enum", "interface", "function", "variable", "constant", "string", "number", "boolean", "array", "object", "key", "null", "member", "struct", "event", "operator", "type"];

/** Those of the document in front, in the order of its text. */
export async function symbolsInFile(ide: Ide): Promise<readonly PaletteItem[]> {
  const document = ide.documents.active.get();
  if (document?.kind !== "text") return [];
  const path = document.path.get();
  const found = (await told(ide, document)) ?? outlined(document);
  return found.map((one) => ({ text: one.name, hint: hintOf(one), run: () => void ide.openSpot({ ...one, path }) }));
}

/** Those that the running servers find. What was asked for before is given up. */
export async function symbolsInProject(ide: Ide, query: string, before: { cancel: () => void }): Promise<readonly PaletteItem[]> {
  before.cancel();
  const clients = ide.intelligence.running.filter(({ client }) => client.serverCapabilities?.workspaceSymbolProvider);
  const asked = clients.map(({ client, connection }) => ({ client, connection, params: { query } }));
  before.cancel = () => asked.forEach(({ client, params }) => client.cancelRequest(params));
  const answers = await Promise.all(
    asked.map(async ({ client, connection, params }) => {
      client.sync();
      const symbols = await client.request<unknown, unknown>("workspace/symbol", params).catch(() => null);
      return flat(symbols, MOST_OF_THE_PROJECT).flatMap(({ found, uri }) => {
        const path = uri === null ? null : connection.pathOf(uri);
        return path === null ? [] : [{ ...found, path }];
      });
    }),
  );
  return answers.flat().map((one) => ({ text: one.name, hint: `${hintOf(one)} · ${one.path}:${one.line}`, run: () => void ide.openSpot(one) }));
}

/** Null where no server tells, or not soon. */
async function told(ide: Ide, document: TextDocument): Promise<readonly Found[] | null> {
  const known = ide.intelligence.known(document);
  if (!known?.client.serverCapabilities?.documentSymbolProvider) return null;
  const { client, file } = known;
  client.sync();
  const params = { textDocument: { uri: file.uri } };
  const answer = client.request<unknown, unknown>("textDocument/documentSymbol", params).catch(() => null);
  const late = new Promise<null>((resolve) => setTimeout(resolve, WAIT_MS, null));
  const symbols = await Promise.race([answer, late]);
  if (!Array.isArray(symbols)) return client.cancelRequest(params), null;
  return flat(symbols, MOST_OF_A_FILE)
    .map(({ found }) => found)
    .sort((a, b) => a.line - b.line || a.column - b.column);
}

function outlined({ state }: TextDocument): readonly Found[] {
  return outlineOf(state).map(({ from, ...rest }) => {
    const { line, character } = positionOf(state.doc, from);
    return { ...rest, line: line + 1, column: character + 1 };
  });
}

/** Of either form of the protocol; `uri` is null in that which is about one file. */
function flat(symbols: unknown, most: number): readonly { readonly found: Found; readonly uri: string | null }[] {
  const all: { found: Found; uri: string | null }[] = [];
  const add = (list: unknown, container: string): void => {
    for (const symbol of Array.isArray(list) ? (list as unknown[]) : []) {
      if (all.length >= most) return;
      if (!isObject(symbol) || typeof symbol["name"] !== "string") continue;
      const { name, kind, containerName, children } = symbol;
      const location = isObject(symbol["location"]) ? symbol["location"] : {};
      const range = symbol["selectionRange"] ?? location["range"];
      const start = isObject(range) && isObject(range["start"]) ? range["start"] : {};
      const within = typeof containerName === "string" ? containerName : container;
      const found = { name, kind: KINDS[Number(kind) - 1] ?? "", container: within, line: numberOf(start["line"]) + 1, column: numberOf(start["character"]) + 1 };
      all.push({ found, uri: typeof location["uri"] === "string" ? location["uri"] : null });
      add(children, name);
    }
  };
  add(symbols, "");
  return all;
}

function numberOf(value: unknown): number {
  return typeof value === "number" && value >= 0 ? Math.floor(value) : 0;
}

function hintOf({ kind, container }: Found): string {
  return [kind, container].filter(Boolean).join(" · ");
}
