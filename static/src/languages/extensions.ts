// What an editor gains from a language server that runs.

import { autocompletion } from "@codemirror/autocomplete";
import { lintGutter } from "@codemirror/lint";
import { hoverTooltips, signatureHelp } from "@codemirror/lsp-client";
import { type Extension, Prec } from "@codemirror/state";
import { closeHoverTooltips, type EditorView, hasHoverTooltips, keymap } from "@codemirror/view";
import type { ServerClient } from "./client";
import { completionsOf } from "./completion";
import { occurrences } from "./occurrences";

export function editorExtensions(client: ServerClient, notify: (sentence: string) => void): Extension {
  return [
    // The server knows all that the editor's own lists know, and better.
    client.serverCapabilities?.completionProvider ? autocompletion({ override: [completionsOf(client, notify)] }) : [],
    client.serverCapabilities?.documentHighlightProvider ? occurrences() : [],
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
