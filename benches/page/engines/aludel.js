// aludel as a user writes it: the public API of the package.
import { createEngine, text } from "/aludel/index.js";

export async function open(path, { durability = "normal" } = {}) {
  const engine = createEngine(`sqlite:///${path}`, { durability });
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
    async close() {
      await connection.close();
      await engine.dispose();
    },
  };
}
