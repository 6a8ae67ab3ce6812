import assert from "node:assert/strict";
import { test } from "node:test";
import { CursorHistory, type Spot } from "../src/cursorhistory";
import type { Moved } from "../src/files";
import { Emitter, Value } from "../src/lifecycle";
import { setUp } from "./opened";

const LINES = Array.from({ length: 100 }, (_, index) => `line ${index + 1}\n`).join("");

function start() {
  const { disk, documents } = setUp({ "a.txt": LINES, "b.txt": LINES, "c.txt": LINES, "picture.png": "\u0089PNG" });
  const position = new Value<{ line: number; column: number } | null>(null);
  const moves = new Emitter<Moved>();
  const cursors = new Map<string, { line: number; column: number }>();
  // As the editor does it.
  documents.groups.onChange(() => {
    const front = documents.groups.active.front?.document;
    position.set(front?.kind === "text" ? { ...(cursors.get(front.path.get()) ?? { line: 1, column: 1 }) } : null);
  });
  const move = (line: number, column = 1): void => {
    cursors.set(documents.active.get()?.path.get() ?? "", { line, column });
    position.set({ line, column });
  };
  const open = ({ path, line, column }: Spot): Promise<void> => documents.show(path).then(() => move(line, column));
  const history = new CursorHistory(documents, position, moves.event, open);
  const place = (): string => Object.values(history.here ?? {}).join(":");
  return { disk, documents, history, moves, place, move };
}

test("back goes to the files and places that were left, and forward again", async () => {
  const { documents, history, place, move } = start();
  await documents.show("a.txt");
  move(3, 4);
  await documents.show("b.txt");
  move(50);
  move(90);
  const seen: string[] = [];
  for (const step of ["back", "back", "back", "forward", "forward", "forward"] as const) {
    await (step === "back" ? history.goBack() : history.goForward());
    seen.push(place());
  }
  // Line 1 of b.txt is where it was opened.
  assert.deepEqual(seen, ["b.txt:50:1", "b.txt:1:1", "a.txt:3:4", "b.txt:1:1", "b.txt:50:1", "b.txt:90:1"]);
  assert.equal(history.canGoForward, false);
});

test("small steps are no places, but where a jump is told of", async () => {
  const { documents, history, place, move } = start();
  await documents.show("a.txt");
  for (const line of [5, 9, 15]) move(line);
  assert.equal(history.canGoBack, false);
  history.jump(true, () => move(16));
  await history.goBack();
  assert.equal(place(), "a.txt:15:1");
  await documents.show("b.txt");
  history.jump(false, () => move(70));
  await history.goBack();
  assert.equal(place(), "a.txt:15:1");
});

test("who goes elsewhere after going back has no forward", async () => {
  const { documents, history, move } = start();
  await documents.show("a.txt");
  move(50);
  await history.goBack();
  assert.equal(history.canGoForward, true);
  move(99);
  assert.equal(history.canGoForward, false);
});

test("what was only looked at, closed or deleted is passed over", async () => {
  const { documents, history, place } = start();
  await documents.show("a.txt");
  await documents.show("b.txt", true);
  await documents.show("c.txt", true);
  await history.goBack();
  assert.equal(place(), "a.txt:1:1");
  await documents.show("picture.png");
  await documents.show("c.txt");
  await history.goBack();
  assert.equal(place(), "a.txt:1:1");
});

test("two steps at once are two steps", async () => {
  const { documents, history, place } = start();
  for (const path of ["a.txt", "b.txt", "c.txt"]) await documents.show(path);
  await Promise.all([history.goBack(), history.goBack()]);
  assert.equal(place(), "a.txt:1:1");
  await history.goForward();
  assert.equal(place(), "b.txt:1:1");
});

test("a place is where its file was moved to", async () => {
  const { disk, documents, history, moves, place } = start();
  await documents.show("a.txt");
  await documents.show("b.txt");
  const document = documents.find("a.txt");
  if (document) await documents.close(document);
  disk.files.set("new/a.txt", disk.files.get("a.txt") ?? new Uint8Array());
  disk.files.delete("a.txt");
  moves.fire({ from: "a.txt", to: "new/a.txt" });
  await history.goBack();
  assert.equal(place(), "new/a.txt:1:1");
});
