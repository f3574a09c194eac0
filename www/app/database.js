// The page's one database: opening it, and saying in words where it is.

import { createEngine, text } from "aludel";

/** The file in the browser's own storage. */
export const FILE = "sqlite:///music.db";

/**
 * Opens the database and proves it by a first statement. Fails with the StorageError that says why not.
 * @param {boolean} memory the user agreed to memory where there are no files.
 * @param {(engine: import("aludel").Engine) => void} onEngine gets the engine before its first connection.
 */
export async function open(memory, onEngine) {
  // A worker that is stuck in a statement without rows can be replaced: what is committed is in the file. In memory that
  // would lose everything, so there Cancel waits for the statement instead.
  const engine = createEngine(FILE, memory ? { fallback: "memory" } : { onAbort: "replaceWorker" });
  onEngine(engine);
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

/** Reads the schema queries on one connection. */
export async function readAll(engine, queries) {
  return engine.connect(async (conn) => {
    const results = [];
    for (const sql of queries) results.push((await conn.execute(text(sql))).all());
    return results;
  });
}
