import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../src/api";
import { ChosenEncodings } from "../src/chosenencodings";
import { Documents } from "../src/documents";
import { RunControl } from "../src/runcontrol";
import { Store } from "../src/store";
import type { RunState } from "../src/wire";
import { FakeClock, FakeDisk, FakeDrafts, FakeStyles, PROJECT, statusOf } from "./fakes";

function setUp() {
  const disk = new FakeDisk({ "a.txt": "one\n" });
  const requests: string[] = [];
  const api = new Api("", (input, init) => {
    requests.push(`${init?.method} ${input.split("/").at(-1)}`);
    return /\/(run|stop|restart)/.test(input) ? Promise.resolve(Response.json(statusOf("starting"))) : disk.fetch(input, init);
  });
  const clock = new FakeClock();
  const store = new Store(PROJECT);
  const documents = new Documents({ api, project: PROJECT.id, drafts: new FakeDrafts(), clock, extensions: () => [], styles: new FakeStyles(), encodings: new ChosenEncodings("p"), beforeSave: async () => undefined, report: (error) => assert.fail(String(error)) }, async () => "cancel");
  const control = new RunControl(api, store, documents, clock);
  const announced: string[] = [];
  store.onAnnouncement((sentence) => announced.push(sentence));
  const become = (state: RunState): void => store.setStatus(statusOf(state));
  return { requests, clock, store, documents, control, announced, become };
}

test("what is unsaved is saved before it runs, and the log comes up", async () => {
  const { requests, store, documents, control } = setUp();
  const document = await documents.show("a.txt");
  assert.ok(document.kind === "text");
  document.dispatch({ changes: { from: 0, insert: "x" } });
  requests.length = 0;
  await control.run();
  assert.deepEqual(requests, ["PUT a.txt", "POST run"]);
  assert.equal(store.pane.get(), "logs");
  assert.equal(store.state, "starting");
});

test("stopping says whether the container goes too", async () => {
  const { requests, control } = setUp();
  await control.stop(false);
  await control.stop(true);
  assert.deepEqual(requests, ["POST stop", "POST stop?container=true"]);
});

test("steps show while they go by, and go away a moment after the app is up", () => {
  const { clock, control, become } = setUp();
  become("stopped");
  assert.equal(control.stepsShown.get(), false);
  become("installing");
  assert.equal(control.stepsShown.get(), true);
  become("running");
  clock.advance(2000);
  assert.equal(control.stepsShown.get(), true);
  clock.advance(1000);
  assert.equal(control.stepsShown.get(), false);
  become("exited");
  assert.equal(control.stepsShown.get(), true);
});

test("a page opened on a running project shows no steps; one on a failed does", () => {
  const running = setUp();
  running.become("running");
  assert.equal(running.control.stepsShown.get(), false);
  const failed = setUp();
  failed.become("failed");
  assert.equal(failed.control.stepsShown.get(), true);
});

test("steps that the person opened stay", () => {
  const { clock, control, become } = setUp();
  become("starting");
  become("running");
  control.toggleSteps();
  control.toggleSteps();
  clock.advance(60_000);
  assert.equal(control.stepsShown.get(), true);
  become("running");
  assert.equal(control.stepsShown.get(), true);
});

test("changes of state are announced, the first sight of it is not", () => {
  const { announced, become } = setUp();
  become("stopped");
  become("stopped");
  become("starting");
  assert.deepEqual(announced, ["The project is starting."]);
});
