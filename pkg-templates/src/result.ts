/**
 * Results that are here already: what `execute()` gives. Their methods are synchronous.
 *
 * States and errors are SQLAlchemy's; `tests/vectors/result.json` lists them for this file and for its Rust twin,
 * `src/result_set.rs`.
 *
 * @module
 */

import type { Values as Params } from "./core/binding.js";
import { insertedRow, insertedRows, lastParams } from "./core/inserted.js";
import { dispose } from "./dispose.js";
import { describe } from "./encode.js";
import { Cursor, END, Feed, columnIndex, type Make } from "./feed.js";
import { ArgumentError } from "./errors.js";
import { shapeOf, type Row, type Shape } from "./row.js";
import type { AnyRow, RowType, SqlValue, ValueOf } from "./values.js";

/** The fetching that all results have. Get one from `execute()`; it is closed when a method says so, or by `close()`. */
export abstract class Fetched<T> implements Iterable<T> {
  readonly #cursor: Cursor<T>;

  /** @internal */
  protected constructor(cursor: Cursor<T>) {
    this.#cursor = cursor;
  }

  /** At most `size` rows; without a size as many as {@link Result.yieldPer} said, or else one. Empty after the last row. */
  fetchmany(size?: number): T[] {
    return this.#cursor.feed.run(this.#cursor.take(sizeOf(size, this.#cursor.feed)));
  }

  /** The rows that are left. Empty after the last row. */
  fetchall(): T[] {
    return this.#cursor.feed.run(this.#cursor.take(Infinity));
  }

  /** The rows that are left: the same as {@link fetchall}. */
  all(): T[] {
    return this.fetchall();
  }

  /** The first row, or null if there is none; closes the result. */
  first(): T | null {
    return this.#cursor.feed.run(this.#cursor.only(false, false));
  }

  /** The only row; throws `NoResultFound` or `MultipleResultsFound`. Closes the result. */
  one(): T {
    return this.#cursor.feed.run(this.#cursor.only(true, true)) as T;
  }

  /** The only row, or null if there is none; throws `MultipleResultsFound`. Closes the result. */
  oneOrNone(): T | null {
    return this.#cursor.feed.run(this.#cursor.only(false, true));
  }

