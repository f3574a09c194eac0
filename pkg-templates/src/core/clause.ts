/**
 * What statements and expressions have in common: they can be shown as SQL.
 *
 * @module
 */

import { describeStatement, ready, type CompiledStatement, type CompileOptions, type Ready } from "./compiled.js";
import { compiledFor, type QueryCache } from "./entry.js";
import { record, type Recorded, type Writer } from "./writer.js";

/** A part of SQL. */
export abstract class ClauseElement implements Recorded {
  /** Writes its record, for the compiler. */
  abstract [record](writer: Writer): void;

  /** The SQL that it becomes, and its values: for people to read. `{ literalBinds: true }` puts the values into the SQL. */
  compile(options: CompileOptions = {}): CompiledStatement {
    return describeStatement(this, options);
  }

  /** @internal Compiles it for these parameters and binds them, where it is a statement. */
  [compiledFor](params: unknown, cache?: QueryCache): Ready {
    return ready(this, params, cache);
  }

  /** The SQL that it becomes. */
  toString(): string {
    return this.compile().sql;
  }
}
