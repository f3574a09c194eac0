/**
 * Tables, expressions and statements.
 *
 * @module
 */

export {
  CreateIndex,
  CreateTable,
  CreateTableAs,
  CreateView,
  DDL,
  DropIndex,
  DropTable,
  DropView,
  type ConditionalDdl,
  type ExecuteIfOptions,
} from "./ddl.js";
export { generateTables, type GenerateOptions } from "./codegen.js";
export type { DdlAllOptions, DdlOptions } from "./create.js";
export {
  listen,
  type Attachable,
  type AttachEvent,
  type AttachListener,
  type ColumnInfo,
  type ColumnReflectListener,
  type DdlEvent,
  type DdlListener,
  type DdlStatement,
  type ListenOnce,
} from "./listen.js";
export { ClauseElement } from "./clause.js";
export { ColumnElement, ExecutableElement, registerCompiler, type SqlCompiler } from "./custom.js";
export { column, table, values, type ColumnClause, type Values } from "./light.js";
export { TextualSelect } from "./textual.js";
export { types } from "./type_names.js";
export type { CompiledStatement, CompileOptions } from "./compiled.js";
export { delete_, insert, update, type Delete, type Insert, type InsertOf, type Update } from "./dml.js";
export {
  Expr,
  false_,
  null_,
  true_,
  type FrameBounds,
  type JsonItem,
  type Label,
  type WindowOptions,
} from "./expr.js";
export {
  and_,
  bindparam,
  case_,
  cast,
  extract,
  literal,
  literalColumn,
  not_,
  or_,
  tuple_,
  typeCoerce,
  type BindParameter,
} from "./expressions.js";
export type { Alias, Cte, From, Subquery } from "./from.js";
export { func } from "./func.js";
export { inspect, Inspector } from "./inspect.js";
export type {
  InSchema,
  MultiOptions,
  ReflectedCheckConstraint,
  ReflectedColumn,
  ReflectedForeignKey,
  ReflectedIndex,
  ReflectedPrimaryKey,
  ReflectedTableOptions,
  ReflectedUniqueConstraint,
} from "./reflected.js";
export type { ReflectFrom, ReflectOptions, ReflectTableOptions } from "./reflect.js";
export {
  CheckConstraint,
  ForeignKey,
  ForeignKeyConstraint,
  Index,
  PrimaryKeyConstraint,
  UniqueConstraint,
  type ConflictClause,
  type ForeignKeyAction,
} from "./constraint.js";
export { Column, MetaData, Table, type AnyColumn, type AnyTable, type ColumnOptions, type NamingConvention, type TableColumn } from "./schema.js";
export { asc, desc, except_, exists, intersect, select, Select, union, unionAll, type CompoundSelect } from "./select.js";
export {
  BigInteger,
  Boolean_,
  Date_,
  DateTime,
  declaredAs,
  Double,
  Duration,
  Enum,
  Float,
  Integer,
  Interval,
  JSON_,
  JSONB,
  LargeBinary,
  NullType,
  Numeric,
  PlainDate,
  PlainDateTime,
  PlainTime,
  REAL,
  SmallInteger,
  String_,
  Text,
  Time,
  typeDecorator,
  Unicode,
  UnicodeText,
  Uuid,
  withVariant,
  type SqlType,
} from "./column_types.js";
