// The package in apps that bundlers made, without any configuration for it.
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { linkTools, makeApp, tool } from "./lib/apps.mjs";
import { serve } from "./lib/serve.mjs";
import { sessions } from "./lib/sessions.mjs";

/** An app whose page loads what a bundler makes of src/main.js. */
async function bundledApp(script) {
  const app = await makeApp();
  await linkTools(app.directory);
  const page = await readFile(join(app.directory, "src/bundled.html"), "utf8");
  await writeFile(join(app.directory, "index.html"), page.replace("/src/main.js", script));
  return app;
}

/** Serves what was built, with the files of the counted worker beside it. */
async function served(app, dist) {
  await cp(join(app.directory, "public"), dist, { recursive: true });
  const server = await serve({ "/": dist });
  const close = async () => {
    server.close();
    await app.remove();
  };
  return { ...server, dist, close };
}

sessions("Vite, development", async () => {
  const app = await bundledApp("/src/main.js");
  const { createServer } = await import("vite");
  const server = await createServer({ root: app.directory, configFile: false, logLevel: "warn", server: { port: 0, host: "localhost", hmr: false } });
  await server.listen();
  const close = async () => {
    await server.close();
    await app.remove();
  };
  return { origin: `http://localhost:${server.httpServer.address().port}`, close };
});

sessions("Vite, built", async () => {
  const app = await bundledApp("/src/main.js");
  const { build } = await import("vite");
  await build({ root: app.directory, configFile: false, logLevel: "warn", build: { target: "es2022" } });
  return served(app, join(app.directory, "dist"));
});

sessions("webpack", async () => {
  const app = await bundledApp("/main.js");
  await tool("webpack-cli/bin/cli.js", ["--entry", "./src/main.js", "--mode", "production", "--no-color"], { cwd: app.directory });
  const dist = join(app.directory, "dist");
  await cp(join(app.directory, "index.html"), join(dist, "index.html"));
  return served(app, dist);
});

sessions("esbuild, with its copied files", async () => {
  const app = await bundledApp("/main.js");
  const dist = join(app.directory, "dist");
  await mkdir(dist);
  await tool("esbuild/bin/esbuild", ["src/main.js", "--bundle", "--minify", "--format=esm", `--outfile=${join(dist, "main.js")}`], {
    cwd: app.directory,
  });
  for (const file of ["worker.js", "worker.wasm", "lite.wasm"]) await cp(join(app.directory, "node_modules/aludel", file), join(dist, file));
  // So are the modules that the app has the worker import.
  await cp(join(app.directory, "src/jobs.js"), join(dist, "jobs.js"));
  await cp(join(app.directory, "index.html"), join(dist, "index.html"));
  return served(app, dist);
});
