/**
 * Column types: which JavaScript values they take and give, and how these are stored. Storage is SQLAlchemy's for SQLite, value
 * for value, so that its programs read the same database.
 *
 * @module
 */

import { describe } from "../encode.js";
import { ArgumentError, DataError } from "../errors.js";
import { fixed } from "./fixed.js";
import type { SqlValue } from "../values.js";
import { pythonJson } from "./python_json.js";
import { Date_, DateTime, Interval, temporalType, Time } from "./times.js";
import { numbered, plain, tag, type, typeOf, wrong, type Conversions, type SqlType, type TypeArgument } from "./type_base.js";
import type { Writer } from "./writer.js";

export { Date_, DateTime, Duration, Interval, PlainDate, PlainDateTime, PlainTime, Time } from "./times.js";
export type { SqlType, TypeArgument } from "./type_base.js";

function integer(name: string) {
  return (value: unknown): unknown => {
    if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) return value;
    throw wrong(name, "a whole number", value);
  };
}

/** A whole number; one that a JavaScript number cannot hold is a DataError, never rounded: see {@link BigInteger}. */
export const Integer: SqlType<number> = type("Integer", tag(1), { bind: integer("Integer"), result: safe });

/** As {@link Integer}, declared `SMALLINT`. */
export const SmallInteger: SqlType<number> = type("SmallInteger", tag(2), { bind: integer("SmallInteger"), result: safe });

function safe(value: SqlValue): unknown {
  if (typeof value !== "bigint") return value;
  throw new DataError(`${value} does not fit into a number without being rounded; declare the column as BigInteger`);
}

/** A whole number of 64 bits, as a bigint. */
export const BigInteger: SqlType<bigint> = type("BigInteger", tag(3), {
  bind: integer("BigInteger"),
  result: (value) => (typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value),
});

const float = (name: string): Conversions => ({
  bind: (value) => {
    if (typeof value === "number" || typeof value === "bigint") return value;
    throw wrong(name, "a number", value);
  },
  result: (value) => (typeof value === "bigint" ? Number(value) : value),
});

/** A number, declared `FLOAT`. */
export const Float: SqlType<number> = type("Float", tag(4), float("Float"));
/** A number, declared `DOUBLE`. */
export const Double: SqlType<number> = type("Double", tag(5), float("Double"));
/** A number, declared `REAL`. */
export const REAL: SqlType<number> = type("REAL", tag(6), float("REAL"));

/**
 * A decimal number as a string with `scale` digits behind the point (10 unless given). SQLite stores it as an IEEE double, as
 * SQLAlchemy has it, so digits beyond the 15th are lost. `asNumber` gives numbers instead.
 */
export function Numeric(precision?: number, scale?: number): SqlType<string>;
export function Numeric(precision: number | undefined, scale: number | undefined, options: { readonly asNumber: true }): SqlType<number>;
export function Numeric(precision?: number, scale?: number, options?: { readonly asNumber: true }): SqlType<string> | SqlType<number> {
  wholeNumber("Numeric", precision);
  wholeNumber("Numeric", scale);
  const write = (writer: Writer): void => {
    writer.u8(7);
    writer.optionalU32(precision);
    writer.optionalU32(scale);
  };
  const bind = (value: unknown): unknown => {
    if (typeof value === "number" || typeof value === "bigint") return value;
    if (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) return Number(value);
    throw wrong("Numeric", "a number, or a string that is one", value);
  };
  if (options?.asNumber === true) return numbered<number>("Numeric", write, null, { bind, result: Number });
  const digits = scale ?? 10;
  const result = (value: SqlValue): unknown => {
    if (typeof value === "number" || typeof value === "bigint") return fixed(value, digits);
    throw new DataError(`a column of type Numeric holds ${typeof value === "string" ? JSON.stringify(value) : describe(value)}`);
  };
  return numbered<string>("Numeric", write, null, { bind, result });
}

function wholeNumber(name: string, value: unknown): void {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) return;
  throw new ArgumentError(`${name}() takes whole numbers, not ${typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? value : describe(value)}`);
}

function text(name: string): Conversions {
  return {
    bind: (value) => {
      if (typeof value === "string") return value;
      throw wrong(name, "a string", value);
    },
    result: undefined,
  };
}

/** A text, declared `VARCHAR`; SQLite enforces no length. */
export function String_(length?: number): SqlType<string> {
  wholeNumber("String_", length);
  const write = (writer: Writer): void => {
    writer.u8(8);
    writer.optionalU32(length);
  };
  return type("String", write, text("String"));
}

