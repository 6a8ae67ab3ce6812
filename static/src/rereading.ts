// Reads an open file anew, in the encoding that the person chooses.

import type { Document, Documents } from "./documents";
import type { Encoding } from "./encodings";

/** Null has the bytes tell the encoding. What is unsaved is asked about, and what is typed meanwhile too. Throws ApiError, and changes nothing then. */
export async function readAs(documents: Documents, document: Document, encoding: Encoding | null): Promise<void> {
  const { encodings } = documents;
  const path = document.path.get();
  const before = encodings.of(path);
  let anew = false;
  try {
    while (!anew) {
      if (document.kind === "text" && document.dirty.get() && !(await documents.settle(document))) return;
      encodings.choose(path, encoding);
      anew = await documents.readAnew(document);
      // Until then the text is one in the encoding before.
      if (!anew) encodings.choose(path, before);
    }
  } catch (error) {
    encodings.choose(path, before);
    throw error;
  }
}
