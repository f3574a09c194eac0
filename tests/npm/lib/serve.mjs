// A plain static server: no COOP, no COEP; other headers if asked for.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
  ".wasm": "application/wasm", ".json": "application/json", ".map": "application/json",
};

/**
 * Serves directories by the beginning of the path, the first that fits.
 * @param {Record<string, string>} mounts from paths that end with a slash to directories.
 * @returns {Promise<{ origin: string, close: () => void, missing: string[] }>}
 */
export async function serve(mounts, headers = {}) {
  const missing = [];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const prefix = Object.keys(mounts).find((start) => path.startsWith(start));
    const rest = normalize(path.slice(prefix?.length ?? 0) || "index.html");
    try {
      if (prefix === undefined || rest.startsWith("..")) throw new Error("outside");
      const body = await readFile(join(mounts[prefix], rest));
      response.writeHead(200, { "content-type": TYPES[extname(rest)] ?? "application/octet-stream", ...headers });
      response.end(body);
    } catch {
      missing.push(path);
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://localhost:${server.address().port}`,
    missing,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
