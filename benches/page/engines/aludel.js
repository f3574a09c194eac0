// aludel as a user writes it: the public API of the package.
/** Bytes for all connections, of which there may be four: each has as much as a peer's one connection. */
const CACHE = 64 << 20;
const SCRIPT = new URL("../workers/aludel-script.js", import.meta.url);

export async function open(path, { durability = "normal", watched = false, io = undefined, plain = false } = {}) {
  // To be seen, memories have to be noted before the package makes them.
  if (watched) await import("../watch.js");
  const { createEngine, text } = await import("aludel");
  const script = plain ? "aludel-plain.js" : watched ? "aludel-watched.js" : io === "unmarked" ? "aludel-io.js?unmarked" : "aludel-io.js";
  const worker = () => new Worker(new URL(`../workers/${script}`, import.meta.url), { type: "module" });
  const engine = createEngine(`sqlite:///${path}`, { durability, cacheSize: CACHE, ...((watched || io || plain) && { worker }) });
  const connection = await engine.connect();
  const kept = new Map();
  const statement = (sql) => {
    let made = kept.get(sql);
    if (!made) kept.set(sql, (made = text(sql)));
    return made;
  };
  // The connection that reads is in a transaction since its first statement: what others write it sees in its next one.
  const written = async (result) => {
    await result;
    if (connection.inTransaction()) await connection.rollback();
  };
  return {
    exec: (sql) => written(engine.execute(statement(sql))),
    first: async (sql, value) => (await connection.execute(statement(sql), [value])).mappings().first(),
    // The connection that reads has begun a transaction by itself.
    reads: (work) => work(async (sql, value) => (await connection.execute(statement(sql), [value])).mappings().first()),
    run: (sql, values) => written(engine.execute(statement(sql), values)),
    insertAll: (sql, rows) => written(engine.execute(statement(sql.named), rows)),
    all: async (sql) => (await connection.execute(statement(sql))).mappings().all(),
    // A script is a procedure's: one message, whatever the number of its statements.
    script: (statements, together) =>
      written(together
        ? engine.runInThread(SCRIPT, "run", statements.join(";"))
        : engine.runInThread(SCRIPT, "runEach", statements)),
    stream: (sql) => connection.stream(statement(sql)),
    /** On a connection of its own, as whoever else uses the database has one. */
    async slow(sql) {
      const other = await engine.connect();
      try {
        return (await other.execute(statement(sql))).mappings().all();
      } finally {
        await other.close();
      }
    },
    async *batches(sql, rows) {
      const other = await engine.connect();
      try {
        const stream = await other.stream(statement(sql), null, { executionOptions: { yieldPer: rows } });
        yield* stream.mappings().partitions(rows);
      } finally {
        await other.close();
      }
    },
    async transaction(work) {
      await connection.rollback();
      await connection.begin(() => work((sql, values) => connection.execute(statement(sql), values)));
    },
    /** The calls to files since this was asked last. */
    fileCalls: () =>
      new Promise((resolve) => {
        const channel = new BroadcastChannel("bench-io");
        channel.onmessage = ({ data }) => {
          channel.close();
          resolve(data);
        };
        channel.postMessage(0);
      }),
    async close() {
      await connection.close();
      await engine.dispose();
    },
  };
}
