/**
 * What all column types have in common.
 *
 * @module
 */

import { ArgumentError, CompileError, DataError } from "../errors.js";
import { describe, isThenable } from "../encode.js";
import type { SqlValue } from "../values.js";
import type { Writer } from "./writer.js";

/** The type of a column or an expression; `T` is what JavaScript sees. */
export interface SqlType<T = unknown> {
  /** Its name in SQLAlchemy. */
  readonly name: string;
  /** The type of its values; there is no value. */
  readonly valueType?: T;
  /** @internal What the compiler is told. */
  readonly write: (writer: Writer) => void;
  /** @internal A value as it is stored; errors say what would fit. Null never comes here, unless `bindsNull`. */
  readonly bind: ((value: unknown) => unknown) | undefined;
  /** @internal A stored value as JavaScript sees it. Null never comes here, unless `resultsNull`. */
  readonly result: ((value: SqlValue) => unknown) | undefined;
  /** Whether null is a value that it converts, as JSON's null is. */
  readonly bindsNull: boolean;
  /** @internal Whether NULL is a value that `result` converts. */
  readonly resultsNull?: boolean;
}

/** A type, or a function that makes it with its defaults: `String_` stands for `String_()`. */
export type TypeArgument<T> = SqlType<T> | (() => SqlType<T>);

/**
 * The type that is meant.
 * @internal
 */
export function typeOf<T>(given: TypeArgument<T>, what = "this"): SqlType<T> {
  const type = typeof given === "function" ? given() : given;
  if (typeof type?.write === "function") return type;
  throw new ArgumentError(`${what} is no type: ${describe(given)}; types are Integer, Text, String_(50) and the like`);
}

/**
 * The type that is meant for a column.
 * @internal
 */
export function typeOfColumn<T>(column: string, given: TypeArgument<T>): SqlType<T> {
  return typeOf(given, `the type of column "${column}"`);
}

/**
 * Options that there are not are told by name.
 * @internal
 */
export function checkOptions(of: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    if (name === "identity" || name === "sequence") {
      throw new CompileError(`SQLite has no ${name}: it chooses the value of a lone INTEGER primary key by itself (${of})`);
    }
    throw new ArgumentError(`Unknown option '${name}' of ${of}; known are: ${known.join(", ")}`);
  }
}

/**
 * How a type converts its values.
 * @internal
 */
export type Conversions = Pick<SqlType, "bind" | "result" | "resultsNull"> & { readonly bindsNull?: boolean };

/**
 * Makes a type.
 * @internal
 */
export function type<T>(name: string, write: (writer: Writer) => void, conversions: Conversions): SqlType<T> {
  return Object.freeze({ name, write, bindsNull: false, ...conversions });
}

/**
 * Types whose conversions are the caller's are numbered, so that the compiled statement finds them again.
 * @internal
 */
export function numbered<T>(name: string, implementation: (writer: Writer) => void, ddl: string | null, conversions: Conversions): SqlType<T> {
  const self: SqlType<T> = type(
    name,
    (writer) => {
      writer.u8(20);
      writer.text(`#${writer.typeNumber(self)}`);
      implementation(writer);
      writer.optionalText(ddl);
    },
    conversions,
  );
  return self;
}

/** @internal */
export const plain: Conversions = { bind: undefined, result: undefined };
/** @internal */
export const tag = (number: number) => (writer: Writer) => writer.u8(number);

/**
 * What a type says of a value that it does not take.
 * @internal
 */
export function wrong(name: string, wanted: string, value: unknown): DataError {
  if (isThenable(value)) return new DataError(`${name} takes ${wanted}, not a Promise: its await was forgotten`);
  const shown = typeof value === "string" ? JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value) : undefined;
  const number = typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : undefined;
  return new DataError(`${name} takes ${wanted}, not ${shown ?? number ?? describe(value)}`);
}
