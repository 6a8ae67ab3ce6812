// Dragging a tab: to another place among the tabs, into another group, or to a side of one, where it gets a group of its own.

import type { Group, Groups, Tab, Target } from "./groups";
import type { Side } from "./splits";

const TYPE = "application/x-hutch-tab";
/** This near to an edge, as a part of the whole, a tab is dropped beside the group and not into it. */
const EDGE = 0.25;

interface Dragged {
  readonly tab: Tab;
  readonly from: Group;
}

export class TabDrag {
  private dragged: Dragged | null = null;

  constructor(private readonly groups: Groups) {}

  /** Has the tab be dragged by its element. */
  take(element: HTMLElement, tab: Tab, from: Group): void {
    element.draggable = true;
    element.addEventListener("dragstart", (event) => {
      if (!event.dataTransfer) return;
      this.dragged = { tab, from };
      // Nothing that a text would take.
      event.dataTransfer.setData(TYPE, "");
      event.dataTransfer.effectAllowed = "move";
    });
    element.addEventListener("dragend", () => (this.dragged = null));
  }

  /** Takes drops among the tabs of a group: before the tab that `at` finds, or at the end. `mark` shows where. */
  dropAmong(list: HTMLElement, group: Group, at: (event: DragEvent) => Tab | null, mark: (before: Tab | null, over: boolean) => void): void {
    this.takeDrops(list, {
      over: (event) => mark(at(event), true),
      out: () => mark(null, false),
      target: (event) => ({ group, before: at(event) }),
    });
  }

  /** Takes drops over the editors of a group. */
  dropInto(body: HTMLElement, group: Group): void {
    this.takeDrops(body, {
      over: (event) => (body.dataset["drop"] = sideOf(event, body) ?? "inside"),
      out: () => delete body.dataset["drop"],
      target: (event) => ({ group, side: sideOf(event, body) }),
    });
  }

  private takeDrops(element: HTMLElement, does: { over(event: DragEvent): void; out(): void; target(event: DragEvent): Target }): void {
    // Before the editor below, which would take it for text.
    const handle = (type: "dragover" | "drop", task: (event: DragEvent, dragged: Dragged) => void): void => {
      const take = (event: DragEvent): void => {
        if (!this.dragged) return;
        event.preventDefault();
        event.stopPropagation();
        task(event, this.dragged);
      };
      element.addEventListener(type, take, { capture: true });
    };
    handle("dragover", (event) => does.over(event));
    handle("drop", (event, { tab, from }) => {
      does.out();
      // Of an element that goes away nobody tells that its drag has ended.
      this.dragged = null;
      this.groups.moveTab(tab, from, does.target(event));
    });
    element.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && element.contains(relatedTarget))) does.out();
    });
  }
}

function sideOf({ clientX, clientY }: DragEvent, element: HTMLElement): Side | null {
  const { left, top, width, height } = element.getBoundingClientRect();
  const [x, y] = [(clientX - left) / width, (clientY - top) / height];
  const nearness: readonly (readonly [Side, number])[] = [["left", x], ["right", 1 - x], ["above", y], ["below", 1 - y]];
  const [side, near] = nearness.reduce((best, other) => (other[1] < best[1] ? other : best));
  return near < EDGE ? side : null;
}
