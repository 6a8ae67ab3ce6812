// Which language a file is in, by its name or by what its first line says runs it. Each is loaded when the first file in it is opened.

import { LanguageSupport, StreamLanguage, type StreamParser } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { nameOf } from "../files";
import { load } from "../loading";
import { bounded } from "./completion";

export interface Language {
  readonly name: string;
  /** What comes after the last dot, in lower case. */
  readonly extensions: readonly string[];
  /** Whole names, in lower case. */
  readonly names?: readonly string[];
  /** Programs, in lower case and without their version, that a first line like `#!/usr/bin/env python3` names. */
  readonly interpreters?: readonly string[];
  /** By which a text that has no indentation yet is indented; two spaces when left out. */
  readonly indent?: string;
  readonly load: () => Promise<Extension>;
}

const FOUR = "    ";
/** Characters of a first line that are looked at. */
const LONGEST_PROGRAM = 200;

function legacy<M>(module: Promise<M>, pick: (module: M) => StreamParser<unknown>): Promise<Extension> {
  return module.then((loaded) => new LanguageSupport(StreamLanguage.define(pick(loaded))));
}

const javascript = async (options: { jsx?: boolean; typescript?: boolean }): Promise<Extension> => (await import("./javascript")).javascript(options);

async function python(): Promise<Extension> {
  const { globalCompletion, localCompletionSource, pythonLanguage } = await import("@codemirror/lang-python");
  return new LanguageSupport(pythonLanguage, [globalCompletion, bounded(localCompletionSource)].map((autocomplete) => pythonLanguage.data.of({ autocomplete })));
}

export const LANGUAGES: readonly Language[] = [
  { name: "JavaScript", extensions: ["js", "mjs", "cjs", "jsx"], interpreters: ["node", "nodejs", "deno", "bun"], load: () => javascript({ jsx: true }) },
  { name: "TypeScript", extensions: ["ts", "mts", "cts"], interpreters: ["ts-node", "tsx"], load: () => javascript({ typescript: true }) },
  { name: "TypeScript JSX", extensions: ["tsx"], load: () => javascript({ typescript: true, jsx: true }) },
  {
    name: "JSON",
    extensions: ["json", "map", "webmanifest", "ipynb"],
    names: ["flake.lock", ".prettierrc", ".eslintrc"],
    load: async () => (await import("@codemirror/lang-json")).json(),
  },
  { name: "HTML", extensions: ["html", "htm", "vue", "svelte", "ejs", "hbs", "njk", "j2"], load: async () => (await import("@codemirror/lang-html")).html() },
  { name: "CSS", extensions: ["css"], load: async () => (await import("@codemirror/lang-css")).css() },
  { name: "Markdown", extensions: ["md", "markdown", "mdx"], load: async () => (await import("@codemirror/lang-markdown")).markdown() },
  { name: "Python", extensions: ["py", "pyi", "pyw"], interpreters: ["python", "pypy"], indent: FOUR, load: python },
  { name: "YAML", extensions: ["yaml", "yml"], load: async () => (await import("@codemirror/lang-yaml")).yaml() },
  { name: "Nix", extensions: ["nix"], load: async () => (await import("@replit/codemirror-lang-nix")).nix() },
  { name: "TOML", extensions: ["toml"], names: ["cargo.lock", "poetry.lock"], load: () => legacy(import("@codemirror/legacy-modes/mode/toml"), (m) => m.toml) },
  {
    name: "Shell",
    extensions: ["sh", "bash", "zsh", "ksh", "profile"],
    names: [".bashrc", ".profile", ".bash_profile", ".zshrc", ".envrc", ".env", "pkgbuild"],
    interpreters: ["sh", "bash", "zsh", "ksh", "dash"],
    load: () => legacy(import("@codemirror/legacy-modes/mode/shell"), (m) => m.shell),
  },
  { name: "Dockerfile", extensions: ["dockerfile"], names: ["dockerfile", "containerfile"], load: () => legacy(import("@codemirror/legacy-modes/mode/dockerfile"), (m) => m.dockerFile) },
  { name: "Properties", extensions: ["ini", "properties", "conf", "cfg"], names: [".editorconfig", ".npmrc", ".gitconfig"], load: () => legacy(import("@codemirror/legacy-modes/mode/properties"), (m) => m.properties) },
  { name: "XML", extensions: ["xml", "svg", "xsl", "plist"], load: () => legacy(import("@codemirror/legacy-modes/mode/xml"), (m) => m.xml) },
  { name: "SQL", extensions: ["sql"], load: () => legacy(import("@codemirror/legacy-modes/mode/sql"), (m) => m.standardSQL) },
  { name: "Go", extensions: ["go"], indent: "\t", load: () => legacy(import("@codemirror/legacy-modes/mode/go"), (m) => m.go) },
  { name: "Rust", extensions: ["rs"], indent: FOUR, load: () => legacy(import("@codemirror/legacy-modes/mode/rust"), (m) => m.rust) },
  { name: "Ruby", extensions: ["rb", "rake", "gemspec"], names: ["gemfile", "rakefile"], interpreters: ["ruby"], load: () => legacy(import("@codemirror/legacy-modes/mode/ruby"), (m) => m.ruby) },
  { name: "C", extensions: ["c", "h"], indent: FOUR, load: () => legacy(import("@codemirror/legacy-modes/mode/clike"), (m) => m.c) },
  { name: "C++", extensions: ["cc", "cpp", "cxx", "hpp", "hh"], indent: FOUR, load: () => legacy(import("@codemirror/legacy-modes/mode/clike"), (m) => m.cpp) },
  { name: "Java", extensions: ["java"], indent: FOUR, load: () => legacy(import("@codemirror/legacy-modes/mode/clike"), (m) => m.java) },
  { name: "Kotlin", extensions: ["kt", "kts"], indent: FOUR, load: () => legacy(import("@codemirror/legacy-modes/mode/clike"), (m) => m.kotlin) },
  { name: "C#", extensions: ["cs"], indent: FOUR, load: () => legacy(import("@codemirror/legacy-modes/mode/clike"), (m) => m.csharp) },
  { name: "Lua", extensions: ["lua"], interpreters: ["lua"], load: () => legacy(import("@codemirror/legacy-modes/mode/lua"), (m) => m.lua) },
  { name: "Perl", extensions: ["pl", "pm"], interpreters: ["perl"], load: () => legacy(import("@codemirror/legacy-modes/mode/perl"), (m) => m.perl) },
  { name: "R", extensions: ["r"], interpreters: ["rscript"], load: () => legacy(import("@codemirror/legacy-modes/mode/r"), (m) => m.r) },
  { name: "Swift", extensions: ["swift"], indent: FOUR, load: () => legacy(import("@codemirror/legacy-modes/mode/swift"), (m) => m.swift) },
  { name: "Sass", extensions: ["scss", "less"], load: () => legacy(import("@codemirror/legacy-modes/mode/css"), (m) => m.sCSS) },
  { name: "Diff", extensions: ["diff", "patch"], load: () => legacy(import("@codemirror/legacy-modes/mode/diff"), (m) => m.diff) },
  { name: "Makefile", extensions: ["mk"], names: ["makefile", "gnumakefile"], indent: "\t", load: async () => [] },
  { name: "CMake", extensions: ["cmake"], names: ["cmakelists.txt"], load: () => legacy(import("@codemirror/legacy-modes/mode/cmake"), (m) => m.cmake) },
  { name: "nginx", extensions: [], names: ["nginx.conf"], load: () => legacy(import("@codemirror/legacy-modes/mode/nginx"), (m) => m.nginx) },
];

