// SQLocal as its guide has it: a client, its worker, and a page that is cross-origin isolated.
const BATCH = 10_000;
const SCRIPT = 500;

async function connect(path) {
  const { SQLocal } = await import("/peers/sqlocal/client.js");
  const processor = new Worker("/peers/sqlocal/worker.js", { type: "module" });
  return { processor, db: new SQLocal({ databasePath: path, processor }) };
}

/** While another tab's worker holds the file, SQLocal opens one in memory instead. */
async function connectBeside(path) {
  for (let tries = 1; ; tries++) {
    const { processor, db } = await connect(path);
    const { storageType } = await db.getDatabaseInfo();
    if (storageType === "opfs") return { processor, db };
    await db.destroy();
    processor.terminate();
    if (tries === 20) throw new Error(`SQLocal stored in ${storageType}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function open(path, { tab = false } = {}) {
  const { processor, db } = await (tab ? connectBeside : connect)(path);
  return {
    exec: (sql) => db.sql(sql),
    first: async (sql, value) => (await db.sql(sql, value))[0],
    run: (sql, values) => db.sql(sql, ...values),
    // A batch of 100,000 is more than its worker's stack takes.
    insertAll: ({ positional, columns }, rows) =>
      db.transaction(async (tx) => {
        for (let at = 0; at < rows.length; at += BATCH) {
          const some = rows.slice(at, at + BATCH);
          await tx.batch(() => some.map((row) => ({ sql: positional, params: columns.map((column) => row[column]) })));
        }
      }),
    all: (sql) => db.sql(sql),
    slow: (sql) => db.sql(sql),
    // Not as one text: SQLite would copy for each statement whatever stands behind it.
    async script(statements, together) {
      const run = async ({ sql }) => {
        for (let at = 0; at < statements.length; at += SCRIPT) await sql(statements.slice(at, at + SCRIPT).join(";"));
      };
      await (together ? db.transaction(run) : run(db));
    },
    reads: (work) => db.transaction((tx) => work(async (sql, value) => (await tx.sql(sql, value))[0])),
    transaction: (work) => db.transaction((tx) => work((sql, values) => tx.sql(sql, ...values))),
    async close() {
      const { storageType } = await db.getDatabaseInfo();
      // It falls back to memory where it cannot store anything.
      if (storageType !== "opfs") throw new Error(`SQLocal stored in ${storageType}`);
      await db.destroy();
      processor.terminate();
    },
  };
}
