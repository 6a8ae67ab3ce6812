// What a commit changed in a file: the file of its first parent beside its own.

import { type BesideContext, problemOf, showBeside } from "./beside";
import type { Git, GitCommitDetails, GitFileChange } from "./git";
import type { Decoded } from "./text";

export interface CompareContext extends BesideContext {
  readonly git: Git;
  /** The text of bytes that a file of this path had. */
  decode(path: string, bytes: Uint8Array): Decoded;
}

/** Covers the editor with both versions, to be read, until they are closed. Throws ApiError. */
export async function showFileChange(context: CompareContext, commit: GitCommitDetails, { path, letter, source }: GitFileChange): Promise<void> {
  const { git } = context;
  const parent = commit.parents[0];
  const [before, after] = await Promise.all([parent !== undefined && letter !== "A" ? git.file(source ?? path, parent) : null, letter !== "D" ? git.file(path, commit.id) : null]);
  const id = commit.id.slice(0, 7);
  const files = [before, after].filter((bytes) => bytes !== null).map((bytes) => ({ bytes, size: bytes.length }));
  const nothing = "There is no file of this name in the commit: it may be a repository of its own.";
  const textOf = (bytes: Uint8Array | null): string => (bytes ? context.decode(path, bytes).text : "");
  await showBeside(context, {
    path,
    title: `in ${id}`,
    names: { theirs: parent === undefined ? "Nothing before" : `Before, in ${parent.slice(0, 7)}`, mine: `In ${id}` },
    theirs: textOf(before),
    mine: textOf(after),
    problem: files.length === 0 ? nothing : problemOf(files),
  });
}
