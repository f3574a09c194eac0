/**
 * Tables, expressions and statements.
 *
 * @module
 */

export { CreateIndex, CreateTable, CreateTableAs, CreateView, createAll, dropAll, DropIndex, DropTable, DropView } from "./ddl.js";
export { delete_, insert, update, type Delete, type Insert, type InsertOf, type Update } from "./dml.js";
export {
  and_,
  bindparam,
  case_,
  cast,
  Expr,
  extract,
  false_,
  literal,
  literalColumn,
  not_,
  null_,
  or_,
  true_,
  tuple_,
  typeCoerce,
  type BindParameter,
  type JsonItem,
  type Label,
  type WindowOptions,
} from "./expr.js";
export type { Alias, Cte, From, Subquery } from "./from.js";
export { func } from "./func.js";
export {
  CheckConstraint,
  Column,
  ForeignKey,
  ForeignKeyConstraint,
  Index,
  MetaData,
  PrimaryKeyConstraint,
  Table,
  UniqueConstraint,
  type ColumnOptions,
  type NamingConvention,
  type TableColumn,
} from "./schema.js";
export { asc, desc, except_, exists, intersect, select, Select, union, unionAll, type CompoundSelect } from "./select.js";
export {
  BigInteger,
  Boolean_,
  Date_,
  DateTime,
  Double,
  Enum,
  Float,
  Integer,
  Interval,
  JSON_,
  JSONB,
  LargeBinary,
  NullType,
  Numeric,
  REAL,
  SmallInteger,
  String_,
  Text,
  Time,
  typeDecorator,
  Unicode,
  UnicodeText,
  Uuid,
  type SqlType,
} from "./types.js";
