/**
 * Results that arrive in batches: what `stream()` gives. Their methods are asynchronous, their meaning is that of
 * `result.ts`.
 *
 * A stream holds few batches: the worker sends more only when some were taken. It is open until its last row was
 * fetched, a method closed it, a loop over it was left, or its transaction or connection ended.
 *
 * @module
 */

import { asyncDispose } from "./dispose.js";
import { Cursor, END, type Feed, type Make } from "./feed.js";
import { View, cell, freezer, sizeOf, type Result } from "./result.js";
import type { Row } from "./row.js";
import type { AnyRow, RowType, SqlValue, ValueOf } from "./values.js";

/** The fetching that all streamed results have. */
export abstract class Streamed<T> implements AsyncIterable<T>, AsyncDisposable {
  readonly #cursor: Cursor<T>;

  /** @internal */
  protected constructor(cursor: Cursor<T>) {
    this.#cursor = cursor;
  }

  /** At most `size` rows; without a size as many as {@link AsyncResult.yieldPer} said, or else one. Empty after the last row. */
  async fetchmany(size?: number): Promise<T[]> {
    return this.#cursor.feed.runAsync(this.#cursor.take(sizeOf(size, this.#cursor.feed)));
  }

  /** The rows that are left: all of them in memory at once. Empty after the last row. */
  async fetchall(): Promise<T[]> {
    return this.#cursor.feed.runAsync(this.#cursor.take(Infinity));
  }

  /** The rows that are left: the same as {@link fetchall}. */
  async all(): Promise<T[]> {
    return this.fetchall();
  }

  /** The first row, or null if there is none; closes the result. */
  async first(): Promise<T | null> {
    return this.#cursor.feed.runAsync(this.#cursor.only(false, false));
  }

  /** The only row; throws `NoResultFound` or `MultipleResultsFound`. Closes the result. */
  async one(): Promise<T> {
    return this.#cursor.feed.runAsync(this.#cursor.only(true, true)) as Promise<T>;
  }

  /** The only row, or null if there is none; throws `MultipleResultsFound`. Closes the result. */
  async oneOrNone(): Promise<T | null> {
    return this.#cursor.feed.runAsync(this.#cursor.only(false, true));
  }

  /** The rows that are left, as lists of `size`. Leaving the loop early closes the result. */
  partitions(size?: number): AsyncIterableIterator<T[]> {
    const cursor = this.#cursor;
    return (async function* () {
      try {
        for (;;) {
          const part = await cursor.feed.runAsync(cursor.take(sizeOf(size, cursor.feed)));
          if (part.length === 0) return;
          yield part;
        }
      } finally {
        if (!cursor.feed.spent) cursor.feed.close();
      }
    })();
  }

  /**
   * Gives each row once only. Rows are the same when their values are; a `strategy` gives the value to compare instead
   * (by identity, if it is an object).
   */
  unique(strategy?: (item: T) => unknown): this {
    this.#cursor.unique(strategy);
    return this;
  }

  /** Ends the stream; the worker sends no more. From then on fetching is a `ResourceClosedError`. */
  async close(): Promise<void> {
    this.#cursor.feed.close();
  }

  /** Whether it was closed, by {@link close} or a method that closes. A result that was only fetched to its end was not. */
  get closed(): boolean {
    return this.#cursor.feed.closed;
  }

  /** The rows that are left, one by one. Leaving the loop early closes the result. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const cursor = this.#cursor;
    return (async function* () {
      try {
        for (;;) {
          // What is here already costs no promise of its own.
          const item = await cursor.feed.runAsync(cursor.next());
          if (item === END) return;
          yield item;
        }
      } finally {
        if (!cursor.feed.spent) cursor.feed.close();
      }
    })();
  }

  /** As {@link close}. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The rows of a statement, as they arrive. */
export class AsyncResult<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[]> extends Streamed<Row<R>> {
  readonly #cursor: Cursor<Row<R>>;
  readonly #view: View;

  private constructor(feed: Feed, view: View) {
    const cursor = new Cursor<Row<R>>(feed, (row) => view.row(row) as Row<R>);
    super(cursor);
    this.#cursor = cursor;
    this.#view = view;
    Object.freeze(this);
  }

  /** @internal */
  static of<R extends RowType, V extends readonly unknown[]>(feed: Feed): AsyncResult<R, V> {
    return new AsyncResult<R, V>(feed, new View(feed));
  }

  /** The next row, or null after the last one. */
  async fetchone(): Promise<Row<R> | null> {
    const row = await this.#cursor.feed.runAsync(this.#cursor.next());
    return row === END ? null : row;
  }

  /** The first column of the first row, or null if there is no row; closes the result. */
  async scalar<T = V[0]>(): Promise<T | null> {
    return cell<T>(await this.first());
  }

  /** The first column of the only row; throws `NoResultFound` or `MultipleResultsFound`. Closes the result. */
  async scalarOne<T = V[0]>(): Promise<T> {
    return cell<T>(await this.one()) as T;
  }

  /** The first column of the only row, or null if there is none; throws `MultipleResultsFound`. Closes the result. */
  async scalarOneOrNone<T = V[0]>(): Promise<T | null> {
    return cell<T>(await this.oneOrNone());
  }

