// The settings of this person, in a dialog. What is changed counts at once.

import { type Child, h } from "../dom";
import { AUTO_SAVE_MODES, type AutoSaveMode, type EditorPreferences, KEY_MAPS, type KeyMap, LARGEST_FONT, SMALLEST_FONT } from "../editorpreferences";
import type { Observable } from "../lifecycle";
import type { TerminalPreferences } from "../terminal/preferences";
import { type Theme, THEMES, type ThemeChoice } from "../theme";
import { button } from "../widgets/button";

export interface Settings {
  readonly theme: ThemeChoice;
  readonly editor: EditorPreferences;
  readonly terminal: TerminalPreferences;
  readonly intelligence: { readonly on: Observable<boolean>; toggle(): void };
}

const LABELS: Readonly<Record<Theme, string>> = { system: "As the system", light: "Light", dark: "Dark", contrast: "High contrast" };

export function openSettings(settings: Settings): void {
  const { theme, editor, terminal } = settings;
  const dialog = h(
    "dialog",
    { class: "dialog settings", "aria-labelledby": "settings-title" },
    h("h2", { id: "settings-title" }, "Settings"),
    group("Page", choice("Colours", THEMES.map((value) => [value, LABELS[value]] as const), theme.theme.get(), (value) => theme.choose(value))),
    group(
      "Editor",
      size("Text size of the editor", editor.fontSize.get(), (value) => editor.setFontSize(value)),
      flag("Wrap long lines", editor.wrapped.get(), () => editor.toggleWrap()),
      flag("Show spaces and tabs", editor.blanks.get(), () => editor.toggleBlanks()),
      choice("Keys", Object.entries(KEY_MAPS) as [KeyMap, string][], editor.keyMap.get(), (map) => editor.setKeyMap(map)),
      choice("Auto save", Object.entries(AUTO_SAVE_MODES) as [AutoSaveMode, string][], editor.autoSave.get(), (mode) => editor.setAutoSave(mode)),
      flag("Format on save, where the project has a formatter", editor.formatsOnSave.get(), () => editor.toggleFormatsOnSave()),
      flag("Language servers: completion, problems, definitions", settings.intelligence.on.get(), () => settings.intelligence.toggle()),
      flag("Screen reader mode of the editor", editor.screenReader.get(), () => editor.toggleScreenReader()),
    ),
    group(
      "Terminal",
      size("Text size of terminals", terminal.fontSize.get(), (value) => (value === null ? terminal.zoom(0) : terminal.setFontSize(value))),
      flag("Screen reader mode of terminals", terminal.screenReader.get(), () => terminal.toggleScreenReader()),
    ),
    h("div", { class: "dialog-actions" }, button("Done", () => dialog.close(), "primary")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function group(name: string, ...children: readonly Child[]): HTMLElement {
  return h("fieldset", {}, h("legend", {}, name), ...children);
}

function choice<T extends string>(label: string, options: readonly (readonly [T, string])[], now: T, choose: (value: T) => void): HTMLElement {
  const items = options.map(([value, text]) => h("option", { value, selected: value === now }, text));
  const select = h("select", { class: "input", on: { change: () => options.forEach(([value]) => value === select.value && choose(value)) } }, ...items);
  return h("label", { class: "setting" }, label, select);
}

/** A size in pixels; an empty field stands for the usual one. */
function size(label: string, now: number | null, choose: (value: number | null) => void): HTMLElement {
  const input = h("input", { class: "input", type: "number", min: SMALLEST_FONT, max: LARGEST_FONT, value: now ?? "", placeholder: "usual" });
  input.addEventListener("change", () => {
    if (input.value === "") choose(null);
    else if (input.checkValidity()) choose(input.valueAsNumber);
    else input.reportValidity();
  });
  return h("label", { class: "setting" }, label, input);
}

function flag(label: string, now: boolean, toggle: () => void): HTMLElement {
  return h("label", { class: "setting" }, label, h("input", { type: "checkbox", checked: now, on: { change: toggle } }));
}
