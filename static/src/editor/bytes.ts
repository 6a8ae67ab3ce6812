// Between the bytes of a file and the document of an editor.

import { EditorState, type Extension, Text } from "@codemirror/state";
import { ApiError } from "../api";
import { unencodable } from "../encodings";
import { type Decoded, encode, type Format } from "../text";

/** Bytes up to which a file opens in the editor. Above, typing gets slow, and a save takes long. */
export const MOST_EDITABLE = 5 * 1024 * 1024;
/** Bytes up to which it does when somebody asks for it all the same. */
export const MOST_AT_ALL = 50 * 1024 * 1024;

// A program that is one line of this many characters is colored and broken anew, as a whole, at each key.
const LONG_LINE = 100_000;

/** Whether the text is shown without colours, and with its lines unbroken. */
export function hasLongLine(text: Text): boolean {
  for (const line of text.iterLines()) if (line.length > LONG_LINE) return true;
  return false;
}

export function textOf(text: string): Text {
  return Text.of(text.split("\n"));
}

// A file that mixes line breaks keeps each as it is: only "\n" ends a line, and every "\r" stays a character of it.
export function separatorOf(format: Format): Extension {
  return format.lineBreak === null ? EditorState.lineSeparator.of("\n") : [];
}

/** Why the file can't be edited; null when it can. */
export function readOnlyReason({ format, damaged }: Decoded): string | null {
  if (damaged) return `This file is not quite ${format.encoding.toUpperCase()}. It opens read-only, so that saving can't damage it.`;
  return null;
}

/** What is to be written. Throws ApiError, which says what the text has that its encoding has not. */
export function bytesOf(doc: Text, format: Format): Uint8Array<ArrayBuffer> {
  const bytes = encode(doc.toString(), format);
  if (bytes) return bytes;
  const character = unencodable(doc.toString(), format.encoding) ?? "";
  const line = doc.lineAt(doc.toString().indexOf(character)).number;
  const encoding = format.encoding.toUpperCase();
  throw new ApiError(422, "Not saved", `Not saved: ${encoding} has no “${character}”, which is in line ${line}. Take it out, or choose “Save in another encoding…”.`);
}
