/**
 * Expressions that are made by functions: conditions, values, parameters, CASE, CAST.
 *
 * @module
 */

import { ArgumentError } from "../errors.js";
import { describe, isThenable } from "../encode.js";
import { constant, Expr, false_, isQuery, node, null_, opposite, true_, type Operand, type QueryLike } from "./expr.js";
import { writeCast, writeLogic, writeNull } from "./records.js";
import type { Logic, OrNull } from "./selection.js";
import { NullType, typeOfValue, type SqlType, type TypeArgument } from "./types.js";
import { typeOf } from "./type_base.js";
import { isRecorded, record, undeclared, type Recorded, type Writer } from "./writer.js";

/**
 * Conditions, as what joins them takes them; what is none is told kindly.
 * @internal
 */
export const conditions = (name: string, parts: readonly unknown[], constants = false): Expr<unknown>[] =>
  parts.map((part) => {
    const expr = exprOf(part);
    if (expr !== undefined) return expr;
    if (constants && typeof part === "boolean") return part ? true_() : false_();
    if (typeof part === "string") throw undeclared(part, "SQL expression");
    const hint =
      typeof part === "boolean" ? ": === compares objects here, use .eq()" :
      isThenable(part) ? ": its await was forgotten" :
      isQuery(part) ? ": use .exists(), .scalarSubquery() or in()" : "";
    throw new ArgumentError(`${name} takes conditions, like users.c.id.eq(1), not ${shown(part)}${hint}`);
  });

const shown = (value: unknown): string => (typeof value === "boolean" ? String(value) : describe(value));

/**
 * An expression, be it a text of SQL; undefined for what is none.
 * @internal
 */
export function exprOf(part: unknown): Expr<unknown> | undefined {
  if (part instanceof Expr) return part;
  if (!isRecorded(part) || (part as { kind?: unknown }).kind !== "text") return undefined;
  return node<unknown>((writer) => part[record](writer));
}

/** A condition: an expression, or `text()`. */
export type Condition = Expr<unknown> | TextLike;

/** A text of SQL, as far as others need to know it. */
export interface TextLike extends Recorded {
  /** What kind of statement it is. */
  readonly kind: "text";
}

/** All of them. */
export function and_<const P extends readonly (Condition | boolean)[]>(...parts: P): Expr<Logic<P[number]>> {
  const all = conditions("and_()", parts, true);
  return node((writer) => writeLogic(writer, true, all));
}

/** Any of them. */
export function or_<const P extends readonly (Condition | boolean)[]>(...parts: P): Expr<Logic<P[number]>> {
  const any = conditions("or_()", parts, true);
  return node((writer) => writeLogic(writer, false, any));
}

/** The opposite. */
export function not_<C extends Condition>(condition: C): Expr<Logic<C>> {
  return opposite(conditions("not_()", [condition])[0] as Expr<unknown>);
}

/** A value as a parameter, with a type of its own or the one given. */
export function literal<T>(value: T, type?: TypeArgument<T>): Expr<T, never> {
  return new Literal<T>(value, type === undefined ? undefined : typeOf(type));
}

