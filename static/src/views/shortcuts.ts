// The keys of an IDE page, in a dialog.

import type { Commands } from "../commands";
import { h } from "../dom";
import { button } from "../widgets/button";

type Line = readonly [title: string, ...keys: readonly string[]];

// What belongs to no command, because it counts in one place only.
const EDITOR: readonly Line[] = [
  ["Leave the editor", "f6", "escape, tab"],
  ["Indent, or have Tab leave the editor from now on", "tab", "ctrl+m"],
];
const FILES: readonly Line[] = [
  ["Open and close a folder", "arrowright", "arrowleft"],
  ["Choose several", "shift+arrowdown", "mod+space"],
  ["Menu of what is chosen", "shift+f10"],
  ["Rename", "f2"],
  ["Delete", "delete"],
  ["Undo the last delete, move or rename", "mod+z"],
  ["Cut, copy, paste", "mod+x", "mod+c", "mod+v"],
];
const TERMINALS: readonly Line[] = [
  ["Leave the terminal", "f6"],
  ["Find", "mod+shift+f"],
  ["Copy and paste", "mod+shift+c", "mod+shift+v"],
  ["Split", "mod+shift+5"],
  ["Terminal on the left or right", "mod+shift+arrowleft", "mod+shift+arrowright"],
  ["Rename or close, in its tab", "f2", "delete"],
];

export function openShortcuts(commands: Commands): void {
  const page = commands.withKeys().map(({ title, keys = [] }): Line => [title, ...keys]);
  const text = commands.withTextKey().map(({ title, textKey = "" }): Line => [title, textKey]);
  const label = (key: string): string => key.split(", ").map((part) => commands.keyLabel(part)).join(", ");
  const dialog = h(
    "dialog",
    { class: "dialog shortcuts", "aria-labelledby": "shortcuts-title" },
    h("h2", { id: "shortcuts-title" }, "Keyboard shortcuts"),
    // With the focus, so that the arrow keys scroll it.
    h(
      "div",
      { class: "shortcuts-groups", role: "region", "aria-labelledby": "shortcuts-title", tabindex: 0, autofocus: true },
      ...[group("Everywhere", page, label), group("Editor", [...EDITOR, ...text], label), group("Files", FILES, label), group("Terminals", TERMINALS, label)],
    ),
    h("div", { class: "dialog-actions" }, button("Close", () => dialog.close(), "primary")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function group(name: string, lines: readonly Line[], label: (key: string) => string): HTMLElement {
  const rows = lines.map(([title, ...keys]) => {
    // Two keys of a Mac may be one elsewhere.
    const shown = [...new Set(keys.map(label))].flatMap((key, index) => [index > 0 && " ", h("kbd", {}, key)]);
    return h("tr", {}, h("th", { scope: "row" }, title), h("td", {}, ...shown));
  });
  return h("table", {}, h("caption", {}, name), h("tbody", {}, ...rows));
}
