/**
 * Texts of SQL as they are shown: with a `?` for each parameter that has a name, or with the values in their places.
 *
 * @module
 */

import { callSync } from "./call.js";
import type { CompiledStatement, CompileOptions } from "./core/compiled.js";
import { listSql } from "./core/lists.js";
import { encodeBatch } from "./encode.js";
import { native } from "./wasm.js";

/**
 * A text of SQL and the values of its parameters, for people.
 * @internal
 */
export function describeText(text: string, values: ReadonlyMap<string, unknown>, options: CompileOptions): CompiledStatement {
  // SQL and the names of parameters, in turns.
  const pieces = callSync(() => native().textPieces(text) as string[]);
  const params: Record<string, unknown> = {};
  const positiontup: string[] = [];
  const sql = pieces.map((piece, i) => {
    if (i % 2 === 0) return piece;
    const value = values.get(piece);
    if (options.literalBinds === true && values.has(piece)) return literalSql(piece, value);
    params[piece] = value ?? null;
    positiontup.push(piece);
    return Array.isArray(value) ? listSql(value, 1) : "?";
  });
  const joined = sql.join("");
  return Object.freeze({ sql: joined, params: Object.freeze(params), positiontup, warnings: [], toString: () => joined });
}

/** A value as SQL, or a list of values or of rows. */
function literalSql(name: string, value: unknown): string {
  if (!Array.isArray(value)) return literals(name, [value])[0] as string;
  if (value.length === 0) return listSql(value, 1);
  if (!Array.isArray(value[0])) return `(${literals(name, value).join(", ")})`;
  return `(VALUES ${value.map((row) => `(${literals(name, row as unknown[]).join(", ")})`).join(", ")})`;
}

function literals(name: string, values: readonly unknown[]): readonly string[] {
  const batch = encodeBatch(1, values.length, (_, i) => values[i], () => `parameter '${name}'`);
  return callSync(() => native().literals(batch) as string[]);
}
