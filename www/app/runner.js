// Runs a script: statement after statement on one connection, as one transaction where SQLite allows it.

import { text } from "aludel";
import { isOneTransaction } from "./statements.js";

/** The grid keeps this many rows of a result and stops the query there. */
export const MOST_ROWS = 500_000;

/** Rows go to the grid in parts: at once when they are many, after so many milliseconds when they are few. */
const PART = 1_000;
const PATIENCE_MS = 50;

/**
 * Runs statements in order and stops at the first error, which it throws with `statement` set to its index.
 * @param {{ sql: string }[]} statements
 * @param {{ signal: AbortSignal, onStart: (index: number) => void, onColumns: (index: number, names: string[]) => void,
 *   onRows: (index: number, rows: unknown[][]) => void, onEnd: (index: number, outcome: { returnsRows: boolean,
 *   rows: number, rowcount: number, cut: boolean, ms: number, firstMs: number }) => void }} listener
 */
export async function run(engine, statements, listener) {
  const together = isOneTransaction(statements);
  const options = { signal: listener.signal };
  const conn = await engine.connect(options);
  let index = 0;
  try {
    if (!together) await conn.executionOptions({ isolationLevel: "AUTOCOMMIT" });
    for (; index < statements.length; index += 1) {
      listener.onStart(index);
      await runOne(conn, statements[index].sql, index, listener);
    }
    if (together) await conn.commit();
  } catch (error) {
    throw new RunError(index, together && index > 0, error);
  } finally {
    // Closing rolls back what is not committed, also a BEGIN of the script's own without an end.
    await conn.close();
  }
}

async function runOne(conn, sql, index, listener) {
  const started = performance.now();
  const result = await conn.stream(text(sql), undefined, { signal: listener.signal });
  let rows = 0;
  let firstMs = performance.now() - started;
  let part = [];
  const flush = () => {
    if (part.length > 0) listener.onRows(index, part);
    part = [];
  };
  const timer = setInterval(flush, PATIENCE_MS);
  try {
    if (result.returnsRows) {
      listener.onColumns(index, [...result.keys()]);
      for await (const row of result) {
        if (rows === 0) firstMs = performance.now() - started;
        rows += 1;
        part.push(row);
        if (part.length === PART) flush();
        if (rows === MOST_ROWS) break;
      }
    }
  } finally {
    clearInterval(timer);
    flush();
    await result.close();
  }
  const { returnsRows, rowcount } = result;
  const cut = rows === MOST_ROWS;
  listener.onEnd(index, { returnsRows, rows, rowcount, cut, ms: performance.now() - started, firstMs });
}

/** A failed run: which statement it was, whether others were rolled back with it, and the error itself. */
export class RunError extends Error {
  constructor(statement, rolledBack, cause) {
    super("the run failed", { cause });
    this.name = "RunError";
    this.statement = statement;
    this.rolledBack = rolledBack;
  }
}
