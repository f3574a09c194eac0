/**
 * Events around statements, transactions and connections: SQLAlchemy's, in camelCase. They may be listened to by asynchronous
 * functions, which are waited for, in the order in which they were registered.
 *
 * While nobody listens, a call looks at one flag.
 *
 * @module
 */

import { AsyncResult } from "./async_result.js";
import { binding } from "./bind.js";
import type { Connection } from "./connection.js";
import { describe, isThenable } from "./encode.js";
import { ArgumentError, SQLAlchemyError, WorkerGone } from "./errors.js";
import type { Gate } from "./gate.js";
import type { NativeConnection } from "./generated/client.js";
import { report } from "./report.js";
import type { CallEvent, ConnectionEvent, CursorExecuteEvent, HandleErrorEvent, HookEvents, ListenOptions } from "./hook_events.js";
import { decodeBatch } from "./rows.js";
import { parameterNames, whole, type Prepared } from "./statement.js";
import type { SqlValue } from "./values.js";

type Listener = (event: never) => unknown;

interface Entry {
  readonly listener: Listener;
  readonly once: boolean;
  readonly threshold: number;
}

const names: Readonly<Record<keyof HookEvents, true>> = {
  beforeExecute: true,
  afterExecute: true,
  beforeCursorExecute: true,
  afterCursorExecute: true,
  slowStatement: true,
  handleError: true,
  begin: true,
  commit: true,
  rollback: true,
  savepoint: true,
  releaseSavepoint: true,
  rollbackSavepoint: true,
  connect: true,
  checkout: true,
  checkin: true,
  invalidate: true,
};

/**
 * The names of these events.
 * @internal
 */
export const HOOKS: readonly string[] = Object.keys(names);

/** @internal */
export function isHook(name: unknown): name is keyof HookEvents {
  return typeof name === "string" && Object.hasOwn(names, name);
}

const SLOW = 200;

/**
 * Checks how somebody wants to listen.
 * @internal
 */
export function listenOptions(name: string, options: ListenOptions | undefined): { once: boolean; threshold: number } {
  if (options === undefined || options === null) return { once: false, threshold: SLOW };
  if (typeof options !== "object") throw new ArgumentError(`the options of listen() are an object, not ${describe(options)}`);
  const known = name === "slowStatement" ? ["once", "threshold"] : ["once"];
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw new ArgumentError(`Unknown option '${key}' of listen("${name}"); known are: ${known.join(", ")}`);
  }
  const { once = false, threshold = SLOW } = options;
  if (typeof once !== "boolean") throw new ArgumentError(`once is true or false, not ${describe(once)}`);
  if (!(typeof threshold === "number" && threshold >= 0)) {
    throw new ArgumentError(`threshold is a number of milliseconds, not ${String(threshold)}`);
  }
  return { once, threshold };
}

/** What a call is made of, for those who listen to it. */
interface Watched<T> {
  readonly connection: Connection | null;
  readonly statement: unknown;
  readonly params: unknown;
  /** Whether it is SQL for the driver, of which SQLAlchemy has only the events of cursors. */
  readonly driver: boolean;
  readonly signal: AbortSignal | undefined;
  readonly prepare: (statement: never, params: unknown) => Prepared;
  /** Begins what is sent, as soon as nothing holds it up. */
  readonly pass: (start: () => Promise<T>) => Promise<T>;
  /** Undefined unless it begins a transaction; else what is to be told whether it has. */
  readonly begins: () => ((done: boolean) => void) | undefined;
  readonly send: (prepared: Prepared, params: unknown) => Promise<T>;
}

/**
 * Who listens to statements, transactions and connections of an engine.
 * @internal
 */
export class Hooks {
  /** Whether anything is to be done besides the calls themselves. */
  active: boolean;
  /** What is to be ended when the engine is disposed of. */
  readonly ends = new Set<() => void>();
  /** The connection that a listener is told of, until it returns. */
  shown: Connection | null = null;
  readonly #marks: boolean;
  readonly #all = new Map<string, Entry[]>();
  #gate: Gate | undefined;

  constructor(marks: boolean) {
    this.#marks = marks;
    this.active = marks;
  }

