// The languages that have servers, by the names of their files.

/** As the server's address calls them. */
export type ServerLanguage = "typescript" | "python" | "html" | "css" | "json" | "nix";

export interface Served {
  readonly server: ServerLanguage;
  /** As the protocol calls the language of the file: a server may know several. */
  readonly id: string;
}

const BY_EXTENSION: Readonly<Record<string, readonly [ServerLanguage, string]>> = {
  js: ["typescript", "javascript"],
  mjs: ["typescript", "javascript"],
  cjs: ["typescript", "javascript"],
  jsx: ["typescript", "javascriptreact"],
  ts: ["typescript", "typescript"],
  mts: ["typescript", "typescript"],
  cts: ["typescript", "typescript"],
  tsx: ["typescript", "typescriptreact"],
  py: ["python", "python"],
  pyi: ["python", "python"],
  html: ["html", "html"],
  htm: ["html", "html"],
  css: ["css", "css"],
  scss: ["css", "scss"],
  less: ["css", "less"],
  json: ["json", "json"],
  jsonc: ["json", "jsonc"],
  nix: ["nix", "nix"],
};
const TITLES: Readonly<Record<ServerLanguage, string>> = { typescript: "TypeScript", python: "Python", html: "HTML", css: "CSS", json: "JSON", nix: "Nix" };
// JSON with comments, whatever its name says.
const COMMENTED = /(^|\/)([tj]sconfig[^/]*|\.eslintrc)\.json$/;

/** Null for a file in a language without a server. */
export function servedOf(path: string): Served | null {
  const found = BY_EXTENSION[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ""];
  if (!found) return null;
  return { server: found[0], id: COMMENTED.test(path) ? "jsonc" : found[1] };
}

export function titleOf(language: ServerLanguage): string {
  return TITLES[language];
}
