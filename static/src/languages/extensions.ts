// What an editor gains from a language server that runs.

import { autocompletion } from "@codemirror/autocomplete";
import { lintGutter } from "@codemirror/lint";
import { hoverTooltips, type LSPClient, serverCompletionSource, signatureHelp } from "@codemirror/lsp-client";
import type { Extension } from "@codemirror/state";

export function editorExtensions({ serverCapabilities }: LSPClient): Extension {
  return [
    // The server knows all that the editor's own lists know, and better.
    serverCapabilities?.completionProvider ? autocompletion({ override: [serverCompletionSource] }) : [],
    hoverTooltips(),
    signatureHelp(),
    lintGutter(),
  ];
}
