/**
 * Statements, ready to be executed: their SQL from the compiler, their values converted by type.
 *
 * @module
 */

import { callSync } from "../call.js";
import { encodeBatch, Encoding } from "../encode.js";
import { atOnce } from "../slices.js";
import { ArgumentError, InvalidRequestError } from "../errors.js";
import type { SqlValue } from "../values.js";
import { Binding, isSet, shown, Slot, type Values } from "./binding.js";
import type { QueryCache } from "./entry.js";
import { Fields } from "./fields.js";
import { Kept } from "./kept.js";
import { listSql, packed, tooLong } from "./lists.js";
import { typeByCode, typeOfValue, type SqlType } from "./types.js";
import { core } from "./wasm.js";
import { write, type Recorded, type Writer } from "./writer.js";

/** A column of the primary key of a row that is inserted. */
export interface KeyColumn {
  readonly name: string;
  readonly type: SqlType;
  /** The place of the parameter that it is, -1 the rowid, -2 unknown. */
  readonly from: number;
}

type Convert = (value: SqlValue) => unknown;

/**
 * What the compiler made of a statement: `crates/core-js/src/compile.rs` writes it. What only executing it asks for is read when it
 * is asked for.
 * @internal
 */
export class Compiled {
  /** SQL, and the places of lists in it. */
  readonly segments: readonly (string | number)[];
  readonly slots: readonly Slot[];
  readonly warnings: readonly string[];
  readonly #rest: Fields;
  readonly #types: readonly SqlType[];
  #executed: Executed | undefined;

