// Dragging a tab: to another place among the tabs, into another group, or to a side of one, where it gets a group of its own.

import type { Group, Groups, Tab, Target } from "./groups";
import type { Side } from "./splits";
import { dragByTouch, type Point } from "./touchdrag";

const TYPE = "application/x-hutch-tab";
/** This near to an edge, as a part of the whole, a tab is dropped beside the group and not into it. */
const EDGE = 0.25;

interface Dragged {
  readonly tab: Tab;
  readonly from: Group;
}

/** Shows where a tab would be dropped, and tells. */
interface DropPlace {
  over(point: Point): void;
  out(): void;
  target(point: Point): Target;
}

export class TabDrag {
  private dragged: Dragged | null = null;
  /** For fingers, of which the browser does not tell what they are over. */
  private readonly places = new WeakMap<Element, DropPlace>();
  private touched: DropPlace | null = null;

  constructor(private readonly groups: Groups) {}

  /** Has the tab be dragged by its element. */
  take(element: HTMLElement, tab: Tab, from: Group): void {
    dragByTouch(element, {
      begin: () => element.classList.add("lifted"),
      move: (point) => this.touch(point),
      end: (point) => {
        const place = this.touched;
        this.touch(null);
        element.classList.remove("lifted");
        if (point && place) this.groups.moveTab(tab, from, place.target(point));
      },
    });
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
  dropAmong(list: HTMLElement, group: Group, at: (point: Point) => Tab | null, mark: (before: Tab | null, over: boolean) => void): void {
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

  private touch(point: Point | null): void {
    let element = point && document.elementFromPoint(point.clientX, point.clientY);
    while (element && !this.places.has(element)) element = element.parentElement;
    const place = (element && this.places.get(element)) ?? null;
    if (place !== this.touched) this.touched?.out();
    this.touched = place;
    if (point) place?.over(point);
  }

  private takeDrops(element: HTMLElement, does: DropPlace): void {
    this.places.set(element, does);
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

function sideOf({ clientX, clientY }: Point, element: HTMLElement): Side | null {
  const { left, top, width, height } = element.getBoundingClientRect();
  const [x, y] = [(clientX - left) / width, (clientY - top) / height];
  const nearness: readonly (readonly [Side, number])[] = [["left", x], ["right", 1 - x], ["above", y], ["below", 1 - y]];
  const [side, near] = nearness.reduce((best, other) => (other[1] < best[1] ? other : best));
  return near < EDGE ? side : null;
}