/** The language of a file of this name, and of this first line as far as it is known; null for plain text. */
export function languageOf(name: string, firstLine = ""): Language | null {
  const lower = name.toLowerCase();
  const extension = lower.slice(lower.lastIndexOf(".") + 1);
  const byName = LANGUAGES.find((language) => language.names?.includes(lower));
  // Dockerfile.dev and .env.local are what their first part says.
  const stem = LANGUAGES.find((language) => language.names?.some((known) => lower.startsWith(`${known}.`)));
  const program = interpreterOf(firstLine);
  const byProgram = LANGUAGES.find((language) => language.interpreters?.includes(program));
  return byName ?? LANGUAGES.find((language) => language.extensions.includes(extension)) ?? stem ?? byProgram ?? null;
}

function interpreterOf(firstLine: string): string {
  if (!firstLine.startsWith("#!")) return "";
  const names = firstLine.slice(2, LONGEST_PROGRAM).trim().split(/\s+/).map(nameOf);
  // Options and variables may come before the program's name.
  const name = names[0] === "env" ? names.slice(1).find((word) => !/^-|=/.test(word)) : names[0];
  return (name ?? "").toLowerCase().replace(/[\d.]+$/, "");
}

/** For an editor of a text in this language. Rejects when it can't be fetched. */
export async function loadLanguage(language: Language | null): Promise<Extension> {
  return language ? load(language.load) : [];
}

/** For a text that can be read without its colours, too: nothing when they can't be fetched. Never rejects. */
export function languageFor(path: string): Promise<Extension> {
  return loadLanguage(languageOf(nameOf(path))).catch(() => []);
}