  constructor(text: string, types: readonly SqlType[]) {
    const fields = new Fields(text);
    this.segments = listOf(fields, segmentOf);
    this.slots = listOf(fields, () => new Slot(fields.text(), fields.count(), fields.number(), fields.text(), types));
    this.warnings = listOf(fields, textOf);
    [this.#rest, this.#types] = [fields, types];
  }

  /** Whether a statement of these bytes has these types: the user's are found by their numbers, and each statement has its own. */
  isFor(types: readonly SqlType[]): boolean {
    return types.length === this.#types.length && types.every((type, at) => type === this.#types[at]);
  }

  /** How the values of each column of the result are converted, if any is. */
  get results(): readonly (Convert | undefined)[] | undefined {
    return this.#known().results;
  }

  /** Whether it has columns of a result. */
  get returning(): boolean {
    return this.#known().returning;
  }

  get key(): readonly KeyColumn[] {
    return this.#known().key;
  }

  #known(): Executed {
    return (this.#executed ??= executed(this.#rest, this.#types));
  }
}

interface Executed {
  readonly results: readonly (Convert | undefined)[] | undefined;
  readonly returning: boolean;
  readonly key: readonly KeyColumn[];
}

function executed(fields: Fields, types: readonly SqlType[]): Executed {
  const column = (): readonly [string, SqlType] => [fields.text(), typeByCode(fields.text(), types)];
  const results = listOf(fields, column).map(([, { result, resultsNull }]) =>
    result === undefined || resultsNull === true ? result : (value: SqlValue) => (value === null ? null : result(value)),
  );
  const keys = listOf(fields, column);
  const from = listOf(fields, () => fields.number());
  return {
    results: results.some((convert) => convert !== undefined) ? results : undefined,
    returning: results.length > 0,
    key: keys.map(([name, type], i) => ({ name, type, from: from[i] as number })),
  };
}

function listOf<T>(fields: Fields, item: (fields: Fields) => T): T[] {
  const items: T[] = [];
  for (let count = fields.count(); count > 0; count--) items.push(item(fields));
  return items;
}

const textOf = (fields: Fields): string => fields.text();

function segmentOf(fields: Fields): string | number {
  const slot = fields.number();
  return slot < 0 ? fields.text() : slot;
}

/**
 * The compiler's word on a statement. What it says is kept as a text until it is asked for again: many small objects that live for
 * a while, as they would for statements that are executed once, are what a garbage collector does worst with.
 */
interface Said {
  readonly text: string;
  isKnown: boolean;
  /** What it became last. */
  compiled: Compiled | undefined;
}

type Cache = Kept<Said> | undefined;

/** Of statements that no engine executes, but people look at. */
const shownOnes: Kept<Said> = new Kept(500);

/** What an engine keeps; nothing where it is to keep none. */
function cacheOf(cache: QueryCache | undefined): Cache {
  if (cache === undefined) return shownOnes;
  return cache.size === 0 ? undefined : ((cache.kept ??= new Kept<Said>(cache.size)) as Kept<Said>);
}

/** The compiler's word on a statement, kept by the bytes that it is made of. */
function compileBytes(bytes: Uint8Array, keys: readonly string[] | undefined, cache: Cache): Said {
  const names = keys === undefined ? "" : keys.length === 0 ? "[]" : JSON.stringify(keys);
  const compile = (): Said => said(callSync(() => core().compileStatement(bytes, keys as string[] | undefined)));
  return cache === undefined ? compile() : cache.of(bytes, names, compile);
}

const said = (text: string): Said => ({ text, isKnown: false, compiled: undefined });

/**
 * A statement with its values in the SQL, or only those that have to be there. They are converted as its parameters would be, which
 * tell their types.
 */
function compileInline(bytes: Uint8Array, writer: Writer, keys: readonly string[] | undefined, all: boolean, cache: Cache): Said {
  const slots = read(compileBytes(bytes, keys, cache), writer).slots;
  const found = new Binding(slots, writer, [{}], false).literals();
  const values = writer.literals.map((value, i) => (found.has(i) ? found.get(i) : (typeOfValue(value).bind?.(value) ?? value)));
  const lists: number[] = [];
  const items: unknown[] = [];
  const cells = values.map((value, i) => {
    if (!Array.isArray(value)) return value;
    lists.push(i, values.length + items.length, value.length, Array.isArray(value[0]) ? value[0].length : 0);
    items.push(...(value as unknown[]).flat(1));
    return null;
  });
  cells.push(...items);
  const batch = encodeBatch(1, cells.length, (_, i) => cells[i], (_, i) => `value ${i + 1}`);
  return said(callSync(() => core().compileStatement(bytes, keys as string[] | undefined, batch, new Uint32Array(lists), all)));
}

function compiledOf(writer: Writer, keys: readonly string[] | undefined, inline: boolean, cache: Cache): Compiled {
  const bytes = writer.finish();
  const word = inline || writer.inlines ? compileInline(bytes, writer, keys, inline, cache) : compileBytes(bytes, keys, cache);
  writer.release();
  return read(word, writer);
}

function read(word: Said, writer: Writer): Compiled {
  const { compiled: known, isKnown } = word;
  if (known?.isFor(writer.types)) return known;
  const compiled = new Compiled(word.text, writer.types);
  if (isKnown) word.compiled = compiled;
  word.isKnown = true;
  return compiled;
}

/** A statement with its parameters, as it is sent. */
export interface Ready {
  readonly source: string;
  readonly batch: Uint8Array<ArrayBuffer> | undefined;
  /** What is left to be encoded; there is no batch before. */
  readonly rest: Encoding | undefined;
  readonly many: boolean;
  /** Encodes the parameters once more. */
  readonly again: () => { readonly batch: Uint8Array<ArrayBuffer> | undefined; readonly many: boolean };
  /** How the values of each column of the result are converted. */
  readonly results: readonly (((value: SqlValue) => unknown) | undefined)[] | undefined;
  /** What it is and was given, for those who ask its result. */
  readonly about: About;
  /** What is to be said about it. */
  readonly warnings: readonly string[];
}

/** What the result of a statement can be asked about it. */
export interface About {
  readonly kind: string;
  readonly many: boolean;
  readonly returning: boolean;
  readonly key: readonly KeyColumn[];
  /** The values of one run by the names of its parameters, before they were converted. */
  readonly params: (row: number) => Values;
  /** The value of a parameter by its place. */
  readonly value: (row: number, place: number) => unknown;
  readonly runs: number;
}

const kindOf = (statement: Recorded): string => (statement as { kind?: unknown }).kind as string;

/** Compiles a statement for these parameters and binds them. */
export function ready(statement: Recorded, params: unknown, cache?: QueryCache): Ready {
  const writer = write(statement);
  const own = ownParameters(statement);
  const sets = setsOf(params).map((set) => (own === undefined ? set : { ...own, ...set }));
  const many = Array.isArray(params) && params.length > 0;
  const kind = kindOf(statement);
  // SQLite keeps the text of what is created, where no parameter can stand.
  const compiled = compiledOf(writer, Object.keys(sets[0] ?? {}), kind === "ddl", cacheOf(cache));
  const binding = new Binding(compiled.slots, writer, many ? sets : [sets[0] ?? own ?? {}], many);
  const [source, lists] = sqlOf(compiled, binding);
  const encoding = encodingOf(compiled, binding, lists);
  const batch = encoding === undefined ? undefined : atOnce(encoding);
  const again = (): ReturnType<Ready["again"]> => ({ batch: encodingOf(compiled, binding, lists)?.finish(), many });
  const about: About = {
    kind,
    many,
    returning: compiled.returning,
    key: compiled.key,
    params: (row) => binding.named(row),
    value: (row, place) => binding.raw(row)[place],
    runs: binding.sets.length,
  };
  const rest = batch === undefined ? encoding : undefined;
  return { source, batch, rest, many, again, results: compiled.results, about, warnings: compiled.warnings };
}

/** The values that a statement brings along for parameters with a name. */
const ownParameters = (statement: Recorded): Values | undefined => (statement as { ownParameters?: Values }).ownParameters;

function setsOf(params: unknown): readonly Values[] {
  if (params === undefined || params === null) return [];
  if (isSet(params)) return [params];
  if (Array.isArray(params) && params.every(isSet)) return params;
  throw new ArgumentError("the parameters of a statement are an object { name: value }, or a list of those");
}

/** Encodes the values of all runs; lists are spread, or one text of JSON each. */
function encodingOf(compiled: Compiled, binding: Binding, lists: ReadonlyMap<number, readonly string[]>): Encoding | undefined {
  const { sets, many } = binding;
  let current: readonly unknown[] = [];
  let at = -1;
  const rowOf = (row: number): readonly unknown[] => {
    if (row === at) return current;
    at = row;
    const cells = binding.cells(row);
    // Rows of a tuple are a list in a list.
    if (cells.some(Array.isArray)) {
      return (current = cells.flatMap((cell, place) => (lists.has(place) ? [lists.get(place)?.[row]] : Array.isArray(cell) ? cell.flat(1) : [cell])));
    }
    return (current = cells);
  };
  const width = rowOf(0).length;
  if (width === 0 && !many) return undefined;
  const name = (row: number, column: number): string => {
    let end = 0;
    const slot = compiled.slots.find((_, place) => {
      const cell = binding.cells(row)[place];
      end += Array.isArray(cell) && !lists.has(place) ? cell.flat(1).length : 1;
      return column < end;
    });
    return `${slot === undefined ? `parameter ${column + 1}` : `parameter '${slot.name}'`}${many ? `, in parameter group ${row}` : ""}`;
  };
  return new Encoding(sets.length, width, (row, column) => rowOf(row)[column], name);
}

/** The SQL, with as many parameters as the lists have items; and the lists that are one parameter, for each run. */
function sqlOf(compiled: Compiled, binding: Binding): readonly [string, ReadonlyMap<number, readonly string[]>] {
  const lists = new Map<number, readonly string[]>();
  if (compiled.segments.length === 1) return [compiled.segments[0] as string, lists];
  const runs = binding.sets.map((_, row) => binding.cells(row));
  const [first] = runs as [readonly unknown[]];
  const places = compiled.segments.filter((segment) => typeof segment === "number");
  const lengths = places.map((place) => [place, (first[place] as unknown[]).flat(1).length] as const);
  const long = tooLong(first.length - places.length, lengths);
  const sql = compiled.segments.map((segment) => {
    if (typeof segment === "string") return segment;
    const of = runs.map((run) => run[segment] as unknown[]);
    if (long.has(segment)) {
      const { sql, values } = packed(of);
      lists.set(segment, values);
      return sql;
    }
    const [list] = of as [unknown[]];
    if (of.some((other) => other.length !== list.length)) {
      throw new InvalidRequestError("the lists of a statement that runs several times have equal lengths");
    }
    return listSql(list, compiled.slots[segment]?.parts?.length ?? 1);
  });
  return [sql.join(""), lists];
}

/** How a statement is shown. */
export interface CompileOptions {
  /** Whether values stand in the SQL; it is for people to read, never to be executed with foreign values. */
  readonly literalBinds?: boolean;
  /** For an INSERT or UPDATE that sets what its parameters name: these names. */
  readonly columnKeys?: readonly string[];
}

/** A statement as SQL, and its values. */
export interface CompiledStatement {
  /** The SQL. A list that has no value yet shows as `(__[POSTCOMPILE_name])`. */
  readonly sql: string;
  /** The values by the names of their parameters; null where the call has to give one. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The names of the parameters, in the order in which they stand in the SQL. */
  readonly positiontup: readonly string[];
  /** What is to be said about it. */
  readonly warnings: readonly string[];
  /** The SQL. */
  toString(): string;
}

/** The SQL of a statement and its values by name, for people. */
export function describeStatement(statement: Recorded, options: CompileOptions = {}): CompiledStatement {
  const writer = write(statement);
  const inline = options.literalBinds === true || kindOf(statement) === "ddl";
  const compiled = compiledOf(writer, options.columnKeys, inline, shownOnes);
  const params: Record<string, unknown> = {};
  const own = ownParameters(statement);
  for (const slot of compiled.slots) {
    params[slot.name] = own !== undefined && Object.hasOwn(own, slot.name) ? own[slot.name] : shown(slot, writer);
  }
  const segment = (part: string | number): string => {
    if (typeof part === "string") return part;
    const slot = compiled.slots[part] as Slot;
    const list = shown(slot, writer);
    return Array.isArray(list) ? listSql(list, slot.parts?.length ?? 1) : `(__[POSTCOMPILE_${slot.name}])`;
  };
  const sql = compiled.segments.length === 1 ? (compiled.segments[0] as string) : compiled.segments.map(segment).join("");
  const positiontup = compiled.slots.map((slot) => slot.name);
  return Object.freeze({ sql, params: Object.freeze(params), positiontup, warnings: compiled.warnings, toString: () => sql });
}
