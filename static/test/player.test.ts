import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPosition, parseCast } from "../src/terminal/cast";
import { Player } from "../src/terminal/player";
import { FakeClock } from "./fakes";

const HEADER = { version: 2, width: 100, height: 30 };

function castOf(...events: readonly (readonly [number, string, string])[]) {
  return parseCast([HEADER, ...events].map((line) => JSON.stringify(line)).join("\n"));
}

/** A screen that parses when it is told to, or at once. */
class Screen {
  shown = "";
  sizes: string[] = [];
  writes = 0;
  waiting: (() => void) | null = null;

  constructor(private readonly atOnce = true) {}

  write(text: string, parsed: () => void): void {
    this.writes += 1;
    const done = (): void => {
      this.shown = text.startsWith("\x18\x1bc") ? text.slice(3) : this.shown + text;
      parsed();
    };
    if (this.atOnce) done();
    else this.waiting = done;
  }

  resize({ cols, rows }: { cols: number; rows: number }): void {
    this.sizes.push(`${cols}x${rows}@${this.shown}`);
  }
}

test("a recording is read, and what is no event in it is passed over", () => {
  const cast = parseCast('{"version":2,"width":100,"height":30}\n[0.5,"o","a"]\n[0.2,"o","b"]\n{}\n[1,"o"]\n[1,"o","c"');
  assert.deepEqual(cast, { cols: 100, rows: 30, events: [{ time: 0.5, code: "o", data: "a" }, { time: 0.5, code: "o", data: "b" }] });
  assert.throws(() => parseCast('{"version":1}'), /asciicast/);
  assert.throws(() => parseCast(""), /asciicast/);
});

test("output is shown at its time, and faster at a higher speed", () => {
  const [clock, screen] = [new FakeClock(), new Screen()];
  const player = new Player(castOf([0, "o", "a"], [1, "o", "b"], [2, "o", "c"], [3, "o", "d"]), screen, clock);
  player.play();
  assert.equal(screen.shown, "a");
  clock.advance(900);
  assert.equal(screen.shown, "a");
  clock.advance(200);
  assert.equal(screen.shown, "ab");
  player.setSpeed(4);
  clock.advance(500);
  assert.equal(screen.shown, "abcd");
  assert.equal(player.playing.get(), false);
  assert.equal(clock.pending, 0);
  player.play();
  assert.equal(screen.shown, "a", "it begins again");
});

test("seeking goes both ways and pausing keeps the place", () => {
  const [clock, screen] = [new FakeClock(), new Screen()];
  const player = new Player(castOf([0, "o", "a"], [1, "o", "b"], [2, "o", "c"]), screen, clock);
  player.seek(1.5);
  assert.equal(screen.shown, "ab");
  player.seek(0.5);
  assert.equal(screen.shown, "a");
  player.seek(99);
  assert.equal(player.position.get(), 2);
  assert.equal(screen.shown, "abc");
  player.seek(0);
  player.play();
  clock.advance(1200);
  player.pause();
  clock.advance(5000);
  assert.equal(screen.shown, "ab");
});

test("long pauses are cut until they are asked for, and the place stays", () => {
  const [clock, screen] = [new FakeClock(), new Screen()];
  const player = new Player(castOf([0, "o", "a"], [600, "o", "b"], [601, "o", "c"]), screen, clock);
  assert.equal(player.duration, 2);
  player.seek(1);
  assert.equal(screen.shown, "ab");
  player.skipPauses(false);
  assert.equal(player.duration, 601);
  assert.equal(player.position.get(), 600);
  assert.equal(screen.shown, "ab");
});

test("a size takes effect between what was shown before it and after it", () => {
  const screen = new Screen();
  const player = new Player(castOf([0, "o", "a"], [1, "r", "80x24"], [1, "o", "b"], [2, "r", "0x9999"]), screen, new FakeClock());
  player.seek(2);
  assert.deepEqual(screen.sizes, ["100x30@", "80x24@a", "80x24@ab"]);
  player.seek(0);
  assert.equal(screen.sizes.at(-1), "100x30@ab");
});

test("a slider that is dragged writes once for all that it passed over", () => {
  const screen = new Screen(false);
  const player = new Player(castOf([0, "o", "a"], [1, "o", "b"], [1.5, "o", "c"]), screen, new FakeClock());
  for (const place of [1.5, 0.1, 1.2, 0.3, 1.1]) player.seek(place);
  assert.equal(screen.writes, 1);
  screen.waiting?.();
  assert.equal(screen.writes, 2);
  screen.waiting?.();
  assert.equal(screen.shown, "ab");
});

test("positions are written as clocks write them", () => {
  assert.deepEqual([0, 7.9, 725, 3723].map(formatPosition), ["0:00", "0:07", "12:05", "1:02:03"]);
});