  /** The rows that are left, as lists of `size`. */
  partitions(size?: number): IterableIterator<T[]> {
    const cursor = this.#cursor;
    return (function* () {
      for (;;) {
        const part = cursor.feed.run(cursor.take(sizeOf(size, cursor.feed)));
        if (part.length === 0) return;
        yield part;
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

  /** Drops the rows that were not fetched. From then on fetching is a `ResourceClosedError`. */
  close(): void {
    this.#cursor.feed.close();
  }

  /** Whether it was closed, by {@link close} or a method that closes. A result that was only fetched to its end was not. */
  get closed(): boolean {
    return this.#cursor.feed.closed;
  }

  /** The rows that are left, one by one. */
  [Symbol.iterator](): IterableIterator<T> {
    const cursor = this.#cursor;
    cursor.feed.check();
    return (function* () {
      for (;;) {
        const item = cursor.feed.run(cursor.next());
        if (item === END) return;
        yield item;
      }
    })();
  }

  /** As {@link close}. */
  [dispose](): void {
    this.close();
  }
}

/** The rows of a statement, or how many it changed. */
export class Result<R extends RowType = AnyRow, V extends readonly unknown[] = readonly ValueOf<R>[]> extends Fetched<Row<R>> {
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
  static of<R extends RowType, V extends readonly unknown[]>(feed: Feed): Result<R, V> {
    return new Result<R, V>(feed, new View(feed));
  }

  /** The next row, or null after the last one. */
  fetchone(): Row<R> | null {
    const row = this.#cursor.feed.run(this.#cursor.next());
    return row === END ? null : row;
  }

  /** The first column of the first row, or null if there is no row; closes the result. */
  scalar<T = V[0]>(): T | null {
    return cell<T>(this.first());
  }

  /** The first column of the only row; throws `NoResultFound` or `MultipleResultsFound`. Closes the result. */
  scalarOne<T = V[0]>(): T {
    return cell<T>(this.one()) as T;
  }

  /** The first column of the only row, or null if there is none; throws `MultipleResultsFound`. Closes the result. */
  scalarOneOrNone<T = V[0]>(): T | null {
    return cell<T>(this.oneOrNone());
  }

  /** The values of one column, by name or position, the first by default. It shares its rows with this result. */
  scalars<K extends keyof R & string>(column: K): ScalarResult<R[K]>;
  scalars<I extends number = 0>(column?: I): ScalarResult<V[I]>;
  scalars<T = V[0]>(column?: number | string): ScalarResult<T>;
  scalars(column: number | string = 0): ScalarResult<unknown> {
    const cursor = new Cursor<unknown>(this.#cursor.feed, this.#view.scalar(column));
    if (this.#cursor.isUnique) cursor.unique(undefined);
    return ScalarResult.of(cursor);
  }

  /** The rows as objects without a prototype. It shares its rows with this result. */
  mappings(): MappingResult<R> {
    // A view of its own: `columns()` of one does not change the other.
    const view = this.#view.copy();
    const cursor = new Cursor<Readonly<R>>(this.#cursor.feed, view.mapping() as Make<Readonly<R>>);
    if (this.#cursor.isUnique) cursor.unique(undefined);
    return MappingResult.of(cursor, view);
  }

  /** The rows as arrays, whose items have the types of the columns. It shares its rows with this result. */
  tuples(): TupleResult<V> {
    const view = this.#view.copy();
    const cursor = new Cursor<V>(this.#cursor.feed, view.tuple() as Make<V>);
    if (this.#cursor.isUnique) cursor.unique(undefined);
    return TupleResult.of(cursor, view);
  }

  /** From here on, rows have these columns only, in this order, by name or position. */
  columns(...columns: (number | string)[]): Result<AnyRow> {
    this.#view.pick(columns);
    return this as unknown as Result<AnyRow>;
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

  /** Fetches the rows that are left and gives a function that makes a new result of them, as often as it is called. */
  freeze(): () => Result<R, V> {
    return freezer<R, V>(this.keys(), this.rowcount, this.lastrowid, this.fetchall());
  }

  /**
   * One result of the rows that are left in this one and in others, in this order and under the names of this one's columns; an
   * error unless all have as many columns. What was taken here is gone there, and what they changed is added up.
   */
  merge(...others: readonly Result<RowType, readonly unknown[]>[]): Result<R, V> {
    const results: readonly Result<RowType, readonly unknown[]>[] = [this as never, ...others];
    for (const other of others) {
      if (!(other instanceof Result)) throw new ArgumentError(`merge() takes results, not ${describe(other)}`);
      const [ours, theirs] = [columnsOf(this as never), columnsOf(other)];
      if (ours === theirs) continue;
      throw new ArgumentError(`merge() takes results of ${ours} columns, as this one has, and one has ${theirs}`);
    }
    // Before anything is taken: what is refused leaves all of them as they were.
    for (const result of results) if (result.returnsRows) (result as Result).#cursor.feed.check();
    const counts = results.map((result) => result.rowcount).filter((count) => count >= 0);
    const rowcount = counts.length === 0 ? -1 : counts.reduce((sum, count) => sum + count, 0);
    const lastrowid = (results.at(-1) as Result).lastrowid;
    const feed = new Feed(this.returnsRows ? this.keys() : null, rowcount, lastrowid, null);
    const { shape } = feed;
    // Each row anew: theirs may have other names.
    if (shape !== null) for (const result of results) feed.push(result.all().map((row) => shape.make([...row] as SqlValue[])));
    feed.end();
    feed.yieldPer = this.#cursor.feed.yieldPer;
    const merged = Result.of<R, V>(feed);
    merged.#cursor.follow(this.#cursor);
    return merged;
  }

  /** How many rows an INSERT, UPDATE or DELETE changed, all parameter sets together; -1 for any other statement. */
  get rowcount(): number {
    return this.#cursor.feed.rowcount;
  }

  /** The rowid of the row that was inserted last on the connection. */
  get lastrowid(): number | bigint | null {
    return this.#cursor.feed.lastrowid;
  }

  /**
   * The primary key of the row that an INSERT wrote; null where it wrote none, and in it what nobody knows. An error for other
   * statements, for executemany, and with `returning()`.
   */
  get insertedPrimaryKey(): Row<AnyRow> | null {
    return insertedRow(this.#cursor.feed.about, this);
  }

  /** The primary keys of the rows that an INSERT wrote, one for each set of parameters. */
  get insertedPrimaryKeyRows(): readonly Row<AnyRow>[] {
    return insertedRows(this.#cursor.feed.about, this);
  }

  /** The values that an INSERT was executed with, those of defaults included; a list of them for executemany. */
  lastInsertedParams(): Params | readonly Params[] {
    return lastParams(this.#cursor.feed.about, "insert");
  }

  /** The values that an UPDATE was executed with, those of `onupdate` included; a list of them for executemany. */
  lastUpdatedParams(): Params | readonly Params[] {
    return lastParams(this.#cursor.feed.about, "update");
  }

  /** Whether the statement returns rows, be it none. */
  get returnsRows(): boolean {
    return this.#cursor.feed.shape !== null;
  }
}

/** The values of one column of a result. */
export class ScalarResult<T = SqlValue> extends Fetched<T> {
  private constructor(cursor: Cursor<T>) {
    super(cursor);
    Object.freeze(this);
  }

  /** @internal */
  static of<T>(cursor: Cursor<T>): ScalarResult<T> {
    return new ScalarResult(cursor);
  }
}

/** The rows of a result as frozen objects without a prototype. */
export class MappingResult<R extends RowType = AnyRow> extends Fetched<Readonly<R>> {
  readonly #cursor: Cursor<Readonly<R>>;
  readonly #view: View;

  private constructor(cursor: Cursor<Readonly<R>>, view: View) {
    super(cursor);
    this.#cursor = cursor;
    this.#view = view;
    Object.freeze(this);
  }

  /** @internal */
  static of<R extends RowType>(cursor: Cursor<Readonly<R>>, view: View): MappingResult<R> {
    return new MappingResult<R>(cursor, view);
  }

  /** The next row, or null after the last one. */
  fetchone(): Readonly<R> | null {
    const row = this.#cursor.feed.run(this.#cursor.next());
    return row === END ? null : row;
  }

  /** From here on, rows have these columns only, in this order, by name or position. */
  columns(...columns: (number | string)[]): MappingResult<AnyRow> {
    this.#view.pick(columns);
    return this as unknown as MappingResult<AnyRow>;
  }

  /** The names of the columns. */
  keys(): readonly string[] {
    return this.#view.keys();
  }
}

/** The rows of a result as frozen arrays. */
export class TupleResult<V extends readonly unknown[]> extends Fetched<V> {
  readonly #cursor: Cursor<V>;
  readonly #view: View;

  private constructor(cursor: Cursor<V>, view: View) {
    super(cursor);
    this.#cursor = cursor;
    this.#view = view;
    Object.freeze(this);
  }

  /** @internal */
  static of<V extends readonly unknown[]>(cursor: Cursor<V>, view: View): TupleResult<V> {
    return new TupleResult<V>(cursor, view);
  }

  /** The next row, or null after the last one. */
  fetchone(): V | null {
    const row = this.#cursor.feed.run(this.#cursor.next());
    return row === END ? null : row;
  }

  /** The names of the columns. */
  keys(): readonly string[] {
    return this.#view.keys();
  }
}

/**
 * Which columns a result shows, and how its rows are made.
 * @internal
 */
export class View {
  readonly #feed: Feed;
  #picked: readonly number[] | null = null;
  #shape: Shape | null;

  constructor(feed: Feed) {
    this.#feed = feed;
    this.#shape = feed.shape;
  }

  /** A view that shows the same and goes its own way. */
  copy(): View {
    const view = new View(this.#feed);
    view.#picked = this.#picked;
    view.#shape = this.#shape;
    return view;
  }

  /** The names of the columns that it shows. */
  keys(): readonly string[] {
    // Names outlive a close; only a statement without rows has none.
    if (this.#shape === null) this.#feed.check();
    return (this.#shape as Shape).names;
  }

  /** Keeps only some of the columns that it shows. */
  pick(columns: readonly (number | string)[]): void {
    const keys = this.keys();
    const picked = columns.map((column) => columnIndex(keys, column));
    this.#shape = shapeOf(picked.map((i) => keys[i] as string));
    const before = this.#picked;
    this.#picked = before === null ? picked : picked.map((i) => before[i] as number);
  }

  /** A row as it shows it. */
  row(row: object): object {
    const { mapped, shape } = this.#feed;
    if (mapped) (shape as Shape).asked.mappings = false;
    return this.#picked === null && !mapped ? row : (this.#shape as Shape).make(this.#values(row));
  }

  /** Makes the value of one column. */
  scalar(column: number | string): Make<SqlValue> {
    const index = columnIndex(this.keys(), column);
    return (this.#feed.shape as Shape).at(this.#picked === null ? index : (this.#picked[index] as number));
  }

  /** Makes objects without a prototype. */
  mapping(): Make<object> {
    const { mapped, shape } = this.#feed;
    // Many at once would hold the page up: those of the next result are made while they arrive.
    if (shape !== null) shape.asked.mappings = true;
    return (row) => (mapped && this.#picked === null ? row : (this.#shape as Shape).mapping(this.#values(row)));
  }

  /** Makes arrays. */
  tuple(): Make<readonly SqlValue[]> {
    return (row) => Object.freeze([...this.#values(row)]);
  }

  #values(row: object): readonly SqlValue[] {
    const values = (this.#feed.shape as Shape).read(row);
    return this.#picked === null ? values : this.#picked.map((i) => values[i] as SqlValue);
  }
}

/** @internal */
export function freezer<R extends RowType, V extends readonly unknown[]>(
  keys: readonly string[],
  rowcount: number,
  lastrowid: number | bigint | null,
  rows: readonly Row<R>[],
): () => Result<R, V> {
  return () => {
    const feed = new Feed(keys, rowcount, lastrowid, null);
    feed.push(rows);
    feed.end();
    return Result.of<R, V>(feed);
  };
}

const columnsOf = (result: Result<RowType, readonly unknown[]>): number => (result.returnsRows ? result.keys().length : 0);

/** @internal */
export function cell<T>(row: object | null): T | null {
  return row === null ? null : ((row as readonly unknown[])[0] as T);
}

/** @internal */
export function sizeOf(size: number | undefined, feed: Feed): number {
  if (size === undefined) return feed.yieldPer;
  if (!(Number.isInteger(size) && size > 0)) throw new ArgumentError(`a number of rows is a positive integer, not ${size}`);
  return size;
}
