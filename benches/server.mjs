// Serves the benchmark's page, the package and the peers on localhost, and counts what pages load of them.
import { createServer } from "node:http";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join, normalize, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const workers = join(root, "benches", "page", "workers");
const installed = createRequire(join(root, "tests", "package.json"));
const modules = join(root, "tests", "node_modules");
/** The package that is measured: `pkg/` as `cargo xtask package` leaves it, or $ALUDEL_PKG. */
export const pkg = process.env.ALUDEL_PKG ? resolve(process.env.ALUDEL_PKG) : join(root, "pkg");

/** Where the official package lies that SQLocal brings along. */
function wasmOfSqlocal() {
  const own = createRequire(join(modules, "sqlocal", "package.json"));
  return dirname(own.resolve("@sqlite.org/sqlite-wasm/sqlite3.wasm"));
}

const officialDist = join(modules, "@sqlite.org", "sqlite-wasm", "dist");

/** Prefix of the address to folder on disk. */
const FOLDERS = {
  "/bench/": join(root, "benches", "page"),
  "/aludel/": pkg,
  "/sql.js/": join(modules, "sql.js", "dist"),
  // What the bundles below load beside themselves: their wasm, and workers of their own.
  "/peers/sqlite-wasm/": officialDist,
  "/peers/wa-sqlite/": join(modules, "@journeyapps", "wa-sqlite", "dist"),
  "/peers/sqlocal/": existsSync(join(modules, "sqlocal")) ? wasmOfSqlocal() : modules,
};

/** Modules as an app has them, bundled into one file each and minified: by address. */
const BUNDLES = {
  // Of the package what the page imports: a bundler leaves out the rest.
  "/aludel/bundle.js": { contents: 'export { createEngine, text } from "./index.js";', resolveDir: pkg },
  "/peers/sqlite-wasm/worker.js": join(workers, "sqlite-wasm.js"),
  "/peers/wa-sqlite/ahead.js": join(workers, "wa-ahead.js"),
  "/peers/wa-sqlite/coop.js": join(workers, "wa-coop.js"),
  "/peers/sqlocal/client.js": join(modules, "sqlocal", "dist", "client.js"),
  "/peers/sqlocal/worker.js": join(modules, "sqlocal", "dist", "worker.js"),
};
/** These the packages would have bundled as well. */
const MINIFIED = /^\/peers\/.*\.m?js$/;

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** What this page never loads of it, which a bundler leaves in files of their own: SQLite for databases without a worker. */
const LEFT_OUT = { "/peers/sqlocal/client.js": ["@sqlite.org/sqlite-wasm"] };

async function bundle(path, entry) {
  const { outputFiles } = await installed("esbuild").build({
    ...(typeof entry === "string" ? { entryPoints: [entry] } : { stdin: entry }),
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    write: false,
    logLevel: "error",
    nodePaths: [modules],
    conditions: ["browser"],
    external: LEFT_OUT[path] ?? [],
  });
  return Buffer.from(outputFiles[0].contents);
}

/** Starts the server on a free port; `peers` are bundled for those who measure them, `isolated` adds COOP and COEP. */
export async function serve({ peers = false, isolated = false } = {}) {
  // Made now, so that no page waits for it.
  const bundled = new Map();
  for (const [path, entry] of Object.entries(BUNDLES)) {
    if (existsSync(entry.resolveDir ? join(pkg, "index.js") : entry) && (peers || !path.startsWith("/peers/"))) bundled.set(path, await bundle(path, entry));
  }
  const minified = new Map();
  const compressed = new Map();
  let loaded = [];

  async function contents(path) {
    const known = bundled.get(path) ?? minified.get(path);
    if (known) return known;
    const prefix = Object.keys(FOLDERS).find((prefix) => path.startsWith(prefix));
    const file = prefix && normalize(join(FOLDERS[prefix], path.slice(prefix.length)));
    if (!file?.startsWith(FOLDERS[prefix] + sep)) throw new Error("outside");
    const body = await readFile(file);
    if (!MINIFIED.test(path)) return body;
    const { code } = await installed("esbuild").transform(body.toString(), { minify: true, target: "es2022" });
    minified.set(path, Buffer.from(code));
    return minified.get(path);
  }

  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    try {
      const body = await contents(path);
      // The page of the benchmark is nobody's download.
      if (!path.startsWith("/bench/")) loaded.push([path, body]);
      response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
      // What a second visit finds in the cache, as on a real site with hashed names.
      response.setHeader("cache-control", "max-age=3600");
      if (isolated) {
        response.setHeader("cross-origin-opener-policy", "same-origin");
        response.setHeader("cross-origin-embedder-policy", "require-corp");
      }
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end("not found");
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://localhost:${server.address().port}`,
    /** What was loaded since this was asked last: the files, each with its bytes as gzip -9 leaves them. */
    loaded() {
      const files = loaded.map(([path, body]) => {
        if (!compressed.has(path)) compressed.set(path, gzipSync(body, { level: 9 }).length);
        return [path, compressed.get(path)];
      });
      loaded = [];
      return files;
    },
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
