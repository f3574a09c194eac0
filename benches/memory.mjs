// The peak of live memory, page and worker together, while a stream is read slowly.
// Also used by tests/npm: memory must not grow with the number of rows.

/** How often memory is looked at during a stream, however long it is. */
export const SAMPLES = 40;

/** What lives in a page or worker after a collection: JavaScript heap, array buffers, wasm memories. */
async function live(session) {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  // V8 counts wasm memories nowhere: page/watch.js has noted them.
  const expression = "(globalThis.wasmMemories ?? []).reduce((sum, memory) => sum + memory.buffer.byteLength, 0)";
  const { result } = await session.send("Runtime.evaluate", { expression, returnByValue: true });
  return { heap: usedSize, buffers: backingStorageSize, wasm: result.value };
}

/** MiB that a page and its workers hold in JavaScript, after collection: heaps and array buffers. Wasm memories are not among them. */
export async function heldBy(page) {
  const session = await page.createCDPSession();
  let sum = 0;
  for (const each of [session, ...page.workers().map(({ client }) => client)]) {
    const { heap, buffers } = await live(each);
    sum += heap + buffers;
  }
  await session.detach();
  return sum / 2 ** 20;
}

async function peakOf(page, rows, path) {
  const session = await page.createCDPSession();
  const peak = { page: 0, worker: 0, wasm: 0, total: 0, samples: 0 };
  // The consumer asks for a sample while it rests, when the worker has sent all that it may: the most that can be in flight.
  await page.exposeFunction("sample", async () => {
    const own = await live(session);
    const other = await live(page.workers()[0].client);
    const [here, there, wasm] = [own.heap + own.buffers, other.heap + other.buffers, own.wasm + other.wasm];
    peak.page = Math.max(peak.page, here);
    peak.worker = Math.max(peak.worker, there);
    peak.wasm = Math.max(peak.wasm, wasm);
    peak.total = Math.max(peak.total, here + there + wasm);
    peak.samples++;
  });
  await page.evaluate((...args) => globalThis.run(...args), "stream", "aludel", path, { watched: true }, rows, SAMPLES);
  return peak;
}

/** The peaks for each number of rows, each on a page of its own. */
export async function streamingPeaks({ browser, origin, counts = [100_000, 1_000_000] }) {
  const peaks = [];
  for (const rows of counts) {
    const page = await browser.newPage();
    try {
      await page.goto(`${origin}/bench/index.html`);
      await page.waitForFunction("globalThis.ready");
      peaks.push({ rows, peak: await peakOf(page, rows, `stream-${rows}.db`) });
    } finally {
      await page.close();
    }
  }
  return peaks;
}
