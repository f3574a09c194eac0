// The example programs in Node: those that browsers run, file for file, over memory.
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { pkg, repository } from "./pkg.mjs";

const folder = await mkdtemp(join(tmpdir(), "aludel-programs-"));
after(() => rm(folder, { recursive: true }));

// Node has neither Web Workers nor files for them: the engines get threads, and memory.
const node = new URL("./node_engine.mjs", import.meta.url);
await writeFile(
  join(folder, "aludel.mjs"),
  `export * from ${JSON.stringify(new URL("index.js", pkg).href)};
   import { nodeEngine } from ${JSON.stringify(node.href)};
   export const createEngine = (url, options) => nodeEngine(options, url);`,
);
for (const file of ["programs.js", "check.js", "jobs.js"]) {
  const source = readFileSync(repository(`tests/npm/app/${file}`), "utf8");
  // Node 20 knows no `await using`.
  const { code } = await transform(source.replace('"aludel"', '"./aludel.mjs"').replaceAll(/"\.\/(check|jobs)\.js"/g, '"./$1.mjs"'), { target: "node20" });
  await writeFile(join(folder, file.replace(".js", ".mjs")), code);
}
const { programs } = await import(pathToFileURL(join(folder, "programs.mjs")).href);

for (const [name, program] of Object.entries(programs)) test(`program ${name}`, program);
