// What a person can do, by name: the palette lists it, keys and buttons run it.

import { type Disposable, disposable } from "./lifecycle";

export interface Command {
  readonly id: string;
  readonly title: string;
  /** Such as "mod+shift+p"; mod is Cmd on a Mac and Ctrl elsewhere. The first is the one shown. */
  readonly keys?: readonly string[];
  /** The keys work in a terminal too, where all others belong to the shell. */
  readonly inTerminal?: boolean;
  /** The keys work in the text of a file only: elsewhere they mean something else. */
  readonly inText?: boolean;
  /** The key by which the editor of a text does it itself, in the same form: to be shown, no more. */
  readonly textKey?: string;
  readonly isEnabled?: () => boolean;
  readonly run: () => void | Promise<void>;
}

/** Where the keyboard is. */
export type Place = "text" | "terminal" | "elsewhere";

export function placeOf(target: EventTarget | null): Place {
  if (!(target instanceof Element)) return "elsewhere";
  if (target.closest(".xterm")) return "terminal";
  return target.closest(".surface .cm-content") ? "text" : "elsewhere";
}

/** The part of a KeyboardEvent that decides. */
export interface Keystroke {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

export function isMac(platform: string): boolean {
  return /mac|iphone|ipad/i.test(platform);
}

// Keys that mean the same whatever the layout makes of them.
const NAMES: Readonly<Record<string, string>> = { Backquote: "`", Backslash: "\\", Space: "space" };

/** The keystroke in the form in which commands name theirs. */
export function describeKey(event: Keystroke, mac: boolean): string {
  const mod = mac ? event.metaKey : event.ctrlKey;
  const other = mac ? event.ctrlKey : event.metaKey;
  // With a modifier the letter on the cap counts, not what Alt or another layout makes of it.
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  const latin = /^[a-z]$/i.test(event.key);
  const named = NAMES[event.code];
  const key = named ?? (letter && (event.altKey || !latin) ? letter : event.key);
  const parts = [mod && "mod", other && "ctrl", event.altKey && "alt", event.shiftKey && "shift", key.toLowerCase()];
  return parts.filter(Boolean).join("+");
}

const MAC_SYMBOLS: Readonly<Record<string, string>> = { mod: "⌘", ctrl: "⌃", alt: "⌥", shift: "⇧", enter: "↩" };

const PRINTED: Readonly<Record<string, string>> = { mod: "Ctrl", pagedown: "PageDown", pageup: "PageUp", arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓" };

/** The key as it is printed on the keyboard at hand. */
export function keyLabel(key: string, mac: boolean): string {
  const parts = key.split("+").map((part) => {
    if (mac && MAC_SYMBOLS[part]) return MAC_SYMBOLS[part];
    return PRINTED[part] ?? part.charAt(0).toUpperCase() + part.slice(1);
  });
  return parts.join(mac ? "" : "+");
}

export class Commands {
  private readonly byId = new Map<string, Command>();

  /** `report` hears of a command that failed. */
  constructor(
    readonly mac: boolean,
    private readonly report: (error: unknown) => void,
  ) {}

  register(...commands: readonly Command[]): Disposable {
    for (const command of commands) this.byId.set(command.id, command);
    return disposable(() => commands.forEach((command) => this.byId.delete(command.id)));
  }

  /** Those that can run now, in the order they were registered. */
  list(): readonly Command[] {
    return [...this.byId.values()].filter((command) => command.isEnabled?.() ?? true);
  }

  /** Those that a key runs, whether they can run now or not. */
  withKeys(): readonly Command[] {
    return [...this.byId.values()].filter(({ keys = [] }) => keys.length > 0);
  }

  /** Those that the editor of a text does by a key of its own, whether they can run now or not. */
  withTextKey(): readonly Command[] {
    return [...this.byId.values()].filter(({ textKey }) => textKey !== undefined);
  }

  /** "" for a command without keys. */
  label(command: Command): string {
    const key = command.keys?.[0] ?? command.textKey;
    return key ? this.keyLabel(key) : "";
  }

  keyLabel(key: string): string {
    return keyLabel(key, this.mac);
  }

  labelOf(id: string): string {
    const command = this.byId.get(id);
    return command ? this.label(command) : "";
  }

  run(id: string): void {
    const command = this.byId.get(id);
    if (command) this.execute(command);
  }

  execute(command: Command): void {
    if (!(command.isEnabled?.() ?? true)) return;
    void (async () => command.run())().catch(this.report);
  }

  /** Runs the command that this keystroke means, if any; true when it did and nobody else should see the key. */
  handleKey(event: Keystroke, place: Place): boolean {
    const key = describeKey(event, this.mac);
    const command = [...this.byId.values()].find((candidate) => candidate.keys?.includes(key));
    if (!command || (place === "terminal" && !command.inTerminal) || (place !== "text" && command.inText)) return false;
    this.execute(command);
    return true;
  }
}
