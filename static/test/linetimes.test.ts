import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLineTime, LineTimes, TimedOutput } from "../src/terminal/linetimes";
import { FakeClock } from "./fakes";

const DAY = new Date(2026, 10, 24, 14, 5, 9, 120).getTime();
const bytes = (text: string) => new TextEncoder().encode(text);
/** What a reader sees: the control sequences around a time become braces. */
const seen = (data: Uint8Array): string => new TextDecoder().decode(data).replaceAll("\x1b7\x1b[0;90m", "{").replaceAll(" \x1b8\x1b[13C", "}");
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test("times are as wide today and on other days", () => {
  assert.equal(formatLineTime(DAY, DAY), "14:05:09.120");
  assert.equal(formatLineTime(DAY, DAY + 86_400_000), "11-24 14:05 ");
  assert.equal(formatLineTime(null, DAY), " ".repeat(12));
});

test("each line is stamped with the time of its first byte, across pieces and characters", () => {
  const lines = new LineTimes(() => DAY);
  lines.learn([{ offset: 5, time: DAY }, { offset: 8, time: DAY + 1 }]);
  const [first, rest] = [bytes("a\r\nb\r\n\u20ac").subarray(0, 7), bytes("a\r\nb\r\n\u20ac").subarray(7)];
  const blank = `{${" ".repeat(12)}}`;
  assert.equal(seen(new Uint8Array([...lines.stamp(first, 2), ...lines.stamp(rest, 9)])), `${blank}a\r\n{14:05:09.120}b\r\n{14:05:09.121}\u20ac`);
  assert.equal(seen(lines.stamp(bytes("still the line\n\nx"), 11)), "still the line\n{14:05:09.121}\n{14:05:09.121}x");
});

test("progress that is drawn over itself keeps its time", () => {
  const lines = new LineTimes(() => DAY);
  lines.learn([{ offset: 0, time: DAY }]);
  assert.equal(seen(lines.stamp(bytes("10%\r"), 0)), "{14:05:09.120}10%\r");
  assert.equal(seen(lines.stamp(bytes("20%\r\r\n"), 4)), "{14:05:09.120}20%\r\r\n");
});

function timed(answers: (offset: number) => Promise<{ times: { offset: number; time: string }[]; more: boolean }>) {
  const [clock, shown, asked]: [FakeClock, string[], number[]] = [new FakeClock(), [], []];
  const output = new TimedOutput(
    (offset) => {
      asked.push(offset);
      return answers(offset);
    },
    (data, parsed) => {
      shown.push(seen(data));
      parsed();
    },
    clock,
    () => DAY,
  );
  return { clock, shown, asked, output };
}

test("output waits for its times, is asked for together, and keeps its order", async () => {
  const time = new Date(DAY).toISOString();
  const { clock, shown, asked, output } = timed(async (offset) => ({ times: [{ offset, time }], more: offset === 0 }));
  let parsed = 0;
  output.push(bytes("a\n"), 0, () => (parsed += 1));
  output.push(bytes("(a gap)"), null, () => (parsed += 1));
  output.push(bytes("b\n"), 90, () => (parsed += 1));
  assert.deepEqual(shown, []);
  clock.advance(100);
  output.push(bytes("c\n"), 92, () => (parsed += 1));
  await turns();
  assert.deepEqual(asked, [0], "an answer that says no more than was known ends the asking");
  assert.deepEqual(shown, ["{14:05:09.120}a\n", "(a gap)", "{14:05:09.120}b\n"]);
  clock.advance(100);
  await turns();
  assert.deepEqual([asked, shown.at(-1), parsed], [[0, 92], "{14:05:09.120}c\n", 4]);
});

test("times that can't be got hold nothing up, and nothing comes after the end", async () => {
  const { clock, shown, output } = timed(() => Promise.reject(new Error("no connection")));
  output.push(bytes("a"), 0, () => undefined);
  clock.advance(100);
  await turns();
  assert.deepEqual(shown, [`{${" ".repeat(12)}}a`]);
  output.push(bytes("b"), 1, () => undefined);
  clock.advance(100);
  output.dispose();
  await turns();
  assert.equal(shown.length, 1);
});
