// The wasm that stands in modules as text is the wasm that lies beside them.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { load, pkg } from "./pkg.mjs";

const { bytesOf } = await load("inlined.js");

for (const name of ["client", "core"]) {
  test(`${name}.wasm is inlined byte for byte, and compresses like the file`, async () => {
    const wasm = await readFile(new URL(`${name}.wasm`, pkg));
    const module = await readFile(new URL(`generated/${name}_bytes.js`, pkg));
    const { inlined } = await load(`generated/${name}_bytes.js`);
    assert.ok(Buffer.from(bytesOf(inlined)).equals(wasm));
    // No tool that prints the module anew has anything to escape.
    assert.match(inlined.text, /^[ !#%&()-;=-[\]^_a-~]+$/);
    const [text, file] = [module, wasm].map((bytes) => gzipSync(bytes, { level: 9 }).length);
    assert.ok(text < file * 1.05, `${text} bytes as text, ${file} as a file`);
  });
}

test("an empty text is no bytes", () => {
  assert.equal(bytesOf({ order: "00".repeat(256), text: "" }).length, 0);
});