  /** The values of one column, by name or position, the first by default. It shares its rows with this result. */
  scalars<K extends keyof R & string>(column: K): AsyncScalarResult<R[K]>;
  scalars<I extends number = 0>(column?: I): AsyncScalarResult<V[I]>;
  scalars<T = V[0]>(column?: number | string): AsyncScalarResult<T>;
  scalars(column: number | string = 0): AsyncScalarResult<unknown> {
    const cursor = new Cursor<unknown>(this.#cursor.feed, this.#view.scalar(column));
    if (this.#cursor.isUnique) cursor.unique(undefined);
    return AsyncScalarResult.of(cursor);
  }

  /** The rows as objects without a prototype. It shares its rows with this result. */
  mappings(): AsyncMappingResult<R> {
    // A view of its own: `columns()` of one does not change the other.
    const view = this.#view.copy();
    const cursor = new Cursor<Readonly<R>>(this.#cursor.feed, view.mapping() as Make<Readonly<R>>);
    if (this.#cursor.isUnique) cursor.unique(undefined);
    return AsyncMappingResult.of(cursor, view);
  }

  /** The rows as arrays, whose items have the types of the columns. It shares its rows with this result. */
  tuples(): AsyncTupleResult<V> {
    const view = this.#view.copy();
    const cursor = new Cursor<V>(this.#cursor.feed, view.tuple() as Make<V>);
    if (this.#cursor.isUnique) cursor.unique(undefined);
    return AsyncTupleResult.of(cursor, view);
  }

  /** From here on, rows have these columns only, in this order, by name or position. */
  columns(...columns: (number | string)[]): AsyncResult<AnyRow> {
    this.#view.pick(columns);
    return this as unknown as AsyncResult<AnyRow>;
  }

  /** The names of the columns. */
  keys(): readonly string[] {
    return this.#view.keys();
  }

  /** Sets how many rows {@link fetchmany} and {@link partitions} take when they are not told. */
  yieldPer(size: number): this {
    this.#cursor.feed.yieldPer = sizeOf(size, this.#cursor.feed);
    return this;
  }

  /** Fetches the rows that are left and gives a function that makes a buffered result of them, as often as it is called. */
  async freeze(): Promise<() => Result<R, V>> {
    return freezer<R, V>(this.keys(), this.rowcount, this.lastrowid, await this.fetchall());
  }

  /** How many rows an INSERT, UPDATE or DELETE changed so far; -1 for any other statement. */
  get rowcount(): number {
    return this.#cursor.feed.rowcount;
  }

  /** The rowid of the row that was inserted last on the connection. */
  get lastrowid(): number | bigint | null {
    return this.#cursor.feed.lastrowid;
  }

  /** Whether the statement returns rows, be it none. */
  get returnsRows(): boolean {
    return this.#cursor.feed.shape !== null;
  }
}

/** The values of one column of a streamed result. */
export class AsyncScalarResult<T = SqlValue> extends Streamed<T> {
  private constructor(cursor: Cursor<T>) {
    super(cursor);
    Object.freeze(this);
  }

  /** @internal */
  static of<T>(cursor: Cursor<T>): AsyncScalarResult<T> {
    return new AsyncScalarResult(cursor);
  }
}

/** The rows of a streamed result as frozen objects without a prototype. */
export class AsyncMappingResult<R extends RowType = AnyRow> extends Streamed<Readonly<R>> {
  readonly #cursor: Cursor<Readonly<R>>;
  readonly #view: View;

  private constructor(cursor: Cursor<Readonly<R>>, view: View) {
    super(cursor);
    this.#cursor = cursor;
    this.#view = view;
    Object.freeze(this);
  }

  /** @internal */
  static of<R extends RowType>(cursor: Cursor<Readonly<R>>, view: View): AsyncMappingResult<R> {
    return new AsyncMappingResult<R>(cursor, view);
  }

  /** The next row, or null after the last one. */
  async fetchone(): Promise<Readonly<R> | null> {
    const row = await this.#cursor.feed.runAsync(this.#cursor.next());
    return row === END ? null : row;
  }

  /** From here on, rows have these columns only, in this order, by name or position. */
  columns(...columns: (number | string)[]): AsyncMappingResult<AnyRow> {
    this.#view.pick(columns);
    return this as unknown as AsyncMappingResult<AnyRow>;
  }

  /** The names of the columns. */
  keys(): readonly string[] {
    return this.#view.keys();
  }
}

/** The rows of a streamed result as frozen arrays. */
export class AsyncTupleResult<V extends readonly unknown[]> extends Streamed<V> {
  readonly #cursor: Cursor<V>;
  readonly #view: View;

  private constructor(cursor: Cursor<V>, view: View) {
    super(cursor);
    this.#cursor = cursor;
    this.#view = view;
    Object.freeze(this);
  }

  /** @internal */
  static of<V extends readonly unknown[]>(cursor: Cursor<V>, view: View): AsyncTupleResult<V> {
    return new AsyncTupleResult<V>(cursor, view);
  }

  /** The next row, or null after the last one. */
  async fetchone(): Promise<V | null> {
    const row = await this.#cursor.feed.runAsync(this.#cursor.next());
    return row === END ? null : row;
  }

  /** The names of the columns. */
  keys(): readonly string[] {
    return this.#view.keys();
  }
}
