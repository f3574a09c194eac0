// What the types of the package promise, and what they refuse. Compiled only; a wrong use that compiles is an error too.
import {
  AsyncAdaptedQueuePool,
  createAsyncEngine,
  createEngine,
  databaseExists,
  dropDatabase,
  IntegrityError,
  listDatabases,
  NullPool,
  OperationalError,
  splitStatements,
  sql,
  SQLAlchemyError,
  StorageError,
  text,
  version,
  type AnyRow,
  type AsyncResult,
  type Bindable,
  type BlockedEvent,
  type ChangeEvent,
  type Connection,
  type DatabaseFile,
  type DisposeOptions,
  type EchoRecord,
  type Engine,
  type KeyedChanges,
  type LiveQuery,
  type Result,
  type Row,
  type ScalarResult,
  type SqlValue,
  type TextClause,
  type Transaction,
  type TransferProgress,
} from "aludel";
import { sameTypes as same } from "./same.js";

interface User {
  id: number;
  name: string;
  age: number | null;
}

export async function engines(): Promise<void> {
  const engine: Engine = createEngine("sqlite:///app.db", {
    poolSize: 4, maxOverflow: 0, poolTimeout: 30, echo: true, hideParameters: true, loggingName: "app", cacheSize: 1 << 25,
    durability: "full", foreignKeys: true, isolationLevel: "AUTOCOMMIT", executionOptions: { yieldPer: 100 }, fallback: "memory",
    lockTimeout: 1, statementCacheSize: 10, queryCacheSize: 0, onAbort: "replaceWorker", worker: () => new Worker("worker.js"), wasmUrl: "/worker.wasm",
  });
  createAsyncEngine(new URL("sqlite://"), { echo: (record: EchoRecord) => void record.message });
  // @ts-expect-error an option that nobody knows
  createEngine("sqlite://", { poolsize: 4 });
  // @ts-expect-error a value that does not fit
  createEngine("sqlite://", { durability: "best" });
  // @ts-expect-error a URL is needed
  createEngine();
  // @ts-expect-error what it is called cannot be changed
  engine.url = "sqlite://";

  same<typeof engine.name, "sqlite">(true);
  same<typeof engine.storage.kind, "opfs" | "file" | "memory">(true);
  const status: string = engine.pool.status();
  const exported: Uint8Array = await engine.exportBytes();
  const stream: ReadableStream<Uint8Array> = engine.exportStream({
    signal: AbortSignal.timeout(5), timeout: 5, onProgress: ({ phase, done, total }) => void [phase, done, total],
  });
  await engine.importStream(stream, { total: 7, onProgress: (progress: TransferProgress) => void progress.phase });
  await engine.importBytes(new Blob());
  await engine.importBytes(exported, { signal: AbortSignal.timeout(5) });
  // @ts-expect-error a text is no bytes
  await engine.importBytes("bytes");
  // @ts-expect-error nor a stream of it
  await engine.importStream(stream.pipeThrough(new TextDecoderStream()));
  same<typeof engine.storage.settled, boolean>(true);
  await engine.storage.whenSettled();
  const [file] = await listDatabases();
  same<typeof file, DatabaseFile | undefined>(true);
  const dropped: boolean = await dropDatabase("sqlite:///app.db", { ifExists: await databaseExists("sqlite:///app.db") });
  const has: boolean = await engine.hasTable("users");
  const names: string[] = await engine.tableNames();
  const seven = await engine.begin(async (conn) => {
    same<typeof conn, Connection>(true);
    return 7;
  });
  same<typeof seven, number>(true);
  const transaction = await engine.begin({ readOnly: true, signal: AbortSignal.timeout(5) });
  same<typeof transaction, Transaction>(true);
  same<Awaited<ReturnType<Engine["dispose"]>>, void>(true);
  await engine.dispose({ close: false } satisfies DisposeOptions);
  // @ts-expect-error it takes no other option
  await engine.dispose({ wait: true });
  await using disposed = createEngine("sqlite://");
  await using conn = await engine.connect({ timeout: 100 });
  const answer = await engine.connect(async (conn) => (conn.closed ? "closed" : 1));
  same<typeof answer, 1 | "closed">(true);
  void [dropped, status, exported, stream, has, names, disposed, conn, version satisfies string];
}

