// Serves the package and the pages, and takes down what the pages report: what is written here was really told to somebody
// outside the browser.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };
const pages = fileURLToPath(new URL("../page/", import.meta.url));

/** The directory of the package. */
export const pkg = process.env.ALUDEL_PKG || fileURLToPath(new URL("../../../pkg/", import.meta.url));

/**
 * The package is served below `/a/` and `/b/`, as two deployments would be. `hook` is what `page/hook.js` is told in a worker
 * that starts: it changes what the files of the worker do.
 */
export class Server {
  #server;
  /** What the next workers are told; null lets them be. */
  hook = null;
  /** Takes the events that a tab reports. */
  onReport = () => undefined;
  /** A worker has come to the place it was told of, and waits for the answer. */
  onAim = () => undefined;
  /** What was asked for and is not there. */
  missing = [];

  /** A server that listens. */
  static async start() {
    const server = new Server();
    server.#server = createServer((request, response) => {
      server.#answer(request, response).catch(() => response.writeHead(500).end());
    });
    await new Promise((resolve, reject) => server.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    server.origin = `http://localhost:${server.#server.address().port}`;
    return server;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    if (request.method === "POST") {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = JSON.parse(Buffer.concat(chunks).toString());
      if (pathname === "/report") this.onReport(body);
      else if (pathname === "/aim") await this.onAim(body);
      response.writeHead(204).end();
      return;
    }
    const [, mount, ...rest] = decodeURIComponent(pathname).split("/");
    const path = normalize(rest.join("/"));
    const directory = { a: pkg, b: pkg, page: pages }[mount];
    const body = directory === undefined || path.startsWith("..") ? null : await readFile(join(directory, path)).catch(() => null);
    if (body === null) {
      if (pathname !== "/favicon.ico") this.missing.push(pathname);
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "cache-control": "no-store" });
    response.end(path === "worker.js" && this.hook !== null ? `${await this.#hook()}\n${body}` : body);
  }

  async #hook() {
    const text = await readFile(join(pages, "hook.js"), "utf8");
    return `{ const TOLD = ${JSON.stringify(this.hook)};\n${text}}`;
  }
}
