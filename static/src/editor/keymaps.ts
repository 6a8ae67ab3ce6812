// The keys that editors obey besides the commands' own: CodeMirror's, or those of another editor, loaded when they are chosen.

import { Compartment, type Extension, type StateEffect } from "@codemirror/state";
import { describeKey, type Keystroke } from "../commands";
import type { KeyMap } from "../editorpreferences";
import { type Observable, Value } from "../lifecycle";
import { load } from "../loading";

/** What Vim's commands do: those that write or close. */
export interface VimActions {
  save(): Promise<void>;
  saveAll(): Promise<void>;
  /** Closes the tab in front; with `discard` what is unsaved in it is given up, otherwise the person is asked. */
  close(discard: boolean): Promise<void>;
  closeAll(): Promise<void>;
  report(error: unknown): void;
}

// Keys that are the map's own while the keyboard is in an editor, though a command of the page has them too.
const CLAIMED: Readonly<Record<KeyMap, readonly string[]>> = { default: [], vscode: ["mod+shift+enter"], vim: ["mod+b"] };

export class KeyMaps {
  private readonly place = new Compartment();
  private readonly modeValue = new Value("");
  private loaded: Extension = [];

  /** The mode that Vim is in; "" with other keys. */
  readonly mode: Observable<string> = this.modeValue;

  /** `configure` changes every editor that is open. */
  constructor(
    private readonly choice: Observable<KeyMap>,
    private readonly mac: boolean,
    private readonly actions: VimActions,
    private readonly configure: (effect: StateEffect<unknown>) => void,
  ) {
    choice.onChange((map) => void this.use(map).catch((error: unknown) => actions.report(error)));
  }

  /** For a new editor, before all that has keys. */
  get extension(): Extension {
    return this.place.of(this.loaded);
  }

  /** Loads what was chosen. Rejects when it can't be fetched; then the keys are as before. */
  async start(): Promise<void> {
    if (this.choice.get() !== "default") await this.use(this.choice.get());
  }

  /** Whether this key belongs to the editor that `target` is in, whatever command has it. */
  claims(event: Keystroke, target: EventTarget | null): boolean {
    const key = describeKey(event, this.mac);
    if (!CLAIMED[this.choice.get()].includes(key) || !(target instanceof Element && target.closest(".cm-content"))) return false;
    return this.choice.get() !== "vim" || event.ctrlKey;
  }

  private async use(map: KeyMap): Promise<void> {
    const extension = await this.extensionOf(map);
    // Another was chosen while this one was loaded.
    if (map !== this.choice.get()) return;
    this.loaded = extension;
    this.modeValue.set(map === "vim" ? "normal" : "");
    this.configure(this.place.reconfigure(extension));
  }

  private async extensionOf(map: KeyMap): Promise<Extension> {
    if (map === "vscode") return (await load(() => import("./vscode"))).vscodeKeys;
    if (map === "vim") return (await load(() => import("./vim"))).vimKeys(this.actions, (mode) => this.modeValue.set(mode));
    return [];
  }
}
