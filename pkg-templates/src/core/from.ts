/**
 * What rows come from, besides tables.
 *
 * @module
 */

import { ArgumentError, CompileError } from "../errors.js";
import { describe } from "../encode.js";
import type { RowType } from "../values.js";
import { Expr, isQuery, type QueryLike } from "./expr.js";
import { checkOptions } from "./type_base.js";
import { NullType, type SqlType } from "./types.js";
import { record, Writer, type Recorded } from "./writer.js";

/** A column, as far as others need to know it. */
export interface FromColumn {
  /** Its name in JavaScript. */
  readonly key: string;
  /** Its type. */
  readonly type: SqlType<any>;
}

/** The columns of something with rows of type `R` that is called `S`, as expressions. */
export type ExprsOf<R, S extends string = string> = { readonly [K in keyof R & string]: FromExpr<K, R[K], S> };

/** A column of something that rows come from. */
export class FromExpr<K extends string, T, S extends string = string> extends Expr<T, S> {
  /** Its name. */
  readonly key: K;
  /** Its type. */
  readonly type: SqlType<T>;
  readonly #from: Recorded;

  /** @internal */
  constructor(from: Recorded, key: K, type: SqlType<T>) {
    super();
    [this.#from, this.key, this.type] = [from, key, type];
    Object.freeze(this);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const from = writer.ref(this.#from);
    writer.begin(0x00);
    writer.u32(from);
    writer.text(this.key);
  }
}

/** How something is called that has no name. */
export type Nameless<S extends string> = `a nameless ${S}`;

/** Something that rows come from; `R` is their type, and `S` its name. */
export abstract class From<R extends RowType, S extends string = string> implements Recorded {
  /** The type of its rows; there is no value. */
  declare readonly rowType?: R;
  /** Its name; there is no value. */
  declare readonly sourceName?: S;
  /** Its columns, as expressions. */
  abstract readonly c: unknown;
  /** @internal */
  abstract readonly fromColumns: readonly FromColumn[];
  /** Writes its record, for the compiler. */
  abstract [record](writer: Writer): void;

  /** The same under another name; one is made up where none is given. */
  alias<const A extends string = Nameless<S>>(name?: A): Alias<R, A> {
    return new Alias<R, A>(this, name);
  }

  /** SQLite has no TABLESAMPLE: an error that says what there is instead. */
  tablesample(..._given: readonly never[]): never {
    throw new CompileError("SQLite has no TABLESAMPLE: use orderBy(func.random()) with limit()");
  }
}

/** Finds what expressions read, and does not look into it. */
class Finder extends Writer {
  readonly found = new Set<From<RowType>>();

  override ref(object: Recorded): number {
    if (object instanceof From) this.found.add(object as From<RowType>);
    // A query within has a FROM of its own.
    return object instanceof From || isQuery(object) ? 0 : super.ref(object);
  }
}

/**
 * What these read, each once.
 * @internal
 */
export function sourcesIn(parts: readonly Recorded[]): From<RowType>[] {
  const finder = new Finder();
  parts.forEach((part) => finder.ref(part));
  finder.release();
  return [...finder.found];
}

/**
 * An object for columns by their keys, in which a key that it does not have is an error that names it.
 * @internal
 */
export function columnsOf(what: string): Record<string, unknown> {
  const c: Record<string, unknown> = Object.create(
    new Proxy(Object.freeze(Object.create(null) as object), {
      get: (_target, key) => {
        // Whatever inspects it asks for names of its own: is it a promise, an element, a matcher?
        if (typeof key === "symbol" || OTHERS.has(key) || /^[$@_]/.test(key)) return undefined;
        throw new ArgumentError(`${what} has no column '${key}'; it has: ${Object.keys(c).slice(0, 20).join(", ")}`);
      },
    }),
  ) as Record<string, unknown>;
  return c;
}

const OTHERS: ReadonlySet<string> = new Set(["then", "toJSON", "toString", "valueOf", "constructor", "inspect", "nodeType", "asymmetricMatch"]);

function exprs<R, S extends string>(from: Recorded, columns: readonly FromColumn[], what: string): ExprsOf<R, S> {
  const c = columnsOf(what);
  for (const { key, type } of columns) c[key] = new FromExpr(from, key, type);
  return Object.freeze(c) as ExprsOf<R, S>;
}

/** A name, or none. */
function checkName(what: string, name: unknown): void {
  if (name === undefined || (typeof name === "string" && name !== "")) return;
  throw new ArgumentError(`${what}() takes a name, not ${name === "" ? "an empty one" : describe(name)}`);
}

/** Something under another name. */
export class Alias<R extends RowType, S extends string = string> extends From<R, S> {
  /** Its columns, as expressions. */
  override readonly c: ExprsOf<R, S>;
  readonly #of: From<R>;
  readonly #name: string | undefined;

  /** @internal */
  constructor(of: From<R>, name: string | undefined) {
    super();
    checkName("alias", name);
    [this.#of, this.#name] = [of, name];
    this.c = exprs<R, S>(this, of.fromColumns, `the alias ${name === undefined ? "" : `"${name}"`}`.trim());
    Object.freeze(this);
  }
  /** @internal */
  override get fromColumns(): readonly FromColumn[] {
    return this.#of.fromColumns;
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const of = writer.ref(this.#of);
    writer.begin(0x41);
    writer.u32(of);
    writer.optionalText(this.#name);
  }
}

/** A query in parentheses. */
export class Subquery<R extends RowType, S extends string = string> extends From<R, S> {
  /** Its columns, as expressions. */
  override readonly c: ExprsOf<R, S>;
  /** @internal */
  override readonly fromColumns: readonly FromColumn[];
  readonly #query: QueryLike;
  readonly #name: string | undefined;

  /** @internal */
  constructor(query: QueryLike, columns: readonly FromColumn[], name: string | undefined) {
    super();
    checkName("subquery", name);
    [this.#query, this.fromColumns, this.#name] = [query, columns, name];
    this.c = exprs<R, S>(this, columns, "the subquery");
    Object.freeze(this);
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const query = writer.ref(this.#query);
    writer.begin(0x42);
    writer.u32(query);
    writer.optionalText(this.#name);
  }
}

/** How a CTE is made. */
export interface CteOptions {
  /** Whether it reads itself: {@link Cte.union} adds the part that does. */
  readonly recursive?: boolean;
  /** Whether it stands in the WITH of the statement that it is used in, not in that of the whole. */
  readonly nesting?: boolean;
  /** Whether SQLite is to keep its rows. */
  readonly materialized?: boolean;
}

/** A query that is named in WITH. */
export class Cte<R extends RowType, S extends string = string> extends From<R, S> {
  /** Its columns, as expressions. */
  override readonly c: ExprsOf<R, S>;
  /** @internal */
  override readonly fromColumns: readonly FromColumn[];
  readonly #query: QueryLike;
  readonly #name: string | undefined;
  readonly #options: CteOptions;
  readonly #restates: Cte<R, S> | undefined;

  /** @internal */
  constructor(query: QueryLike, columns: readonly FromColumn[], name: string | undefined, options: CteOptions, restates?: Cte<R, S>) {
    super();
    checkName("cte", name);
    checkOptions("cte()", options, ["recursive", "nesting", "materialized"]);
    [this.#query, this.fromColumns, this.#name] = [query, columns, name];
    [this.#options, this.#restates] = [options, restates];
    this.c = exprs<R, S>(this, columns, "the CTE");
    Object.freeze(this);
  }

  /** The recursive CTE goes on with a query that reads it; rows that were there before are left out. */
  union(query: QueryLike): Cte<R, S> {
    return this.#goOn(query, 1);
  }
  /** As {@link union}, with all rows. */
  unionAll(query: QueryLike): Cte<R, S> {
    return this.#goOn(query, 2);
  }

  #goOn(query: QueryLike, kind: number): Cte<R, S> {
    if (this.#options.recursive !== true) throw new ArgumentError("only a recursive CTE goes on: cte(name, { recursive: true })");
    if (!isQuery(query)) throw new ArgumentError(`a CTE goes on with a query, not ${describe(query)}`);
    return new Cte<R, S>(new CteUnion(this.#query, query, kind), this.fromColumns, this.#name, this.#options, this);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    // The recursive part names the CTE that this one takes the place of.
    const restates = this.#restates === undefined ? undefined : writer.ref(this.#restates);
    const query = writer.ref(this.#query);
    const { recursive, nesting, materialized } = this.#options;
    writer.begin(0x43);
    writer.u32(query);
    writer.optionalText(this.#name);
    writer.flag(recursive === true);
    writer.flag(nesting === true);
    writer.u8(materialized === undefined ? 0 : materialized ? 1 : 2);
    writer.optionalU32(restates);
  }
}

class CteUnion implements QueryLike {
  readonly isQuery = true;
  readonly #first: QueryLike;
  readonly #next: QueryLike;
  readonly #kind: number;
  constructor(first: QueryLike, next: QueryLike, kind: number) {
    [this.#first, this.#next, this.#kind] = [first, next, kind];
    Object.freeze(this);
  }
  [record](writer: Writer): void {
    const parts = writer.refs([this.#first, this.#next]);
    writer.begin(0x61);
    writer.u8(this.#kind);
    writer.list(parts);
    writer.u32(0);
    writer.flag(false);
    writer.flag(false);
    writer.u32(0);
  }
}

/** A function that returns rows, like `json_each`. */
export class TableValued<K extends string> extends From<Record<K, unknown>> {
  /** Its columns, as expressions. */
  override readonly c: ExprsOf<Record<K, unknown>>;
  /** @internal */
  override readonly fromColumns: readonly FromColumn[];
  readonly #call: Recorded;
  readonly #name: string | undefined;

  /** @internal */
  constructor(call: Recorded, columns: readonly K[], name: string | undefined) {
    super();
    [this.#call, this.#name] = [call, name];
    this.fromColumns = columns.map((key) => ({ key, type: NullType }));
    this.c = exprs<Record<K, unknown>, string>(this, this.fromColumns, "the function");
    Object.freeze(this);
  }
  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    const call = writer.ref(this.#call);
    writer.begin(0x45);
    writer.u32(call);
    writer.u32(this.fromColumns.length);
    for (const { key, type } of this.fromColumns) {
      writer.text(key);
      type.write(writer);
    }
    writer.optionalText(this.#name);
  }
}
