import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { build, type Metafile } from "esbuild";

// npm runs scripts in the folder of package.json.
const SOURCE = join(process.cwd(), "static/src");

async function imports(): Promise<Metafile["inputs"]> {
  const names = await readdir(SOURCE, { recursive: true });
  const entryPoints = names.filter((name) => name.endsWith(".ts")).map((name) => join(SOURCE, name));
  const { metafile } = await build({ entryPoints, outdir: "unused", absWorkingDir: SOURCE, bundle: true, write: false, format: "esm", splitting: true, metafile: true, packages: "external", logLevel: "silent" });
  return metafile.inputs;
}

/** Imports that remain at run time, without what is loaded on demand. */
function edges(inputs: Metafile["inputs"]): Map<string, string[]> {
  return new Map(Object.entries(inputs).map(([path, { imports: found }]) => [path, found.filter((item) => item.kind === "import-statement" && !item.external).map((item) => item.path)]));
}

test("no module reaches itself by its imports", async () => {
  const graph = edges(await imports());
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(path), `cycle: ${[...trail, path].join(" -> ")}`);
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  assert.ok(done.size > 30);
});

test("imports go one way: leaves, sockets and calls, state, editor and commands, views, pages", async () => {
  const graph = edges(await imports());
  const allowed: readonly (readonly [RegExp, RegExp])[] = [
    [/^(lifecycle|icons|storage|encodings|fuzzy|format|clock|content)\.ts$/, /^$/],
    [/^text\.ts$/, /^encodings\.ts$/],
    [/^(dom|wire|config)\.ts$/, /^(lifecycle|wire)\.ts$/],
    [/^(api|apierror|socket|events|store)\.ts$/, /^(lifecycle|wire|clock|api|apierror|socket|config|content)\.ts$/],
    [/^(commands|drafts|csp|theme)\.ts$/, /^(lifecycle|dom|storage)\.ts$/],
    [/^editor\//, /^(editor\/|editorconfig\/|[a-z]+\.ts$)/],
    [/^widgets\//, /^(widgets\/|dom\.ts|icons\.ts|lifecycle\.ts)/],
    [/^views\//, /^(?!ide|projects\.ts|main)/],
  ];
  for (const [from, targets] of graph) {
    const rule = allowed.find(([layer]) => layer.test(from));
    for (const to of targets) if (rule) assert.match(to, rule[1], `${from} must not import ${to}`);
  }
});

test("views know no other view", async () => {
  for (const [from, targets] of edges(await imports())) {
    // A form and its rows are one thing in two files.
    if (!from.startsWith("views/") || from === "views/create.ts") continue;
    for (const to of targets) assert.ok(!to.startsWith("views/"), `${from} must not import ${to}`);
  }
});

/** What no module may contain, with the reason. Comments are left out. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [/innerHTML|outerHTML|insertAdjacentHTML|document\.write(ln)?\(|DOMParser/, "elements are built with h() of dom.ts"],
  [/\beval\(|new Function\(/, "the content security policy refuses it"],
  [/\.setAttribute\("style"/, "the content security policy refuses it; set element.style"],
  [/(:|\bas|<|\|)\s*any\b/, "name the type, or use unknown and look"],
  [/[\w)\]]!(?=[.;,)\][])/, "look whether it is there instead of asserting that it is"],
  [/@ts-(ignore|nocheck|expect-error)/, "say it with types"],
];
const MOST_LINES = 400;

test("modules are short, and free of what the page refuses or the types hide", async () => {
  const names = (await readdir(SOURCE, { recursive: true })).filter((name) => name.endsWith(".ts"));
  assert.ok(names.length > 30);
  for (const name of names) {
    const lines = (await readFile(join(SOURCE, name), "utf8")).split("\n");
    assert.ok(lines.length <= MOST_LINES, `${name} has ${lines.length} lines, at most ${MOST_LINES} are wanted`);
    for (const [index, line] of lines.entries()) {
      if (/^\s*(\/\/|\/?\*)/.test(line)) continue;
      // They parse in a document of its own: one builds what it lets through, the other gets what safeHtml let through.
      if ((name === "rendered/clean.ts" || name === "languages/documentation.ts") && line.includes("DOMParser")) continue;
      for (const [pattern, advice] of FORBIDDEN) assert.doesNotMatch(line, pattern, `${name}:${index + 1}: ${advice}`);
    }
  }
});