  /** What holds up the calls that begin something in the database; undefined while nothing does. */
  get gate(): Gate | undefined {
    return this.#gate;
  }

  set gate(gate: Gate | undefined) {
    this.#gate = gate;
    this.#look();
  }

  #look(): void {
    this.active = this.#marks || this.#all.size > 0 || this.#gate !== undefined;
  }

  add(name: keyof HookEvents, listener: Listener, options: { once: boolean; threshold: number }): void {
    const entries = this.#all.get(name) ?? [];
    // As with the others, who listens already is not called twice.
    if (!entries.some((entry) => entry.listener === listener)) this.#all.set(name, [...entries, { listener, ...options }]);
    this.#look();
  }

  remove(name: keyof HookEvents, listener: Listener): void {
    this.#keep(name, (entry) => entry.listener !== listener);
  }

  clear(): void {
    this.#all.clear();
    this.#look();
    for (const end of [...this.ends]) end();
  }

  has(...names: (keyof HookEvents)[]): boolean {
    return names.some((name) => this.#all.has(name));
  }

  #keep(name: string, keep: (entry: Entry) => boolean): void {
    const left = this.#all.get(name)?.filter(keep) ?? [];
    if (left.length > 0) this.#all.set(name, left);
    else this.#all.delete(name);
    this.#look();
  }

  /**
   * Tells those who listen, one after the other; a promise only if one of them gave one. So calls that are made one after the
   * other without waiting keep their order while nobody has to be waited for.
   */
  tell(name: keyof HookEvents, event: () => object, take: (answer: unknown) => void = ignore, wanted?: (entry: Entry) => boolean): Promise<void> | undefined {
    const entries = this.#all.get(name);
    return entries === undefined ? undefined : this.#tell(name, entries, 0, event, take, wanted ?? always);
  }

  #tell(
    name: string,
    entries: readonly Entry[],
    from: number,
    event: () => object,
    take: (answer: unknown) => void,
    wanted: (entry: Entry) => boolean,
  ): Promise<void> | undefined {
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i] as Entry;
      // A listener may remove others.
      if (this.#all.get(name)?.includes(entry) !== true || !wanted(entry)) continue;
      if (entry.once) this.#keep(name, (other) => other !== entry);
      const answer = this.#call(entry.listener, event());
      if (!isThenable(answer)) {
        take(answer);
        continue;
      }
      return (async () => {
        take(await answer);
        await this.#tell(name, entries, i + 1, event, take, wanted);
      })();
    }
    return undefined;
  }

  #call(listener: Listener, event: { readonly connection?: Connection | null }): unknown {
    const before = this.shown;
    this.shown = event.connection ?? null;
    try {
      return listener(Object.freeze(event) as never);
    } finally {
      this.shown = before;
    }
  }

  /** Tells those who listen that a connection was taken out of the pool. */
  async arrived(connection: Connection, native: NativeConnection): Promise<void> {
    const event = (): object => ({ connection });
    let untold = native.isNew;
    try {
      if (untold) {
        await this.tell("connect", event);
        if (connection.inTransaction()) await connection.commit();
        untold = false;
      }
      await this.tell("checkout", event);
    } catch (error) {
      // What was not made ready is no connection for the next one.
      if (untold) await native.invalidate().catch(() => undefined);
      await native.close().catch(() => undefined);
      throw error;
    }
  }

  /** Does what ends or begins something, with those who listen to it. */
  async around<T>(names: readonly (keyof HookEvents)[], event: ConnectionEvent, work: () => Promise<T>): Promise<T> {
    for (const name of names) {
      const told = this.tell(name, () => ({ ...event }));
      if (told !== undefined) await told;
    }
    return this.guard(event.connection, undefined, work);
  }

  /**
   * Does what has to be done whatever those who listen to it say. What they throw is thrown then; it is reported where it is about
   * the way back to the pool, which undoes nothing, or where another error is on its way, which it is not to hide.
   */
  async anyway<T>(names: readonly (keyof HookEvents)[], event: ConnectionEvent, work: () => Promise<T>, failing = false): Promise<T> {
    let failed: readonly [unknown] | undefined;
    for (const name of names) {
      try {
        const told = this.tell(name, () => ({ ...event }));
        if (told !== undefined) await told;
      } catch (error) {
        if (failing || name === "checkin") report(error);
        else failed = [error];
      }
    }
    let value: T;
    try {
      value = await this.guard(event.connection, undefined, work);
    } catch (error) {
      if (failed !== undefined) report(failed[0]);
      throw error;
    }
    if (failed !== undefined) throw failed[0];
    return value;
  }

  /** Does something whose error may be replaced. */
  async guard<T>(connection: Connection | null, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#handled(error, { connection, context: {} }, signal, null, null);
    }
  }

  /** Executes a statement, with those who listen to it. */
  async execute<T extends object>(call: Watched<T>): Promise<T> {
    const { connection, signal } = call;
    const context = {};
    const about = { connection, context };
    let [statement, params] = [call.statement, call.params];
    if (!call.driver) {
      const told = this.tell(
        "beforeExecute",
        () => ({ ...about, statement, params }),
        (answer) => {
          const rewrite = checked("beforeExecute", answer);
          if (rewrite === undefined) return;
          if (rewrite.statement !== undefined) statement = rewrite.statement;
          if (Object.hasOwn(rewrite, "params")) params = rewrite.params;
        },
      );
      if (told !== undefined) await told;
    }
    const handled = (error: unknown, sql: string | null): Promise<unknown> => this.#handled(error, about, signal, sql, params);
    let prepared: Prepared;
    try {
      prepared = call.prepare(statement as never, params);
    } catch (error) {
      throw await handled(error, null);
    }
    const shows = this.has("beforeCursorExecute", "afterCursorExecute", "slowStatement");
    // Who listens is shown the values, all of them.
    if (shows) {
      try {
        prepared = whole(prepared);
      } catch (error) {
        throw await handled(error, null);
      }
    }
    let [read, runs] = [reader(prepared, shows), runsOf(prepared)];
    const event = (): CursorExecuteEvent => shown(prepared, about, runs, read);
    const begun = call.begins();
    let start = -1;
    let result: T;
    try {
      if (connection !== null && begun !== undefined) {
        const told = this.tell("begin", () => ({ connection }));
        if (told !== undefined) await told;
      }
      const told = this.tell("beforeCursorExecute", event, (answer) => {
        const rewrite = checked("beforeCursorExecute", answer);
        if (rewrite === undefined) return;
        [prepared, params] = [rewritten(prepared, rewrite), Object.hasOwn(rewrite, "params") ? rewrite.params : params];
        [read, runs] = [reader(prepared, shows), runsOf(prepared)];
      });
      if (told !== undefined) await told;
      // As late as that: listeners may have taken their time.
      result = await call.pass(() => {
        start = performance.now();
        return call.send(prepared, params);
      });
      begun?.(true);
    } catch (error) {
      begun?.(false);
      // What who listens throws is not told of.
      if (start < 0) throw error;
      await this.#slow(event, this.#mark(prepared, start), error).catch(report);
      throw await handled(error, prepared.source);
    }
    const milliseconds = this.#mark(prepared, start);
    try {
      try {
        await this.tell("afterCursorExecute", () => timed(event(), milliseconds, null));
      } catch (error) {
        // The others who listen are not to wait for its end for ever.
        await this.#slow(event, milliseconds, null).catch(report);
        throw error;
      }
      await this.#slow(event, milliseconds, null);
      if (!call.driver) await this.tell("afterExecute", () => ({ ...about, statement, params, result }));
    } catch (error) {
      // Nobody gets it, so nobody else would close it.
      if (result instanceof AsyncResult) await result.close();
      throw error;
    }
    return result;
  }

  /** Tells of a statement that took long. */
  async #slow(event: () => CursorExecuteEvent, milliseconds: number, error: unknown): Promise<void> {
    await this.tell("slowStatement", () => timed(event(), milliseconds, error), ignore, ({ threshold }) => milliseconds >= threshold);
  }

  /** How long it took; shown among the measures of the page if that is wanted. */
  #mark(prepared: Prepared, start: number): number {
    const end = performance.now();
    if (this.#marks) {
      const detail = { statement: prepared.source, many: prepared.many };
      performance.measure(`aludel ${prepared.source.slice(0, 80)}`, { start, end, detail });
    }
    return end - start;
  }

  /** The error to throw for an error. That a call was aborted by its own caller, or what a value's conversion threw, is none. */
  async #handled(
    original: unknown,
    about: CallEvent,
    signal: AbortSignal | undefined,
    statement: string | null,
    params: unknown,
  ): Promise<unknown> {
    if (!(original instanceof SQLAlchemyError) || (signal?.aborted === true && original === signal.reason)) return original;
    let error: Error = original;
    const isDisconnect = original instanceof WorkerGone;
    const event = (): HandleErrorEvent => ({ ...about, error, original, isDisconnect, statement, params });
    await this.tell("handleError", event, (answer) => {
      if (answer instanceof Error) error = answer;
    });
    return error;
  }
}

