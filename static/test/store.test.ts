import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAnchor } from "../src/session";
import { Store } from "../src/store";
import type { Port } from "../src/wire";
import { PROJECT, statusOf } from "./fakes";

const PORT: Port = { port: 3000, address: "0.0.0.0", process: "node", http: true, visibility: "private", url: "http://3000-abcdef.preview.localhost/" };
test("a project nobody has heard of is stopped", () => {
  assert.equal(new Store(PROJECT).state, "stopped");
});

test("a status brings its ports, and equal ports are no change", () => {
  const store = new Store(PROJECT);
  const changes: number[] = [];
  store.ports.onChange((ports) => changes.push(ports.length));
  store.setStatus(statusOf("running", [PORT]));
  store.setStatus(statusOf("running", [{ ...PORT }]));
  store.setPorts([]);
  assert.equal(store.state, "running");
  assert.deepEqual(changes, [1, 0]);
});

test("an address names a file and a line", () => {
  assert.deepEqual(parseAnchor("#src/index.js:12"), { path: "src/index.js", line: 12 });
  assert.deepEqual(parseAnchor("#a%20b.js"), { path: "a b.js", line: null });
  assert.equal(parseAnchor(""), null);
  assert.equal(parseAnchor("#%E0%A4%A"), null);
});
