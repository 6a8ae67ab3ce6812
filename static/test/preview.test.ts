import assert from "node:assert/strict";
import { test } from "node:test";
import { PathHistory, paneUrl, pathOf, urlOf } from "../src/preview/address";
import { newPorts, portLabel, portToOpen, runPort } from "../src/preview/choice";
import { parsePageMessage, type Report, Reports } from "../src/preview/messages";
import { isLocalOnly } from "../src/preview/phone";
import { FULL, isScreen, sizeOf } from "../src/preview/sizes";
import { sentenceFor } from "../src/preview/waiting";
import type { Port } from "../src/wire";
import { statusOf } from "./fakes";

const HOST = "http://3000-abc.preview.localhost:8000/";
const PATH = "http://ide.example/preview/abc/3000/";
const port = (number: number, process = "node", http: boolean | null = true): Port => ({ port: number, process, http, visibility: "private", address: "127.0.0.1", url: `http://${number}-abc.preview.localhost:8000/` });

test("addresses are paths below the preview's base", () => {
  assert.equal(urlOf(HOST, "/a?b"), "http://3000-abc.preview.localhost:8000/a?b");
  assert.equal(urlOf(PATH, "/"), "http://ide.example/preview/abc/3000/");
});

test("typed addresses become paths; other sites do not", () => {
  const cases: readonly (readonly [string, string, string | null])[] = [
    [HOST, "/users?id=1#top", "/users?id=1#top"],
    [HOST, "users", "/users"],
    [HOST, "  ", "/"],
    [HOST, "//evil.example/x", "/evil.example/x"],
    [HOST, "\\\\evil.example", "/evil.example"],
    [HOST, "http://localhost:3000/api", "/api"],
    [HOST, "localhost:3000/api", "/api"],
    [HOST, "localhost:3000", "/"],
    [HOST, "localhost:4000/api", null],
    [HOST, "http://127.0.0.1:4000/api", null],
    [HOST, "http://3000-abc.preview.localhost:8000/x", "/x"],
    [HOST, "http://4000-abc.preview.localhost:8000/x", null],
    [HOST, "https://example.com/", null],
    [HOST, "javascript://x", null],
    [PATH, "http://ide.example/preview/abc/3000/x?y", "/x?y"],
    [PATH, "http://ide.example/projects", null],
  ];
  for (const [base, typed, path] of cases) assert.equal(pathOf(base, 3000, typed), path, typed);
});

test("back and forward go over the pages asked for", () => {
  const history = new PathHistory();
  for (const path of ["/a", "/b", "/b"]) history.visit(path);
  assert.equal(history.go(-1), "/a");
  assert.equal(history.go(-1), "/");
  assert.equal(history.go(-1), "/");
  assert.equal(history.canGoBack, false);
  assert.equal(history.go(1), "/a");
  history.visit("/c");
  assert.equal(history.canGoForward, false);
  assert.equal(history.go(-1), "/a");
});

test("hutch.toml's port is the one of its run table", () => {
  assert.equal(runPort('[run]\ncommand = "node index.js"\nport = 3000 # http\n'), 3000);
  assert.equal(runPort("[limits]\nport = 1\n[run]\r\nport=8080\r\n"), 8080);
  for (const toml of ["", "port = 3000", "[env]\nport = 3000", "[run]\n# port = 3000", "[run]\nport = 0", "[run]\nport = 70000", '[run]\nport = "3000"']) assert.equal(runPort(toml), null, toml);
});

test("the named port opens, and no other; without a name the first", () => {
  assert.equal(portToOpen([port(9229), port(3000)], 3000)?.port, 3000);
  assert.equal(portToOpen([port(9229)], 3000), null);
  assert.equal(portToOpen([port(9229), port(3000)], null)?.port, 9229);
  assert.equal(portToOpen([port(5432, "postgres", false), port(7000, "echo", null), port(8000)], null)?.port, 8000);
  assert.equal(portToOpen([], null), null);
});

