/**
 * What was given as parameters, to the cells that a statement needs.
 *
 * @module
 */

import { Encoding, describe, isThenable, type Cell } from "./encode.js";
import { ArgumentError, DataError, InvalidRequestError, ProgrammingError, StatementError } from "./errors.js";
import { isRow } from "./row.js";

/** The parameters of a statement, one per SQLite parameter index: their names, or null for `?`. */
export type ParameterNames = readonly (string | null)[];

/** Values that a statement brings along: those of the `sql` tag by position, those of `bindparams()` by name. */
export interface OwnValues {
  /** Values of the `?` that the statement has, in their order; null when the caller gives them. */
  readonly positional: readonly unknown[] | null;
  /** The SQL between those values; only where there are any. */
  readonly parts?: readonly string[];
  /** Values by name; those of the call go first. */
  readonly named: Readonly<Record<string, unknown>>;
}

/** Encoded parameters. */
export interface Bound {
  /** A batch with room before it in its buffer; undefined when the statement has no parameters and was given none. */
  readonly batch: Uint8Array<ArrayBuffer> | undefined;
  /** Whether it is a list of sets, each of which runs the statement once. */
  readonly many: boolean;
}

const NOTHING: OwnValues = Object.freeze({ positional: null, named: Object.freeze(Object.create(null) as object) }) as OwnValues;

/** Parameters on their way. */
export interface Binding {
  /** Undefined when the statement has no parameters and was given none. */
  readonly encoding: Encoding | undefined;
  /** Whether it is a list of sets, each of which runs the statement once. */
  readonly many: boolean;
  /** Encodes the same sets once more, whatever the list has become. */
  readonly again: () => Bound;
}

/** Fits what was given to the parameters of a statement and encodes it; errors name the parameter. */
export function bind(names: ParameterNames, given: unknown, own: OwnValues = NOTHING): Bound {
  const { encoding, many } = binding(names, given, own);
  return { batch: encoding?.finish(), many };
}

/** As {@link bind}, but for the encoding. */
export function binding(names: ParameterNames, given: unknown, own: OwnValues = NOTHING): Binding {
  for (const name of Object.keys(own.named)) {
    if (names.includes(name)) continue;
    throw new ArgumentError(`This text() construct doesn't define a bound parameter named '${name}'`);
  }
  // As in SQLAlchemy, an empty list is no parameters.
  if (Array.isArray(given) && given.length === 0 && !names.includes(null)) given = null;
  const many = isList(given);
  // A list may be used for others while it is encoded.
  const sets = many ? (given as readonly unknown[]).slice() : [given ?? {}];
  if (names.length === 0) {
    sets.forEach((set, i) => {
      if (many) checkSetOfList(sets, i);
      expectNone(set, many ? i : -1);
    });
    const made = (): Encoding | undefined => (many ? new Encoding(sets.length, 0, never, neverName) : undefined);
    return { encoding: made(), many, again: () => ({ batch: made()?.finish(), many }) };
  }
  const cell = cells(names, sets, own, many, given === null || given === undefined);
  const name = (row: number, column: number): string => label(names, column) + where(many ? row : -1);
  const made = (): Encoding => new Encoding(sets.length, names.length, cell, name);
  return { encoding: made(), many, again: () => ({ batch: made().finish(), many }) };
}

/** A list of sets is an array whose elements are sets themselves: the first one says what the others have to be. */
function isList(given: unknown): given is readonly unknown[] {
  if (!Array.isArray(given)) {
    checkSet(given, -1);
    return false;
  }
  return isSetOfList(given[0]);
}

const isSetOfList = (value: unknown): boolean => Array.isArray(value) || isNamed(value);

/** An error unless an element of a list of sets is a set, and like the first. */
function checkSetOfList(sets: readonly unknown[], i: number): void {
  const [first, value] = [sets[0], sets[i]];
  if (!isSetOfList(value)) throw new ArgumentError(`parameter set ${i} is no set: ${describe(value)} in a list of sets`);
  if (Array.isArray(value) !== Array.isArray(first)) {
    throw new ArgumentError(`parameter set ${i} is ${setKind(value)} where the others are ${setKind(first)}`);
  }
}

const setKind = (set: unknown): string => (Array.isArray(set) ? "an array" : "an object");

