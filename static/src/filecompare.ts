// Two files of the project beside each other.

import type { Api } from "./api";
import { problemOf, showBeside } from "./beside";
import { MOST_EDITABLE } from "./editor/bytes";
import { formatName } from "./format";
import type { Ide } from "./ide";

// Enough to tell what a file is that is too large.
const PROBE = 64 * 1024;

/** Covers the editor with both, as they are in their editors or else on the disk. Throws ApiError. */
export async function compareFiles(ide: Ide, api: Api, project: string, before: string, after: string): Promise<void> {
  const { documents } = ide;
  const read = async (path: string): Promise<{ readonly text: string; readonly bytes: Uint8Array; readonly size: number }> => {
    const open = documents.find(path);
    if (open?.kind === "text") return { text: open.state.doc.toString(), bytes: new Uint8Array(), size: 0 };
    const { bytes, size } = await api.readFile(project, path, { most: MOST_EDITABLE, otherwise: PROBE });
    return { text: documents.encodings.decode(path, bytes).text, bytes, size };
  };
  const [theirs, mine] = await Promise.all([read(before), read(after)]);
  const problem = problemOf([theirs, mine]);
  if (!problem && theirs.text === mine.text) return ide.store.notify("Both files have the same text.");
  ide.store.show("editor");
  await showBeside(
    { area: ide.editor, extensions: ide.extensions, isNarrow: () => ide.workbench.isNarrow, open: (path) => void ide.openFile(path) },
    { path: after, title: `beside ${formatName(before)}`, names: { theirs: formatName(before), mine: formatName(after) }, theirs: theirs.text, mine: mine.text, problem },
  );
}
