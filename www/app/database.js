// The page's one database: opening it, and saying in words where it is.

import { createEngine, text } from "aludel";
import { bytes } from "./format.js";

/** The file in the browser's own storage. */
export const FILE = "sqlite:///music.db";

/**
 * Opens the database and proves it by a first statement. Fails with the StorageError that says why not.
 * @param {boolean} memory the user agreed to memory where there are no files.
 */
export async function open(memory) {
  // A worker that is stuck in a statement without rows can be replaced: what is committed is in the file. In memory that
  // would lose everything, so there Cancel waits for the statement instead.
  const engine = createEngine(FILE, memory ? { fallback: "memory" } : { onAbort: "replaceWorker" });
  try {
    await engine.scalar(text("SELECT count(*) FROM sqlite_schema"));
    return engine;
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

/**
 * Waits, after a cancelled statement, until the database answers again: either SQLite has stopped, or the worker was
 * replaced, which the first to ask learns by a WorkerGone. Gives the error if it does not answer.
 */
export async function settled(engine) {
  for (let tries = 1; ; tries += 1) {
    try {
      await engine.scalar(text("SELECT 1"));
      return undefined;
    } catch (error) {
      if (error?.name !== "WorkerGone" || tries === 3) return error;
    }
  }
}

/** How large the database is, in bytes. */
export async function size(engine) {
  return engine.scalar(text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"));
}

/**
 * Where the data is and how safe it is, for the chip in the header and the dialog behind it.
 * @returns {Promise<{ kept: boolean, short: string, lines: [string, string][], persisted: boolean }>}
 */
export async function describeStorage(engine) {
  const { storage } = engine;
  const held = await size(engine);
  const kept = storage.durable;
  const persisted = kept && await storage.persisted();
  const lines = [
    ["Database", bytes(held)],
    ["Where", kept ? "A file in this browser's private file system (OPFS), music.db" : "The memory of this tab; this browser has no file storage here"],
    ["Kept", kept ? durability(storage.durability) : "No. Closing or reloading the tab loses everything; download it to keep it"],
  ];
  if (kept) {
    if (!storage.settled) lines.push(["Power cut", "The file is new: until the browser has written its name, a minute or so, a power failure may lose it"]);
    lines.push(["Eviction", persisted ? "The browser has promised to keep it until you clear the site's data" : "The browser may clear it when the disk is nearly full"]);
    const { usage, quota } = await storage.estimate();
    if (quota > 0) lines.push(["Room", `${bytes(usage)} of ${bytes(quota)} that the browser gives this site`]);
  }
  return { kept, short: kept ? "Kept in this browser" : "In memory only", lines, size: held, persisted };
}

const durability = (level) => (level === "full"
  ? "Yes. An acknowledged change survives a crash of the browser and a power failure"
  : "Yes. An acknowledged change survives closing and crashing of the browser");

/** Reads the schema queries on one connection. */
export async function readAll(engine, queries) {
  return engine.connect(async (conn) => {
    const results = [];
    for (const sql of queries) results.push((await conn.execute(text(sql))).all());
    return results;
  });
}