class Literal<T> extends Expr<T, never> {
  readonly #value: T;
  readonly #type: SqlType<T> | undefined;
  constructor(value: T, type: SqlType<T> | undefined) {
    super();
    [this.#value, this.#type] = [value, type];
    Object.freeze(this);
  }
  override [record](writer: Writer): void {
    if (this.#type === undefined) {
      if (this.#value === null) return writeNull(writer);
      writer.operand(this.#value);
    }
    writer.begin(0x05);
    writer.flag(false);
    writer.text("param");
    (this.#type ?? typeOfLiteral(this.#value)).write(writer);
    writer.flag(false);
    writer.u8(1);
    writer.u32(writer.literal(this.#value));
  }
}

/** A parameter with a name. */
export class BindParameter<T> extends Expr<T, never> {
  /** Its name. */
  readonly key: string;
  /** Whether it stands for a list. */
  readonly expanding: boolean;
  readonly #value: { readonly value: unknown } | undefined;
  readonly #type: SqlType<T> | undefined;

  /** @internal */
  constructor(key: string, value: { readonly value: unknown } | undefined, type: SqlType<T> | undefined, expanding: boolean) {
    super();
    [this.key, this.#value, this.#type, this.expanding] = [key, value, type, expanding];
    Object.freeze(this);
  }

  /** Writes its record, for the compiler. */
  override [record](writer: Writer): void {
    writer.begin(0x05);
    writer.flag(true);
    writer.text(this.key);
    writer.text(this.key);
    (this.#type ?? (this.#value === undefined || this.expanding ? NullType : typeOfLiteral(this.#value.value))).write(writer);
    writer.flag(this.expanding);
    writer.u8(this.#value === undefined ? 0 : 1);
    if (this.#value !== undefined) writer.u32(writer.literal(this.#value.value));
  }
}

/** How a parameter behaves. */
export interface BindParameterOptions<T> {
  /** Its value, unless the call gives another. */
  readonly value?: T | readonly T[];
  /** Its type. */
  readonly type?: TypeArgument<T>;
  /** Whether it stands for a list, in `in()`. */
  readonly expanding?: boolean;
}

/** A parameter with a name; the call gives its value, unless it has one. */
export function bindparam<T = unknown>(name: string, options: BindParameterOptions<T> = {}): BindParameter<T> {
  if (typeof name !== "string" || name === "") throw new ArgumentError(`bindparam() takes a name, not ${describe(name)}`);
  const value = "value" in options ? { value: options.value } : undefined;
  const type = options.type === undefined ? undefined : typeOf(options.type);
  return new BindParameter<T>(name, value, type, options.expanding === true);
}

/** SQL as it is. Never put foreign text into it. */
export function literalColumn<T = unknown>(sql: string, type?: TypeArgument<T>): Expr<T> {
  if (typeof sql !== "string") throw new ArgumentError(`literalColumn() takes SQL as a string, not ${describe(sql)}`);
  const of = type === undefined ? NullType : typeOf(type);
  return node<T>((writer) => {
    writer.begin(0x06);
    writer.text(sql);
    of.write(writer);
  });
}

/** `CASE WHEN condition THEN result ... ELSE otherwise END` */
export function case_<T>(whens: readonly (readonly [Expr<unknown>, Operand<T>])[], otherwise: Operand<T>): Expr<T>;
/** Without `ELSE`, what is none of the cases is null. */
export function case_<T>(whens: readonly (readonly [Expr<unknown>, Operand<T>])[]): Expr<T | null>;
/** `CASE value WHEN ... THEN ... ELSE ...` */
export function case_<T>(whens: readonly (readonly [unknown, Operand<T>])[], otherwise: Operand<T>, value: Expr<unknown>): Expr<T>;
/** `CASE value WHEN ... THEN ...` */
export function case_<T>(
  whens: readonly (readonly [unknown, Operand<T>])[],
  otherwise: undefined,
  value: Expr<unknown>,
): Expr<T | null>;
export function case_<T>(
  whens: readonly (readonly [unknown, Operand<T>])[],
  otherwise?: Operand<T>,
  value?: Expr<unknown>,
): Expr<T> {
  if (!Array.isArray(whens) || !whens.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    throw new ArgumentError("case_() takes pairs of a condition and a result: case_([[users.c.age.gt(17), \"grown\"]], \"young\")");
  }
  if (value === undefined) conditions("case_()", whens.map(([when]) => when), true);
  return node<T>((writer) => {
    const of = value === undefined ? undefined : writer.ref(value);
    const pairs = whens.map(([when, then]) => [writer.operand(constant(when)), writer.operand(nullOnly(then))] as const);
    const last = otherwise === undefined ? undefined : writer.operand(nullOnly(otherwise));
    writer.begin(0x16);
    writer.optionalU32(of);
    writer.u32(pairs.length);
    for (const [when, then] of pairs) {
      writer.put(when);
      writer.put(then);
    }
    writer.flag(last !== undefined);
    if (last !== undefined) writer.put(last);
  });
}

const nullOnly = (value: unknown): unknown => (value === null ? null_() : value);

/** `CAST(x AS type)` */
export function cast<T, N, S extends string>(value: Expr<N, S>, type: TypeArgument<T>): Expr<OrNull<T, N>, S>;
/** `CAST(? AS type)` */
export function cast<T>(value: unknown, type: TypeArgument<T>): Expr<T>;
export function cast<T>(value: unknown, type: TypeArgument<T>): Expr<T> {
  const to = typeOf(type);
  return node<T>((writer) => writeCast(writer, 0x17, constant(value), to));
}

/** The same SQL, as another type here. */
export function typeCoerce<T, N, S extends string>(value: Expr<N, S>, type: TypeArgument<T>): Expr<OrNull<T, N>, S>;
/** A value, as of this type. */
export function typeCoerce<T>(value: unknown, type: TypeArgument<T>): Expr<T>;
export function typeCoerce<T>(value: unknown, type: TypeArgument<T>): Expr<T> {
  const to = typeOf(type);
  return node<T>((writer) => writeCast(writer, 0x18, constant(value), to));
}

/** The values of these, in their order. */
export type TupleOfValues<P extends readonly Expr<any>[]> = { readonly [I in keyof P]: P[I] extends Expr<infer T> ? T : never };

/** `(a, b)` */
export function tuple_<const P extends readonly Expr<any>[]>(...exprs: P): Expr<TupleOfValues<P>> {
  return node((writer) => {
    const parts = writer.refs(exprs);
    writer.begin(0x10);
    writer.list(parts);
  });
}

/** A field of a date or time: `year`, `month`, `day`, `hour`, `minute`, `second`, `doy`, `dow`, `week`, `epoch`. */
export function extract<N, S extends string>(field: string, expr: Expr<N, S>): Expr<OrNull<number, N>, S> {
  return node((writer) => {
    const of = writer.ref(expr);
    writer.begin(0x1e);
    writer.text(field);
    writer.u32(of);
  });
}

/**
 * A query in an expression: `EXISTS (...)`, or a value.
 * @internal
 */
export function queryExpr<T>(tag: 0x1b | 0x1c, query: QueryLike): Expr<T, never> {
  return node<T, never>((writer) => {
    const of = writer.ref(query);
    writer.begin(tag);
    writer.u32(of);
  });
}

/**
 * A column or label of the statement, by its name.
 * @internal
 */
export function named(name: string): Expr<unknown> {
  return node<unknown>((writer) => {
    writer.begin(0x02);
    writer.text(name);
  });
}

/**
 * A call of a function.
 * @internal
 */
export function call<T>(
  name: string,
  args: readonly unknown[],
  type: SqlType<T> | undefined,
  orderBy: readonly Expr<unknown>[] = [],
): Expr<T> {
  return node<T>((writer) => {
    const operands = args.map((arg) => writer.operand(nullOnly(arg)));
    const order = writer.refs(orderBy);
    writer.begin(0x12);
    writer.text(name);
    writer.flag(type !== undefined);
    type?.write(writer);
    writer.u32(operands.length);
    operands.forEach((operand) => writer.put(operand));
    writer.list(order);
  });
}

function typeOfLiteral(value: unknown): SqlType {
  return typeof value === "object" && value !== null && Array.isArray(value) ? NullType : typeOfValue(value);
}

