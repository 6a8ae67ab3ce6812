import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEventMessage, parseStreamMessage } from "../src/wire";

test("reads the messages of a stream", () => {
  assert.deepEqual(parseStreamMessage('{"type":"ready","offset":7}'), { type: "ready", offset: 7 });
  assert.deepEqual(parseStreamMessage('{"type":"gap","offset":900}'), { type: "gap", offset: 900 });
  assert.deepEqual(parseStreamMessage('{"type":"exit","code":1,"signal":null}'), { type: "exit", code: 1, signal: null });
  assert.deepEqual(parseStreamMessage('{"type":"exit","code":null,"signal":"KILL"}'), { type: "exit", code: null, signal: "KILL" });
  assert.deepEqual(parseStreamMessage('{"type":"error","title":"Conflict","detail":"Not running."}'), {
    type: "error",
    title: "Conflict",
    detail: "Not running.",
  });
});

test("takes nothing for a message that is none", () => {
  for (const text of ["", "null", "[]", "7", "{", '{"type":"ready"}', '{"type":"ready","offset":-1}', '{"type":"ready","offset":"7"}', '{"type":"gap","offset":1.5}', '{"type":"later"}'])
    assert.equal(parseStreamMessage(text), null, text);
});

test("reads the events of a project", () => {
  const status = { state: "running", steps: [], ports: [] };
  assert.deepEqual(parseEventMessage(JSON.stringify({ type: "status", ...status })), { type: "status", ...status });
  assert.deepEqual(parseEventMessage('{"type":"tree","paths":["a",3,"b"]}'), { type: "tree", paths: ["a", "b"] });
  assert.deepEqual(parseEventMessage('{"type":"notice","level":"info","text":"Stops soon."}'), { type: "notice", level: "info", text: "Stops soon." });
  assert.deepEqual(parseEventMessage('{"type":"terminals","terminals":[]}'), { type: "terminals", terminals: [] });
  assert.deepEqual(parseEventMessage('{"type":"ports","ports":[]}'), { type: "ports", ports: [] });
});

test("takes no event that lacks what views rely on", () => {
  for (const text of ['{"type":"status"}', '{"type":"status","state":"running","steps":[]}', '{"type":"ports"}', '{"type":"tree"}', '{"type":"terminals","terminals":{}}', '{"type":"later"}'])
    assert.equal(parseEventMessage(text), null, text);
});
