/**
 * The values of a statement's parameters: where each is found, and how it is converted by its type.
 *
 * @module
 */

import { ArgumentError, InvalidRequestError, StatementError } from "../errors.js";
import { describe, isThenable } from "../encode.js";
import { typeByCode, typeOfValue, type SqlType } from "./types.js";
import type { Writer } from "./writer.js";

/** How the value of a parameter is found. */
const SOURCE = { literal: 0, list: 1, required: 2, requiredList: 3, callable: 4, named: 5, number: 6 } as const;

/**
 * A parameter. Its type is looked up when a value is converted by it.
 * @internal
 */
export class Slot {
  readonly name: string;
  readonly source: number;
  readonly number: number;
  readonly #code: string;
  readonly #types: readonly SqlType[];

  /** `types` are those of the statement that have numbers. */
  constructor(name: string, source: number, number: number, code: string, types: readonly SqlType[]) {
    [this.name, this.source, this.number, this.#code, this.#types] = [name, source, number, code, types];
  }

  get type(): SqlType {
    return typeByCode(this.#code, this.#types);
  }

  /** The types of the values of each item of a list of tuples. */
  get parts(): readonly SqlType[] | undefined {
    if (!this.#code.startsWith("(")) return undefined;
    return this.#code.slice(1, -1).split(",").map((code) => typeByCode(code, this.#types));
  }
}

/** Values by name. */
export type Values = Readonly<Record<string, unknown>>;

/** Whether something is one set of parameters. */
export function isSet(value: unknown): value is Values {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  if (isThenable(value)) throw new ArgumentError("the parameters are a Promise: its await was forgotten");
  return true;
}

/**
 * The values of the runs of one statement.
 * @internal
 */
export class Binding {
  /** What the caller gave, for each run. */
  readonly sets: readonly Values[];
  /** Whether there are several runs, be it one. */
  readonly many: boolean;
  readonly #slots: readonly Slot[];
  readonly #writer: Writer;
  /** What the defaults that are functions gave, for each run: they are asked once. */
  readonly #made = new Map<number, readonly unknown[]>();
  readonly #asks: boolean;
  #last: { readonly row: number; readonly cells: readonly unknown[] } | undefined;

  constructor(slots: readonly Slot[], writer: Writer, sets: readonly Values[], many: boolean) {
    [this.#slots, this.#writer, this.sets, this.many] = [slots, writer, sets, many];
    this.#asks = slots.some((slot) => slot.source === SOURCE.callable && typeof writer.callables[slot.number] === "function");
  }

  /** The values of one run, as they were given. */
  raw(row: number): readonly unknown[] {
    const set = this.sets[row] as Values;
    const made = this.#asks ? this.#ask(row, set) : undefined;
    return this.#slots.map((slot, place) => (made !== undefined && place in made ? made[place] : this.#value(slot, set, row)));
  }

  /** The values of one run, converted: one per parameter, and a list where the parameter is one. */
  cells(row: number): readonly unknown[] {
    if (this.#last?.row === row) return this.#last.cells;
    const group = this.many ? row : -1;
    const cells = this.raw(row).map((value, place) => {
      const slot = this.#slots[place] as Slot;
      return slot.source === SOURCE.list || slot.source === SOURCE.requiredList ? listOf(slot, value, group) : converted(slot, value, group);
    });
    this.#last = { row, cells };
    return cells;
  }

  /** The values of one run by the names of their parameters. */
  named(row: number): Values {
    const values = this.raw(row);
    const named = Object.create(null) as Record<string, unknown>;
    this.#slots.forEach((slot, place) => (named[slot.name] = values[place]));
    return Object.freeze(named);
  }

  /** The values that the statement brings along, by their numbers, converted. */
  literals(): ReadonlyMap<number, unknown> {
    const found = new Map<number, unknown>();
    for (const slot of this.#slots) {
      const value = shown(slot, this.#writer);
      if (slot.source === SOURCE.list) found.set(slot.number, listOf(slot, value, -1));
      if (slot.source === SOURCE.literal || slot.source === SOURCE.named) found.set(slot.number, converted(slot, value, -1));
    }
    return found;
  }

  #value(slot: Slot, set: Values, row: number): unknown {
    switch (slot.source) {
      case SOURCE.literal:
      case SOURCE.list:
      case SOURCE.number:
      case SOURCE.callable:
        return shown(slot, this.#writer);
      case SOURCE.named:
        return Object.hasOwn(set, slot.name) ? set[slot.name] : shown(slot, this.#writer);
      default:
        if (Object.hasOwn(set, slot.name)) return set[slot.name];
        throw missing(slot.name, this.many ? row : -1);
    }
  }

  /** Asks the defaults that are functions, each with the values of its row so far. */
  #ask(row: number, set: Values): readonly unknown[] {
    const known = this.#made.get(row);
    if (known !== undefined) return known;
    const made: unknown[] = [];
    const isAsked = (slot: Slot): boolean => slot.source === SOURCE.callable && typeof this.#writer.callables[slot.number] === "function";
    const values = new Map<string, unknown>();
    for (const slot of this.#slots) if (!isAsked(slot)) values.set(slot.name, this.#value(slot, set, row));
    this.#slots.forEach((slot, place) => {
      if (!isAsked(slot)) return;
      // Of several rows in one statement, each has its own values.
      const group = (this.#writer.hasRows ? /_m\d+$/.exec(slot.name)?.[0] : undefined) ?? "";
      const currentParameters: Record<string, unknown> = {};
      for (const [name, value] of values) {
        if (name.endsWith(group)) currentParameters[name.slice(0, name.length - group.length)] = value;
      }
      const value = (this.#writer.callables[slot.number] as (context: object) => unknown)({ currentParameters });
      made[place] = value;
      values.set(slot.name, value);
    });
    this.#made.set(row, made);
    return made;
  }
}

/**
 * The value that a parameter has before anything is executed; null where the call has to give one.
 * @internal
 */
export function shown(slot: Slot, writer: Writer): unknown {
  if (slot.source === SOURCE.callable) return writer.callables[slot.number];
  if (slot.source === SOURCE.required || slot.source === SOURCE.requiredList) return null;
  return slot.source === SOURCE.number ? slot.number : writer.literals[slot.number];
}

function converted(slot: Slot, value: unknown, row: number, type: SqlType = slot.type): unknown {
  if (value === null && !type.bindsNull) return null;
  const bind = type.bind ?? (type.name === "NullType" ? typeOfValue(value).bind : undefined);
  if (bind === undefined || value === undefined) return value;
  try {
    return bind(value);
  } catch (error) {
    if (error instanceof Error) error.message = `parameter '${slot.name}'${where(row)}: ${error.message}`;
    throw error;
  }
}

function listOf(slot: Slot, value: unknown, row: number): unknown[] {
  if (!Array.isArray(value)) throw new ArgumentError(`parameter '${slot.name}'${where(row)} takes a list, not ${describe(value)}`);
  const { parts, type } = slot;
  if (parts === undefined) return value.map((item: unknown) => converted(slot, item, row, type));
  return value.map((item: unknown) => {
    if (!Array.isArray(item) || item.length !== parts.length) {
      const given = Array.isArray(item) ? `a list of ${item.length}` : describe(item);
      throw new ArgumentError(`parameter '${slot.name}'${where(row)} takes lists of ${parts.length} values, not ${given}`);
    }
    return item.map((part: unknown, i) => converted(slot, part, row, parts[i] as SqlType));
  });
}

const where = (row: number): string => (row < 0 ? "" : `, in parameter group ${row}`);

function missing(name: string, row: number): StatementError {
  const message = `A value is required for bind parameter '${name}'${where(row)}`;
  return new StatementError(message, { code: "cd3x", cause: new InvalidRequestError(message, { code: "cd3x" }) });
}
