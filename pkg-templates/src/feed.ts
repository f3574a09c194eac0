/**
 * What results read from: batches of rows in the order of their arrival, one place, and whether it is closed.
 *
 * A result and what was derived from it (`scalars()`, `mappings()`) share one feed. The semantics of fetching are
 * written once, as generators that yield when they need a batch that is not there yet: a buffered result never does, a
 * streamed one awaits the next.
 *
 * @module
 */

import type { About } from "./core/compiled.js";
import { MultipleResultsFound, NoResultFound, NoSuchColumnError, ResourceClosedError } from "./errors.js";
import { shapeOf, type Shape } from "./row.js";

/** Where the batches of a stream come from. */
export interface Stream {
  /** Asks for the next batches and pushes them into the feed, or ends it. */
  pull(feed: Feed): Promise<void>;
  /** Tells the worker that no more is wanted. */
  close(): void;
}

/** Batches, a place in them, and a state. */
export class Feed {
  /** What its rows look like; null when the statement returns no rows. */
  readonly shape: Shape | null;
  /** Rows changed by INSERT, UPDATE or DELETE; -1 for any other statement. */
  rowcount: number;
  /** The rowid of the last inserted row. */
  lastrowid: number | bigint | null;
  /** Whether its rows are mappings already, which most are not. */
  mapped = false;
  /** Whether it was closed: from then on each fetch is an error. */
  closed = false;
  /** Whether a fetch found that there are no more rows. */
  spent = false;
  /** What can be asked about its statement; undefined for a text. */
  about: About | undefined;
  /** How many rows `fetchmany()` and `partitions()` take when they are not told. */
  yieldPer = 1;
  #batches: (readonly object[])[] = [];
  #row = 0;
  #ended = false;
  #closedBy: unknown;
  readonly #stream: Stream | null;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(columns: readonly string[] | null, rowcount: number, lastrowid: number | bigint | null, stream: Stream | null) {
    this.shape = columns === null ? null : shapeOf(columns);
    this.rowcount = rowcount;
    this.lastrowid = lastrowid;
    this.#stream = stream;
  }

  /** Adds a batch at the end. */
  push(batch: readonly object[]): void {
    if (!this.closed && batch.length > 0) this.#batches.push(batch);
  }

  /** Says that no batch follows. */
  end(): void {
    this.#ended = true;
  }

  /** An error when it has no rows, or was closed. */
  check(): void {
    if (this.shape === null) {
      throw new ResourceClosedError("This result object does not return rows. It has been closed automatically.");
    }
    if (this.closed) {
      const cause = this.#closedBy;
      throw new ResourceClosedError("This result object is closed.", cause === undefined ? {} : { cause });
    }
  }

  /** The batch with the next row; undefined when it has to be waited for, or when there is none: see {@link ended}. */
  batch(): readonly object[] | undefined {
    const batch = this.#batches[0];
    if (batch === undefined || this.#row < batch.length) return batch;
    this.#batches.shift();
    this.#row = 0;
    return this.#batches[0];
  }

  /** Which row of {@link batch} is next. */
  get row(): number {
    return this.#row;
  }

  /** Goes on by some rows of {@link batch}. */
  advance(rows: number): void {
    this.#row += rows;
  }

  /** Whether no batch follows those that are here. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Closes it: the rows that were not fetched are dropped. */
  close(by?: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.#closedBy = by;
    this.#batches = [];
    this.#row = 0;
    if (!this.#ended) this.#stream?.close();
    this.#ended = true;
  }

  /** Runs steps that never have to wait. */
  run<T>(steps: Steps<T>): T {
    const step = steps.next();
    if (step.done === true) return step.value;
    throw new ResourceClosedError("a buffered result has no more batches to wait for");
  }

  /** Runs steps, waiting for batches; calls that overlap take their turns in order. */
  async runAsync<T>(steps: Steps<T>): Promise<T> {
    if (this.#waiting === 0) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
    this.#waiting++;
    const turn = this.#turn.then(() => this.#drive(steps));
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async #drive<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      try {
        await (this.#stream as Stream).pull(this);
      } catch (error) {
        this.#ended = true;
        this.close(error);
        throw error;
      }
    }
  }
}

/** Steps that yield when they need a batch that is not there. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Makes what a result gives of a row. */
export type Make<T> = (row: object) => T;

/** What {@link Cursor.next} gives after the last row. */
export const END: unique symbol = Symbol("aludel.end");

/** Fetching: SQLAlchemy's rules of what each call gives, closes and throws. */
export class Cursor<T> {
  readonly feed: Feed;
  readonly make: Make<T>;
  #seen: Set<unknown> | null = null;
  #strategy: (item: T) => unknown = keyOf;

  constructor(feed: Feed, make: Make<T>) {
    this.feed = feed;
    this.make = make;
  }

  /** From here on, drops what was given before. */
  unique(strategy: ((item: T) => unknown) | undefined): void {
    this.#seen = new Set();
    this.#strategy = strategy ?? keyOf;
  }

  /** Whether {@link unique} was called: cursors derived from this one then are unique too. */
  get isUnique(): boolean {
    return this.#seen !== null;
  }

  /** Drops what another one would. */
  follow(other: Cursor<T>): void {
    if (other.#seen === null) return;
    this.#seen = new Set();
    this.#strategy = other.#strategy;
  }

  #isNew(item: T): boolean {
    if (this.#seen === null) return true;
    const key = this.#strategy(item);
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  /** The next raw row. */
  *#raw(): Steps<T | typeof END> {
    const { feed } = this;
    for (;;) {
      feed.check();
      const batch = feed.batch();
      if (batch !== undefined) {
        const item = this.make(batch[feed.row] as object);
        feed.advance(1);
        return item;
      }
      if (feed.ended) return END;
      yield;
    }
  }

  /** The next row that was not given before. */
  *next(): Steps<T | typeof END> {
    for (;;) {
      const item = yield* this.#raw();
      if (item === END) this.feed.spent = true;
      if (item === END || this.#isNew(item)) return item;
    }
  }

  /** At most `limit` rows. */
  *take(limit: number): Steps<T[]> {
    const { feed, make } = this;
    const items: T[] = [];
    while (items.length < limit) {
      feed.check();
      const batch = feed.batch();
      if (batch === undefined) {
        if (!feed.ended) {
          yield;
          continue;
        }
        if (items.length === 0 || limit === Infinity || this.isUnique) feed.spent = true;
        break;
      }
      const end = Math.min(batch.length, feed.row + limit - items.length);
      for (let i = feed.row; i < end; i++) {
        const item = make(batch[i] as object);
        if (this.#seen === null || this.#isNew(item)) items.push(item);
      }
      feed.advance(end - feed.row);
    }
    if (limit <= 0) feed.check();
    return items;
  }

  /** The first row, closing; which numbers of rows are errors, the two flags say. */
  *only(refuseNone: boolean, refuseSecond: boolean): Steps<T | null> {
    const { feed } = this;
    feed.check();
    // A result that was fetched to its end stays as it is; any other is closed by this call.
    const first = yield* this.#raw();
    if (first === END) {
      if (!feed.spent) feed.close();
      if (refuseNone) throw new NoResultFound("No row was found when one was required");
      return null;
    }
    let second: T | typeof END = END;
    if (refuseSecond) {
      const key = this.#seen === null ? null : this.#strategy(first);
      do second = yield* this.#raw();
      while (second !== END && this.#seen !== null && this.#strategy(second) === key);
    }
    feed.close();
    if (second === END) return first;
    throw new MultipleResultsFound(
      `Multiple rows were found when ${refuseNone ? "exactly one" : "one or none"} was required`,
    );
  }
}

/** The position of a column that is named or numbered; an error when there is none. */
export function columnIndex(columns: readonly string[], column: number | string): number {
  // Of a repeated name the last column counts, as in a row.
  const index = typeof column === "number" ? column : columns.lastIndexOf(column);
  if (!(Number.isInteger(index) && index >= 0 && index < columns.length)) {
    throw new NoSuchColumnError(`Could not locate column in row for column '${column}'`);
  }
  return index;
}

/** What tells whether two items are the same: their values, blobs and rows by content. */
function keyOf(item: unknown): unknown {
  if (typeof item !== "object" || item === null) return part(item);
  if (item instanceof Uint8Array) return part(item);
  const values = Symbol.iterator in item ? [...(item as Iterable<unknown>)] : Object.values(item);
  return JSON.stringify(values.map(part));
}

function part(value: unknown): string {
  if (typeof value === "string") return `t${value}`;
  if (value instanceof Uint8Array) return `b${Array.from(value).join()}`;
  return value === null ? "0" : `n${value as number | bigint}`;
}
