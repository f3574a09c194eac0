// The app in Rust, in browsers, with the worker file of the package beside it.
import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { pkg } from "../npm/lib/apps.mjs";
import { browsers, launch, open } from "../npm/lib/browser.mjs";
import { serve } from "../npm/lib/serve.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));
const app = fileURLToPath(new URL("../../dist/rust-app/", import.meta.url));

/** The app as it would be deployed: all of its files in one directory. */
async function deploy() {
  const directory = await mkdtemp(join(tmpdir(), "aludel-rust-app-"));
  await cp(app, directory, { recursive: true });
  for (const [from, files] of [[here, ["index.html", "start.js"]], [pkg, ["worker.js", "worker.wasm"]]]) {
    for (const file of files) await cp(join(from, file), join(directory, file));
  }
  return directory;
}

const outcome = async (page) => {
  await page.waitForFunction(() => /^(ok|failed): /.test(document.title), { timeout: 60_000 });
  return page.title();
};

for (const name of browsers) {
  test(`an app in Rust keeps its data over a reload in ${name}`, async () => {
    const directory = await deploy();
    const server = await serve({ "/": directory });
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
      await rm(directory, { recursive: true, force: true });
    }
  });
}
