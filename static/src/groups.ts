// Which documents have tabs, in which groups, and what is in front. A group is a part of the editor area with tabs of its own. Pure.

import type { Document } from "./documents";
import { Emitter, type Observable, Value } from "./lifecycle";
import { type Part, type Side, Splits } from "./splits";

/** More are too small to work in. */
const MOST_GROUPS = 8;

let made = 0;

/** One document in one group. */
export class Tab {
  /** Unique in the page. */
  readonly id = (made += 1);

  constructor(
    readonly document: Document,
    /** Where the cursor is in this group: characters from the beginning. */
    public cursor = 0,
  ) {}
}

/** Where a tab is put. */
export interface Target {
  readonly group: Group;
  readonly side?: Side | null;
  readonly before?: Tab | null;
}

export class Group {
  tabs: readonly Tab[] = [];
  front: Tab | null = null;
  /** The tab that the next file to be looked at replaces, until it is kept. */
  preview: Tab | null = null;
  /** In the order in which they came to the front. */
  used: readonly Tab[] = [];

  constructor(readonly name: string) {}

  tabOf(document: Document | null): Tab | null {
    return this.tabs.find((tab) => tab.document === document) ?? null;
  }
}

export class Groups {
  readonly splits = new Splits(MOST_GROUPS);
  private readonly byName = new Map<string, Group>();
  private readonly frontValue = new Value<Document | null>(null);
  private readonly changeEmitter = new Emitter<void>();
  private count = 0;
  /** How often the person has chosen what is in front. */
  choices = 0;

  /** The document that is in front in the group in use. */
  readonly front: Observable<Document | null> = this.frontValue;
  /** Tabs or groups have changed, or what is in front. */
  readonly onChange = this.changeEmitter.event;

  constructor() {
    this.splits.choose(this.make().name);
  }

  /** In the order in which they are read; there is always one. */
  get all(): readonly Group[] {
    return this.splits.names.flatMap((name) => this.byName.get(name) ?? []);
  }

  /** The one in use. */
  get active(): Group {
    const group = this.byName.get(this.splits.active ?? "") ?? this.all[0];
    if (!group) throw new Error("there is always a group");
    return group;
  }

  named(name: string): Group | undefined {
    return this.byName.get(name);
  }

  /** The tabs of the document, in all groups. */
  tabsOf(document: Document): readonly Tab[] {
    return this.all.flatMap((group) => group.tabOf(document) ?? []);
  }

  /** Has groups of these names, laid out like this, instead of what it has. */
  arrange(parts: readonly Part[], names: readonly string[], active: string | null): void {
    const known = (name: string): boolean => names.includes(name);
    this.splits.restore(parts, active);
    for (const name of this.splits.names) if (!known(name)) this.splits.remove(name);
    this.byName.clear();
    for (const name of this.splits.names) this.byName.set(name, new Group(name));
    if (this.byName.size === 0) this.splits.choose(this.make().name);
    this.changed();
  }

  /** Gives a group tabs that go before those it has got meanwhile; `front` is in front unless another is. */
  fill(group: Group, tabs: readonly Tab[], front: Document | null, preview: Document | null): void {
    const known = tabs.map((tab) => group.tabOf(tab.document) ?? tab);
    if (!group.tabOf(preview)) group.preview ??= known.find((tab) => tab.document === preview) ?? null;
    group.tabs = [...known, ...group.tabs.filter((tab) => !known.includes(tab))];
    group.front ??= group.tabOf(front);
    this.changed();
  }

  /** Gives each tab of a document to another one. */
  replace(document: Document, next: Document): void {
    for (const group of this.all) {
      const tab = group.tabOf(document);
      if (!tab) continue;
      const made = new Tab(next, tab.cursor);
      const other = (known: Tab): Tab => (known === tab ? made : known);
      group.tabs = group.tabs.map(other);
      group.used = group.used.map(other);
      group.front &&= other(group.front);
      group.preview &&= other(group.preview);
    }
    this.changed();
  }

  /** Brings the document to the front or, with `behind`, gives it a tab; as a preview in the place of the last one. Returns what lost its tab to it. */
  show(document: Document, { preview = false, behind = false }: { readonly preview?: boolean; readonly behind?: boolean } = {}): Document | null {
    const group = this.active;
    const known = group.tabOf(document);
    const tab = known ?? new Tab(document);
    const replaced = preview && !known ? group.preview : null;
    if (!known) {
      const at = group.tabs.findIndex((other) => other === (replaced ?? group.front));
      group.tabs = replaced ? group.tabs.map((other) => (other === replaced ? tab : other)) : inserted(group.tabs, at + 1, tab);
      if (replaced) group.used = group.used.filter((other) => other !== replaced);
    }
    if (preview && !known) group.preview = tab;
    else if (!preview && group.preview === tab) group.preview = null;
    this.bring(group, behind ? (group.front ?? tab) : tab);
    return replaced?.document ?? null;
  }

