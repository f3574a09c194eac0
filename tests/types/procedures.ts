// What the types of procedures promise, and what they refuse. Compiled only.
import {
  procedures,
  ProcedureError,
  type Connection,
  type Engine,
  type Result,
  type SqlValue,
  type SqlWindowFunction,
  type SyncConnection,
  type SyncEngine,
} from "aludel";
import { sameTypes as same } from "./same.js";

interface Jobs {
  moveAll(conn: SyncConnection, from: string, to: string): number;
  names(conn: SyncConnection): string[];
  optional(conn: SyncConnection, limit?: number): Date;
  nothing(): void;
  tidy(engine: SyncEngine, days: number): bigint;
  limit: number;
}

export async function calls(conn: Connection, engine: Engine): Promise<void> {
  const jobs = procedures<Jobs>(new URL("./jobs.js", import.meta.url));
  const count: number = await conn.runSync(jobs.moveAll, "inbox", "archive");
  const names: string[] = await conn.runInThread(jobs.names);
  const [day, other]: Date[] = [await conn.runSync(jobs.optional), await conn.runInWorker(jobs.optional, 7)];
  const nothing: void = await conn.runSync(jobs.nothing);
  const tidied: bigint = await engine.runInThread(jobs.tidy, 7);
  const again: bigint = await engine.runInWorker(jobs.tidy.with({ timeout: 100, readOnly: true }), 7);
  // @ts-expect-error an argument is missing
  await conn.runSync(jobs.moveAll, "inbox");
  // @ts-expect-error an argument is of another type
  await conn.runSync(jobs.moveAll, "inbox", 7);
  // @ts-expect-error it is called with an engine
  await conn.runSync(jobs.tidy, 7);
  // @ts-expect-error it is called with a connection
  await engine.runInThread(jobs.moveAll, "inbox", "archive");
  // @ts-expect-error it is no function
  jobs.limit;
  // @ts-expect-error no such procedure
  jobs.nobody;
  // @ts-expect-error no such option
  jobs.names.with({ timeOut: 7 });
  // @ts-expect-error functions stay where they are
  await conn.runSync(() => 7);
  const unknown_: unknown = await conn.runSync({ module: "/jobs.js", export: "moveAll" }, 1, "x");
  const told = await conn.runSync<number>("/jobs.js", "moveAll", "inbox", "archive");
  same<typeof told, number>(true);
  void [count, names, day, other, nothing, tidied, again, unknown_, ProcedureError];
}

export function moveAll(conn: SyncConnection, from: string): number {
  interface Message {
    id: number;
    folder: string;
  }
  const messages: Result<Message> = conn.execute<Message>("SELECT * FROM messages WHERE folder = :from", { from });
  const ids: number[] = messages.all().map(({ id }) => id);
  const first: number | null = conn.scalar<number>("SELECT 1");
  const kept: string = conn.begin((transaction) => {
    const active: boolean = transaction.isActive;
    void active;
    return conn.scalars<string>("SELECT 'a'").one();
  });
  conn.beginNested().rollback();
  // @ts-expect-error nothing is awaited
  conn.execute("SELECT 1").then;
  void [first, kept];
  return ids.length;
}

class Sum implements SqlWindowFunction {
  #sum = 0;
  step(value: SqlValue): void {
    this.#sum += Number(value);
  }
  inverse(value: SqlValue): void {
    this.#sum -= Number(value);
  }
  value(): number {
    return this.#sum;
  }
  finalize(): number {
    return this.#sum;
  }
}

export function setUp(conn: SyncConnection): void {
  conn.createAggregate("mine", Sum);
  conn.createAggregate("last", () => ({ step: () => undefined, finalize: () => null }), { innocuous: true });
  conn.createWindowFunction("moving", Sum);
  // @ts-expect-error it cannot follow a window
  conn.createWindowFunction("last", () => ({ step: () => undefined, finalize: () => null }));
  // @ts-expect-error there is nothing for it to say of aggregates
  conn.createAggregate("mine", Sum, { deterministic: true });
  // @ts-expect-error collations have no options
  conn.createCollation("backwards", (one, other) => (one < other ? 1 : -1), { deterministic: true });
}
