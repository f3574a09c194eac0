/**
 * Types of dates and times: JavaScript's Date, and Temporal where it exists.
 *
 * @module
 */

import { DataError, InvalidRequestError } from "../errors.js";
import { describe } from "../encode.js";
import type { SqlValue } from "../values.js";
import { numbered, tag, type, wrong, type SqlType } from "./type_base.js";

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
  // A day that there is not would become another one.
  if (date.getUTCMonth() + 1 !== month || date.getUTCDate() !== day) {
    throw new DataError(`a column of type ${name} holds ${JSON.stringify(value)}, a day that there is not`);
  }
  date.setUTCHours(hour ?? 0, minute ?? 0, second ?? 0, Number((match[7] ?? "").slice(0, 3).padEnd(3, "0")));
  if (date.getUTCHours() !== (hour ?? 0) || date.getUTCMinutes() !== (minute ?? 0) || date.getUTCSeconds() !== (second ?? 0)) {
    throw new DataError(`a column of type ${name} holds ${JSON.stringify(value)}, a time that there is not`);
  }
  return date;
}

/** The kind of a value of Temporal: `"PlainDate"`. */
function kindOf(value: unknown): string | undefined {
  return /^\[object Temporal\.(\w+)\]$/.exec(Object.prototype.toString.call(value))?.[1];
}

/**
 * The type that a value of Temporal is stored as by itself.
 * @internal
 */
export function temporalType(value: unknown): SqlType | undefined {
  switch (kindOf(value)) {
    case "PlainDate":
      return Date_;
    case "PlainTime":
      return Time;
    case "Duration":
      return Interval;
    case "PlainDateTime":
    case "Instant":
    case "ZonedDateTime":
      return DateTime;
    default:
      return undefined;
  }
}

interface Temporal_ {
  toString(options?: object): string;
  toInstant?(): Temporal_;
  total?(unit: object): number;
}

const MICROSECONDS = Object.freeze({ fractionalSecondDigits: 6 });

/** A value of Temporal as its column's text; undefined for what is none of these kinds. What has a zone is stored in UTC. */
function temporalText(name: string, value: unknown, kinds: readonly string[]): string | undefined {
  const kind = kindOf(value);
  if (kind === undefined || !kinds.includes(kind)) return undefined;
  const at = value as Temporal_;
  const text =
    kind === "ZonedDateTime" && at.toInstant !== undefined
      ? at.toInstant().toString(MICROSECONDS)
      : at.toString(kind === "PlainDate" ? { calendarName: "never" } : { ...MICROSECONDS, calendarName: "never" });
  if (/^[-+]/.test(text)) throw new DataError(`${name} takes years of four digits, not ${text}`);
  return text.replace("T", " ").replace("Z", "");
}

/** A date and time of day, as a Date in UTC: stored as `2026-11-21 10:42:04.000000`. Digits below the millisecond are lost. */
export const DateTime: SqlType<Date> = type("DateTime", tag(12), {
  bind: (value) => {
    const text = temporalText("DateTime", value, ["PlainDateTime", "Instant", "ZonedDateTime"]);
    if (text !== undefined) return text;
    const date = dateOf("DateTime", value);
    return `${dateText(date)} ${timeText(date)}`;
  },
  result: (value) => parsed("DateTime", DATE_TIME, value),
});

/** A date, as a Date at midnight in UTC: stored as `2026-11-21`. */
export const Date_: SqlType<Date> = type("Date", tag(11), {
  bind: (value) => temporalText("Date", value, ["PlainDate"]) ?? dateText(dateOf("Date", value)),
  result: (value) => parsed("Date", DATE, value),
});

const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?$/;

/** A time of day, as a string: stored as `10:42:04.000000`. */
export const Time: SqlType<string> = type("Time", tag(13), {
  bind: (value) => {
    const text = temporalText("Time", value, ["PlainTime"]);
    if (text !== undefined) return text;
    const match = typeof value === "string" ? TIME.exec(value) : null;
    const [hour, minute, second] = (match ?? []).slice(1, 4).map((part) => Number(part ?? 0));
    if (match === null || (hour as number) > 23 || (minute as number) > 59 || (second as number) > 59) throw wrong("Time", 'a string like "10:42:04"', value);
    return `${match[1]}:${match[2]}:${match[3] ?? "00"}.${(match[4] ?? "").padEnd(6, "0")}`;
  },
  result: undefined,
});

