import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../src/api";
import { Uploader } from "../src/upload";
import { problem } from "./fakes";

const MB = 1024 * 1024;
const soon = { now: () => 0, after: (_: number, task: () => void) => (queueMicrotask(task), { dispose: () => undefined }) };

/** The server's part, which can fail on request. */
class Receiver {
  received = new Uint8Array(0);
  done = false;
  begun = 0;
  /** What becomes of the next pieces: lost on the way there, lost on the way back, or the server forgot all. */
  readonly trouble: ("there" | "back" | "restart" | null)[] = [];

  readonly fetch = async (input: string, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input, "http://test");
    const look = (): object => ({ id: "u", path: "p", size: 20 * MB, offset: this.received.length });
    if (init.method === "POST") {
      this.begun += 1;
      this.received = new Uint8Array(0);
      return this.done ? problem(412, "Changed", "It exists.") : Response.json(look(), { status: 201 });
    }
    if (this.begun === 0 || this.done) return problem(404, "Not found", "no such upload");
    if (init.method === "GET") return Response.json(look());
    const trouble = this.trouble.shift();
    if (trouble === "there") throw new TypeError("Failed to fetch");
    if (trouble === "restart") {
      this.begun = 0;
      return problem(404, "Not found", "no such upload");
    }
    if (Number(url.searchParams.get("offset")) !== this.received.length) return problem(409, "Conflict", "another offset");
    const piece = new Uint8Array(await new Response(init.body as Blob).arrayBuffer());
    const before = this.received;
    this.received = new Uint8Array(before.length + piece.length);
    this.received.set(before);
    this.received.set(piece, before.length);
    this.done = this.received.length === 20 * MB;
    if (trouble === "back") throw new TypeError("Failed to fetch");
    return Response.json(look(), { status: this.done ? 201 : 202 });
  };
}

function setUp(receiver: Receiver) {
  const parts: number[] = [];
  const uploader = new Uploader(new Api("http://test", receiver.fetch), "p", soon, (_, part) => parts.push(part));
  const file = new File([new Uint8Array(20 * MB).fill(7)], "big.bin", { lastModified: 1 });
  return { parts, send: () => uploader.sendNew([{ path: "big.bin", file }]) };
}

test("a large file goes in pieces, and says how far it is", async () => {
  const receiver = new Receiver();
  const { parts, send } = setUp(receiver);
  assert.deepEqual(await send(), []);
  assert.ok(receiver.done);
  assert.deepEqual(parts, [0, 0.4, 0.8, 1]);
});

test("a lost connection costs one piece, wherever it is lost", async () => {
  const receiver = new Receiver();
  receiver.trouble.push("there", "back", "there");
  assert.deepEqual(await setUp(receiver).send(), []);
  assert.equal(receiver.begun, 1);
});

test("a server that began anew gets the file from the beginning", async () => {
  const receiver = new Receiver();
  receiver.trouble.push(null, "restart");
  assert.deepEqual(await setUp(receiver).send(), []);
  assert.ok(receiver.done);
});

test("a file that arrived without word of it counts as existing", async () => {
  const receiver = new Receiver();
  receiver.trouble.push(null, null, "back");
  assert.equal((await setUp(receiver).send()).length, 1);
});
