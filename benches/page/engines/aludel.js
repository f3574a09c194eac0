// aludel as a user writes it: the public API of the package.
export async function open(path, { durability = "normal", watched = false, io = undefined } = {}) {
  // To be seen, memories have to be noted before the package makes them.
  if (watched) await import("../watch.js");
  const { createEngine, text } = await import("aludel");
  const script = watched ? "aludel-watched.js" : io === "unmarked" ? "aludel-io.js?unmarked" : "aludel-io.js";
  const worker = () => new Worker(new URL(`../workers/${script}`, import.meta.url), { type: "module" });
  const engine = createEngine(`sqlite:///${path}`, { durability, ...((watched || io) && { worker }) });
  const connection = await engine.connect();
  const kept = new Map();
  const statement = (sql) => {
    let made = kept.get(sql);
    if (!made) kept.set(sql, (made = text(sql)));
    return made;
  };
  return {
    exec: (sql) => engine.execute(statement(sql)),
    first: async (sql, value) => (await connection.execute(statement(sql), [value])).mappings().first(),
    run: (sql, values) => engine.execute(statement(sql), values),
    insertAll: (sql, rows) => engine.execute(statement(sql.named), rows),
    all: async (sql) => (await connection.execute(statement(sql))).mappings().all(),
    stream: (sql) => connection.stream(statement(sql)),
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
