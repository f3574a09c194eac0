/**
 * Rows: immutable, by position and by name, destructurable both ways.
 *
 * A row's columns are its own enumerable properties under their names; its positions are accessors on a prototype that
 * all rows of one shape share. So `{ ...row }` and `console.table` show names, `const [a, b] = row` and `row[0]` work
 * by position, and a row costs one object. Whatever a column is called, it can only become an own property of the row,
 * never part of a prototype. A column called `then` cannot make a row thenable: `await` calls `then` only when it is a
 * function, and no value of SQLite is one.
 *
 * @module
 */

import type { AnyRow, RowType, SqlValue, ValueOf } from "./values.js";

/** What every row has besides its columns. A column of the same name hides it. */
export interface RowMembers<R extends RowType> extends Iterable<ValueOf<R>> {
  /** The value at a position, exact even where names repeat. */
  readonly [position: number]: ValueOf<R>;
  /** How many columns it has. */
  readonly length: number;
  /** The row as an object without a prototype, from names to values. Of a repeated name the last column counts. */
  readonly _mapping: Readonly<R>;
  /** The names of its columns, in order. */
  readonly _fields: readonly string[];
  /** The row as an ordinary new object. */
  _asDict(): R;
  /** Its values in order: what `JSON.stringify` shows. */
  toJSON(): ValueOf<R>[];
}

/** A row of a result. */
export type Row<R extends RowType = AnyRow> = Readonly<R> & RowMembers<R>;

// Where a row's prototype keeps its shape. No string names a symbol, so no column can hide it.
const shapeKey: unique symbol = Symbol("aludel.shape");

class RowBase {
  declare readonly [shapeKey]: Shape;

  get length(): number {
    return this[shapeKey].names.length;
  }

  get _fields(): readonly string[] {
    return this[shapeKey].names;
  }

  get _mapping(): object {
    const shape = this[shapeKey];
    return shape.mapping(shape.read(this));
  }

  _asDict(): object {
    const values = this[shapeKey].read(this);
    const dict = {};
    // Defined, not assigned: a column may be called `__proto__`.
    this[shapeKey].names.forEach((name, i) => {
      Object.defineProperty(dict, name, { value: values[i], writable: true, enumerable: true, configurable: true });
    });
    return dict;
  }

  toJSON(): SqlValue[] {
    return this[shapeKey].read(this).slice();
  }

  [Symbol.iterator](): Iterator<SqlValue> {
    return this[shapeKey].read(this)[Symbol.iterator]();
  }
}
Object.defineProperty(RowBase.prototype, Symbol.toStringTag, { value: "Row" });
Object.freeze(RowBase.prototype);

/** A row whose positions cannot be told from its names keeps its values aside. */
class RowWithValues extends RowBase {
  readonly #values: readonly SqlValue[];

  constructor(values: readonly SqlValue[]) {
    super();
    this.#values = values;
  }

  static values(row: RowWithValues): readonly SqlValue[] {
    return row.#values;
  }
}

/** What the rows of one result have in common. */
export interface Shape {
  /** The names of the columns, in order. */
  readonly names: readonly string[];
  /** Whether the rows of a large result may be mappings from the start; not where names repeat. */
  readonly plain: boolean;
  /** What whoever had a result of this shape last has asked for: rows are made of that kind while they arrive. */
  readonly asked: { mappings: boolean };
  /** Makes a row of its values. */
  make(values: readonly SqlValue[]): object;
  /** Makes an object without a prototype of the values of a row. */
  mapping(values: readonly SqlValue[]): object;
  /** The values of a row that it made. */
  read(row: object): readonly SqlValue[];
  /** The function that gives one value of a row that it made. */
  at(position: number): (row: object) => SqlValue;
}

// Shapes are kept by their names, so that the rows of one statement share a prototype, and engines one hidden class.
const shapes = new Map<string, Shape>();
const SHAPES_KEPT = 256;

