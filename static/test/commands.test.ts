import assert from "node:assert/strict";
import { test } from "node:test";
import { type Command, Commands, describeKey, keyLabel, type Keystroke } from "../src/commands";

const press = (key: string, extra: Partial<Keystroke> = {}): Keystroke => ({ key, code: "", ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...extra });

test("a keystroke is described the same on every keyboard", () => {
  assert.equal(describeKey(press("s", { ctrlKey: true }), false), "mod+s");
  assert.equal(describeKey(press("s", { metaKey: true }), true), "mod+s");
  assert.equal(describeKey(press("s", { ctrlKey: true }), true), "ctrl+s");
  assert.equal(describeKey(press("P", { ctrlKey: true, shiftKey: true, code: "KeyP" }), false), "mod+shift+p");
  assert.equal(describeKey(press("∑", { altKey: true, code: "KeyW" }), true), "alt+w");
  assert.equal(describeKey(press("ы", { ctrlKey: true, code: "KeyS" }), false), "mod+s");
  assert.equal(describeKey(press("q", { ctrlKey: true, code: "KeyA" }), false), "mod+q", "what is printed on a Latin key counts");
  assert.equal(describeKey(press("ö", { ctrlKey: true, code: "Backquote" }), false), "mod+`");
  assert.equal(describeKey(press("F1"), false), "f1");
  assert.equal(describeKey(press(" ", { ctrlKey: true, code: "Space" }), false), "mod+space");
});

test("keys are labelled as they are printed", () => {
  assert.equal(keyLabel("mod+shift+p", false), "Ctrl+Shift+P");
  assert.equal(keyLabel("mod+shift+p", true), "⌘⇧P");
  assert.equal(keyLabel("f1", false), "F1");
});

function setUp(...commands: Command[]) {
  const errors: unknown[] = [];
  const registry = new Commands(false, (error) => errors.push(error));
  const registration = registry.register(...commands);
  return { registry, registration, errors };
}

test("a key runs its command unless it can't run now", () => {
  let enabled = false;
  let runs = 0;
  const { registry } = setUp({ id: "a", title: "A", keys: ["mod+s"], isEnabled: () => enabled, run: () => void (runs += 1) });
  const key = press("s", { ctrlKey: true });
  assert.equal(registry.handleKey(key, "elsewhere"), true, "the browser must not save the page either");
  assert.equal(runs, 0);
  assert.deepEqual(registry.list(), []);
  enabled = true;
  registry.handleKey(key, "elsewhere");
  assert.equal(runs, 1);
  assert.equal(registry.handleKey(press("x", { ctrlKey: true }), "elsewhere"), false);
});

test("in a terminal a key belongs to the shell unless the command claims it", () => {
  const run = (): void => undefined;
  const { registry } = setUp({ id: "a", title: "A", keys: ["mod+p"], run }, { id: "b", title: "B", keys: ["f1"], inTerminal: true, run });
  assert.equal(registry.handleKey(press("p", { ctrlKey: true }), "terminal"), false);
  assert.equal(registry.handleKey(press("F1"), "terminal"), true);
});

test("a key of the text means something else elsewhere", () => {
  const { registry } = setUp({ id: "a", title: "A", keys: ["f2"], inText: true, run: () => undefined });
  assert.equal(registry.handleKey(press("F2"), "elsewhere"), false);
  assert.equal(registry.handleKey(press("F2"), "text"), true);
});

test("what a command throws is reported, at once or later", async () => {
  const { registry, errors } = setUp(
    { id: "now", title: "", run: () => assert.fail("now") },
    { id: "later", title: "", run: () => Promise.reject(new Error("later")) },
  );
  registry.run("now");
  registry.run("later");
  registry.run("unknown");
  await new Promise(setImmediate);
  assert.deepEqual(errors.map((error) => (error as Error).message), ["now", "later"]);
});

test("a command that was taken back is gone", () => {
  const { registry, registration } = setUp({ id: "a", title: "A", keys: ["f1"], run: () => assert.fail() });
  registration.dispose();
  assert.equal(registry.handleKey(press("F1"), "elsewhere"), false);
  assert.equal(registry.labelOf("a"), "");
});
