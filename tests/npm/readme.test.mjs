// Every example of the readme runs, and prints what the readme says: each ```js block, on a page of its own, against the
// ```text block behind it.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test, { after, before } from "node:test";
import { launch } from "../../benches/browser.mjs";
import { serve } from "../../benches/server.mjs";

// The readme of the package has the same examples: tests/unit/papers.test.mjs.
const READMES = ["README.md"];

/** The examples of a readme: code, and the lines that it prints (undefined when the readme does not say). */
function examples(file) {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  return [...text.matchAll(/^```js\n([^]*?)^```\n(?:\n```text\n([^]*?)^```\n)?/gm)].map(([, code, printed], i) => ({
    name: `${file}, example ${i + 1}`,
    code,
    printed: printed?.trimEnd(),
  }));
}

const all = READMES.filter((file) => existsSync(new URL(`../../${file}`, import.meta.url))).flatMap(examples);
let chromium;
let server;

before(async () => {
  chromium = await launch();
  server = await serve();
});

after(async () => {
  await chromium?.close();
  await server?.close();
});

test("the readme has examples, and they say what they print", () => {
  assert.ok(all.length >= 3, `${all.length} examples`);
  for (const { name, printed } of all) assert.ok(printed, `${name} does not say what it prints`);
});

for (const { name, code, printed } of all) {
  test(name, { timeout: 60_000 }, async () => {
    const context = await chromium.browser.createBrowserContext();
    const page = await context.newPage();
    try {
      await page.goto(`${server.origin}/bench/readme.html`);
      const outcome = await page.evaluate((code) => globalThis.runExample(code), code);
      assert.equal(outcome, printed);
    } finally {
      await context.close();
    }
  });
}
