// What an editor gains from a language server that runs.

import { autocompletion } from "@codemirror/autocomplete";
import { lintGutter } from "@codemirror/lint";
import { hoverTooltips, type LSPClient, serverCompletionSource, signatureHelp } from "@codemirror/lsp-client";
import { type Extension, Prec } from "@codemirror/state";
import { closeHoverTooltips, type EditorView, hasHoverTooltips, keymap } from "@codemirror/view";

export function editorExtensions({ serverCapabilities }: LSPClient): Extension {
  return [
    // The server knows all that the editor's own lists know, and better.
    serverCapabilities?.completionProvider ? autocompletion({ override: [serverCompletionSource] }) : [],
    hoverTooltips(),
    signatureHelp(),
    lintGutter(),
    Prec.high(keymap.of([{ key: "Escape", run: closeTooltips }])),
  ];
}

function closeTooltips(view: EditorView): boolean {
  if (!hasHoverTooltips(view.state)) return false;
  view.dispatch({ effects: closeHoverTooltips });
  return true;
}
