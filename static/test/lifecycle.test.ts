import assert from "node:assert/strict";
import { test } from "node:test";
import { disposable, DisposableStore, Emitter, MutableDisposable, Value, watch } from "../src/lifecycle";

test("a disposable releases once", () => {
  let count = 0;
  const item = disposable(() => (count += 1));
  item.dispose();
  item.dispose();
  assert.equal(count, 1);
});

test("a store disposes newest first, and at once what comes after its end", () => {
  const order: number[] = [];
  const store = new DisposableStore();
  for (const number of [1, 2, 3]) store.add(disposable(() => order.push(number)));
  store.dispose();
  store.add(disposable(() => order.push(4)));
  assert.deepEqual(order, [3, 2, 1, 4]);
});

test("a cleared store stays usable", () => {
  let live = 0;
  const store = new DisposableStore();
  const hold = (): void => {
    live += 1;
    store.add(disposable(() => (live -= 1)));
  };
  hold();
  store.clear();
  hold();
  assert.equal(live, 1);
});

test("a holder disposes what it replaces, and keeps nothing after its end", () => {
  const gone: string[] = [];
  const holder = new MutableDisposable();
  holder.value = disposable(() => gone.push("first"));
  holder.value = disposable(() => gone.push("second"));
  assert.deepEqual(gone, ["first"]);
  holder.dispose();
  holder.value = disposable(() => gone.push("third"));
  assert.deepEqual(gone, ["first", "second", "third"]);
  assert.equal(holder.value, undefined);
});

test("listeners run in order until they are disposed", () => {
  const heard: string[] = [];
  const emitter = new Emitter<string>();
  const first = emitter.event((value) => heard.push(`a ${value}`));
  emitter.event((value) => heard.push(`b ${value}`));
  emitter.fire("1");
  first.dispose();
  emitter.fire("2");
  assert.deepEqual(heard, ["a 1", "b 1", "b 2"]);
});

test("a listener removed by another is not called any more", () => {
  const heard: string[] = [];
  const emitter = new Emitter<void>();
  emitter.event(() => second.dispose());
  const second = emitter.event(() => heard.push("second"));
  emitter.fire();
  assert.deepEqual(heard, []);
});

test("a listener that throws keeps no other from running", (context) => {
  const reported: unknown[] = [];
  const host = globalThis as { reportError?: (error: unknown) => void };
  const before = host.reportError;
  context.after(() => (host.reportError = before!));
  host.reportError = (error) => reported.push(error);
  const emitter = new Emitter<void>();
  let heard = false;
  emitter.event(() => {
    throw new Error("broken");
  });
  emitter.event(() => (heard = true));
  emitter.fire();
  assert.equal(heard, true);
  assert.equal((reported[0] as Error).message, "broken");
});

test("a value tells of changes only; watching starts with the present", () => {
  const value = new Value(1);
  const changes: number[] = [];
  const watched: number[] = [];
  value.onChange((next) => changes.push(next));
  const watching = watch(value, (next) => watched.push(next));
  value.set(1);
  value.set(2);
  watching.dispose();
  value.set(3);
  assert.deepEqual(changes, [2, 3]);
  assert.deepEqual(watched, [1, 2]);
});