const ignore = (): void => undefined;
const always = (): boolean => true;

/** What a listener returned, if it is to take the place of something. */
function checked(name: string, answer: unknown): { readonly statement?: unknown; readonly params?: unknown } | undefined {
  if (answer === undefined || answer === null) return undefined;
  const keys = typeof answer === "object" ? Object.keys(answer) : [];
  if (keys.length === 0 || !keys.every((key) => key === "statement" || key === "params")) {
    throw new ArgumentError(`a listener of "${name}" returns nothing, or an object of statement and params, not ${describe(answer)}`);
  }
  return answer;
}

/** The event of a statement that goes to the worker. Its parameters are read when somebody asks for them. */
function shown({ source: statement, many }: Prepared, about: CallEvent, runs: number, read: () => CursorExecuteEvent["params"]): CursorExecuteEvent {
  return {
    ...about,
    statement,
    many,
    runs,
    get params() {
      return read();
    },
  };
}

/** An event with how long it took and what it failed with; `params` is read no earlier by that. */
function timed(event: CursorExecuteEvent, milliseconds: number, error: unknown): object {
  return Object.defineProperties(event, { milliseconds: { value: milliseconds, enumerable: true }, error: { value: error, enumerable: true } });
}

/** How many sets of parameters there are: it stands at the head of the batch. */
function runsOf({ batch, many }: Prepared): number {
  return many && batch !== undefined ? (new Uint32Array(batch.buffer, batch.byteOffset, 1)[0] as number) : 1;
}

