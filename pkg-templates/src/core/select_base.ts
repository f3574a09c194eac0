/**
 * What all queries have in common.
 *
 * @module
 */

import type { Executable } from "../statement.js";
import type { RowType, StatementParameters } from "../values.js";
import { ClauseElement } from "./clause.js";
import type { Expr, Label, QueryLike } from "./expr.js";
import { queryExpr } from "./expressions.js";
import { Cte, Subquery, type CteOptions, type FromColumn, type Nameless } from "./from.js";
import type { CompoundSelect } from "./select.js";
import type { Together } from "./selection.js";

/** What SELECT and compounds have in common. */
export abstract class SelectBase<R extends RowType, V extends readonly unknown[] = readonly R[keyof R][]>
  extends ClauseElement
  implements QueryLike, Executable<R, V, StatementParameters> {
  /** What kind of statement it is. */
  abstract readonly kind: string;
  /** Whether it is a query. */
  readonly isQuery = true as const;
  /** The type of its rows; there is no value. */
  declare readonly rowType?: R;
  /** The type of its values; there is no value. */
  declare readonly valuesType?: V;
  /** The type of its parameters; there is no value. */
  declare readonly parametersType?: StatementParameters;
  /** @internal This and others, joined so; whoever knows compounds makes it. */
  abstract compoundOf(kind: number, others: readonly QueryLike[]): CompoundSelect<R, V>;
  /** @internal */
  abstract readonly resultColumns: readonly FromColumn[];

  /** As something that rows come from. */
  subquery<const A extends string = Nameless<"subquery">>(name?: A): Subquery<R, A> {
    return new Subquery<R, A>(this, this.resultColumns, name);
  }
  /** As a CTE. */
  cte<const A extends string = Nameless<"CTE">>(name?: A, options: CteOptions = {}): Cte<R, A> {
    return new Cte<R, A>(this, this.resultColumns, name, options);
  }
  /** As a value: the first column of the first row, null if there is no row. A query that always has one says so: `<number>`. */
  scalarSubquery<T = V[0] | null>(): Expr<T, never> {
    return queryExpr<T>(0x1c, this);
  }
  /** As a value with a name. */
  label<const N extends string>(name: N): Label<N, V[0] | null, never> {
    return this.scalarSubquery<V[0] | null>().label(name);
  }
  /** Whether it gives any row. */
  exists(): Expr<boolean, never> {
    return queryExpr<boolean>(0x1b, this);
  }
  /** This and the rows of others, none twice. */
  union<Q, const O extends readonly QueryLike[]>(this: Q, ...others: O): Together<Q, O> {
    return (this as SelectBase<R, V>).compoundOf(1, others) as unknown as Together<Q, O>;
  }
  /** This and the rows of others. */
  unionAll<Q, const O extends readonly QueryLike[]>(this: Q, ...others: O): Together<Q, O> {
    return (this as SelectBase<R, V>).compoundOf(2, others) as unknown as Together<Q, O>;
  }
  /** The rows that others have as well. */
  intersect(...others: readonly QueryLike[]): CompoundSelect<R, V> {
    return this.compoundOf(3, others);
  }
  /** The rows that others do not have. */
  except(...others: readonly QueryLike[]): CompoundSelect<R, V> {
    return this.compoundOf(4, others);
  }
}