  /** Uses the group, with this tab in front, as the person has chosen. */
  activate(group: Group, tab: Tab | null = group.front): void {
    this.choices += 1;
    this.bring(group, tab);
  }

  private bring(group: Group, tab: Tab | null): void {
    this.splits.choose(group.name);
    if (tab) group.used = [...group.used.filter((other) => other !== tab), tab];
    group.front = tab;
    this.changed();
  }

  /** Uses the group `steps` further. */
  step(steps: number): void {
    this.choices += 1;
    this.splits.move(steps);
    this.changed();
  }

  /** Brings the tab `steps` places to the right to the front, around the end. */
  cycle(steps: number): void {
    const group = this.active;
    const at = group.tabs.findIndex((tab) => tab === group.front);
    const next = group.tabs[(at + steps + group.tabs.length) % group.tabs.length];
    if (next) this.activate(group, next);
  }

  /** Keeps the document's tabs where they are previews. */
  keep(document: Document): void {
    const groups = this.all.filter((group) => group.preview?.document === document);
    for (const group of groups) group.preview = null;
    if (groups.length > 0) this.changed();
  }

  /** Shows the front document in a new group too. */
  split(side: Side): void {
    const { front } = this.active;
    if (!front || this.splits.isFull) return;
    const tab = new Tab(front.document, front.cursor);
    const group = this.make();
    group.tabs = [tab];
    this.splits.split(group.name, side);
    this.activate(group, tab);
  }

  /** Puts a tab into a group, before another or at the end, or into a new group at a side of that one. */
  moveTab(tab: Tab, from: Group, { group, side = null, before = null }: Target): void {
    if (before === tab || (side && (this.splits.isFull || (from === group && from.tabs.length === 1)))) return;
    const to = side ? this.make() : group;
    if (side) this.splits.split(to.name, side, group.name);
    this.take(from, tab);
    const there = to.tabOf(tab.document);
    const at = before ? to.tabs.indexOf(before) : to.tabs.length;
    if (!there) to.tabs = inserted(to.tabs, at, tab);
    if (from.tabs.length === 0 && from !== to) this.remove(from);
    this.activate(to, there ?? tab);
  }

  /** Puts the front tab into the group after this one. */
  moveToNext(): void {
    const { active, all } = this;
    const group = all[(all.indexOf(active) + 1) % all.length];
    if (active.front && group && group !== active) this.moveTab(active.front, active, { group });
  }

  /** A group without tabs goes too, unless it is the last. */
  close(group: Group, tab: Tab): void {
    this.take(group, tab);
    this.prune();
  }

  /** Takes away the groups without tabs; one stays. */
  prune(): void {
    for (const group of this.all) {
      group.front ??= group.tabs[0] ?? null;
      if (group.tabs.length === 0 && this.all.length > 1) this.remove(group);
    }
    this.changed();
  }

  /** The person has moved a line between groups. */
  resized(): void {
    this.changed();
  }

  /** Puts all tabs into the group in use. */
  join(): void {
    const target = this.active;
    for (const group of this.all) {
      if (group === target) continue;
      target.tabs = [...target.tabs, ...group.tabs.filter((tab) => !target.tabOf(tab.document))];
      this.remove(group);
    }
    this.changed();
  }

  private make(): Group {
    do this.count += 1;
    while (this.byName.has(String(this.count)));
    const group = new Group(String(this.count));
    this.byName.set(group.name, group);
    return group;
  }

  private remove(group: Group): void {
    this.splits.remove(group.name);
    this.byName.delete(group.name);
  }

  private take(group: Group, tab: Tab): void {
    const at = group.tabs.indexOf(tab);
    group.tabs = group.tabs.filter((other) => other !== tab);
    group.used = group.used.filter((other) => other !== tab);
    if (group.preview === tab) group.preview = null;
    if (group.front === tab) group.front = group.used.at(-1) ?? group.tabs[Math.min(at, group.tabs.length - 1)] ?? null;
  }

  private changed(): void {
    // Whoever asks for the editor of the new front document finds it there.
    this.changeEmitter.fire();
    this.frontValue.set(this.active.front?.document ?? null);
  }
}

function inserted(tabs: readonly Tab[], at: number, tab: Tab): readonly Tab[] {
  return [...tabs.slice(0, at), tab, ...tabs.slice(at)];
}
