// The editor that shows the blocks of a large file, and moves them as one scrolls.

import { standardKeymap } from "@codemirror/commands";
import { Compartment, EditorSelection, EditorState, type Extension, Prec, Text } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { type Disposable, Emitter } from "../lifecycle";
import { Blocks } from "./blocks";
import type { Layout } from "./layout";
import type { PagedSource } from "./source";

interface Target {
  readonly offset: number;
  /** Bytes to select there; null when the offset is to be at the top. */
  readonly length: number | null;
}

// A file that changes all the time is shown as it comes.
const MOST_TRIES = 3;
// Heights of the window that are kept ready above and below it.
const AHEAD = 2;

export class FileWindow implements Disposable {
  readonly view: EditorView;
  private readonly numbers = new Compartment();
  private readonly moveEmitter = new Emitter<void>();
  private blocks: Blocks;
  private target: Target | null = null;
  private working: Promise<void> | null = null;
  private gone = false;

  /** What is looked at has changed. */
  readonly onMove = this.moveEmitter.event;

  /** `extensions` are looks and keys; `report` hears why a part could not be read. */
  constructor(
    private readonly source: PagedSource,
    layout: Layout,
    private readonly extensions: () => Extension,
    private readonly report: (error: unknown) => void,
  ) {
    this.blocks = new Blocks(source, layout);
    this.view = new EditorView({ state: this.stateOf([""]) });
    this.view.scrollDOM.addEventListener("scroll", () => this.handleScroll(), { passive: true });
    new ResizeObserver(() => this.handleScroll()).observe(this.view.scrollDOM);
  }

  get layout(): Layout {
    return this.blocks.layout;
  }

  /** Offset of the first byte on the page, whose line's number is missing; null when none is. */
  get unnumbered(): number | null {
    return this.layout.numbered && this.blocks.firstNumber === null ? this.blocks.start : null;
  }

  /** Tells the number of the line at `offset`. */
  number(offset: number, line: number): void {
    if (offset !== this.unnumbered) return;
    this.blocks.firstNumber = line;
    this.view.dispatch({ effects: this.numbers.reconfigure(this.gutter()) });
  }

  /** Where the first line in sight is in the file. */
  get top(): number {
    const { view } = this;
    const block = view.lineBlockAtHeight(view.scrollDOM.scrollTop - view.documentPadding.top);
    return this.blocks.offsetOf(view.state.doc.lineAt(block.from).number - 1);
  }

  /** How far down one is: 0 to 1. */
  get progress(): number {
    const { scrollTop, clientHeight, scrollHeight } = this.view.scrollDOM;
    const { size } = this.source.version;
    const atEnd = this.blocks.end >= size && scrollHeight - scrollTop - clientHeight < 2;
    return atEnd && (scrollTop > 0 || this.blocks.start > 0) ? 1 : this.top / Math.max(1, size);
  }

  /** Shows what is at `offset`, and selects `length` bytes of it. */
  go(offset: number, length: number | null = null): Promise<void> {
    this.target = { offset, length };
    return this.work();
  }

  /** Shows the same place in another way. */
  use(layout: Layout): Promise<void> {
    const { top } = this;
    this.blocks = new Blocks(this.source, layout);
    return this.go(top);
  }

  dispose(): void {
    this.gone = true;
    this.view.destroy();
    this.moveEmitter.dispose();
  }

  private handleScroll(): void {
    this.moveEmitter.fire();
    if (this.missing() !== null) void this.work();
  }

  /** One thing after the other; what was asked for last is where it ends. */
  private work(): Promise<void> {
    this.working ??= this.run()
      .catch(this.report)
      .finally(() => (this.working = null));
    return this.working;
  }

  private async run(): Promise<void> {
    let tries = 0;
    for (;;) {
      const { target, source } = this;
      const { etag } = source.version;
      const missing = this.missing();
      this.target = null;
      if (target) await this.jump(target);
      else if (missing !== null) await this.extend(missing);
      else return;
      if (this.gone) return;
      // What is on the page is of several versions.
      if (etag !== source.version.etag && !this.target && (tries += 1) < MOST_TRIES) this.target = target ?? { offset: this.top, length: null };
      this.moveEmitter.fire();
    }
  }

  private async jump({ offset, length }: Target): Promise<void> {
    const { blocks } = this;
    await blocks.jump(offset);
    if (this.gone || blocks !== this.blocks) return;
    const state = this.stateOf(blocks.texts);
    const [from, to] = [offset, offset + (length ?? 0)].map((at) => {
      const place = blocks.placeOf(at);
      const line = place && state.doc.line(Math.min(place.line + 1, state.doc.lines));
      return line ? Math.min(line.from + place.column, line.to) : 0;
    }) as [number, number];
    this.view.setState(state);
    const scroll = EditorView.scrollIntoView(from, length === null ? { y: "start", yMargin: 0 } : { y: "center" });
    this.view.dispatch({ selection: EditorSelection.single(from, to), effects: scroll });
    // So that the next look at what is missing sees the window where it is now.
    await new Promise<void>((resolve) => this.view.requestMeasure({ read: () => undefined, write: () => resolve() }));
  }

  private async extend(direction: "up" | "down"): Promise<void> {
    const { blocks, view } = this;
    const next = await (direction === "up" ? blocks.extendUp() : blocks.extendDown());
    if (!next || this.gone || blocks !== this.blocks) return;
    const { doc } = view.state;
    const kept = doc.lines - next.dropped;
    const changes = view.state.changes(
      direction === "up"
        ? [{ from: 0, insert: Text.of([...next.added, ""]) }, ...(next.dropped > 0 ? [{ from: doc.line(kept).to, to: doc.length }] : [])]
        : [{ from: doc.length, insert: Text.of(["", ...next.added]) }, ...(next.dropped > 0 ? [{ from: 0, to: doc.line(next.dropped + 1).from }] : [])],
    );
    view.dispatch({ changes, effects: view.scrollSnapshot().map(changes) ?? [] });
    await new Promise<void>((resolve) => view.requestMeasure({ read: () => undefined, write: () => resolve() }));
  }

  private missing(): "up" | "down" | null {
    const { scrollTop, clientHeight, scrollHeight } = this.view.scrollDOM;
    if (clientHeight === 0) return null;
    if (scrollHeight - scrollTop - clientHeight < AHEAD * clientHeight && this.blocks.end < this.source.version.size) return "down";
    return scrollTop < AHEAD * clientHeight && this.blocks.start > 0 ? "up" : null;
  }

  private stateOf(lines: readonly string[]): EditorState {
    return EditorState.create({
      doc: Text.of(lines as string[]),
      extensions: [
        this.extensions(),
        this.numbers.of(this.gutter()),
        EditorState.readOnly.of(true),
        // A line feed alone ends a line here, as it does for the server that counts them.
        EditorState.lineSeparator.of("\n"),
        Prec.high(keymap.of([{ key: "Mod-Home", run: () => this.goTo(0) }, { key: "Mod-End", run: () => this.goTo(this.source.version.size) }])),
        keymap.of(standardKeymap),
      ],
    });
  }

  private goTo(offset: number): boolean {
    void this.go(offset);
    return true;
  }

  private gutter(): Extension {
    return lineNumbers({ formatNumber: (line) => this.blocks.labelOf(line - 1) });
  }
}
