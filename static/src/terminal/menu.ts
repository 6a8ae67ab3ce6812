// The terminal menu.

import type { MenuItem } from "../widgets/menu";
import type { Sizing } from "../wire";
import { type Entry, label } from "./entry";
import type { TerminalPane } from "./pane";
import type { TerminalPreferences } from "./preferences";
import { showViewers } from "./viewers";

export interface PaneActions {
  readonly rename: () => void;
  readonly setRecorded: (on: boolean) => void;
  readonly setSizing: (sizing: Sizing) => void;
  readonly openCopy: () => void;
}

/** What can be done with the terminal in use. */
export function paneItems(entry: Entry, pane: TerminalPane, actions: PaneActions): readonly MenuItem[] {
  const { terminal } = entry;
  const recorded = !!terminal?.recording;
  const latest = terminal?.sizing === "latest";
  const then = (run: () => unknown) => (): void => {
    run();
    pane.focus();
  };
  return [
    { label: "Find", key: "Ctrl+Shift+F", run: () => pane.openSearch() },
    { label: "Copy", key: "Ctrl+Shift+C", run: then(() => pane.copySelection()) },
    { label: "Paste", key: "Ctrl+Shift+V", run: () => void pane.pasteClipboard() },
    { label: "Select all", run: then(() => pane.screen.terminal.selectAll()) },
    { label: "Clear", run: then(() => pane.screen.terminal.clear()) },
    { label: "Interrupt", key: "Ctrl+C", run: then(() => pane.session.signal("INT")) },
    { label: "Rename…", key: "F2", run: actions.rename },
    { label: `Who is attached (${terminal?.viewers ?? 1})…`, run: () => void showViewers(label(entry), terminal) },
    { label: "Open a view-only copy", run: actions.openCopy },
    { label: latest ? "Size to the smallest viewer" : "Size to who types", run: () => actions.setSizing(latest ? "smallest" : "latest") },
    { label: recorded ? "Stop recording" : "Record this terminal", run: () => actions.setRecorded(!recorded) },
  ];
}

/** How all terminals look. */
export function lookItems(preferences: TerminalPreferences): readonly MenuItem[] {
  const reader = preferences.screenReader.get();
  return [
    { label: "Larger text", run: () => preferences.zoom(1) },
    { label: "Smaller text", run: () => preferences.zoom(-1) },
    { label: "Usual text size", run: () => preferences.zoom(0) },
    { label: `Screen reader mode: turn ${reader ? "off" : "on"}`, run: () => preferences.toggleScreenReader() },
  ];
}
