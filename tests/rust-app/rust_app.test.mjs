// The app in Rust, in browsers, with the worker file of the package beside it.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { pkg } from "../npm/lib/apps.mjs";
import { browsers, launch, open } from "../npm/lib/browser.mjs";
import { serve } from "../npm/lib/serve.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));
const app = fileURLToPath(new URL("../../dist/rust-app/", import.meta.url));

const outcome = async (page) => {
  await page.waitForFunction(() => /^(ok|failed): /.test(document.title), { timeout: 60_000 });
  return page.title();
};

for (const name of browsers) {
  test(`an app in Rust keeps its data over a reload in ${name}`, async () => {
    const server = await serve({
      "/worker.js": join(pkg, "worker.js"),
      "/worker.wasm": join(pkg, "worker.wasm"),
      "/index.html": join(here, "index.html"),
      "/start.js": join(here, "start.js"),
      "/": app,
    });
    const { browser, close } = await launch(name);
    try {
      const { page, complaints } = await open(browser, `${server.origin}/index.html`);
      assert.equal(await outcome(page), "ok: visit 1", complaints.join("\n"));
      await page.reload();
      assert.equal(await outcome(page), "ok: visit 2", complaints.join("\n"));
      assert.deepEqual(complaints, []);
      assert.deepEqual(server.missing, []);
    } finally {
      await close();
      server.close();
    }
  });
}
