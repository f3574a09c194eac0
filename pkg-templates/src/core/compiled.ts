/**
 * Statements, ready to be executed: their SQL from the compiler, their values converted by type.
 *
 * @module
 */

import { callSync } from "../call.js";
import { encodeBatch } from "../encode.js";
import { ArgumentError, InvalidRequestError, StatementError } from "../errors.js";
import type { CompiledRecord } from "../generated/client.js";
import type { SqlValue } from "../values.js";
import { native } from "../wasm.js";
import { typeByCode, typeOfValue, type SqlType } from "./types.js";
import { isRecorded, write, type Recorded, type Writer } from "./writer.js";

/** How the value of a parameter is found. */
const SOURCE = { literal: 0, list: 1, required: 2, requiredList: 3, callable: 4, named: 5, number: 6 } as const;

interface Slot {
  readonly name: string;
  readonly source: number;
  readonly number: number;
  readonly type: SqlType;
}

interface Compiled {
  readonly segments: readonly (string | number)[];
  readonly slots: readonly Slot[];
  readonly results: readonly (((value: SqlValue) => unknown) | undefined)[] | undefined;
  readonly warnings: readonly string[];
}

/** How many compiled statements are kept, the oldest going first. */
const KEPT = 500;
const cache = new Map<string, CompiledRecord>();
const latin1: TextDecoder = new TextDecoder("latin1");