/** A text, declared `TEXT`. */
export const Text: SqlType<string> = type("Text", tag(9), text("Text"));
/** SQLAlchemy's name for a text that is Unicode, which all are. */
export const Unicode: typeof String_ = String_;
/** As {@link Text}. */
export const UnicodeText: SqlType<string> = Text;

/** What guards a column. */
export interface ConstraintOptions {
  /** Whether a CHECK constraint refuses other values, whoever writes them. */
  readonly createConstraint?: boolean;
  /** What that constraint is called. */
  readonly name?: string;
}

/** True or false, stored as 1 or 0. */
export function Boolean_(options: ConstraintOptions = {}): SqlType<boolean> {
  if (options.createConstraint !== true) return plainBoolean;
  const write = (writer: Writer): void => {
    writer.u8(21);
    writer.optionalText(options.name);
  };
  return type("Boolean", write, boolean);
}

const boolean: Conversions = {
  bind: (value) => {
    if (value === true || value === 1) return 1;
    if (value === false || value === 0) return 0;
    throw wrong("Boolean", "true or false", value);
  },
  result: (value) => value !== 0,
};
const plainBoolean: SqlType<boolean> = type("Boolean", tag(10), boolean);

/** Bytes. What is bound may be any view of a buffer. */
export const LargeBinary: SqlType<Uint8Array> = type("LargeBinary", tag(15), {
  bind: (value) => {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value;
    throw wrong("LargeBinary", "bytes: a Uint8Array, another view, or an ArrayBuffer", value);
  },
  result: undefined,
});

/** How JSON treats null. */
export interface JsonOptions {
  /** Whether null is stored as SQL's NULL instead of JSON's. */
  readonly noneAsNull?: boolean;
}

const json = (noneAsNull: boolean): Conversions & { readonly bindsNull: boolean } => ({
  bind: (value) => pythonJson(value),
  result: (value) => {
    // SQLite's affinity makes numbers of texts that are numbers.
    if (typeof value !== "string") return value;
    try {
      return JSON.parse(value) as unknown;
    } catch (cause) {
      throw new DataError(`a column of type JSON holds what is no JSON: ${JSON.stringify(value.slice(0, 60))}`, { cause });
    }
  },
  bindsNull: !noneAsNull,
});

/** A value of JSON, stored as text. */
export function JSON_<T = unknown>(options: JsonOptions = {}): SqlType<T> {
  const noneAsNull = options.noneAsNull === true;
  const write = (writer: Writer): void => {
    writer.u8(16);
    writer.flag(noneAsNull);
  };
  return type("JSON", write, json(noneAsNull));
}

/** A value of JSON, stored in SQLite's binary form. */
export function JSONB<T = unknown>(options: JsonOptions = {}): SqlType<T> {
  const noneAsNull = options.noneAsNull === true;
  const write = (writer: Writer): void => {
    writer.u8(17);
    writer.flag(noneAsNull);
  };
  return type("JSONB", write, json(noneAsNull));
}

/** What an Enum may have. */
export interface EnumOptions extends ConstraintOptions {
  /** The length of the VARCHAR, unless it is that of the longest value. */
  readonly length?: number;
}

/** One of these strings, stored as it is; another is a DataError that lists them. */
export function Enum<const V extends readonly string[]>(...values: V): SqlType<V[number]>;
/** One of these strings, with options. */
export function Enum<const V extends readonly string[]>(values: V, options?: EnumOptions): SqlType<V[number]>;
/** One of the values of an object, an enum of TypeScript for instance: stored by its name, as SQLAlchemy stores an enum's. */
export function Enum<const E extends Readonly<Record<string, string | number>>>(members: E, options?: EnumOptions): SqlType<E[keyof E]>;
export function Enum(...given: readonly unknown[]): SqlType<never> {
  const [first, second] = given;
  const own = typeof first === "object" && first !== null;
  const options = (own ? (second ?? {}) : {}) as EnumOptions;
  const strings = (own ? first : given) as readonly string[];
  // What a numeric enum of TypeScript maps back is no name of it.
  const names = Array.isArray(strings) ? [...strings] : Object.keys(strings).filter((name) => !/^-?\d/.test(name));
  if (names.length === 0 || !names.every((name) => typeof name === "string")) {
    throw new ArgumentError('Enum() takes strings, an array of them or an object: Enum("good", "bad")');
  }
  const valueOf = (name: string): unknown => (Array.isArray(strings) ? name : (strings as unknown as Record<string, unknown>)[name]);
  const stored = new Map(names.map((name) => [valueOf(name), name]));
  const known = new Map(names.map((name) => [name, valueOf(name)]));
  const all = names.map((name) => JSON.stringify(valueOf(name))).join(", ");
  const look = (map: ReadonlyMap<unknown, unknown>) => (value: unknown): unknown => {
    if (map.has(value)) return map.get(value);
    throw wrong("Enum", `one of ${all}`, value);
  };
  const write = (writer: Writer): void => {
    writer.u8(18);
    writer.optionalText(options.name);
    writer.texts(names);
    writer.optionalU32(options.length);
    writer.flag(options.createConstraint === true);
  };
  return numbered<never>("Enum", write, null, { bind: look(stored), result: look(known) });
}

