// The condition `workerd`: a runtime that compiles no bytes gets the wasm as a module.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { promisify } from "node:util";
import { pkg } from "./pkg.mjs";

// Stands in for workerd: imports of wasm files give modules, and compiling bytes is forbidden afterwards.
const LOADER = `
export async function load(url, context, next) {
  if (!url.endsWith(".wasm")) return next(url, context);
  const source = "import { readFileSync } from 'node:fs'; import { fileURLToPath } from 'node:url';"
    + "export default new WebAssembly.Module(readFileSync(fileURLToPath(" + JSON.stringify(url) + ")));";
  return { format: "module", source, shortCircuit: true };
}`;

const SCRIPT = (entry) => `
import { register } from "node:module";
register("data:text/javascript," + encodeURIComponent(${JSON.stringify(LOADER)}));
const { createEngine, splitStatements } = await import(${JSON.stringify(entry)});
WebAssembly.Module = new Proxy(WebAssembly.Module, { construct() { throw new Error("no bytes are compiled here"); } });
console.log(JSON.stringify([splitStatements("SELECT 1; SELECT 2").length, createEngine("sqlite://").pool.size()]));`;

const run = (entry) =>
  promisify(execFile)(process.execPath, ["--no-warnings", "--input-type=module", "--eval", SCRIPT(entry)]);

test("the workerd entry instantiates an imported module and compiles nothing", async () => {
  const { workerd } = JSON.parse(readFileSync(new URL("package.json", pkg), "utf8")).exports["."];
  const { stdout } = await run(new URL(workerd, pkg).href);
  assert.equal(stdout.trim(), "[2,4]");
});

test("the other entry would have to compile bytes, and says what it needs", async () => {
  await assert.rejects(run(new URL("index.js", pkg).href), /NotSupportedError: .*no bytes are compiled here/s);
});