test("new ports are those that did not listen before and are not shown", () => {
  assert.deepEqual(newPorts([port(1)], [port(1), port(2), port(3)], 3).map((item) => item.port), [2]);
  assert.deepEqual(newPorts([port(1, "", null)], [port(1), port(2, "", null), port(3, "", false)], null).map((item) => item.port), [1]);
  assert.equal(portLabel(port(5432, "postgres", false)), "5432 · postgres · no HTTP");
  assert.equal(portLabel(port(3000)), "3000 · node");
  assert.equal(portLabel(port(3000, "")), "3000");
});

test("each state has its sentence", () => {
  const say = (state: Parameters<typeof statusOf>[0], gone = false): string => sentenceFor({ status: statusOf(state), port: 3000, gone });
  assert.match(say("installing"), /installed/);
  assert.match(say("running"), /nothing listens on port 3000 yet/);
  assert.match(say("running", true), /any more/);
  assert.match(sentenceFor({ status: { ...statusOf("exited"), exitCode: 2 }, port: null, gone: false }), /code 2/);
  assert.match(sentenceFor({ status: { ...statusOf("failed"), detail: "npm failed" }, port: null, gone: false }), /npm failed/);
});

test("what a page tells is checked field by field", () => {
  const place = (fields: object): unknown => parsePageMessage({ hutch: { type: "place", ...fields } });
  assert.deepEqual(place({ path: "/a", back: true, forward: 1 }), { type: "place", path: "/a", back: true, forward: false });
  assert.deepEqual(place({ path: "//evil.example" }), { type: "place", path: "/evil.example", back: false, forward: false });
  for (const path of [undefined, 1, "a", "https://evil.example", `/${"x".repeat(2000)}`]) assert.equal(place({ path }), null);
  for (const data of [null, 1, "x", [], {}, { hutch: null }, { hutch: { type: "report", kind: "other", text: "x", place: "" } }]) assert.equal(parsePageMessage(data), null);
  const long = parsePageMessage({ hutch: { type: "report", kind: "error", text: "x".repeat(5000), place: "y" } });
  assert.equal(long?.type === "report" && long.text.length, 2000);
});

test("reports that repeat are one, and only the last are kept", () => {
  const reports = new Reports(2);
  const add = (kind: Report["kind"], text: string): void => reports.add({ type: "report", kind, text, place: "" });
  assert.equal(reports.summary, "");
  for (const text of ["a", "b", "b"]) add("error", text);
  add("request", "404");
  assert.equal(reports.summary, "3 errors, 1 failed request");
  assert.deepEqual(reports.list.map(({ report, times }) => [report.text, times]), [["b", 2], ["404", 1]]);
  reports.clear();
  assert.deepEqual([reports.summary, reports.list.length], ["", 0]);
});

test("the history follows a page that goes by itself", () => {
  const history = new PathHistory();
  for (const path of ["/a", "/b", "/a", "/b"]) history.follow(path);
  assert.deepEqual([history.current, history.canGoBack, history.canGoForward], ["/b", true, false]);
  history.follow("/a");
  history.follow("/c");
  assert.deepEqual([history.go(-1), history.canGoForward], ["/a", true]);
});

test("the pane's entry names the page to go on to", () => {
  assert.equal(paneUrl(PATH, "/a?b=c#d", true), "http://ide.example/preview/abc/3000/.hutch/pane?watch=1&next=%2Fa%3Fb%3Dc%23d");
});

test("a screen is a size, on its side or not, and nothing else is remembered", () => {
  assert.deepEqual(sizeOf(FULL), null);
  assert.deepEqual(sizeOf({ name: "Tablet", rotated: true }), { width: 1024, height: 768 });
  for (const value of [null, 390, {}, { name: "Fridge", rotated: false }, { name: "Phone" }]) assert.equal(isScreen(value), false);
  assert.ok(isScreen({ name: "Phone", rotated: true }));
});

test("addresses that a phone can not reach are told apart", () => {
  for (const url of ["http://localhost:8000/", HOST, "http://127.0.0.1:8000/preview/a/1/", "http://[::1]/"]) assert.ok(isLocalOnly(url), url);
  for (const url of ["https://3000-abc.preview.example.com/", "http://192.168.1.5:8000/preview/a/1/"]) assert.ok(!isLocalOnly(url), url);
});
