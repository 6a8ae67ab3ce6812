// Which icon and colour a file has, by its name.

import { icons } from "../icons";

export interface FileIcon {
  /** Path data. */
  readonly path: string;
  /** Of the syntax colours, where the kind has one. */
  readonly tint: "function" | "string" | "constant" | "keyword" | "type" | "tag" | "meta" | null;
}

const shapes = {
  code: "M6 4.5L2.5 8 6 11.5M10 4.5L13.5 8 10 11.5",
  braces: "M6 2.5c-3 0-.6 4.7-3 5.5 2.4.8 0 5.5 3 5.5M10 2.5c3 0 .6 4.7 3 5.5-2.4.8 0 5.5-3 5.5",
  hash: "M6.5 3L5 13M11 3L9.5 13M3.5 6.2h9.5M3 9.8h9.5",
  text: "M3 4h10M3 7h10M3 10h10M3 13h6",
  picture: "M2 3h12v10H2zM2 11l3.5-3.5 3 3 2-2L14 12M10.5 6.3h.01",
  archive: "M2.5 2.5h11v3h-11zM3.5 5.5v8h9v-8M6.5 8h3",
  shell: "M2.5 4L6 8l-3.5 4M8 12h5.5",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  data: "M3 4c0-2 10-2 10 0v8c0 2-10 2-10 0zM3 4c0 2 10 2 10 0M3 8c0 2 10 2 10 0",
  gear: "M8 5.6a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6L5 5M11 11l1.4 1.4M3.6 12.4L5 11M11 5l1.4-1.4",
  branch: "M5 3v10M5 9c6 0 6-2 6-4M5 3.5h.01M5 12.8h.01M11 4.5h.01",
  sound: "M6 11.5V3.5l7-1v8M6 11.5a1.8 1.5 0 1 1-3.5 0 1.8 1.5 0 1 1 3.5 0M13 10.5a1.8 1.5 0 1 1-3.5 0 1.8 1.5 0 1 1 3.5 0",
} as const;

type Kind = readonly [keyof typeof shapes, FileIcon["tint"]];

const KINDS: readonly (readonly [Kind, string])[] = [
  [["code", "constant"], "js mjs cjs jsx"],
  [["code", "function"], "ts mts cts tsx py go c h cc cpp hpp cs swift kt java"],
  [["code", "tag"], "html htm xml svg vue svelte php rb rs"],
  [["code", "keyword"], "nix ex exs erl hs ml clj lua r jl scala dart zig"],
  [["braces", "constant"], "json jsonc json5 ndjson webmanifest"],
  [["hash", "function"], "css scss sass less"],
  [["text", "type"], "md markdown mdx rst adoc"],
  [["text", null], "txt log csv tsv tex"],
  [["picture", "string"], "png jpg jpeg gif webp avif bmp ico tif tiff"],
  [["sound", "keyword"], "mp3 wav ogg flac m4a mp4 webm mov mkv avi"],
  [["archive", "meta"], "zip gz tgz tar xz bz2 zst 7z rar jar whl"],
  [["shell", "string"], "sh bash zsh fish ps1 bat"],
  [["gear", "meta"], "toml yaml yml ini cfg conf env properties"],
  [["data", "type"], "sql db sqlite sqlite3 parquet"],
  [["lock", "meta"], "lock pem key crt"],
];
const NAMES: Readonly<Record<string, Kind>> = {
  ".gitignore": ["branch", "meta"],
  ".gitattributes": ["branch", "meta"],
  ".gitmodules": ["branch", "meta"],
  ".editorconfig": ["gear", "meta"],
  "package-lock.json": ["lock", "meta"],
  dockerfile: ["gear", "function"],
  makefile: ["gear", "constant"],
  license: ["text", "meta"],
};
const ENDINGS = new Map(KINDS.flatMap(([kind, endings]) => endings.split(" ").map((ending) => [ending, kind] as const)));

export function fileIcon(name: string): FileIcon {
  const lower = name.toLowerCase();
  const kind = NAMES[lower] ?? (lower.startsWith(".env") ? ENDINGS.get("env") : ENDINGS.get(lower.slice(lower.lastIndexOf(".") + 1)));
  return kind && (Object.hasOwn(NAMES, lower) || lower.includes(".")) ? { path: shapes[kind[0]], tint: kind[1] } : { path: icons.file, tint: null };
}
