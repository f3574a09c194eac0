/**
 * Changes of a schema from version to version, in order and each once.
 *
 * @module
 */

import type { Connection } from "../connection.js";
import { describe } from "../encode.js";
import type { Engine } from "../engine.js";
import { ArgumentError, InvalidRequestError } from "../errors.js";
import { reflectSql } from "./inspect.js";

/** One change: what makes version `n` out of version `n - 1`, on a connection in a transaction of its own. */
export type Migration = (connection: Connection) => unknown;

/** What {@link migrate} has done. */
export interface Migrated {
  /** The version that was found. */
  readonly from: number;
  /** The version that it is now. */
  readonly to: number;
}

/**
 * Brings a database to the newest version: runs those of the steps that it has not had, in order. How many it has had stands
 * in the file itself (`PRAGMA user_version`). A step that fails leaves the database as it was before that step; where several
 * tabs begin at once, each step is run by one of them.
 *
 * ```ts
 * await migrate(engine, [
 *   (conn) => metadata.createAll(conn),
 *   (conn) => conn.execute(text("ALTER TABLE users ADD COLUMN born DATETIME")),
 * ]);
 * ```
 */
export async function migrate(engine: Engine, steps: readonly Migration[]): Promise<Migrated> {
  if (!Array.isArray(steps) || !steps.every((step) => typeof step === "function")) {
    throw new ArgumentError(`migrate() takes a list of functions, not ${describe(steps)}`);
  }
  let from: number | undefined;
  for (;;) {
    const version = await engine.begin(async (connection) => {
      const had = Number(await connection.execDriverSql(reflectSql("version")).then((result) => result.scalar()));
      if (had > steps.length) {
        throw new InvalidRequestError(`the database has version ${had}, and this program knows ${steps.length}: it was made by a newer one`);
      }
      const step = steps[had] as Migration | undefined;
      if (step === undefined) return had;
      from ??= had;
      await step(connection);
      await connection.execDriverSql(reflectSql("set version", [String(had + 1)]));
      return had + 1;
    });
    from ??= version;
    if (version >= steps.length) return Object.freeze({ from, to: version });
  }
}
