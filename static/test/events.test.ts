import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../src/api";
import { ProjectEvents } from "../src/events";
import { FakeClock, FakeNetwork } from "./fakes";

test("each message reaches those who wait for its kind", () => {
  const network = new FakeNetwork();
  const events = new ProjectEvents(new Api("http://test"), "abc", { clock: new FakeClock(), wakeups: network, connect: network.connect });
  const heard: unknown[] = [];
  events.onStatus((status) => heard.push(["status", status.state]));
  events.onPorts((ports) => heard.push(["ports", ports.length]));
  events.onTerminals((terminals) => heard.push(["terminals", terminals.length]));
  events.onTree((paths) => heard.push(["tree", ...paths]));
  events.onWatching(({ live, detail }) => heard.push(["watch", live, detail]));
  events.onNotice((sentence) => heard.push(["notice", sentence]));
  events.onOpen(() => heard.push(["open"]));
  events.start();
  assert.equal(network.last.url, "ws://test/api/projects/abc/events");
  network.last.handlers.opened();
  for (const message of [
    { type: "status", state: "running", steps: [], ports: [] },
    { type: "ports", ports: [] },
    { type: "terminals", terminals: [] },
    { type: "tree", paths: ["a"] },
    { type: "watch", live: false, detail: "too many folders" },
    { type: "notice", level: "info", text: "Stops soon." },
    { type: "error", title: "Not found", detail: "No such project." },
    { type: "unknown" },
  ])
    network.last.handlers.received(JSON.stringify(message));
  assert.deepEqual(heard, [["open"], ["status", "running"], ["ports", 0], ["terminals", 0], ["tree", "a"], ["watch", false, "too many folders"], ["notice", "Stops soon."], ["notice", "No such project."]]);
  events.dispose();
  assert.equal(network.last.closed, true);
});
