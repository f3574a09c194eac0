/**
 * Transactions and savepoints.
 *
 * @module
 */

import { call, callOptions } from "./call.js";
import type { Connection } from "./connection.js";
import { asyncDispose } from "./dispose.js";
import { describe } from "./encode.js";
import { ArgumentError } from "./errors.js";
import type { NativeTransaction } from "./generated/client.js";
import type { Hooks } from "./hooks.js";
import type { CallOptions } from "./options.js";
import type { Running } from "./running.js";

/** Gives its connection back; `failing` where an error is on its way. */
type Release = (failing: boolean) => Promise<void>;

/**
 * A transaction, or a savepoint within one, of a connection.
 *
 * With `await using` it is rolled back at the end of the block unless it was committed: a disposer is not told whether
 * the block threw. The callback form of `begin()` commits by itself.
 */
export class Transaction implements AsyncDisposable {
  readonly #native: NativeTransaction;
  readonly #connection: Connection;
  readonly #hooks: Hooks;
  readonly #running: Running;
  readonly #release: Release | undefined;

  private constructor(native: NativeTransaction, connection: Connection, hooks: Hooks, running: Running, release?: Release) {
    this.#native = native;
    this.#connection = connection;
    this.#hooks = hooks;
    this.#running = running;
    this.#release = release;
    Object.freeze(this);
  }

  /** @internal */
  static of(native: NativeTransaction, connection: Connection, hooks: Hooks, running: Running, release?: Release): Transaction {
    return new Transaction(native, connection, hooks, running, release);
  }

  /** @internal */
  static native(transaction: Transaction): NativeTransaction {
    return transaction.#native;
  }

  /** Commits it, or releases the savepoint. */
  async commit(options?: CallOptions): Promise<void> {
    const native = callOptions(options);
    await this.#ending("commit", () => call(native, () => this.#native.commit(native)));
  }

  /** Rolls back what was done since it began. Does nothing when it has ended. */
  async rollback(options?: CallOptions): Promise<void> {
    const native = callOptions(options);
    await this.#ending("rollback", () => call(native, () => this.#native.rollback(native)));
  }

  /** Rolls it back if it has not ended; never throws for one that has. */
  async close(options?: CallOptions): Promise<void> {
    const native = callOptions(options);
    await this.#ending("close", () => call(native, () => this.#native.close(native)));
  }

  async #ending(how: "commit" | "rollback" | "close", end: () => Promise<void>): Promise<void> {
    try {
      await Transaction.ending(this, how, end);
    } catch (error) {
      if (!this.isActive) await this.#release?.(true);
      throw error;
    }
    if (!this.isActive) await this.#release?.(false);
  }

  /**
   * Ends it, with those who listen to that. What is to be rolled back at the end of a block is so whatever they say; where the block
   * is `failing`, that hides nothing of its error.
   * @internal
   */
  static ending(
    transaction: Transaction,
    how: "commit" | "rollback" | "close",
    end: () => Promise<void>,
    failing = false,
  ): Promise<void> {
    const [hooks, { line }] = [transaction.#hooks, transaction.#running];
    if (!hooks.active && !line.waits) return end();
    const { nested, connection } = transaction;
    const commits = how === "commit";
    const name = nested ? (commits ? "releaseSavepoint" : "rollbackSavepoint") : commits ? "commit" : "rollback";
    const event = nested ? { connection, transaction } : { connection };
    const told = transaction.isActive && (nested || transaction.#running.open !== false) ? ([name] as const) : [];
    const act = (): Promise<void> => line.pass(() => undefined, undefined, end);
    const work = (): Promise<void> => (how === "close" ? hooks.anyway(told, event, act, failing) : hooks.around(told, event, act));
    return transaction.#running.leaving(nested ? undefined : false, work);
  }

  /** Whether it can be committed. */
  get isActive(): boolean {
    return this.#native.isActive;
  }

  /** Whether it is active on a connection that still has its worker. */
  get isValid(): boolean {
    return this.#native.isValid;
  }

  /** Whether it is a savepoint. */
  get nested(): boolean {
    return this.#native.nested;
  }

  /** The connection that it belongs to. */
  get connection(): Connection {
    return this.#connection;
  }

  /** As {@link close}: rolls back unless it was committed. */
  async [asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * How a transaction is to begin, checked.
 * @internal
 */
export function beginMode(mode: unknown): string | undefined {
  if (mode === undefined) return undefined;
  if (mode === "deferred" || mode === "immediate" || mode === "exclusive") return mode;
  const given = typeof mode === "string" ? JSON.stringify(mode) : describe(mode);
  throw new ArgumentError(`mode is "deferred", "immediate" or "exclusive", not ${given}`);
}

