/**
 * The types of columns, as users import them. Whoever has one can tell the columns of a text, so what such a text becomes comes
 * with them.
 *
 * @module
 */

import { asQueries } from "./textual.js";
import * as all from "./types.js";

asQueries();

/** A whole number of 64 bits, as a bigint. */
export const BigInteger: typeof all.BigInteger = all.BigInteger;
/** True or false, stored as 1 or 0. */
export const Boolean_: typeof all.Boolean_ = all.Boolean_;
/** A date, as a Date at midnight in UTC: stored as `2026-11-21`. */
export const Date_: typeof all.Date_ = all.Date_;
/** A date and time of day, as a Date in UTC: stored as `2026-11-21 10:42:04.000000`. Digits below the millisecond are lost. */
export const DateTime: typeof all.DateTime = all.DateTime;
/** The same type, declared with other words: `declaredAs(String_(36), "NCHAR(36)")`. */
export const declaredAs: typeof all.declaredAs = all.declaredAs;
/** A number, declared `DOUBLE`. */
export const Double: typeof all.Double = all.Double;
/** As {@link Interval}, read as a `Temporal.Duration` of milliseconds and microseconds. */
export const Duration: typeof all.Duration = all.Duration;
/** One of these strings, stored as it is; another is a DataError that lists them. */
export const Enum: typeof all.Enum = all.Enum;
/** A number, declared `FLOAT`. */
export const Float: typeof all.Float = all.Float;
/** A whole number; one that a JavaScript number cannot hold is a DataError, never rounded: see {@link BigInteger}. */
export const Integer: typeof all.Integer = all.Integer;
/** A span of time, as a number of milliseconds: stored as the instant that lies that long after 1970. */
export const Interval: typeof all.Interval = all.Interval;
/** A value of JSON, stored as text. */
export const JSON_: typeof all.JSON_ = all.JSON_;
/** A value of JSON, stored in SQLite's binary form. */
export const JSONB: typeof all.JSONB = all.JSONB;
/** Bytes. What is bound may be any view of a buffer. */
export const LargeBinary: typeof all.LargeBinary = all.LargeBinary;
/** No type: values pass as they are. */
export const NullType: typeof all.NullType = all.NullType;
/**
 * A decimal number as a string with `scale` digits behind the point (10 unless given). SQLite stores it as an IEEE double, as
 * SQLAlchemy has it, so digits beyond the 15th are lost. `asNumber` gives numbers instead.
 */
export const Numeric: typeof all.Numeric = all.Numeric;
/** As {@link Date_}, read as a `Temporal.PlainDate`. */
export const PlainDate: typeof all.PlainDate = all.PlainDate;
/** As {@link DateTime}, read as a `Temporal.PlainDateTime`, to the microsecond. */
export const PlainDateTime: typeof all.PlainDateTime = all.PlainDateTime;
/** As {@link Time}, read as a `Temporal.PlainTime`. */
export const PlainTime: typeof all.PlainTime = all.PlainTime;
/** A number, declared `REAL`. */
export const REAL: typeof all.REAL = all.REAL;
/** As {@link Integer}, declared `SMALLINT`. */
export const SmallInteger: typeof all.SmallInteger = all.SmallInteger;
/** A text, declared `VARCHAR`; SQLite enforces no length. */
export const String_: typeof all.String_ = all.String_;
/** A text, declared `TEXT`. */
export const Text: typeof all.Text = all.Text;
/** A time of day, as a string: stored as `10:42:04.000000`. */
export const Time: typeof all.Time = all.Time;
/** Makes a type of your own out of another and two functions. */
export const typeDecorator: typeof all.typeDecorator = all.typeDecorator;
/** SQLAlchemy's name for a text that is Unicode, which all are. */
export const Unicode: typeof all.Unicode = all.Unicode;
/** As {@link Text}. */
export const UnicodeText: typeof all.UnicodeText = all.UnicodeText;
/** A UUID as a string, `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`: stored as its 32 digits. */
export const Uuid: typeof all.Uuid = all.Uuid;
/** A type that is another one where the dialect is one of these, as SQLite's here is: SQLAlchemy's `with_variant()`. */
export const withVariant: typeof all.withVariant = all.withVariant;
export type { SqlType } from "./types.js";
