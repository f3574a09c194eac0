// Serves the benchmark's page, the package and the peers on localhost.
import { createServer } from "node:http";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const peers = join(root, "tests", "node_modules");

/** Prefix of the address to folder on disk. */
const FOLDERS = {
  "/bench/": join(root, "benches", "page"),
  "/aludel/": join(root, "pkg"),
  "/sqlite-wasm/": join(peers, "@sqlite.org", "sqlite-wasm", "dist"),
  "/sql.js/": join(peers, "sql.js", "dist"),
};

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** The package's module as an app has it: bundled into one file, beside the worker and its wasm. */
const BUNDLE = "/aludel/bundle.js";
let bundled;

async function bundle() {
  const { build } = createRequire(join(root, "tests", "package.json"))("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(root, "pkg", "index.js")],
    bundle: true,
    format: "esm",
    minify: true,
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].contents;
}

/** Starts the server on a free port; `isolated` adds COOP and COEP. */
export async function serve({ isolated = false } = {}) {
  // Made now, so that no page waits for it.
  if (existsSync(join(root, "pkg", "index.js"))) bundled = await bundle();
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const prefix = Object.keys(FOLDERS).find((prefix) => path.startsWith(prefix));
    const file = prefix && normalize(join(FOLDERS[prefix], path.slice(prefix.length)));
    try {
      if (!file?.startsWith(FOLDERS[prefix] + sep)) throw new Error("outside");
      const body = path === BUNDLE ? (bundled ?? "") : await readFile(file);
      response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
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
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