/** The compiler's word on a statement, kept by the bytes that it is made of. */
function compileBytes(writer: Writer, keys: readonly string[] | undefined, inline: boolean): CompiledRecord {
  const bytes = writer.finish();
  if (inline) {
    const values = writer.literals.map((value) => typeOfValue(value).bind?.(value) ?? value);
    const batch = encodeBatch(1, values.length, (_, i) => values[i], (_, i) => `value ${i + 1}`);
    return callSync(() => native().compileStatement(bytes, undefined, batch));
  }
  const key = `${latin1.decode(bytes)}\0${keys === undefined ? "" : JSON.stringify(keys)}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const compiled = callSync(() => native().compileStatement(bytes, keys as string[] | undefined, undefined));
  if (cache.size >= KEPT) cache.delete(cache.keys().next().value as string);
  cache.set(key, compiled);
  return compiled;
}

function compiledOf(writer: Writer, keys: readonly string[] | undefined, inline: boolean): Compiled {
  const record = compileBytes(writer, keys, inline);
  const types = record.columnTypes.map((code) => typeByCode(code, writer.types).result);
  return {
    segments: record.segments as (string | number)[],
    slots: record.slotNames.map((name, i) => ({
      name,
      source: record.slotSources[i] as number,
      number: record.slotNumbers[i] as number,
      type: typeByCode(record.slotTypes[i] as string, writer.types),
    })),
    results: types.some((convert) => convert !== undefined) ? types : undefined,
    warnings: record.warnings,
  };
}

/** A statement with its parameters, as it is sent. */
export interface Ready {
  readonly source: string;
  readonly batch: Uint8Array<ArrayBuffer> | undefined;
  readonly many: boolean;
  /** How the values of each column of the result are converted. */
  readonly results: readonly (((value: SqlValue) => unknown) | undefined)[] | undefined;
}

type Values = Readonly<Record<string, unknown>>;

const isSet = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether something is a statement for the compiler. */
export function isCompilable(statement: unknown): statement is Recorded {
  return isRecorded(statement) && "kind" in statement;
}

const isDdl = (statement: Recorded): boolean => (statement as { kind?: unknown }).kind === "ddl";

/** Compiles a statement for these parameters and binds them. */
export function ready(statement: Recorded, params: unknown): Ready {
  const writer = write(statement);
  const sets = setsOf(params);
  const many = Array.isArray(params) && params.length > 0;
  const keys = sets.length > 0 ? Object.keys(sets[0] as Values) : undefined;
  // SQLite keeps the text of what is created, where no parameter can stand.
  const compiled = compiledOf(writer, keys, isDdl(statement));
  const rows = (many ? sets : [sets[0] ?? {}]).map((set, row) => cellsOf(compiled, writer, set, many ? row : -1));
  const source = sqlOf(compiled, rows, many);
  const cells = rows.map((row) => row.flat(1));
  const width = (cells[0] as unknown[]).length;
  const name = (row: number, column: number): string => nameOf(compiled, rows[row] as unknown[], column, many ? row : -1);
  const batch = width === 0 && !many ? undefined : encodeBatch(cells.length, width, (row, column) => (cells[row] as unknown[])[column], name);
  return { source, batch, many, results: compiled.results };
}

function setsOf(params: unknown): readonly Values[] {
  if (params === undefined || params === null) return [];
  if (isSet(params)) return Object.keys(params).length === 0 ? [] : [params];
  if (Array.isArray(params) && params.every(isSet)) return params;
  throw new ArgumentError("the parameters of a statement are an object { name: value }, or a list of those");
}

/** The values of one run: one per parameter, and a list where the parameter is one. */
function cellsOf(compiled: Compiled, writer: Writer, set: Values, row: number): unknown[] {
  let current: Record<string, unknown> | undefined;
  return compiled.slots.map((slot) => {
    const given = Object.hasOwn(set, slot.name) ? { value: set[slot.name] } : undefined;
    switch (slot.source) {
      case SOURCE.literal:
        return converted(slot, writer.literals[slot.number], row);
      case SOURCE.named:
        return converted(slot, given === undefined ? writer.literals[slot.number] : given.value, row);
      case SOURCE.number:
        return slot.number;
      case SOURCE.list:
        return listOf(slot, writer.literals[slot.number], row);
      case SOURCE.callable: {
        const value = writer.callables[slot.number];
        current ??= { ...set };
        const made = typeof value === "function" ? (value as (context: object) => unknown)({ currentParameters: current }) : value;
        current[slot.name] = made;
        return converted(slot, made, row);
      }
      default:
        if (given === undefined) throw missing(slot.name, row);
        return slot.source === SOURCE.requiredList ? listOf(slot, given.value, row) : converted(slot, given.value, row);
    }
  });
}

function converted(slot: Slot, value: unknown, row: number): unknown {
  if (value === null && !slot.type.bindsNull) return null;
  const bind = slot.type.bind ?? (slot.type.name === "NullType" ? typeOfValue(value).bind : undefined);
  if (bind === undefined || value === undefined) return value;
  try {
    return bind(value);
  } catch (error) {
    const where = row < 0 ? "" : `, in parameter group ${row}`;
    if (error instanceof Error) error.message = `parameter '${slot.name}'${where}: ${error.message}`;
    throw error;
  }
}

function listOf(slot: Slot, value: unknown, row: number): unknown[] {
  if (!Array.isArray(value)) throw new ArgumentError(`parameter '${slot.name}' takes a list`);
  return value.map((item) => (Array.isArray(item) ? item : converted(slot, item, row)));
}

const EMPTY_LIST = "(SELECT 1 FROM (SELECT 1) WHERE 1!=1)";

/** The SQL, with as many parameters as the lists have items. */
function sqlOf(compiled: Compiled, rows: unknown[][], many: boolean): string {
  if (compiled.segments.length === 1) return compiled.segments[0] as string;
  const [first] = rows as [unknown[]];
  return compiled.segments
    .map((segment) => {
      if (typeof segment === "string") return segment;
      const list = first[segment] as unknown[];
      if (many && rows.some((row) => (row[segment] as unknown[]).length !== list.length)) {
        throw new InvalidRequestError("the lists of a statement that runs several times have equal lengths");
      }
      return listSql(list, rows, segment);
    })
    .join("");
}

function listSql(list: unknown[], rows: unknown[][], segment: number): string {
  if (list.length === 0) return EMPTY_LIST;
  if (!Array.isArray(list[0])) return `(${list.map(() => "?").join(", ")})`;
  // Rows of a tuple: their cells are flattened by one level more.
  const sql = `(VALUES ${list.map((row) => `(${(row as unknown[]).map(() => "?").join(", ")})`).join(", ")})`;
  for (const row of rows) row[segment] = (row[segment] as unknown[]).flat(1);
  return sql;
}

function nameOf(compiled: Compiled, row: unknown[], column: number, group: number): string {
  let at = 0;
  for (const [i, slot] of compiled.slots.entries()) {
    const cell = row[i];
    at += Array.isArray(cell) ? cell.length : 1;
    if (column < at) return `parameter '${slot.name}'${group < 0 ? "" : `, in parameter group ${group}`}`;
  }
  return `parameter ${column + 1}`;
}

function missing(name: string, row: number): StatementError {
  const message = `A value is required for bind parameter '${name}'${row < 0 ? "" : `, in parameter group ${row}`}`;
  return new StatementError(message, { code: "cd3x", cause: new InvalidRequestError(message, { code: "cd3x" }) });
}

/** The SQL of a statement and its values by name, for people. */
export function describeStatement(statement: Recorded): { readonly sql: string; readonly params: Readonly<Record<string, unknown>> } {
  const writer = write(statement);
  const compiled = compiledOf(writer, undefined, isDdl(statement));
  const params: Record<string, unknown> = {};
  const value = (slot: Slot): unknown => {
    if (slot.source === SOURCE.literal || slot.source === SOURCE.named || slot.source === SOURCE.list) {
      return writer.literals[slot.number];
    }
    if (slot.source === SOURCE.number) return slot.number;
    return slot.source === SOURCE.callable ? writer.callables[slot.number] : null;
  };
  for (const slot of compiled.slots) params[slot.name] = value(slot);
  const sql = compiled.segments.map((segment) => {
    if (typeof segment === "string") return segment;
    const slot = compiled.slots[segment] as Slot;
    const list = value(slot);
    if (!Array.isArray(list)) return `(__[POSTCOMPILE_${slot.name}])`;
    return listSql(list, [], segment);
  });
  return { sql: sql.join(""), params };
}
