// What bundlers leave in an app, without any configuration: Core, with its wasm, is carried by those only who use it.
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { linkTools, makeApp, run, tool } from "./lib/apps.mjs";

const APPS = {
  texts: `
    import { createEngine, migrate, sql, text } from "aludel";
    const engine = createEngine("sqlite://");
    const shown = text("SELECT :a, ':b'").bindparams({ a: "it's" });
    console.log(JSON.stringify([engine.pool.size(), shown.compile().sql, shown.compile({ literalBinds: true }).sql, sql\`\${1}\`.compile().params, String(migrate).length > 0]));`,
  columns: `
    import { Integer, text } from "aludel";
    console.log(JSON.stringify([text("SELECT id FROM t").columns({ id: Integer }).subquery("s").c.id.gt(1).compile().sql]));`,
  reflected: `
    import { MetaData, table, column, text } from "aludel";
    const { c } = table("t", column("id"));
    console.log(JSON.stringify([text("SELECT id FROM t").columns({ id: c.id.type }).compile().sql, new MetaData().tables.size]));`,
  ddl: `
    import { CreateView, text } from "aludel";
    console.log(JSON.stringify([typeof CreateView, text("SELECT 1").compile().sql]));`,
  types: `
    import { Date_, text, types } from "aludel";
    console.log(JSON.stringify([Date_.name, types.String(5).name, text("SELECT 1 AS d").columns({ d: Date_ }).union(text("SELECT 2").columns({ d: Date_ })).compile().sql]));`,
};
const PRINTED = {
  texts: [4, "SELECT ?, ':b'", "SELECT 'it''s', ':b'", { sql_0: 1 }, true],
  columns: ["s.id > ?"],
  reflected: ["SELECT id FROM t", 0],
  ddl: ["function", "SELECT 1"],
  types: ["Date", "String", "SELECT 1 AS d UNION SELECT 2"],
};

/** Each makes one module of `src/<name>.js`. */
const BUNDLERS = {
  esbuild: async (cwd, name, out) => {
    await tool("esbuild/bin/esbuild", [`src/${name}.js`, "--bundle", "--minify", "--format=esm", `--outfile=${out}`], { cwd });
  },
  vite: async (cwd, name, out) => {
    const { build } = await import("vite");
    const lib = { entry: join(cwd, `src/${name}.js`), formats: ["es"], fileName: () => `${name}.mjs` };
    const outDir = join(out, "..");
    await build({ root: cwd, configFile: false, logLevel: "silent", build: { target: "es2022", minify: true, lib, outDir, emptyOutDir: false } });
  },
  webpack: async (cwd, name, out) => {
    const args = ["--entry", `./src/${name}.js`, "--mode", "production", "--no-color", "--output-path", join(out, ".."), "--output-filename", `${name}.mjs`];
    await tool("webpack-cli/bin/cli.js", args, { cwd });
  },
};

// Stands in for a page, which webpack's bundles ask where they come from.
const PAGE = 'Object.assign(globalThis, { self: globalThis, location: new URL("http://localhost/main.js"), importScripts() {} });';

let app;
before(async () => {
  app = await makeApp();
  await linkTools(app.directory);
  for (const [name, source] of Object.entries(APPS)) await writeFile(join(app.directory, `src/${name}.js`), source);
});
after(() => app.remove());

/** A piece of a wasm file as it lies in a bundle. */
async function piece(file) {
  const text = await readFile(join(app.directory, "node_modules/aludel/generated", file), "utf8");
  return text.slice(text.length >> 1, (text.length >> 1) + 200);
}

for (const [bundler, bundle] of Object.entries(BUNDLERS)) {
  test(`${bundler} leaves Core out of an app that runs texts only`, async () => {
    const [client, core] = [await piece("client_bytes.js"), await piece("core_bytes.js")];
    const sizes = [];
    for (const name of Object.keys(APPS)) {
      const out = join(app.directory, `built-${bundler}`, `${name}.mjs`);
      await bundle(app.directory, name, out);
      const text = await readFile(out, "utf8");
      sizes.push(`${name} ${Math.round((await stat(out)).size / 1000)} kB`);
      assert.ok(name === "texts" || text.includes(core), `${name} holds Core`);
      assert.equal(text.includes("aludel_migrations"), name === "texts", `${name} holds migrations`);
      if (name === "texts") {
        assert.ok(text.includes(client), "the client is there");
        assert.ok(!text.includes(core), "Core's wasm is not");
        assert.doesNotMatch(text, /groupBy|primaryKey/, "nor are its classes");
      }
      const script = `${PAGE} await import(${JSON.stringify(pathToFileURL(out).href)});`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script]);
      assert.deepEqual(JSON.parse(stdout), PRINTED[name], name);
    }
    console.log(`${bundler}: ${sizes.join(", ")}`);
  });
}
