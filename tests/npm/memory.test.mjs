// Streaming keeps memory flat: with a consumer slower than the worker, ten times the rows take no more memory.
import assert from "node:assert/strict";
import test from "node:test";
import { launch } from "../../benches/browser.mjs";
import { SAMPLES, streamingPeaks } from "../../benches/memory.mjs";
import { serve } from "../../benches/server.mjs";

test("the peak at 1,000,000 streamed rows is within 10 % of the peak at 100,000", { timeout: 300_000 }, async () => {
  const chromium = await launch();
  const server = await serve();
  try {
    const [few, many] = await streamingPeaks({ browser: chromium.browser, origin: server.origin });
    const mib = ({ peak }) => `${(peak.total / 2 ** 20).toFixed(2)} MiB in ${peak.samples} samples`;
    console.log(`100,000 rows: ${mib(few)}; 1,000,000 rows: ${mib(many)}`);
    for (const { peak } of [few, many]) assert.equal(peak.samples, SAMPLES);
    assert.ok(few.peak.wasm > 2 ** 20, "the worker's wasm memory was not seen");
    assert.ok(many.peak.total <= few.peak.total * 1.1, `${mib(many)} after ${mib(few)}`);
  } finally {
    await chromium.close();
    await server.close();
  }
});
