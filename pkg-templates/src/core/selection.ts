/**
 * What the values of expressions and the rows of a SELECT look like: types, and no code.
 *
 * Each column and each expression tells, besides the type of its values, the names of what it reads: its sources. An outer join
 * adds the names of the side that may be absent to those that a SELECT knows as optional; whatever reads one of them may be null.
 * A source whose name TypeScript does not know is `string`, which is any of them.
 *
 * @module
 */

import type { RowType } from "../values.js";
import type { Expr, Label } from "./expr.js";
import type { TextLike } from "./expressions.js";
import type { From, FromExpr } from "./from.js";
import type { CellsOfItems } from "./row_types.js";
import type { Table, TableColumn } from "./schema.js";
import type { CompoundSelect, Select } from "./select.js";
import type { SelectBase } from "./select_base.js";

/** What can be selected: expressions, columns, and everything that rows come from. */
export type Projection = Expr<any> | From<any> | TextLike;

/** What an operator takes on its other side, and what that reads: `N` has null if it may be null. */
export type Other<T, N, S extends string> = T | Expr<N, S> | null;
/** What comes of a value and another that may be null. */
export type OrNull<T, N> = unknown extends N ? T : T | Extract<N, null>;

/** Null, if a value of this type may be it. */
type Null<T> = null extends T ? null : never;
type NullIn<V> = Null<V extends Expr<infer N> ? N : V>;
/** What a comparison gives: null where one of its operands is. */
export type Truth<T, V> = boolean | Null<T> | NullIn<V>;
/** What `=` gives: of a value that is null it makes `IS NULL`, of an expression it does not. */
export type Equality<T, V> = boolean | Null<T> | (V extends Expr<infer N> ? Null<N> : never);
/** What `IN` gives. */
export type Membership<T, L> = boolean | Null<T> | (L extends readonly (infer I)[] ? NullIn<I> : Null<ValuesOf<L>[0]>);
/** What conditions together give: null where one of them may be. */
export type Logic<P> = boolean | (P extends Expr<infer T> ? Null<T> : P extends boolean ? never : null);

/** The sources of what rows come from. */
export type SourceOf<F> = F extends From<any, infer S> ? S : string;

/** A value that is null where what it reads (S) is optional (N). */
type Maybe<T, S, N> = [S & N] extends [never] ? T : T | null;
/** A row, all of whose values are null where what they read is optional. */
type MaybeRow<R, S, N> = [S & N] extends [never] ? R : { [K in keyof R]: R[K] | null };
type MaybeCells<V extends readonly unknown[], S, N> = [S & N] extends [never] ? V : { [I in keyof V]: V[I] | null };

type Named<P, N> =
  P extends TableColumn<infer K, infer T, infer S> ? { [Key in K]: Maybe<T, S, N> } :
  P extends FromExpr<infer K, infer T, infer S> ? { [Key in K]: Maybe<T, S, N> } :
  P extends Label<infer K, infer T, infer S> ? { [Key in K]: Maybe<T, S, N> } :
  P extends From<infer R, infer S> ? MaybeRow<R, S, N> :
  P extends Expr<infer T, infer S> ? Record<string, Maybe<T, S, N>> :
  Record<string, unknown>;

/** The name that a column gets whose own is taken. */
type Free<K extends string, Taken, Tries extends readonly unknown[] = readonly [unknown]> =
  `${K}_${Tries["length"]}` extends Taken ? Free<K, Taken, readonly [...Tries, unknown]> : `${K}_${Tries["length"]}`;
type Added<Row, More> = [keyof Row & keyof More] extends [never]
  ? Row & More
  : Row & { [K in keyof More as K extends keyof Row ? Free<K & string, keyof Row> : K]: More[K] };
/** Spelled out, so that editors and errors show the columns. */
type Both<Row, Others> = [Others] extends [never] ? { [K in keyof Row]: Row[K] } : { [K in keyof (Row & Record<string, Others>)]: (Row & Record<string, Others>)[K] };

/** The first column of a name has it, the next get numbers; names that nobody knows here (`Others`) may be any. */
type InOrder<P extends readonly unknown[], N, Row, Others> =
  P extends readonly [infer First, ...infer Rest]
    ? Named<First, N> extends infer More
      ? string extends keyof More
        ? InOrder<Rest, N, Row, Others | More[keyof More]>
        : InOrder<Rest, N, Added<Row, More>, Others>
      : never
    : P extends readonly []
      ? Both<Row, Others>
      : Both<Row, Others | Values<Named<P[number], N>>>;
