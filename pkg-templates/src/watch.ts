/**
 * Live queries: the results of a statement, one after each commit that changed them, whichever tab made it.
 *
 * @module
 */

import { callOptions, following } from "./call.js";
import { asyncDispose } from "./dispose.js";
import { describe } from "./encode.js";
import { ArgumentError, InvalidRequestError, OperationalError, WorkerGone } from "./errors.js";
import type { ChangeEvent } from "./events.js";
import { Feed } from "./feed.js";
import type { CallOptions } from "./options.js";
import { Result } from "./result.js";
import type { Row, Shape } from "./row.js";
import type { Prepared } from "./statement.js";
import type { AnyRow, RowType, SqlValue } from "./values.js";

/** How a live query goes about. `signal` ends it; `timeout` is that of each run. */
export interface WatchOptions extends CallOptions {
  /** The column, or columns, by which rows are told apart: then each step says which were added, changed and removed. */
  readonly key?: string | readonly string[];
  /** Whether nothing is given when a commit has touched the tables and left the rows as they were. True unless given. */
  readonly distinct?: boolean;
}

/** A step of a live query with a key. */
export interface KeyedChanges<R extends RowType = AnyRow> {
  /** All rows, in the order of the statement. */
  readonly rows: readonly Row<R>[];
  /** Those that were not there before. In the first step that is all of them. */
  readonly added: readonly Row<R>[];
  /** Those of which a column is another than before, as they are now. */
  readonly changed: readonly Row<R>[];
  /** Those that are not there any more, as they were. */
  readonly removed: readonly Row<R>[];
}

/**
 * What a live query needs of its engine.
 * @internal
 */
export interface Watching {
  /** Executes the statement: calls `send` with what is sent in the end. */
  run<T extends object>(options: CallOptions, send: (prepared: Prepared) => Promise<T>): Promise<T>;
  /** Executes what is sent, and gives the cells as they come. */
  cells(prepared: Prepared, options: CallOptions): Promise<Feed>;
  /** The names of the tables that SQL reads; null among them is any. */
  reads(sql: string, options: CallOptions): Promise<readonly (string | null)[]>;
  listen(listener: (event: ChangeEvent) => void): () => void;
  /** Calls a function when the engine is disposed of, or the connection closed, at once if it is; gives one that forgets that. */
  whenOver(end: () => void): () => void;
}

/** What one run gave. */
interface Found {
  readonly shape: Shape;
  /** As they came, to be compared. */
  readonly cells: readonly object[];
  /** As the caller wants them. */
  readonly rows: readonly object[];
  readonly result: Result;
}

/** How often in a row a run is repeated whose worker went away under it. */
const REPEATED = 3;

/**
 * The results of a statement: the first at once, then one after each commit that changed them. A consumer who takes his time gets
 * the newest then, not all that were between. It ends with its loop (`break`), by {@link return}, by its `signal`, and with its
 * engine or connection; an error of the statement ends it, too.
 *
 * Nothing happens before the first {@link next}.
 */
export class LiveQuery<T> implements AsyncIterableIterator<T, undefined, void>, AsyncDisposable {
  readonly #watching: Watching;
  readonly #options: WatchOptions;
  readonly #step: (found: Found, last: Found | undefined) => T | undefined;
  readonly #abort: AbortController = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();
  #forget: (() => void)[] | undefined;
  #ended = false;
  #wake: (() => void) | undefined;
  /** Tables that were touched since the last run began. */
  #touched = new Set<string>();
  /** Whether they say nothing: at first, after a change of the schema, and where commits may have been missed. */
  #stale = true;
  /** The tables that the statement reads; null is any. */
  #tables: ReadonlySet<string> | null = null;
  #sql: string | undefined;
  #last: Found | undefined;

  private constructor(watching: Watching, options: WatchOptions, step: (found: Found, last: Found | undefined) => T | undefined) {
    this.#watching = watching;
    this.#options = options;
    this.#step = step;
  }

  /** @internal */
  static of(watching: Watching, options: WatchOptions | undefined): LiveQuery<unknown> {
    callOptions(options, ["key", "distinct"]);
    const { key, distinct = true } = options ?? {};
    if (typeof distinct !== "boolean") throw new ArgumentError(`distinct is true or false, not ${describe(distinct)}`);
    const step = key === undefined ? whole(distinct) : keyed(keysOf(key), distinct);
    return new LiveQuery<unknown>(watching, options ?? {}, step);
  }

