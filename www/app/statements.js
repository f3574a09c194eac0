// What the workbench has to know about a statement before it runs: how it begins.

import { pieces } from "./highlight.js";

/** The first words of a statement, in upper case: enough to tell what it is. */
export function verb(sql) {
  const first = pieces(sql.slice(0, 4000)).find(({ kind }) => kind !== "space" && kind !== "comment");
  return first === undefined ? "" : sql.slice(first.start, first.end).toUpperCase();
}

/** SQLite runs these only, or differently, outside a transaction, or they are about transactions themselves. */
const OWN_TRANSACTION = new Set(["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "VACUUM", "ATTACH", "DETACH", "PRAGMA"]);

/** Whether a run is one transaction (all of it or nothing), or each statement is committed by itself. */
export const isOneTransaction = (statements) =>
  statements.length > 1 && !statements.some(({ sql }) => OWN_TRANSACTION.has(verb(sql)));

/** Whether a statement may have changed what the schema tree shows. */
export function mayChange(sql) {
  const first = verb(sql);
  if (first === "WITH") return pieces(sql).some(({ start, end }) => /^(?:insert|update|delete|replace)$/iu.test(sql.slice(start, end)));
  return !["SELECT", "VALUES", "EXPLAIN", ""].includes(first);
}

/** A statement on one line, cut to a length. */
export function inShort(sql, length = 80) {
  const line = sql.replace(/\s+/gu, " ").trim();
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

/** A name as SQL wants it: plain where that is safe, quoted otherwise. */
export function quoted(name) {
  const [only, more] = pieces(name);
  const plain = more === undefined && only?.kind === "word" && /^[\p{L}_][\p{L}\p{N}_]*$/u.test(name);
  return plain ? name : `"${name.replaceAll('"', '""')}"`;
}
