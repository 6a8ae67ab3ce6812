// Vim's keys. Loaded when they are chosen.

import type { Extension } from "@codemirror/state";
import { EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { getCM, Vim, vim } from "@replit/codemirror-vim";
import type { VimActions } from "./keymaps";

interface Mode {
  readonly mode: string;
  readonly subMode?: string;
}

/** Vim in every editor of the page. `show` hears of the mode of the one that has the keyboard. */
export function vimKeys(actions: VimActions, show: (mode: string) => void): Extension {
  defineCommands(actions);
  return [vim(), ViewPlugin.define((view) => followMode(view, show)), looks];
}

function followMode(view: EditorView, show: (mode: string) => void): { update(update: ViewUpdate): void; destroy(): void } {
  let now = "normal";
  const vimOf = getCM(view);
  const handle = ({ mode, subMode }: Mode): void => {
    now = subMode ? `${mode} ${subMode === "linewise" ? "line" : "block"}` : mode;
    show(now);
  };
  vimOf?.on("vim-mode-change", handle);
  return {
    update: (update) => update.focusChanged && view.hasFocus && show(now),
    destroy: () => vimOf?.off("vim-mode-change", handle),
  };
}

/** They are Vim's for the whole page, and act on the tab in front, whose editor has the keyboard. */
function defineCommands(actions: VimActions): void {
  const define = (name: string, short: string, run: (forced: boolean) => Promise<void>): void =>
    Vim.defineEx(name, short, (_, { argString }) => {
      // Without arguments there is no string of them, whatever its type says.
      const forced = argString?.trim() === "!";
      // Vim goes on with its editor after the command, and must find it there.
      queueMicrotask(() => void run(forced).catch((error: unknown) => actions.report(error)));
    });
  define("write", "w", () => actions.save());
  define("wall", "wa", () => actions.saveAll());
  define("quit", "q", (forced) => actions.close(forced));
  define("qall", "qa", () => actions.closeAll());
  for (const [name, short] of [["wq", "wq"], ["xit", "x"]] as const) define(name, short, () => actions.save().then(() => actions.close(false)));
}

// Vim's own colours are for a light page alone. A cursor that waits for the rest of a command has no letter in it.
const looks = EditorView.theme({
  ".cm-fat-cursor": { backgroundColor: "var(--accent) !important" },
  ".cm-fat-cursor:not([style*='transparent'])": { color: "var(--on-accent) !important" },
  "&:not(.cm-focused) .cm-fat-cursor": { background: "none !important", outline: "solid 1px var(--accent) !important" },
  ".cm-vim-panel": { fontFamily: "var(--mono)", fontSize: "12px", padding: "4px 10px" },
  ".cm-vim-panel input": { color: "var(--text)", fontFamily: "inherit", fontSize: "inherit" },
});
