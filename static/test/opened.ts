// Documents of a page, on a disk, a journal and a clock that tests hold.

import assert from "node:assert/strict";
import { Api } from "../src/api";
import { ChosenEncodings } from "../src/chosenencodings";
import { type Document, Documents, type Decision } from "../src/documents";
import { TextDocument } from "../src/editor/document";
import { FakeClock, FakeDisk, FakeDrafts, FakeStyles } from "./fakes";

export function setUp(files: Readonly<Record<string, string>> = { "a.txt": "one\n", "b.txt": "bee\n" }) {
  const disk = new FakeDisk(files);
  const drafts = new FakeDrafts();
  const clock = new FakeClock();
  const reports: unknown[] = [];
  const answers: Decision[] = [];
  const styles = new FakeStyles();
  const open = (page = drafts): Documents =>
    new Documents(
      { api: new Api("", disk.fetch), project: "p", drafts: page, clock, extensions: () => [], styles, encodings: new ChosenEncodings("p"), beforeSave: async () => undefined, report: (error) => reports.push(error) },
      async () => answers.shift() ?? "cancel",
    );
  return { disk, drafts, clock, reports, answers, styles, open, documents: open() };
}

export async function show(documents: Documents, path: string): Promise<TextDocument> {
  const document = await documents.show(path);
  assert.ok(document instanceof TextDocument);
  return document;
}

export const type = (document: TextDocument, text: string): void => document.dispatch({ changes: { from: 0, insert: text } });
export const textOf = (document: Document): string => (document instanceof TextDocument ? document.state.doc.toString() : "");
export const settle = (): Promise<void> => new Promise(setImmediate);