export async function pools(): Promise<void> {
  const engine = createEngine("sqlite://", {
    poolClass: NullPool, poolRecycle: 3600, poolPrePing: true, poolUseLifo: true, poolResetOnReturn: null,
    idleTransactionTimeout: 60, logLimit: 1 << 28,
  });
  createEngine("sqlite://", { poolClass: AsyncAdaptedQueuePool, poolResetOnReturn: "commit" });
  createEngine("sqlite://", { poolClass: "StaticPool", poolResetOnReturn: false });
  // @ts-expect-error no such pool here
  createEngine("sqlite://", { poolClass: "SingletonThreadPool" });
  // @ts-expect-error no such reset
  createEngine("sqlite://", { poolResetOnReturn: "close" });
  const { pool } = engine;
  const numbers: number[] = [pool.size(), pool.checkedin(), pool.checkedout(), pool.overflow(), pool.timeout()];
  engine.listen("blocked", (event) => {
    same<typeof event, BlockedEvent>(true);
    same<typeof event.what, "pool" | "writeLock" | "snapshot">(true);
    same<(typeof event.holders)[number]["idle"], number | null>(true);
    // @ts-expect-error events are not changed
    event.waited = 1;
  });
  const onSkew = ({ ours, theirs }: { ours: string; theirs: string }): string => ours + theirs;
  engine.listen("versionSkew", onSkew);
  engine.remove("versionSkew", onSkew);
  engine.listen("host", ({ tab }) => same<typeof tab, "this" | "other" | null>(true));
  // @ts-expect-error an event that nobody raises
  engine.listen("changes", () => undefined);
  // @ts-expect-error a listener of something else
  engine.listen("change", (event: BlockedEvent) => event);
  engine.listen("beforeExecute", async ({ statement, params, context, connection }) => {
    same<typeof connection, Connection | null>(true);
    context["span"] = statement.kind;
    return { params };
  });
  engine.listen("beforeCursorExecute", ({ statement, many }) => (many ? undefined : { statement: `${statement} -- mine` }), { once: true });
  // @ts-expect-error SQL is a string
  engine.listen("beforeCursorExecute", () => ({ statement: 1 }));
  engine.listen("slowStatement", ({ milliseconds }) => same<typeof milliseconds, number>(true), { threshold: 100 });
  engine.listen("slowStatement", ({ error }) => same<typeof error, unknown>(true));
  engine.listen("handleError", ({ original }) => new Error(original.message, { cause: original }));
  engine.listen("afterExecute", ({ result }) => void result.returnsRows);
  engine.listen("rollbackSavepoint", ({ transaction }) => same<typeof transaction, Transaction>(true));
  const users = text<User>("SELECT id, name, age FROM users");
  for await (const result of engine.watch(users)) same<typeof result, Result<User>>(true);
  await using live = engine.watch(users, { id: 1 }, { key: ["id"], timeout: 100 });
  same<typeof live, LiveQuery<KeyedChanges<User>>>(true);
  const step = await live.next();
  if (step.done !== true) same<(typeof step.value.removed)[number], Row<User>>(true);
  // @ts-expect-error no such option
  engine.watch(users, undefined, { keys: "id" });
  const stop: () => void = engine.onChange((change) => {
    same<typeof change, ChangeEvent>(true);
    same<typeof change.tables, readonly string[]>(true);
  });
  void [numbers, stop];
}

export async function rows(conn: Connection): Promise<void> {
  const users = text<User>("SELECT id, name, age FROM users WHERE id > :id");
  const result = await conn.execute(users, { id: 1 });
  same<typeof result, Result<User>>(true);
  const row = result.one();
  same<typeof row, Row<User>>(true);
  const id: number = row.id;
  const age: number | null = row.age;
  const { name } = row;
  same<typeof name, string>(true);
  const [first, second] = row;
  same<typeof first, string | number | null | undefined>(true);
  const at: string | number | null | undefined = row[0];
  // @ts-expect-error no such column
  row.email;
  // @ts-expect-error rows are read only
  row.name = "x";
  for (const { id, name } of result) void (id satisfies number, name satisfies string);
  same<ReturnType<typeof result.fetchone>, Row<User> | null>(true);
  same<ReturnType<typeof result.fetchall>, Row<User>[]>(true);
  same<typeof row._mapping, Readonly<User>>(true);
  same<ReturnType<typeof row._asDict>, User>(true);
  const names = result.scalars("name");
  same<typeof names, ScalarResult<string>>(true);
  const everyMapping: Readonly<User>[] = result.mappings().all();
  const some = await conn.scalar(users, { id: 1 });
  same<typeof some, string | number | null>(true);
  const count = await conn.scalar<number>(text("SELECT count(*) FROM users"));
  same<typeof count, number | null>(true);
  const ids = await conn.scalars<number>(text("SELECT id FROM users"));
  same<typeof ids, ScalarResult<number>>(true);
  const picked = result.columns("name", 0);
  same<typeof picked, Result<AnyRow>>(true);
  const thaw: () => Result<User> = result.freeze();

  const untyped = await conn.execute(text("SELECT 1 AS one"));
  same<typeof untyped, Result<AnyRow>>(true);
  const value: SqlValue | undefined = untyped.one().one;
  // @ts-expect-error a value of unknown kind is no number
  const number: number = untyped.one().one;
  void [id, age, second, at, everyMapping, thaw, value, number];
}

