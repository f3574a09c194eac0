// What must hold of aludel/lite in any app, whoever bundled it.
import { createEngine, OperationalError, text } from "aludel/lite";
import { equal, throws } from "./check.js";

export const lite = {
  async "a file opens with the smaller SQLite, and FTS5 says where it is"() {
    await using engine = createEngine("sqlite:///lite.db");
    await engine.begin(async (conn) => {
      await conn.execute(text("DROP TABLE IF EXISTS kept"));
      await conn.execute(text("CREATE TABLE kept (id INTEGER PRIMARY KEY, name TEXT)"));
      await conn.execute(text("INSERT INTO kept (name) VALUES (:name)"), [{ name: "a" }, { name: "b" }]);
    });
    equal((await engine.execute(text("SELECT id, name FROM kept ORDER BY id"))).all().map((row) => [...row]), [[1, "a"], [2, "b"]]);
    const used = await engine.scalar(text("SELECT sqlite_compileoption_used('ENABLE_FTS5')"));
    equal(used, 0, "FTS5");
    await throws(OperationalError, /no such module: fts5: aludel\/lite is built without/, () =>
      engine.execute(text("CREATE VIRTUAL TABLE words USING fts5(w)")));
  },

  async "a file is exported, and imported again"() {
    await using engine = createEngine("sqlite:///lite_copy.db");
    await engine.execute(text("CREATE TABLE IF NOT EXISTS kept (x)"));
    await engine.execute(text("DELETE FROM kept"));
    await engine.execute(text("INSERT INTO kept VALUES (1), (2)"));
    const bytes = await engine.exportBytes();
    equal(new TextDecoder().decode(bytes.subarray(0, 15)), "SQLite format 3");
    await engine.execute(text("DELETE FROM kept"));
    await engine.importBytes(bytes);
    equal(await engine.scalar(text("SELECT sum(x) FROM kept")), 3);
  },
};