function milliseconds(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (kindOf(value) === "Duration") {
    try {
      return (value as Required<Temporal_>).total({ unit: "milliseconds" });
    } catch (cause) {
      throw new DataError("Interval takes a Duration of days and less: months and years have no length of their own", { cause });
    }
  }
  throw wrong("Interval", "a number of milliseconds", value);
}

/** The microseconds behind the milliseconds of a stored text. */
function micros(value: SqlValue): number {
  return Number(/\.\d{3}(\d{3})/.exec(String(value))?.[1] ?? 0);
}

/** A span of time, as a number of milliseconds: stored as the instant that lies that long after 1970. */
export const Interval: SqlType<number> = type("Interval", tag(14), {
  bind: (value) => {
    const span = milliseconds(value);
    const date = new Date(Math.floor(span));
    if (Number.isNaN(date.getTime())) throw wrong("Interval", "a span that a date can express", value);
    // What Python calls a timedelta counts microseconds.
    const micros = Math.round((span - Math.floor(span)) * 1000);
    if (micros > 0 && micros < 1000) return `${dateText(date)} ${timeText(date).slice(0, -3)}${String(micros).padStart(3, "0")}`;
    return `${dateText(date)} ${timeText(date)}`;
  },
  result: (value) => parsed("Interval", DATE_TIME, value).getTime() + micros(value) / 1000,
});

type Found<Name extends string> = typeof globalThis extends { readonly Temporal: { readonly [K in Name]: { from(text: string): infer T } } }
  ? T
  : { toString(): string };

interface Maker {
  from(text: unknown): unknown;
}

/** A maker of Temporal; an error where the platform has none. */
function maker(name: string): Maker {
  const found = (globalThis as { Temporal?: Record<string, Maker> }).Temporal?.[name];
  if (found === undefined) throw new InvalidRequestError(`this platform has no Temporal.${name}; the types with Date and strings read the same columns`);
  return found;
}

function temporal<T>(name: string, of: SqlType, read: (text: string) => unknown): SqlType<T> {
  const result = (value: SqlValue): unknown => {
    try {
      if (typeof value === "string") return read(value);
    } catch (cause) {
      if (cause instanceof InvalidRequestError) throw cause;
      throw new DataError(`a column of type ${name} holds ${JSON.stringify(value)}`, { cause });
    }
    throw new DataError(`a column of type ${name} holds ${describe(value)}`);
  };
  return numbered<T>(name, of.write, null, { bind: of.bind, result });
}

/** As {@link DateTime}, read as a `Temporal.PlainDateTime`, to the microsecond. */
export const PlainDateTime: SqlType<Found<"PlainDateTime">> = temporal("PlainDateTime", DateTime, (text) =>
  maker("PlainDateTime").from(text.replace(" ", "T")));
/** As {@link Date_}, read as a `Temporal.PlainDate`. */
export const PlainDate: SqlType<Found<"PlainDate">> = temporal("PlainDate", Date_, (text) => maker("PlainDate").from(text));
/** As {@link Time}, read as a `Temporal.PlainTime`. */
export const PlainTime: SqlType<Found<"PlainTime">> = temporal("PlainTime", Time, (text) => maker("PlainTime").from(text));
/** As {@link Interval}, read as a `Temporal.Duration` of milliseconds and microseconds. */
export const Duration: SqlType<Found<"Duration">> = temporal("Duration", Interval, (text) => {
  const milliseconds = parsed("Duration", DATE_TIME, text).getTime();
  // A Duration has one sign.
  const [whole, rest] = milliseconds < 0 && micros(text) > 0 ? [milliseconds + 1, micros(text) - 1000] : [milliseconds, micros(text)];
  return maker("Duration").from({ milliseconds: whole, microseconds: rest });
});
