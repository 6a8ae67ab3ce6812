// Bundles the browser's code: `node static/build.mjs [--watch]`.
//
// The entries keep their names, so that templates can name them; chunks carry a hash of their content, so that browsers may keep
// them for ever. manifest.json names the chunks that each page needs at once, to be preloaded beside the entry.

import { build, context } from "esbuild";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = join(root, "dist");
const watching = process.argv.includes("--watch");

const options = {
  absWorkingDir: root,
  entryPoints: ["src/main.ts", "css/main.css", "css/rendered.css"],
  outdir: dist,
  entryNames: "[name]",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  minify: !watching,
  sourcemap: watching ? "inline" : false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};

// Each one plain script: what the pages begin with, what runs in pages of the apps before anything of theirs, and the rendered view.
const plainScripts = { ...options, entryPoints: ["src/boot.ts", "src/preview/page.ts", "src/rendered/rendered.ts"], entryNames: "[name]", splitting: false, format: "iife", metafile: false };

/** The modules that each page of main.ts imports on demand, by the name of the page. */
const PAGES = { projects: "src/projects.ts", ide: "src/ide.ts", onlooker: "src/onlooker.ts" };

/** Paths of an output and all that it imports statically, as the browser asks for them. */
function closure(outputs, path, seen = new Set()) {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const imported of outputs[path].imports) {
    if (imported.kind === "import-statement") closure(outputs, imported.path, seen);
  }
  return seen;
}

async function writeManifest(metafile) {
  const { outputs } = metafile;
  const manifest = {};
  for (const [page, entry] of Object.entries(PAGES)) {
    const start = Object.keys(outputs).find((path) => outputs[path].entryPoint === entry);
    manifest[page] = start ? [...closure(outputs, start)].map((path) => `/static/${path}`) : [];
  }
  await writeFile(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** Writes file.br and file.gz beside each bundle, so that the server never compresses one while it answers. */
async function compressAll() {
  const [brotli, zip] = [promisify(brotliCompress), promisify(gzip)];
  for (const path of (await filesBelow(dist)).filter((name) => /\.(js|css)$/.test(name))) {
    const content = await readFile(path);
    const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    await writeFile(`${path}.br`, await brotli(content, { params }));
    await writeFile(`${path}.gz`, await zip(content, { level: 9 }));
  }
}

async function sizeOf(paths) {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function report(manifest) {
  for (const [page, chunks] of Object.entries(manifest)) {
    const urls = new Set([...chunks, "/static/dist/boot.js", "/static/dist/main.js", "/static/dist/main.css"]);
    const paths = [...urls].map((url) => join(root, relative("/static", url)));
    const kib = async (suffix) => ((await sizeOf(paths.map((path) => path + suffix))) / 1024).toFixed(1);
    console.log(`${page}: ${await kib(".br")} KiB brotli, ${await kib(".gz")} KiB gzip, ${await kib("")} KiB plain`);
  }
}

await rm(dist, { recursive: true, force: true });
if (watching) {
  const manifest = { name: "manifest", setup: (on) => on.onEnd((result) => result.metafile && writeManifest(result.metafile)) };
  await build(plainScripts);
  const watcher = await context({ ...options, plugins: [manifest] });
  await watcher.watch();
} else {
  const [{ metafile }] = await Promise.all([build(options), build(plainScripts)]);
  const manifest = await writeManifest(metafile);
  await compressAll();
  await report(manifest);
}