/**
 * Reads the values of the parameters, once, as SQLite gets them: the batch goes away with its frame, and the caller may have changed
 * its objects since, so its bytes are kept where somebody listens.
 */
function reader({ batch, many, again }: Prepared, shows: boolean): () => CursorExecuteEvent["params"] {
  const kept = shows ? batch?.slice() : undefined;
  let params: CursorExecuteEvent["params"] | undefined;
  return () => (params ??= values(shows ? kept : again().batch, many));
}

function values(batch: Uint8Array | undefined, many: boolean): CursorExecuteEvent["params"] {
  if (batch === undefined) return Object.freeze([]);
  const [rows = 0, columns = 0] = new Uint32Array(batch.buffer, batch.byteOffset, 2);
  const sets = decodeBatch(batch, 0, columns, (cells) => Object.freeze([...cells]));
  // Rows of no columns are no bytes.
  const all = columns === 0 ? Array.from({ length: rows }, () => Object.freeze([] as SqlValue[])) : sets;
  return many ? Object.freeze(all) : (all[0] ?? Object.freeze([]));
}

function rewritten(prepared: Prepared, rewrite: { readonly statement?: unknown; readonly params?: unknown }): Prepared {
  const { statement: source = prepared.source } = rewrite;
  if (typeof source !== "string") {
    throw new ArgumentError(`a listener of "beforeCursorExecute" returns SQL as a string, not ${describe(source)}`);
  }
  if (!Object.hasOwn(rewrite, "params")) return { ...prepared, source };
  const { encoding, many, again } = binding(parameterNames(source, prepared.verbatim), rewrite.params);
  return { ...prepared, source, batch: encoding?.finish(), many, again, rest: undefined };
}
