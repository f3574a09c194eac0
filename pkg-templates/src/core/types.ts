/**
 * Column types: which JavaScript values they take and give, and how these are stored. Storage is SQLAlchemy's for SQLite, value
 * for value, so that its programs read the same database.
 *
 * @module
 */

import { DataError } from "../errors.js";
import { describe } from "../encode.js";
import type { SqlValue } from "../values.js";
import { pythonJson } from "./python_json.js";
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
  /** @internal A stored value as JavaScript sees it. Null never comes here. */
  readonly result: ((value: SqlValue) => unknown) | undefined;
  /** @internal Whether null is a value that it converts. */
  readonly bindsNull: boolean;
}

/** A type, or a function that makes it with its defaults: `String_` stands for `String_()`. */
export type TypeArgument<T> = SqlType<T> | (() => SqlType<T>);

/**
 * The type that is meant.
 * @internal
 */
export function typeOf<T>(type: TypeArgument<T>): SqlType<T> {
  return typeof type === "function" ? type() : type;
}

type Conversions = Pick<SqlType, "bind" | "result"> & { readonly bindsNull?: boolean };

function type<T>(name: string, write: (writer: Writer) => void, conversions: Conversions): SqlType<T> {
  return Object.freeze({ name, write, bindsNull: false, ...conversions });
}

/** Types whose conversions are the caller's are numbered, so that the compiled statement finds them again. */
function numbered<T>(name: string, implementation: (writer: Writer) => void, ddl: string | null, conversions: Conversions): SqlType<T> {
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

const plain = { bind: undefined, result: undefined };
const tag = (number: number) => (writer: Writer) => writer.u8(number);

function wrong(name: string, wanted: string, value: unknown): DataError {
  const shown = typeof value === "string" ? JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value) : undefined;
  const number = typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? String(value) : undefined;
  return new DataError(`${name} takes ${wanted}, not ${shown ?? number ?? describe(value)}`);
}

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
  return numbered<string>("Numeric", write, null, { bind, result: (value) => Number(value).toFixed(digits) });
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

/** True or false, stored as 1 or 0. */
export const Boolean_: SqlType<boolean> = type("Boolean", tag(10), {
  bind: (value) => {
    if (value === true || value === 1) return 1;
    if (value === false || value === 0) return 0;
    throw wrong("Boolean", "true or false", value);
  },
  result: (value) => value !== 0,
});

/** Bytes. What is bound may be any view of a buffer. */
export const LargeBinary: SqlType<Uint8Array> = type("LargeBinary", tag(15), {
  bind: (value) => {
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value;
    throw wrong("LargeBinary", "bytes: a Uint8Array, another view, or an ArrayBuffer", value);
  },
  result: undefined,
});

const two = (number: number): string => String(number).padStart(2, "0");

function dateOf(name: string, value: unknown): Date {
  if (!(value instanceof Date)) throw wrong(name, "a Date", value);
  if (Number.isNaN(value.getTime())) throw new DataError(`${name} takes a Date that is one, not an invalid Date`);
  return value;
}

