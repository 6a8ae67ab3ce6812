// How the editor looks and behaves to this person.

import { type Observable, Value } from "./lifecycle";
import { recall, remember } from "./storage";

export const SMALLEST_FONT = 8;
export const LARGEST_FONT = 32;

/** Whose keys editors obey. */
export type KeyMap = "default" | "vscode" | "vim";
export const KEY_MAPS: Readonly<Record<KeyMap, string>> = { default: "Hutch’s own", vscode: "Visual Studio Code", vim: "Vim" };

/** When changed files are saved without being asked. */
export type AutoSaveMode = "off" | "afterDelay" | "onFocusChange";
export const AUTO_SAVE_MODES: Readonly<Record<AutoSaveMode, string>> = { off: "Off", afterDelay: "After a delay", onFocusChange: "When focus leaves the editor" };

function isFontSize(value: unknown): value is number {
  return typeof value === "number" && value >= SMALLEST_FONT && value <= LARGEST_FONT;
}

function isKeyMap(value: unknown): value is KeyMap {
  return typeof value === "string" && Object.hasOwn(KEY_MAPS, value);
}

function isAutoSaveMode(value: unknown): value is AutoSaveMode {
  return typeof value === "string" && Object.hasOwn(AUTO_SAVE_MODES, value);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

/** Keeps the size of code in the page in step with the choice. */
export class EditorPreferences {
  private readonly size = new Value<number | null>(recall("editor.fontSize", isFontSize));
  private readonly formats = new Value<boolean>(recall("editor.formatsOnSave", isBoolean) ?? true);
  private readonly auto = new Value<AutoSaveMode>(recall("editor.autoSave", isAutoSaveMode) ?? "off");
  private readonly map = new Value<KeyMap>(recall("editor.keyMap", isKeyMap) ?? "default");
  private readonly reader = new Value(recall("editor.screenReader", isBoolean) ?? false);
  private readonly seen = new Value(recall("editor.blanks", isBoolean) ?? false);
  private readonly wrap: Value<boolean>;

  /** In pixels; null for the usual size. */
  readonly fontSize: Observable<number | null> = this.size;
  /** Whether files are formatted when they are saved, in projects that have a formatter. */
  readonly formatsOnSave: Observable<boolean> = this.formats;
  readonly autoSave: Observable<AutoSaveMode> = this.auto;
  readonly keyMap: Observable<KeyMap> = this.map;
  /** Whether spaces and tabs are to be seen. */
  readonly blanks: Observable<boolean> = this.seen;
  /** Whether long lines are broken where the window ends. */
  readonly wrapped: Observable<boolean>;
  /** Made for a screen reader: its own cursor, and Tab that leaves the editor. */
  readonly screenReader: Observable<boolean> = this.reader;

  /** `narrow` windows wrap unless told otherwise. */
  constructor(
    private readonly root: HTMLElement,
    narrow: boolean,
  ) {
    this.wrapped = this.wrap = new Value(recall("wrap", isBoolean) ?? narrow);
    this.apply();
  }

  /** As near to `size` as can be read; null for the usual one. */
  setFontSize(size: number | null): void {
    this.size.set(size === null ? null : Math.min(LARGEST_FONT, Math.max(SMALLEST_FONT, size)));
    remember("editor.fontSize", this.size.get());
    this.apply();
  }

  setKeyMap(map: KeyMap): void {
    this.map.set(map);
    remember("editor.keyMap", map);
  }

  setAutoSave(mode: AutoSaveMode): void {
    this.auto.set(mode);
    remember("editor.autoSave", mode);
  }

  toggleFormatsOnSave(): void {
    this.formats.set(!this.formats.get());
    remember("editor.formatsOnSave", this.formats.get());
  }

  toggleWrap(): void {
    this.wrap.set(!this.wrap.get());
    remember("wrap", this.wrap.get());
  }

  toggleBlanks(): void {
    this.seen.set(!this.seen.get());
    remember("editor.blanks", this.seen.get());
  }

  toggleScreenReader(): void {
    this.reader.set(!this.reader.get());
    remember("editor.screenReader", this.reader.get());
  }

  private apply(): void {
    const size = this.size.get();
    if (size === null) this.root.style.removeProperty("--code-size");
    else this.root.style.setProperty("--code-size", `${size}px`);
  }
}
