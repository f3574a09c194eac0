// Two deploys of one app, made by a bundler that names files by what is in them: tabs of the old one stay open beside tabs of the new.
import assert from "node:assert/strict";
import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { linkTools } from "./lib/apps.mjs";
import { inTabs } from "./lib/tabs.mjs";

/** Builds the app twice into one folder of a server, the second time with another worker in the package. */
async function deploy(app) {
  await linkTools(app.directory);
  const { build } = await import("vite");
  const page = await readFile(join(app.directory, "src/bundled.html"), "utf8");
  const assets = async () => (await readdir(join(app.directory, "dist/assets"))).sort();
  const make = async (name) => {
    const html = join(app.directory, `${name}.html`);
    await writeFile(html, page.replace("main.js", "deployed.js"));
    await build({
      root: app.directory, configFile: false, logLevel: "error", base: "/dist/", worker: { format: "es" },
      build: { target: "es2022", emptyOutDir: false, rollupOptions: { input: html } },
    });
    return assets();
  };
  const before = await make("before");
  await appendFile(join(app.directory, "node_modules/aludel/worker.js"), "\nglobalThis.deploy = 2;\n");
  const added = (await make("after")).filter((file) => !before.includes(file));
  const worker = /^worker-[-\w]{8}\.js$/;
  const workers = [before, added].map((files) => files.filter((file) => worker.test(file)));
  assert.deepEqual(workers.map(({ length }) => length), [1, 1], `${before} and then ${added}`);
}

let deployed;

inTabs("two deploys of an app", async ({ app, tab, check }) => {
  deployed ??= deploy(app);
  await deployed;
  const [before, after] = ["before", "after"].map((name) => () => tab(`/dist/${name}.html`));

  for (const [claim, ours, theirs] of [["the old one", before, after], ["the new one", after, before]]) {
    await check(`${claim} hosts: the other has no broker in common with it and sends it copies, and both kinds take over`, async (t) => {
      const [a, b, c] = [await ours(), await theirs(), await ours()];
      const path = `deploys-${claim.slice(4, 7)}.db`;
      for (const each of [a, b, c]) await each.call("open", path);
      await Promise.all([a.call("insert", "a"), b.call("insert", "b"), c.call("insert", "c")]);
      const copied = [await a.call("copied"), await b.call("copied"), await c.call("copied")];
      t.diagnostic(`frames that were copied: ${copied.join(", ")}`);
      assert.ok(copied[1] > 0);
      // More than fits into one message, there and back.
      assert.equal(await b.call("scalar", "SELECT length(:text) + length(:text)", { text: "x".repeat(2_000_000) }), 4_000_000);
      assert.deepEqual([await a.call("count"), await b.call("count"), await c.call("count")], [3, 3, 3]);
      await a.close();
      await Promise.all([b.call("insert", "b"), c.call("insert", "c")]);
      assert.deepEqual([await b.call("count"), await c.call("count")], [5, 5]);
      await c.close();
      await b.call("insert", "b");
      assert.equal(await b.call("count"), 6);
    });
  }
});
