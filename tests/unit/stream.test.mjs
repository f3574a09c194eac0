// Results of many frames on a real SQLite, in a thread of Node: streamed, and as the bytes of a file.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { load } from "./pkg.mjs";

const { StorageError, text } = await load("index.js");
const { openCopy } = await load("node.js");
// Each row fills a page, and a frame holds a few of them.
const ROWS = 500;
const NUMBERS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS}) SELECT i, zeroblob(3600) AS filling FROM n`;

let engine;
before(async () => {
  engine = await openCopy();
});
after(() => engine.dispose());

for (const yieldPer of [undefined, 7, 100, 1000]) {
  test(`a stream gives every row of every frame, once and in order, with yieldPer ${yieldPer}`, async () => {
    const conn = await engine.connect();
    const result = await conn.stream(text(NUMBERS), null, yieldPer === undefined ? {} : { executionOptions: { yieldPer } });
    const seen = [];
    for await (const row of result) seen.push(row.i);
    assert.deepEqual(seen, Array.from({ length: ROWS }, (_, i) => i + 1));
    await conn.close();
  });
}

test("an export holds every page, and tells how far it is", async () => {
  await engine.begin(async (conn) => {
    await conn.execute(text("CREATE TABLE whole (i INTEGER, filling BLOB)"));
    await conn.execute(text(`INSERT INTO whole ${NUMBERS}`));
  });
  const told = [];
  const bytes = await engine.exportBytes({ onProgress: ({ done, total }) => told.push([done, total]) });
  assert.deepEqual(told.at(-1), [bytes.length, bytes.length]);
  const copy = await openCopy();
  try {
    // It is checked before it is taken.
    await copy.importBytes(bytes);
    assert.equal(await copy.scalar(text("SELECT count(*) FROM whole WHERE length(filling) = 3600")), ROWS);
  } finally {
    await copy.dispose();
  }
});

/** Runs `work` with a page around it, whose blobs do as `broken` says; gives what it offered as files. */
async function inPage(work, broken = {}) {
  const offered = [];
  const link = { click: () => offered.push(link) };
  const before = { document: globalThis.document, createObjectURL: URL.createObjectURL, setTimeout: globalThis.setTimeout, Blob };
  globalThis.document = { createElement: () => link };
  URL.createObjectURL = (blob) => blob;
  // What happens a minute later is not waited for.
  globalThis.setTimeout = (act, ms, ...rest) => (ms < 60_000 ? before.setTimeout(act, ms, ...rest) : broken.later?.(act, ms));
  globalThis.Blob = class extends Blob {
    constructor(parts, options) {
      broken.make?.(parts);
      super(parts, options);
    }

    slice(...range) {
      const part = super.slice(...range);
      if (broken.read !== undefined) part.arrayBuffer = () => Promise.reject(broken.read);
      return part;
    }
  };
  try {
    await work();
  } finally {
    const { createObjectURL, ...globals } = before;
    URL.createObjectURL = createObjectURL;
    Object.assign(globalThis, globals);
  }
  return offered;
}

test("a download is the bytes of an export under its name", async () => {
  const [{ href, download }] = await inPage(() => engine.download("numbers.db"));
  assert.deepEqual([download, href.type], ["numbers.db", "application/vnd.sqlite3"]);
  assert.deepEqual(new Uint8Array(await href.arrayBuffer()), await engine.exportBytes());
});

for (const [what, broken] of Object.entries({
  "that cannot be read back": { read: new DOMException("The requested file could not be read", "NotReadableError") },
  "that cannot be made": {
    make: () => {
      throw new RangeError("Array buffer allocation failed");
    },
  },
})) {
  test(`a download for which there is no room is a StorageError: a blob ${what}`, async () => {
    const offered = await inPage(async () => {
      const error = await engine.download("numbers.db").catch((error) => error);
      assert.ok(error instanceof StorageError, String(error));
      assert.deepEqual([error.reason, error.retryable], ["quota", false]);
      assert.match(error.message, /^the browser could not keep the \d{7} bytes of the download \(.*(NotReadable|Range)Error: .*\): its disk .* full; free/);
      assert.match(error.cause.message, /could not be read|allocation failed/);
    }, broken);
    assert.deepEqual(offered, []);
    assert.equal(engine.pool.checkedout(), 0);
  });
}

test("a download that is given up rejects with the reason, whatever a blob would say", async () => {
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error("no more"));
  await inPage(() => assert.rejects(engine.download("numbers.db", { signal: stop.signal, onProgress }), /^Error: no more$/));
  // Its time is over when it has got its first bytes.
  const late = [];
  await inPage(
    async () => {
      const download = engine.download("numbers.db", { timeout: 77_000, onProgress: () => late.splice(0).forEach((act) => act()) });
      await assert.rejects(download, { name: "TimeoutError", message: "the call timed out after 77000 ms" });
    },
    { later: (act, ms) => void (ms === 77_000 && late.push(act)) },
  );
});

test("an export for which there is no memory says what to do", async () => {
  const { Uint8Array } = globalThis;
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, [first, ...rest], made) {
      if (typeof first === "number" && first > ROWS * 3600) throw new RangeError("Array buffer allocation failed");
      return Reflect.construct(target, [first, ...rest], made);
    },
  });
  try {
    await assert.rejects(engine.exportBytes(), { name: "StorageError", message: /^there is no memory for the \d{7} bytes of the database at once: exportStream/ });
  } finally {
    globalThis.Uint8Array = Uint8Array;
  }
});
