/**
 * Live queries on an engine: how they fetch, with those who listen to statements, what tells them of commits, and what ends them.
 *
 * @module
 */

import { callOptions } from "./call.js";
import type { Listeners } from "./events.js";
import type { Feed } from "./feed.js";
import { passing } from "./gate.js";
import type { Hooks } from "./hooks.js";
import type { CallOptions } from "./options.js";
import { Result } from "./result.js";
import { text, type Prepared } from "./statement.js";
import type { Watching } from "./watch.js";

/** What tells which tables a statement reads: `crates/worker/src/sqlite/reads.rs`. */
const READS = "SELECT value FROM json_each(aludel_reads(:sql))";

/**
 * What a live query uses of its engine.
 * @internal
 */
export interface Watched {
  readonly hooks: Hooks;
  readonly listeners: Listeners;
  prepare(statement: unknown, params: unknown): Prepared;
  /** Executes a statement on a connection of its own. */
  fetched(prepared: Prepared, params: unknown, options: CallOptions): Promise<Feed>;
}

/**
 * The connection that a live query was made on.
 * @internal
 */
export interface Watcher {
  /** What is called when it closes. */
  readonly ends: Set<() => void>;
  closed(): boolean;
}

/**
 * What a live query of a statement needs. It ends with the engine, and with a connection if there is one.
 * @internal
 */
export function watching({ hooks, listeners, prepare, fetched }: Watched, statement: unknown, params: unknown, conn?: Watcher): Watching {
  return {
    async run(options, send) {
      if (!hooks.active) return send(prepare(statement, params));
      const { signal } = options;
      const call = { connection: null, statement, params, driver: false, signal, begins: () => undefined };
      const limits = callOptions(options);
      return hooks.execute({ ...call, prepare, send, pass: (start) => passing(() => hooks.gate?.(), limits, start) });
    },
    // They are compared as they come, and converted later.
    cells: (prepared, options) => fetched({ ...prepared, results: undefined }, params, options),
    async reads(sql, options) {
      const reads = prepare(text(READS), { sql });
      const result = Result.of<{ value: string | null }, [string | null]>(await fetched(reads, { sql }, options));
      return result.scalars().all();
    },
    listen(listener) {
      listeners.add("change", listener);
      return () => listeners.remove("change", listener);
    },
    whenOver(end) {
      if (conn?.closed() === true) {
        end();
        return () => undefined;
      }
      const all = conn === undefined ? [hooks.ends] : [hooks.ends, conn.ends];
      all.forEach((ends) => ends.add(end));
      return () => all.forEach((ends) => ends.delete(end));
    },
  };
}
