// SQLocal as its guide has it: a client, its worker, and a page that is cross-origin isolated.
export async function open(path) {
  const { SQLocal } = await import("/peers/sqlocal/client.js");
  const processor = new Worker("/peers/sqlocal/worker.js", { type: "module" });
  const db = new SQLocal({ databasePath: path, processor });
  return {
    exec: (sql) => db.sql(sql),
    first: async (sql, value) => (await db.sql(sql, value))[0],
    run: (sql, values) => db.sql(sql, ...values),
    insertAll: ({ positional, columns }, rows) =>
      db.batch(() => rows.map((row) => ({ sql: positional, params: columns.map((column) => row[column]) }))),
    all: (sql) => db.sql(sql),
    slow: (sql) => db.sql(sql),
    script: (statements, together) =>
      db.sql((together ? ["BEGIN", ...statements, "COMMIT"] : statements).join(";")),
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