/** A UUID as a string, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`: stored as its 32 digits. */
export const Uuid: SqlType<string> = type("Uuid", tag(19), {
  bind: (value) => {
    const digits = typeof value === "string" ? value.replaceAll("-", "").toLowerCase() : "";
    if (!/^[0-9a-f]{32}$/.test(digits)) throw wrong("Uuid", "a UUID as a string", value);
    return digits;
  },
  result: (value) => {
    const digits = String(value);
    if (!/^[0-9a-f]{32}$/i.test(digits)) return digits;
    return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-");
  },
});

/** No type: values pass as they are. */
export const NullType: SqlType<SqlValue> = type("NullType", tag(0), plain);

/** A type of your own. */
export interface TypeDecoratorOptions<T, S> {
  /** What it is called. */
  readonly name: string;
  /** The type as which it is stored. */
  readonly impl: TypeArgument<S>;
  /** A value as the implementation takes it: SQLAlchemy's `process_bind_param`. */
  readonly toDb: (value: T) => S;
  /** What the implementation gives, as a value: SQLAlchemy's `process_result_value`. */
  readonly fromDb: (value: S) => T;
  /** How a column of it is declared, if not as the implementation is. */
  readonly ddl?: string;
  /** Whether the two functions are called with null, too; else null stays what it is. */
  readonly nulls?: boolean;
}

/** Makes a type of your own out of another and two functions. */
export function typeDecorator<T, S = unknown>(options: TypeDecoratorOptions<T, S>): SqlType<T> {
  const impl = typeOf(options.impl);
  const nulls = options.nulls === true;
  return numbered<T>(options.name, impl.write, options.ddl ?? null, {
    bind: (value) => {
      const inner = options.toDb(value as T);
      return (inner === null && !impl.bindsNull) || impl.bind === undefined ? inner : impl.bind(inner);
    },
    result: (value) => options.fromDb((impl.result === undefined || value === null ? value : impl.result(value)) as S),
    bindsNull: nulls,
    resultsNull: nulls,
  });
}

/** The same type, declared with other words: `declaredAs(String_(36), "NCHAR(36)")`. */
export function declaredAs<T>(type: TypeArgument<T>, ddl: string): SqlType<T> {
  const base = typeOf(type);
  const { bind, result, bindsNull, resultsNull = false } = base;
  return numbered<T>(base.name, base.write, ddl, { bind, result, bindsNull, resultsNull });
}

/** A type that is another one where the dialect is one of these, as SQLite's here is: SQLAlchemy's `with_variant()`. */
export function withVariant<T>(type: TypeArgument<T>, variant: TypeArgument<NoInfer<T>>, ...dialects: readonly string[]): SqlType<T> {
  if (dialects.length === 0) throw new ArgumentError('withVariant() takes names of dialects: withVariant(Text, JSON_, "sqlite")');
  return typeOf(dialects.includes("sqlite") ? variant : type);
}

/**
 * The type that a value has by itself.
 * @internal
 */
export function typeOfValue(value: unknown): SqlType {
  switch (typeof value) {
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? Integer : Float;
    case "bigint":
      return BigInteger;
    case "string":
      return plainText;
    case "boolean":
      return plainBoolean;
    default:
      if (value instanceof Date) return DateTime;
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return LargeBinary;
      return temporalType(value) ?? NullType;
  }
}

const plainText = String_();

/**
 * The type that the compiler calls by this code; `numbers` are the types of the statement that have numbers.
 * @internal
 */
export function typeByCode(code: string, numbers: readonly SqlType[]): SqlType {
  if (code.startsWith("#")) return numbers[Number(code.slice(1))] ?? NullType;
  return BY_CODE[code] ?? NullType;
}

const BY_CODE: Readonly<Record<string, SqlType>> = Object.freeze({
  __proto__: null as never,
  Integer,
  SmallInteger,
  BigInteger,
  Float,
  Double,
  Real: REAL,
  String: plainText,
  Text,
  Boolean: plainBoolean,
  Date: Date_,
  DateTime,
  Time,
  Interval,
  LargeBinary,
  Json: JSON_(),
  JsonNone: JSON_({ noneAsNull: true }),
  Jsonb: JSONB(),
  JsonbNone: JSONB({ noneAsNull: true }),
  Uuid,
  Numeric: Numeric(),
});
