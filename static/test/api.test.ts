import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiError } from "../src/api";
import { FakeDisk, problem } from "./fakes";

interface Call {
  readonly url: string;
  readonly init: RequestInit;
}

function recording(answer: () => Response | Promise<Response>): { readonly api: Api; readonly calls: Call[] } {
  const calls: Call[] = [];
  const api = new Api("http://test", async (url, init = {}) => {
    calls.push({ url, init });
    return answer();
  });
  return { api, calls };
}

test("each part of a path is escaped, and only the slashes between them stay", async () => {
  const { api, calls } = recording(() => new Response(null, { status: 204 }));
  await api.deleteFile("abc", "a folder/50% #1?.js\n");
  assert.equal(calls[0]?.url, "http://test/api/projects/abc/files/a%20folder/50%25%20%231%3F.js%0A");
  assert.equal(calls[0]?.init.method, "DELETE");
});

test("names that are no UTF-8 go back as the bytes they were", async () => {
  const { api, calls } = recording(() => Response.json([]));
  await api.tree("abc", "caf\udce9/\u{1F600}");
  assert.equal(calls[0]?.url, "http://test/api/projects/abc/tree?path=caf%E9/%F0%9F%98%80&depth=1");
});

test("a write says what it expects of the file", async () => {
  const { api, calls } = recording(() => new Response(null, { headers: { ETag: '"2"' } }));
  assert.equal(await api.writeFile("abc", "a", new Uint8Array(), { etag: '"1"' }), '"2"');
  await api.writeFile("abc", "a", new Uint8Array(), "absent");
  await api.writeFile("abc", "a", new Uint8Array(), "anything");
  const headers = calls.map((call) => new Headers(call.init.headers));
  assert.deepEqual(headers.map((header) => [header.get("If-Match"), header.get("If-None-Match")]), [['"1"', null], [null, "*"], [null, null]]);
});

test("a refusal carries what the problem says", async () => {
  const { api } = recording(() => problem(422, "Not acceptable", "expresss: no such thing", { field: "dependencies.expresss" }));
  await assert.rejects(api.createProject({}), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.title, error.message, error.field], [422, "Not acceptable", "expresss: no such thing", "dependencies.expresss"]);
    return true;
  });
});

test("a refusal without a problem still says something", async () => {
  for (const answer of [new Response("<h1>Bad gateway</h1>", { status: 502, statusText: "Bad Gateway" }), new Response("{", { status: 502, headers: { "Content-Type": "application/json" } })]) {
    const { api } = recording(() => answer);
    await assert.rejects(api.projects(), /The server answered 502/);
  }
});

test("no connection is told apart from a refusal", async () => {
  const disk = new FakeDisk();
  disk.offline = true;
  await assert.rejects(new Api("", disk.fetch).projects(), (error: unknown) => error instanceof ApiError && error.status === 0);
});

test("no more of a file is read than was asked for", async () => {
  const disk = new FakeDisk({ "a.txt": "0123456789" });
  const api = new Api("", disk.fetch);
  const whole = await api.readFile("p", "a.txt");
  assert.deepEqual([whole.bytes.length, whole.size], [10, 10]);
  const first = await api.readFile("p", "a.txt", { most: 4 });
  assert.deepEqual([new TextDecoder().decode(first.bytes), first.size], ["0123", 10]);
  const next = await api.readFile("p", "a.txt", { start: 4, most: 100 });
  assert.deepEqual([new TextDecoder().decode(next.bytes), next.size], ["456789", 10]);
});

test("a file that did not change is not read again", async () => {
  const disk = new FakeDisk({ "a.txt": "one" });
  const api = new Api("", disk.fetch);
  const { etag } = await api.readFile("p", "a.txt");
  assert.equal(await api.readFileIfChanged("p", "a.txt", etag), null);
  disk.writeText("a.txt", "two");
  const changed = await api.readFileIfChanged("p", "a.txt", etag);
  assert.equal(new TextDecoder().decode(changed?.bytes), "two");
});

test("sockets are found beside the page, secure where it is", () => {
  const api = new Api("https://hutch.example:8443");
  assert.equal(api.eventsUrl("abc"), "wss://hutch.example:8443/api/projects/abc/events");
  assert.equal(api.logsUrl("abc", null), "wss://hutch.example:8443/api/projects/abc/logs");
  assert.equal(api.terminalUrl("abc", "shell 1", { cols: 80, rows: 24, offset: 5 }), "wss://hutch.example:8443/api/projects/abc/terminals/shell%201?cols=80&rows=24&offset=5");
});

test("an answer that breaks off is a lost connection", async () => {
  const { api } = recording(() => new Response(new ReadableStream({ pull: (body) => body.error(new TypeError("Failed to fetch")) })));
  for (const asking of [api.projects(), api.readFile("abc", "a"), api.bytes("/a"), api.readLog("abc", {})]) {
    await assert.rejects(asking, (error: unknown) => error instanceof ApiError && error.status === 0);
  }
});