type Values<R> = R extends unknown ? R[keyof R] : never;

/** The row of a SELECT of these, where what is in `N` may be absent. */
export type RowOf<P extends readonly unknown[], N = never> = InOrder<P, N, unknown, never>;

type Cells<P, N> =
  P extends TableColumn<string, infer T, infer S> ? readonly [Maybe<T, S, N>] :
  P extends Table<infer S, infer Items> ? MaybeCells<CellsOfItems<Items>, S, N> :
  P extends From<infer R, infer S> ? readonly Maybe<R[keyof R], S, N>[] :
  P extends Expr<infer T, infer S> ? readonly [Maybe<T, S, N>] : readonly unknown[];
/** The values of a row of a SELECT of these, in their order. */
export type TupleOf<P extends readonly unknown[], N = never, Done extends readonly unknown[] = readonly []> =
  P extends readonly [infer First, ...infer Rest] ? TupleOf<Rest, N, readonly [...Done, ...Cells<First, N>]> :
  P extends readonly [] ? Done : readonly unknown[];

/** Which way a join goes. */
export interface JoinOptions {
  /** `LEFT OUTER JOIN` */
  readonly isouter?: boolean;
  /** `FULL OUTER JOIN` */
  readonly full?: boolean;
}

/** A SELECT in which more is optional. */
type WithOptional<Q, More> = Q extends Select<infer R, infer V, infer P, infer N>
  ? number extends P["length"]
    ? Select<{ [K in keyof R]: R[K] | null }, { [I in keyof V]: V[I] | null }, P, N | More>
    : Select<RowOf<P, N | More>, TupleOf<P, N | More>, P, N | More>
  : never;
type LeftJoined<Q, F> = WithOptional<Q, SourceOf<F>>;

type Says<O, K extends string> = K extends keyof O ? (true extends O[K] ? true : false) : false;
/** What becomes of a SELECT by a join with options: both sides of a full join are optional. */
export type Joined<Q, F, O> =
  Says<O, "full"> extends true ? WithOptional<Q, string> : Says<O, "isouter"> extends true ? LeftJoined<Q, F> : Q;
/** What becomes of a SELECT by an outer join: the right side is optional. */
export type OuterJoined<Q, F, O> = Says<O, "full"> extends true ? WithOptional<Q, string> : LeftJoined<Q, F>;

/** What becomes of a SELECT by more columns. */
export type Widened<Q, C extends readonly Projection[]> = Q extends Select<infer R, infer V, infer P, infer N>
  ? number extends P["length"]
    ? Select<R & RowOf<C, N>, readonly [...V, ...TupleOf<C, N>], P, N>
    : Select<RowOf<readonly [...P, ...C], N>, TupleOf<readonly [...P, ...C], N>, readonly [...P, ...C], N>
  : never;
/** What becomes of a SELECT by other columns. */
export type Instead<Q, C extends readonly Projection[]> =
  Q extends Select<any, any, any, infer N> ? Select<RowOf<C, N>, TupleOf<C, N>, C, N> : never;

type ValuesOf<Q> = Q extends { readonly valuesType?: infer V extends readonly unknown[] } ? V : readonly unknown[];
type NotNull<V extends readonly unknown[]> = { readonly [I in keyof V]: Exclude<V[I], null> };
/** The values of either; of what nobody knows the values, nothing is said. */
type EitherTuple<V extends readonly unknown[], W extends readonly unknown[]> =
  number extends W["length"] ? V : W extends V ? V : { readonly [I in keyof V]: V[I] | (I extends keyof W ? W[I] : never) };
type AnyOf<V extends readonly unknown[], O extends readonly unknown[]> =
  O extends readonly [infer First, ...infer Rest] ? AnyOf<EitherTuple<V, ValuesOf<First>>, Rest> : V;
/** Names have no order in a type: where the parts differ, each column may be what any of them is. */
type EitherRow<R, V extends readonly unknown[], W extends readonly unknown[]> =
  W extends V ? R : { [K in keyof R]: R[K] | (NotNull<W> extends NotNull<V> ? null : W[number]) };
type Either<R extends RowType, V extends readonly unknown[], W extends readonly unknown[]> = CompoundSelect<EitherRow<R, V, W>, W>;
/** What a query and others give together: their rows have the names of the first. */
export type Together<Q, O extends readonly unknown[]> =
  Q extends SelectBase<infer R, infer V> ? Either<R, V, AnyOf<V, O>> : never;
