/**
 * The types by their plain names, where JavaScript has other things of those names: `types.String(50)`.
 *
 * @module
 */

import * as all from "./column_types.js";

/** The types under SQLAlchemy's names: `types.String(50)`, `types.Boolean`, `types.Date`, `types.JSON()`. */
export const types = Object.freeze({
  BigInteger: all.BigInteger,
  Boolean: all.Boolean_,
  Date: all.Date_,
  DateTime: all.DateTime,
  Double: all.Double,
  Duration: all.Duration,
  Enum: all.Enum,
  Float: all.Float,
  Integer: all.Integer,
  Interval: all.Interval,
  JSON: all.JSON_,
  JSONB: all.JSONB,
  LargeBinary: all.LargeBinary,
  NullType: all.NullType,
  Numeric: all.Numeric,
  PlainDate: all.PlainDate,
  PlainDateTime: all.PlainDateTime,
  PlainTime: all.PlainTime,
  REAL: all.REAL,
  SmallInteger: all.SmallInteger,
  String: all.String_,
  Text: all.Text,
  Time: all.Time,
  Unicode: all.Unicode,
  UnicodeText: all.UnicodeText,
  Uuid: all.Uuid,
});