export async function streams(conn: Connection): Promise<void> {
  const stream = await conn.stream(text<User>("SELECT * FROM users"), null, { executionOptions: { yieldPer: 10 } });
  same<typeof stream, AsyncResult<User>>(true);
  for await (const { id } of stream) void (id satisfies number);
  for await (const part of stream.partitions(10)) void (part satisfies Row<User>[]);
  same<Awaited<ReturnType<typeof stream.one>>, Row<User>>(true);
  // @ts-expect-error a stream is not iterated without await
  for (const row of stream) void row;
  await using closing = await conn.stream(sql<User>`SELECT * FROM users WHERE id = ${1}`);
  void closing;
}

export async function parameters(conn: Connection): Promise<void> {
  const statement = text("INSERT INTO t VALUES (:a)");
  const a: Bindable[] = [1, 1n, "x", null, true, new Uint8Array(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))];
  await conn.execute(statement, { a: a[0] as Bindable });
  await conn.execute(statement, [1, "x"]);
  await conn.execute(statement, [{ a: 1 }, { a: 2 }]);
  await conn.execute(statement, [[1], [2]]);
  await conn.execute(statement, null, { signal: new AbortController().signal, timeout: 5 });
  // @ts-expect-error a string is no statement
  await conn.execute("SELECT 1");
  // @ts-expect-error undefined cannot be bound
  await conn.execute(statement, { a: undefined });
  // @ts-expect-error nor a Date
  await conn.execute(statement, { a: new Date() });
  // @ts-expect-error nor a Promise
  await conn.execute(statement, { a: Promise.resolve(1) });
  // @ts-expect-error nor an object
  await conn.execute(statement, [{ a: { b: 1 } }]);
  // @ts-expect-error nor a function
  statement.bindparams({ a: () => 1 });
  // @ts-expect-error nor in a template
  sql`SELECT ${{ a: 1 }}`;
  // @ts-expect-error no such call option
  await conn.execute(statement, null, { timeOut: 5 });
  const part: TextClause = sql`a = ${1}`;
  const whole: TextClause<User> = sql<User>`SELECT * FROM t WHERE ${part} AND b = ${"x"}`;
  void whole;
}

export async function transactions(conn: Connection): Promise<void> {
  const transaction: Transaction = await conn.begin({ mode: "immediate" });
  // @ts-expect-error no such mode
  await conn.begin({ mode: "concurrent" });
  same<typeof transaction.isActive, boolean>(true);
  const nested: string = await conn.beginNested(async (savepoint) => (savepoint.nested ? "a" : "b"));
  await using block = await conn.begin();
  await block.commit({ timeout: 10 });
  const current: Transaction | null = conn.getTransaction();
  await (await conn.executionOptions({ isolationLevel: "AUTOCOMMIT" })).commit();
  // @ts-expect-error a level is that of a transaction, not of one statement
  await conn.execute(text("SELECT 1"), null, { executionOptions: { isolationLevel: "AUTOCOMMIT" } });
  // @ts-expect-error no long-lived object can be awaited
  conn.then;
  void [nested, current];
}

export function errors(error: unknown): string | null {
  if (error instanceof IntegrityError && error.constraint !== null) return error.constraint.columns.join();
  if (error instanceof StorageError) return error.reason;
  if (error instanceof OperationalError) return error.sqliteCodeName;
  if (error instanceof SQLAlchemyError) return error.code;
  const [statement] = splitStatements("SELECT 1; SELECT 2");
  return statement === undefined ? null : `${statement.sql} at ${statement.offset satisfies number}`;
}
