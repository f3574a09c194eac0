/**
 * What the result of an INSERT or UPDATE knows of it: the keys of its rows, and the values that went into them.
 *
 * @module
 */

import { InvalidRequestError } from "../errors.js";
import { shapeOf, type Row } from "../row.js";
import type { AnyRow, SqlValue } from "../values.js";
import type { Values } from "./binding.js";
import type { About } from "./compiled.js";

/** The outcome of a statement, as far as it matters here. */
export interface Outcome {
  readonly rowcount: number;
  readonly lastrowid: number | bigint | null;
}

const ROWID = -1;
const UNKNOWN = -2;

function checkKind(about: About | undefined, kind: "insert" | "update"): About {
  if (about === undefined) throw new InvalidRequestError("Statement is not a compiled expression construct.");
  if (about.kind !== kind) throw new InvalidRequestError(`Statement is not an ${kind}() expression construct.`);
  return about;
}

/** The primary keys of the rows that an INSERT wrote; what nobody knows is null. */
export function insertedRows(given: About | undefined, outcome: Outcome): readonly Row<AnyRow>[] {
  const about = checkKind(given, "insert");
  if (about.returning) throw new InvalidRequestError("Can't call inserted_primary_key when returning() is used.");
  const shape = shapeOf(about.key.map((column) => column.name));
  return Array.from({ length: about.runs }, (_, row) => {
    const values = about.key.map(({ from, type }) => {
      // A row that was left out has no key, and the last rowid is that of another.
      if (from === UNKNOWN || outcome.rowcount === 0) return null;
      const value = from === ROWID ? null : about.value(row, from);
      // SQLite chooses a key that is one INTEGER and given as NULL, too.
      if (value !== null || about.many || (from !== ROWID && !(type.name === "Integer" && about.key.length === 1))) return value;
      return outcome.lastrowid === null ? null : (type.result?.(outcome.lastrowid) ?? outcome.lastrowid);
    });
    return shape.make(values as SqlValue[]) as Row<AnyRow>;
  });
}

/** The primary key of the one row that an INSERT wrote. */
export function insertedRow(about: About | undefined, outcome: Outcome): Row<AnyRow> | null {
  if (about?.many === true) {
    throw new InvalidRequestError(
      "This statement was an executemany call; if primary key returning is supported, please use .inserted_primary_key_rows.",
    );
  }
  return insertedRows(about, outcome)[0] ?? null;
}

/** The values that an INSERT or UPDATE was executed with, those of defaults included; for executemany a list. */
export function lastParams(given: About | undefined, kind: "insert" | "update"): Values | readonly Values[] {
  const about = checkKind(given, kind);
  return about.many ? Array.from({ length: about.runs }, (_, row) => about.params(row)) : about.params(0);
}
