/**
 * Transactions and savepoints.
 *
 * @module
 */

import { call, callOptions } from "./call.js";
import type { Connection } from "./connection.js";
import { asyncDispose } from "./dispose.js";
import type { NativeTransaction } from "./generated/client.js";
import type { Hooks } from "./hooks.js";
import type { CallOptions } from "./options.js";

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
  readonly #release: (() => Promise<void>) | undefined;

  private constructor(native: NativeTransaction, connection: Connection, hooks: Hooks, release?: () => Promise<void>) {
    this.#native = native;
    this.#connection = connection;
    this.#hooks = hooks;
    this.#release = release;
    Object.freeze(this);
  }

  /** @internal */
  static of(native: NativeTransaction, connection: Connection, hooks: Hooks, release?: () => Promise<void>): Transaction {
    return new Transaction(native, connection, hooks, release);
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
    } finally {
      if (!this.isActive) await this.#release?.();
    }
  }

  /**
   * Ends it, with those who listen to that. What is to be rolled back at the end of a block is so whatever they say.
   * @internal
   */
  static ending(transaction: Transaction, how: "commit" | "rollback" | "close", end: () => Promise<void>): Promise<void> {
    const hooks = transaction.#hooks;
    if (!hooks.active) return end();
    const { nested, connection } = transaction;
    const commits = how === "commit";
    const name = nested ? (commits ? "releaseSavepoint" : "rollbackSavepoint") : commits ? "commit" : "rollback";
    const event = nested ? { connection, transaction } : { connection };
    const told = transaction.isActive ? name : undefined;
    return how === "close" ? hooks.anyway(told, event, end) : hooks.around(told, event, end);
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
