/**
 * Who is told of what happens to tables: when they are created and dropped, read from a database, and put together.
 *
 * @module
 */

import type { Connection } from "../connection.js";
import { describe } from "../encode.js";
import { ArgumentError } from "../errors.js";
import type { Index, TableItem } from "./constraint.js";
import type { Inspector } from "./inspect.js";
import type { ReflectedColumn } from "./reflected.js";
import type { AnyColumn, AnyTable, MetaData } from "./schema.js";
import { checkOptions } from "./type_base.js";

/** What happens to a table, or to all tables of a set. */
export type DdlEvent = "beforeCreate" | "afterCreate" | "beforeDrop" | "afterDrop";
/** Who is told of it, on the connection that does it; what follows waits for it. */
export type DdlListener = (target: AnyTable | MetaData, connection: Connection, event: { readonly tables: readonly AnyTable[] }) => unknown;
/** A statement that is run when it happens: DDL, or one with `executeIf()`. */
export interface DdlStatement {
  /** Runs it. */
  heard(target: AnyTable | MetaData, connection: Connection, tables: readonly AnyTable[]): Promise<void>;
}

/** A column that is read from a database, before it is made. What is changed here is made so. */
export type ColumnInfo = { -readonly [K in keyof ReflectedColumn as K extends "name" ? never : K]: ReflectedColumn[K] } & {
  /** Its name in the database. */
  readonly name: string;
  /** What it is called by those who use it, if not by its name. */
  key?: string;
};
/** Who is told of a column that is read: of which table of which set it will be. */
export type ColumnReflectListener = (
  inspector: Inspector,
  table: { readonly name: string; readonly schema: string | undefined; readonly metadata: MetaData },
  column: ColumnInfo,
) => void;

/** What becomes a part of a table, or a table that becomes a part of a set. */
export type Attachable = AnyColumn | TableItem | Index | AnyTable;
/** When it does. */
export type AttachEvent = "beforeParentAttach" | "afterParentAttach";
/** Who is told of it. */
export type AttachListener<T> = (target: T, parent: T extends AnyTable ? MetaData : AnyTable) => void;
/** How one listens. */
export interface ListenOnce {
  /** Whether it is told of the first time only. */
  readonly once?: boolean;
}

const DDL: readonly string[] = ["beforeCreate", "afterCreate", "beforeDrop", "afterDrop"];
const ATTACH: readonly string[] = ["beforeParentAttach", "afterParentAttach"];
const EVENTS = [...DDL, "columnReflect", ...ATTACH];

interface Entry {
  readonly event: string;
  readonly fn: (...told: readonly unknown[]) => unknown;
}
const listeners = new WeakMap<object, Entry[]>();
/** Whether anybody ever asked for what is attached: nobody pays for it before. */
let attaches = false;

/**
 * Calls `fn`, or runs a statement of DDL, when a table, or the tables of a set, are created or dropped. Gives a function that ends it.
 *
 * ```ts
 * listen(users, "afterCreate", (table, conn) => conn.execute(users.insert(), [{ name: "admin" }]));
 * listen(users, "afterCreate", new DDL("CREATE VIEW names AS SELECT name FROM %(fullname)s").executeIf({ dialect: "sqlite" }));
 * ```
 */
export function listen(target: AnyTable | MetaData, event: DdlEvent, fn: DdlListener | DdlStatement, options?: ListenOnce): () => void;
/**
 * Calls `fn` for each column of a table of this set that is read from a database, before it is made.
 *
 * ```ts
 * listen(metadata, "columnReflect", (inspector, table, column) => (column.key = column.name.toLowerCase()));
 * ```
 */
export function listen(target: MetaData, event: "columnReflect", fn: ColumnReflectListener, options?: ListenOnce): () => void;
/** Calls `fn` when a column, a constraint or an index becomes a part of a table, or a table of a set: this one, or all of a class. */
export function listen<T extends Attachable>(
  target: T | (abstract new (...args: any[]) => T),
  event: AttachEvent,
  fn: AttachListener<T>,
  options?: ListenOnce,
): () => void;
export function listen(target: object, event: string, given: unknown, options: ListenOnce = {}): () => void {
  if (!EVENTS.includes(event)) throw new ArgumentError(`there is no event ${JSON.stringify(event)}; known are: ${EVENTS.join(", ")}`);
  if ((typeof target !== "object" && typeof target !== "function") || target === null) {
    throw new ArgumentError(`listen() takes what something happens to, not ${describe(target)}`);
  }
  if (typeof options !== "object" || options === null) throw new ArgumentError(`the options of listen() are an object, not ${describe(options)}`);
  checkOptions("listen()", options, ["once"]);
  const fn = listenerOf(event, given);
  const all = listeners.get(target) ?? [];
  listeners.set(target, all);
  attaches ||= ATTACH.includes(event);
  const stop = (): void => {
    const at = all.indexOf(entry);
    if (at >= 0) all.splice(at, 1);
  };
  const entry: Entry = {
    event,
    fn: (...told) => {
      if (options.once === true) stop();
      return fn(...told);
    },
  };
  all.push(entry);
  return stop;
}

function listenerOf(event: string, given: unknown): Entry["fn"] {
  if (typeof given === "function") return given as Entry["fn"];
  const statement = given as DdlStatement | null;
  if (!DDL.includes(event) || typeof statement !== "object" || typeof statement?.heard !== "function") {
    throw new ArgumentError(`listen() takes a function, not ${describe(given)}`);
  }
  return (target, connection, told) =>
    statement.heard(target as AnyTable, connection as Connection, (told as { readonly tables: readonly AnyTable[] }).tables);
}

const heardOf = (target: object, event: string): Entry[] => (listeners.get(target) ?? []).filter((entry) => entry.event === event);

/** Tells of what is created or dropped, one after the other. */
export async function tell(target: AnyTable | MetaData, event: DdlEvent, connection: Connection, tables: readonly AnyTable[]): Promise<void> {
  for (const listener of heardOf(target, event)) await listener.fn(target, connection, { tables });
}

/** Tells of a column that is read. */
export function tellOfColumn(...told: Parameters<ColumnReflectListener>): void {
  for (const listener of heardOf(told[1].metadata, "columnReflect")) listener.fn(...told);
}

/** Makes parts those of a table, and tells of each before and after. */
export function attach(parts: readonly (readonly [part: object, parent: object])[], work: () => void): void {
  if (!attaches) return work();
  const tell = (event: AttachEvent): void => {
    for (const [part, parent] of parts) {
      // Those of the thing itself, then those of its classes.
      for (let of: object | null = part; of !== null; of = of === part ? part.constructor : Object.getPrototypeOf(of)) {
        heardOf(of, event).forEach((listener) => listener.fn(part, parent));
      }
    }
  };
  tell("beforeParentAttach");
  work();
  tell("afterParentAttach");
}
