import assert from "node:assert/strict";
import { test } from "node:test";
import { AskedPages } from "../src/pages";

test("without locks, pages that live answer when they are asked for", async () => {
  const [first, second] = [new AskedPages(), new AskedPages()];
  const names = await Promise.all([first.name, second.name]);
  assert.deepEqual(await first.living(), new Set(names));
  second.dispose();
  assert.deepEqual([...(await first.living())], [names[0]]);
  first.dispose();
});