/** Whether a value can hold parameters by name: an object that is neither a value of its own nor a known mistake. */
function isNamed(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (isRow(value)) return true;
  // What most are, and a long list is made of.
  if (Object.getPrototypeOf(value) === Object.prototype) return !isThenable(value) && !(Symbol.iterator in value);
  if (ArrayBuffer.isView(value) || value instanceof Date || isThenable(value)) return false;
  if (/^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value))) return false;
  return !(Symbol.iterator in value);
}

function checkSet(given: unknown, set: number): void {
  if (given === undefined || given === null || isNamed(given)) return;
  const what = isThenable(given) ? "a Promise: its await was forgotten" : describe(given);
  throw new ArgumentError(
    `the parameters${where(set)} are ${what}; give an object { name: value }, an array [value, ...] or an array of those`,
  );
}

/** The function that finds the value of a cell. It is called for each one, so it decides what it can beforehand. */
function cells(names: ParameterNames, sets: readonly unknown[], own: OwnValues, many: boolean, none: boolean): Cell {
  const row = (i: number): number => (many ? i : -1);
  const named = names.filter((name) => name !== null);
  if (named.length > 0 && named.length < names.length && own.positional === null) {
    throw new ArgumentError(
      "The statement mixes parameters by name (:name) and by position (?); use one way of the two",
    );
  }
  if (Array.isArray(sets[0])) {
    if (own.positional !== null) {
      throw new ArgumentError("The statement brings its own values for `?`; give the others by name");
    }
    if (named.length > 0) {
      throw new ArgumentError(
        `The statement names its parameters (:${named.join(", :")}); give their values by name, not as a list`,
      );
    }
    return (i, column) => {
      // Each set is looked at when its turn comes, so that a long list is not gone through twice.
      if (column === 0) {
        checkSetOfList(sets, i);
        const count = (sets[i] as readonly unknown[]).length;
        if (count !== names.length) throw wrongCount(names.length, count, row(i));
      }
      return (sets[i] as readonly unknown[])[column];
    };
  }
  const ownAt = new Map<number, number>();
  names.forEach((name, i) => name === null && ownAt.set(i, ownAt.size));
  const missing = (i: number, column: number): unknown => {
    const name = names[column] as string | null;
    if (name === null) {
      const at = ownAt.get(column) as number;
      if (own.positional !== null && at < own.positional.length) return own.positional[at];
      if (none) throw wrongCount(names.length, 0, row(i));
      throw new ArgumentError(
        `The statement takes ${names.length} parameters by position (?); give their values as a list, not by name`,
      );
    }
    if (Object.hasOwn(own.named, name)) return own.named[name];
    throw missingParameter(name, sets[i] as object, row(i));
  };
  // A name that every object knows (`constructor`) counts only when it is the set's own.
  const common = names.map((name) => name !== null && name in Object.prototype);
  return (i, column) => {
    if (many && column === 0) checkSetOfList(sets, i);
    const name = names[column] as string | null;
    if (name === null) return missing(i, column);
    const set = sets[i] as Readonly<Record<string, unknown>>;
    const value = common[column] ? undefined : set[name];
    if (value !== undefined) return value;
    // Absent is another mistake than undefined.
    return Object.hasOwn(set, name) ? set[name] : missing(i, column);
  };
}

function label(names: ParameterNames, column: number): string {
  const name = names[column];
  return typeof name === "string" ? `parameter '${name}'` : `parameter ${column + 1}`;
}

const where = (set: number): string => (set < 0 ? "" : `, in parameter group ${set}`);

/** SQLAlchemy's words, then what was given instead. */
function missingParameter(name: string, set: object, group: number): StatementError {
  const keys = Object.keys(set);
  const hint = keys.includes(`:${name}`) ? "; names are given without the colon" : "";
  const got = keys.length === 0 ? "" : `; given: ${keys.slice(0, 10).join(", ")}`;
  const message = `A value is required for bind parameter '${name}'${where(group)}`;
  const cause = new InvalidRequestError(message, { code: "cd3x" });
  return new StatementError(`${message}${got}${hint}`, { code: "cd3x", cause });
}

function wrongCount(wanted: number, given: number, set: number): ProgrammingError {
  return new ProgrammingError(
    `Incorrect number of bindings supplied. The current statement uses ${wanted}, and there are ${given} supplied.` +
      (set < 0 ? "" : ` (in parameter group ${set})`),
  );
}

function expectNone(set: unknown, index: number): void {
  if (Array.isArray(set) && set.length > 0) throw wrongCount(0, set.length, index);
}

function never(): never {
  throw new DataError("a batch without cells has no cell");
}

const neverName = (): string => "";
