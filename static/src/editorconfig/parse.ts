// What .editorconfig files say of a file.

import { globMatcher } from "./glob";

interface Section {
  readonly fits: (path: string) => boolean;
  readonly properties: ReadonlyMap<string, string>;
}

/** One file. */
export interface EditorConfig {
  /** No file of the folders above counts. */
  readonly root: boolean;
  readonly sections: readonly Section[];
}

/** A file, and the folder that its globs begin in. */
export interface Placed {
  readonly folder: string;
  readonly config: EditorConfig;
}

export interface Property {
  readonly value: string;
  /** The folder whose file says so. */
  readonly folder: string;
}

// The bounds that the specification sets, and a bound on what one file can make the page do.
const MOST_GLOB = 4096;
const MOST_NAME = 1024;
const MOST_VALUE = 4096;
const MOST_SECTIONS = 1000;

/** What can't be understood is left out, as the specification wants. */
export function parseEditorConfig(text: string): EditorConfig {
  const preamble = new Map<string, string>();
  const sections: Section[] = [];
  let properties = preamble;
  for (const raw of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      properties = new Map();
      if (header.length <= MOST_GLOB && sections.length < MOST_SECTIONS) sections.push({ fits: globMatcher(header), properties });
      continue;
    }
    const [, name = "", value = ""] = /^([^=]*[^=\s])\s*=\s*(.*)$/.exec(line) ?? [];
    if (name && name.length <= MOST_NAME && value.length <= MOST_VALUE) properties.set(name.toLowerCase(), value.toLowerCase());
  }
  return { root: preamble.get("root") === "true", sections };
}

/** The properties of `path` by the files of its folders, the outermost first; those of an inner file count more. */
export function propertiesOf(path: string, files: readonly Placed[]): ReadonlyMap<string, Property> {
  const found = new Map<string, Property>();
  const root = files.map(({ config }) => config.root).lastIndexOf(true);
  for (const { folder, config } of files.slice(Math.max(0, root))) {
    const relative = folder ? path.slice(folder.length + 1) : path;
    for (const { fits, properties } of config.sections) {
      if (fits(relative)) for (const [name, value] of properties) found.set(name, { value, folder });
    }
  }
  for (const [name, { value }] of found) if (value === "unset") found.delete(name);
  return found;
}
