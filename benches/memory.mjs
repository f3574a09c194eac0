// The peak of live memory, page and worker together, while a stream is read slowly.
// Also used by tests/npm: memory must not grow with the number of rows.

/** What lives in a page or worker: its JavaScript heap, and the array buffers and wasm memories beside it. */
async function live(session) {
  // Twice: the second collects what finalizers of the first let go.
  await session.send("HeapProfiler.collectGarbage");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  return { heap: usedSize, buffers: backingStorageSize };
}

async function peakOf(page, rows, path) {
  const session = await page.createCDPSession();
  await session.send("HeapProfiler.enable");
  const outcome = page.evaluate((...args) => globalThis.run(...args), "stream", "aludel", path, {}, rows);
  let running = true;
  let failure;
  outcome.then(() => (running = false), (error) => ((running = false), (failure = error)));
  const peak = { pageHeap: 0, pageBuffers: 0, workerHeap: 0, workerBuffers: 0, total: 0, samples: 0 };
  while (running) {
    const [worker] = page.workers();
    if (!worker) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      continue;
    }
    try {
      const own = await live(session);
      const other = await live(worker.client);
      peak.pageHeap = Math.max(peak.pageHeap, own.heap);
      peak.pageBuffers = Math.max(peak.pageBuffers, own.buffers);
      peak.workerHeap = Math.max(peak.workerHeap, other.heap);
      peak.workerBuffers = Math.max(peak.workerBuffers, other.buffers);
      peak.total = Math.max(peak.total, own.heap + own.buffers + other.heap + other.buffers);
      peak.samples++;
    } catch (error) {
      // The worker may end between two questions; anything else is told.
      if (running && page.workers().length) throw error;
    }
  }
  if (failure) throw failure;
  await outcome;
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