function dateText(date: Date): string {
  const year = date.getUTCFullYear();
  if (year < 1 || year > 9999) throw new DataError(`the year ${year} does not fit into the four digits of a date's text`);
  return `${String(year).padStart(4, "0")}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

function timeText(date: Date): string {
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${time}.${String(date.getUTCMilliseconds()).padStart(3, "0")}000`;
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?$/;

function parsed(name: string, pattern: RegExp, value: SqlValue): Date {
  const match = typeof value === "string" ? pattern.exec(value) : null;
  if (match === null) throw new DataError(`a column of type ${name} holds ${typeof value === "string" ? JSON.stringify(value) : describe(value)}`);
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as number[];
  const date = new Date(0);
  date.setUTCFullYear(year as number, (month as number) - 1, day);
  date.setUTCHours(hour ?? 0, minute ?? 0, second ?? 0, Number((match[7] ?? "").slice(0, 3).padEnd(3, "0")));
  return date;
}

/** A date and time of day, as a Date in UTC: stored as `2026-11-21 10:42:04.000000`. Digits below the millisecond are lost. */
export const DateTime: SqlType<Date> = type("DateTime", tag(12), {
  bind: (value) => {
    const date = dateOf("DateTime", value);
    return `${dateText(date)} ${timeText(date)}`;
  },
  result: (value) => parsed("DateTime", DATE_TIME, value),
});

/** A date, as a Date at midnight in UTC: stored as `2026-11-21`. */
export const Date_: SqlType<Date> = type("Date", tag(11), {
  bind: (value) => dateText(dateOf("Date", value)),
  result: (value) => parsed("Date", DATE, value),
});

const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?$/;

/** A time of day, as a string: stored as `10:42:04.000000`. */
export const Time: SqlType<string> = type("Time", tag(13), {
  bind: (value) => {
    const match = typeof value === "string" ? TIME.exec(value) : null;
    if (match === null) throw wrong("Time", 'a string like "10:42:04"', value);
    return `${match[1]}:${match[2]}:${match[3] ?? "00"}.${(match[4] ?? "").padEnd(6, "0")}`;
  },
  result: undefined,
});

/** A span of time, as a number of milliseconds: stored as the instant that lies that long after 1970. */
export const Interval: SqlType<number> = type("Interval", tag(14), {
  bind: (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) throw wrong("Interval", "a number of milliseconds", value);
    const date = new Date(value);
    return `${dateText(date)} ${timeText(date)}`;
  },
  result: (value) => parsed("Interval", DATE_TIME, value).getTime(),
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

/** One of these strings; another is a DataError that lists them. */
export function Enum<const V extends readonly string[]>(...values: V): SqlType<V[number]> {
  const known = new Set<string>(values);
  const check = (value: unknown): unknown => {
    if (typeof value === "string" && known.has(value)) return value;
    throw wrong("Enum", `one of ${values.map((one) => JSON.stringify(one)).join(", ")}`, value);
  };
  const write = (writer: Writer): void => {
    writer.u8(18);
    writer.optionalText(null);
    writer.u32(values.length);
    values.forEach((value) => writer.text(value));
    writer.optionalU32(undefined);
    writer.flag(false);
  };
  return numbered<V[number]>("Enum", write, null, { bind: check, result: check as (value: SqlValue) => unknown });
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
  /** A value as the implementation takes it. */
  readonly toDb: (value: T) => S;
  /** What the implementation gives, as a value. */
  readonly fromDb: (value: S) => T;
  /** How a column of it is declared, if not as the implementation is. */
  readonly ddl?: string;
}

/** Makes a type of your own out of another and two functions. They never see null. */
export function typeDecorator<T, S>(options: TypeDecoratorOptions<T, S>): SqlType<T> {
  const impl = typeOf(options.impl);
  return numbered<T>(options.name, impl.write, options.ddl ?? null, {
    bind: (value) => {
      const inner = options.toDb(value as T);
      return inner === null || impl.bind === undefined ? inner : impl.bind(inner);
    },
    result: (value) => options.fromDb((impl.result === undefined ? value : impl.result(value)) as S),
  });
}

/** The same type, declared with other words: `declaredAs(String_(36), "NCHAR(36)")`. */
export function declaredAs<T>(type: TypeArgument<T>, ddl: string): SqlType<T> {
  const base = typeOf(type);
  const { bind, result, bindsNull } = base;
  return numbered<T>(base.name, base.write, ddl, { bind, result, bindsNull });
}

/**
 * The type that a value has by itself.
 * @internal
 */
export function typeOfValue(value: unknown): SqlType {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) && !Object.is(value, -0) ? Integer : Float;
    case "bigint":
      return BigInteger;
    case "string":
      return plainText;
    case "boolean":
      return Boolean_;
    default:
      if (value instanceof Date) return DateTime;
      return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? LargeBinary : NullType;
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
  Boolean: Boolean_,
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
