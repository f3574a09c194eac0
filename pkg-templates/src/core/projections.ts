/**
 * What statements select or return: checked, described, written.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe, isThenable } from "../encode.js";
import { isQuery, Label, type Expr } from "./expr.js";
import { exprOf } from "./expressions.js";
import { From, FromExpr } from "./from.js";
import { FunctionCall } from "./func.js";
import { Column, TableColumn } from "./schema.js";
import type { Projection } from "./selection.js";
import { NullType, type SqlType } from "./types.js";
import { undeclared, type Writer } from "./writer.js";

/**
 * What is selected, as the compiler takes it; what cannot be is told kindly.
 * @internal
 */
export const projections = (name: string, columns: readonly Projection[]): Projection[] =>
  columns.map((column) => {
    if (column instanceof From) return column;
    const expr = exprOf(column);
    if (expr !== undefined) return expr;
    if (isQuery(column)) throw new ArgumentError("a query is selected as .scalarSubquery() or .subquery()");
    if (typeof column === "string") throw undeclared(column, "column expression");
    const hint =
      isThenable(column) ? ": its await was forgotten" :
      Array.isArray(column) ? ": give its items one by one" :
      column instanceof Column ? `: columns are selected as users.c.${column.key}` : "";
    throw new ArgumentError(`${name}() takes columns, expressions and tables, not ${describe(column)}${hint}`);
  });

/** What a SELECT says of one of its columns. */
export interface ColumnDescription {
  /** Its name: of a column its key, of a function its own; null where the compiler makes one. */
  readonly name: string | null;
  /** Its type, as far as it is known here. */
  readonly type: SqlType<any>;
  /** What is selected. */
  readonly expr: Expr<unknown>;
  /** @internal Whether those around know it by its name. */
  readonly isNamed: boolean;
}

/** @internal */
export function descriptionsOf(column: Projection): ColumnDescription[] {
  if (column instanceof From) return Object.values(column.c as Readonly<Record<string, Expr<unknown>>>).flatMap(descriptionsOf);
  const expr = column as Expr<unknown>;
  const isNamed = expr instanceof TableColumn || expr instanceof FromExpr || expr instanceof Label;
  const name = isNamed ? (expr.key as string) : expr instanceof FunctionCall ? expr.name : null;
  return [Object.freeze({ name, type: typeIn(expr), expr, isNamed })];
}

const typeIn = (expr: Expr<unknown>): SqlType<any> =>
  expr instanceof Label ? typeIn(expr.element as Expr<unknown>) : ((expr as { readonly type?: SqlType<any> }).type ?? NullType);

/** Projections by their numbers. */
export type ProjectionRefs = readonly (readonly [isFrom: boolean, number: number])[];

/** @internal */
export const projectionRefs = (writer: Writer, columns: readonly Projection[]): ProjectionRefs =>
  columns.map((column) => [column instanceof From, writer.ref(column)] as const);

/** @internal */
export function writeProjections(writer: Writer, list: ProjectionRefs): void {
  writer.u32(list.length);
  for (const [isFrom, number] of list) {
    writer.flag(isFrom);
    writer.u32(number);
  }
}
