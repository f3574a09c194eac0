// The package without any bundler: files as they are, an import map.
import { join } from "node:path";
import { makeApp } from "./lib/apps.mjs";
import { serve } from "./lib/serve.mjs";
import { sessions } from "./lib/sessions.mjs";

sessions("without a bundler", async () => {
  const app = await makeApp();
  const server = await serve({
    "/src/": join(app.directory, "src"),
    "/node_modules/": join(app.directory, "node_modules"),
    "/counted/": join(app.directory, "public/counted"),
    "/": app.directory,
  });
  return {
    ...server,
    async close() {
      server.close();
      await app.remove();
    },
  };
}, { groups: ["programs", "core", "session", "files", "pool", "lite"] });