  /** The first result; later the next one, as soon as there is one that differs. */
  next(): Promise<IteratorResult<T, undefined>> {
    const turn = this.#turn.then(() => this.#next());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Ends it: a {@link next} that waits is answered, and a run is cancelled. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end();
    return OVER;
  }

  /** As {@link return}. */
  async [asyncDispose](): Promise<void> {
    this.#end();
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    try {
      this.#begin();
      while (!this.#ended) {
        if (!this.#due()) {
          this.#touched.clear();
          await this.#woken();
          continue;
        }
        const found = await this.#run();
        const value = this.#step(found, this.#last);
        this.#last = found;
        if (value !== undefined && !this.#ended) return { done: false, value };
      }
    } catch (error) {
      const ended = this.#ended;
      this.#end();
      // What was under way when it was ended is of no interest.
      if (!ended) throw error;
    }
    return OVER;
  }

  /** Waits for a commit, or for the end. A timer stands for it: Node ends a process in which nothing else is waited for. */
  async #woken(): Promise<void> {
    const waiting = setInterval(() => undefined, 0x7fffffff);
    try {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    } finally {
      clearInterval(waiting);
    }
  }

  #begin(): void {
    if (this.#forget !== undefined || this.#ended) return;
    const { signal } = this.#options;
    if (signal?.aborted === true) return this.#end();
    const end = (): void => this.#end();
    signal?.addEventListener("abort", end);
    // One by one: what has begun is forgotten when the next of them fails.
    const forget = (this.#forget = [() => signal?.removeEventListener("abort", end)]);
    forget.push(this.#watching.whenOver(end));
    if (!this.#ended) forget.push(this.#watching.listen((event) => this.#hear(event)));
  }

  #end(): void {
    this.#ended = true;
    this.#last = undefined;
    this.#forget?.splice(0).forEach((forget) => forget());
    this.#abort.abort();
    this.#wake?.();
  }

  #hear({ tables, schema, missed }: ChangeEvent): void {
    if (schema || missed) this.#stale = true;
    for (const table of tables) this.#touched.add(lower(table));
    if (this.#due()) this.#wake?.();
  }

  #due(): boolean {
    if (this.#stale) return true;
    const tables = this.#tables;
    return tables === null ? this.#touched.size > 0 : [...this.#touched].some((table) => tables.has(table));
  }

  async #run(): Promise<Found> {
    const { timeout, executionOptions } = this.#options;
    const options: CallOptions = {
      signal: this.#abort.signal,
      ...(timeout === undefined ? {} : { timeout }),
      ...(executionOptions === undefined ? {} : { executionOptions }),
    };
    for (let left = REPEATED; ; left--) {
      const stale = this.#stale;
      // From here on, what is committed may or may not be in the result.
      [this.#stale, this.#touched] = [false, new Set()];
      let found: Found | undefined;
      const since = performance.now();
      try {
        await this.#watching.run(options, async (prepared) => {
          if (prepared.many) throw new ArgumentError("watch() takes one set of parameters, not a list of them");
          if (stale || prepared.source !== this.#sql) {
            const sql = prepared.verbatim ? prepared.source : prepared.source.replaceAll("\\:", ":");
            const names = await this.#watching.reads(sql, following(options, since)).catch(refuse);
            [this.#sql, this.#tables] = [prepared.source, names.includes(null) ? null : new Set(names as readonly string[])];
          }
          found = converted(await this.#watching.cells(prepared, following(options, since)), prepared);
          return found.result;
        });
        return found as unknown as Found;
      } catch (error) {
        if (!(error instanceof WorkerGone) || left === 0 || this.#ended) throw error;
        this.#stale = true;
      }
    }
  }
}

const OVER: IteratorResult<never, undefined> = Object.freeze({ done: true, value: undefined });

/** What is wrong with a statement that cannot be watched is said of that, and not of the one that has found it out. */
function refuse(error: unknown): never {
  const why = error instanceof OperationalError ? error.orig?.message : undefined;
  throw why?.startsWith("watch()") === true ? new InvalidRequestError(why) : error;
}

/** As the worker names tables: ASCII letters in lower case. */
const lower = (name: string): string => name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** What was found, as the caller wants it: the cells are converted by the types of their columns. */
function converted(feed: Feed, prepared: Prepared): Found {
  const { shape } = feed;
  if (shape === null) throw new InvalidRequestError("watch() takes a statement that returns rows");
  const cells: object[] = [];
  for (let batch = feed.batch(); batch !== undefined; batch = feed.batch()) {
    for (const row of batch) cells.push(feed.mapped ? shape.make(shape.read(row)) : row);
    feed.advance(batch.length);
  }
  const { results } = prepared;
  const rows =
    results === undefined
      ? cells
      : cells.map((row) => shape.make(shape.read(row).map((cell, i) => (results[i] ?? asItIs)(cell) as SqlValue)));
  Object.freeze(rows);
  const out = new Feed(shape.names, feed.rowcount, feed.lastrowid, null);
  out.push(rows);
  out.end();
  if (feed.yieldPer > 1) out.yieldPer = feed.yieldPer;
  out.about = prepared.about;
  return { shape, cells, rows, result: Result.of(out) };
}

const asItIs = (cell: SqlValue): unknown => cell;

function whole(distinct: boolean): (found: Found, last: Found | undefined) => Result | undefined {
  return (found, last) => (distinct && last !== undefined && sameRows(found, last) ? undefined : found.result);
}

/** The changes between two steps. */
function keyed(names: readonly string[], distinct: boolean): (found: Found, last: Found | undefined) => KeyedChanges | undefined {
  let before = new Map<string, number>();
  return (found, last) => {
    const { shape, cells, rows } = found;
    const at = names.map((name) => {
      // Of a repeated name the last column counts, as in a row.
      const at = shape.names.lastIndexOf(name);
      if (at >= 0) return at;
      throw new ArgumentError(`watch() is to tell rows apart by '${name}', and the statement has the columns ${shape.names.join(", ")}`);
    });
    const now = new Map<string, number>();
    const [added, changed, removed]: [object[], object[], object[]] = [[], [], []];
    cells.forEach((row, i) => {
      const values = shape.read(row);
      const key = at.map((at) => keyPart(values[at] as SqlValue)).join();
      if (now.has(key)) {
        const shown = names.map((name, i) => `${name} = ${String(values[at[i] as number])}`).join(", ");
        throw new InvalidRequestError(`watch() is to tell rows apart by ${names.join(", ")}, and there are two with ${shown}`);
      }
      now.set(key, i);
      const was = before.get(key);
      if (was === undefined || last === undefined) added.push(rows[i] as object);
      else if (!sameCells(values, last.shape.read(last.cells[was] as object))) changed.push(rows[i] as object);
    });
    for (const [key, was] of before) if (!now.has(key)) removed.push((last as Found).rows[was] as object);
    before = now;
    if (distinct && last !== undefined && sameRows(found, last)) return undefined;
    return Object.freeze({ rows, added, changed, removed }) as unknown as KeyedChanges;
  };
}

function keysOf(key: unknown): readonly string[] {
  const names: readonly unknown[] = Array.isArray(key) ? key : [key];
  if (names.length === 0 || !names.every((name) => typeof name === "string")) {
    throw new ArgumentError(`key is the name of a column, or a list of such names, not ${describe(key)}`);
  }
  return names as readonly string[];
}

/** What no two different values have in common, whatever stands beside them. */
function keyPart(value: SqlValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  return value instanceof Uint8Array ? `x${value.join(" ")}` : String(value);
}

function sameRows(a: Found, b: Found): boolean {
  // Shapes of the same names are one, unless they were made long ago.
  if (a.shape !== b.shape && a.shape.names.join("\0") !== b.shape.names.join("\0")) return false;
  return a.cells.length === b.cells.length && a.cells.every((row, i) => sameCells(a.shape.read(row), b.shape.read(b.cells[i] as object)));
}

function sameCells(a: readonly SqlValue[], b: readonly SqlValue[]): boolean {
  return a.length === b.length && a.every((value, i) => sameCell(value, b[i] as SqlValue));
}

function sameCell(a: SqlValue, b: SqlValue): boolean {
  if (Object.is(a, b)) return true;
  if (!(a instanceof Uint8Array && b instanceof Uint8Array) || a.length !== b.length) return false;
  return a.every((byte, i) => byte === b[i]);
}