/** The shape of rows with these columns. */
export function shapeOf(names: readonly string[]): Shape {
  const key = names.length === 1 ? (names[0] as string) : JSON.stringify(names);
  const kept = shapes.get(key);
  if (kept !== undefined && kept.names.length === names.length) return kept;
  const shape = makeShape(Object.freeze([...names]));
  if (shapes.size >= SHAPES_KEPT) shapes.delete(shapes.keys().next().value as string);
  shapes.set(key, shape);
  return shape;
}

const isPosition = (name: string): boolean => /^(?:0|[1-9][0-9]*)$/.test(name);

function makeShape(names: readonly string[]): Shape {
  // `row[1]` is the second column, even if the first is called "1", as in `SELECT 1, 2`.
  const named = names.filter((name) => !isPosition(name));
  const plain = named.length === names.length && new Set(names).size === names.length;
  const shape = plain ? plainShape(names) : crookedShape(names, named);
  return Object.freeze(shape);
}

function mapper(names: readonly string[]): (values: readonly SqlValue[]) => object {
  // Engines keep what Object.create(null) makes as a hash table; this way it is an object like any other, and made in a
  // third of the time.
  const Bare = class {};
  return (values) => {
    const object = Object.setPrototypeOf(new Bare(), null) as Record<string, SqlValue>;
    for (let i = 0; i < names.length; i++) object[names[i] as string] = values[i] as SqlValue;
    return Object.freeze(object);
  };
}

/** Each column has a name of its own: the row is those properties. */
function plainShape(names: readonly string[]): Shape {
  const Class = class extends RowBase {};
  const make = (values: readonly SqlValue[]): object => {
    const row = new Class() as unknown as Record<string, SqlValue>;
    for (let i = 0; i < names.length; i++) row[names[i] as string] = values[i] as SqlValue;
    return Object.freeze(row);
  };
  const define = (values: readonly SqlValue[]): object => {
    const row = new Class();
    names.forEach((name, i) => Object.defineProperty(row, name, { value: values[i], enumerable: true }));
    return Object.freeze(row);
  };
  const at = (position: number) => {
    const name = names[position] as string;
    return (row: object) => (row as Record<string, SqlValue>)[name] as SqlValue;
  };
  // Assigning to a name that a prototype knows would call its setter or fail; defining does neither.
  const known = names.some((name) => name in Class.prototype);
  const shape: Shape = {
    names,
    plain: true,
    asked: { mappings: false },
    make: known ? define : make,
    mapping: mapper(names),
    read: (row) => names.map((name) => (row as Record<string, SqlValue>)[name] as SqlValue),
    at,
  };
  finish(Class.prototype, shape);
  return shape;
}

/** Some columns share a name, or are called like a position: the row keeps its values aside. */
function crookedShape(names: readonly string[], named: readonly string[]): Shape {
  // Of a repeated name the last column counts.
  const columns = new Map(named.map((name) => [name, names.lastIndexOf(name)]));
  const Class = class extends RowWithValues {};
  const read = (row: object): readonly SqlValue[] => RowWithValues.values(row as RowWithValues);
  const shape: Shape = {
    names,
    plain: false,
    asked: { mappings: false },
    make: (values) => {
      const own = values.slice();
      const row = new Class(own);
      for (const [name, i] of columns) Object.defineProperty(row, name, { value: own[i], enumerable: true });
      return Object.freeze(row);
    },
    mapping: mapper(names),
    read,
    at: (position) => (row) => read(row)[position] as SqlValue,
  };
  finish(Class.prototype, shape);
  return shape;
}

/** Gives the prototype of a shape's rows what they share. */
function finish(prototype: object, shape: Shape): void {
  Object.defineProperty(prototype, shapeKey, { value: shape });
  shape.names.forEach((_, i) => {
    const at = shape.at(i);
    Object.defineProperty(prototype, i, {
      get(this: object) {
        return at(this);
      },
    });
  });
  Object.freeze(prototype);
}

/** Whether a value is a row of a result. */
export function isRow(value: unknown): value is Row {
  return value instanceof RowBase;
}
