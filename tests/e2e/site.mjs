// Serves the demo as `cargo xtask demo` does: www/ at /, the built package at /aludel/.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".map": "application/json",
};

/**
 * Starts the server on a free port of localhost.
 * @returns {Promise<{ port: number, close: () => void }>}
 */
export async function serve() {
  const mounts = [["/aludel/", process.env.ALUDEL_PKG || join(root, "pkg")], ["/", join(root, "www")]];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const [prefix, directory] = mounts.find(([start]) => path.startsWith(start));
    const rest = normalize(path.slice(prefix.length) || "index.html");
    try {
      if (rest.startsWith("..")) throw new Error("outside");
      const body = await readFile(join(directory, rest));
      response.writeHead(200, { "content-type": TYPES[extname(rest)] ?? "application/octet-stream", "cache-control": "no-store" });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
