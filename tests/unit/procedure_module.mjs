// The procedures of procedures.test.mjs: the worker imports them.

export const count = (conn) => conn.scalar("SELECT count(*) FROM users");

export function addMany(conn, names) {
  for (const name of names) conn.execute("INSERT INTO users (name) VALUES (:name)", { name });
  return count(conn);
}

export const echo = (conn, ...args) => args;

export function results(conn) {
  const many = conn.execute("INSERT INTO users (name, age) VALUES (?, ?)", [["Eve", 1], ["Fay", 2]]);
  const people = conn.execute("SELECT id, name FROM users ORDER BY id");
  const [first, ...others] = people.all();
  const dana = conn.execute({ kind: "text", text: "SELECT * FROM users WHERE id = $id" }, { id: 2 }).mappings().one();
  const wide = conn.scalar("SELECT 9007199254740993");
  const blob = conn.scalar("SELECT x'00ff'");
  const lastrowid = conn.execute("INSERT INTO users (name) VALUES (@name)", { name: "größe" }).lastrowid;
  return { rowcount: many.rowcount, first, others: others.length, dana, wide, blob, lastrowid, none: conn.scalar("SELECT 1 WHERE 0") };
}

export function transactions(conn) {
  const before = conn.inTransaction();
  const active = [];
  conn.begin((transaction) => {
    conn.execute("INSERT INTO users (name) VALUES ('kept')");
    active.push(transaction.isActive);
  });
  conn.beginNested((savepoint) => {
    conn.execute("INSERT INTO users (name) VALUES ('in a savepoint')");
    active.push(savepoint.isActive);
  });
  conn.beginNested((savepoint) => {
    conn.execute("INSERT INTO users (name) VALUES ('given up')");
    savepoint.rollback();
    active.push(savepoint.isActive);
  });
  let undone;
  try {
    conn.beginNested(() => {
      conn.execute("INSERT INTO users (name) VALUES ('undone')");
      throw new Error("undone");
    });
  } catch ({ message }) {
    undone = message;
  }
  const left = conn.beginNested();
  conn.execute("INSERT INTO users (name) VALUES ('left')");
  return [before, undone, left.isActive, count(conn), active];
}

export function beginTwice(conn) {
  conn.begin();
  conn.begin();
}

export function script(conn, text) {
  conn.exec(text);
}

export const commit = (conn) => conn.commit();
export const run = (conn, sql, params) => conn.execute(sql, params).rowcount;
export const executes = (conn, statement) => conn.execute(statement);

export function caught(conn, sql) {
  try {
    conn.execute(sql);
  } catch (error) {
    return [error.name, error.code, error.sqliteCodeName, error.constraint, error.retryable, error];
  }
  return [];
}

export function throws(conn, kind) {
  if (kind === "TypeError") null.property;
  if (kind === "Error") throw Object.assign(new Error("mine", { cause: { why: 7 } }), { name: "MyError" });
  if (kind === "function") throw () => 7;
  throw kind;
}

export const returnsFunction = () => ({ nested: [() => 7] });
export const returnsPromise = (conn) => Promise.reject(new Error("nobody waits for it")).finally(() => count(conn));
export async function later(conn) {
  return count(conn);
}

let kept;
export function keep(conn) {
  kept = conn;
  return conn.closed;
}
export const useKept = () => [kept.closed, kept.scalar("SELECT 1")];

export function forever(conn) {
  return conn.scalar("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c");
}

export function untilLate(conn) {
  for (;;) conn.execute("SELECT 1");
}

export function withEngine(engine, name) {
  const before = engine.connect((conn) => {
    conn.execute("INSERT INTO users (name) VALUES ('not committed')");
    return count(conn);
  });
  engine.begin((conn) => conn.execute("INSERT INTO users (name) VALUES (:name)", { name }));
  let nested;
  try {
    engine.connect(() => engine.connect(() => undefined));
  } catch (error) {
    nested = error.message;
  }
  return [before, nested, engine.execute("SELECT name FROM users ORDER BY id DESC").scalar()];
}

/** Goes on after what left a call into wasm halfway, as the end of the stack may. */
export function traps(conn) {
  performance.now = () => {
    throw new RangeError("Maximum call stack size exceeded");
  };
  try {
    conn.execute("SELECT 1");
  } catch {
    // It is told all the same.
  }
  delete performance.now;
  return conn.closed;
}

export const notAFunction = 7;

export function setUp(conn) {
  conn.createFunction("shout", (value) => (value === null ? null : String(value).toUpperCase()), { deterministic: true, innocuous: true });
  conn.createFunction("same", (...values) => values[values.length - 1]);
  conn.createFunction("refuses", () => {
    throw new Error("not today");
  });
  conn.createFunction("later", async () => 1);
  conn.createFunction("trusted", () => 1, { innocuous: true });
  conn.createFunction("asks", () => conn.scalar("SELECT 1"));
  conn.createCollation("backwards", (one, other) => (one < other ? 1 : one > other ? -1 : 0));
}
export const wrongFunction = (conn) => conn.createFunction("f", "g");

export function failsToCommit(conn) {
  conn.exec("CREATE TABLE notes (u INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)");
  conn.commit();
  const caught = [];
  try {
    conn.begin(() => conn.execute("INSERT INTO notes VALUES (99)"));
  } catch ({ name }) {
    caught.push(name);
  }
  caught.push(conn.inTransaction());
  // One that is ended by hand can be rolled back.
  const transaction = conn.begin();
  conn.execute("INSERT INTO notes VALUES (99)");
  try {
    transaction.commit();
  } catch {
    caught.push(transaction.isActive);
    transaction.rollback();
  }
  return [...caught, conn.inTransaction(), transaction.isActive];
}

export function stale(conn) {
  const first = conn.begin();
  const nested = conn.beginNested();
  conn.commit();
  const second = conn.begin();
  conn.execute("INSERT INTO users (name) VALUES ('second')");
  first.rollback();
  nested.rollback();
  let message;
  try {
    first.commit();
  } catch (error) {
    message = error.message;
  }
  const seen = [first.isActive, second.isActive, message, count(conn)];
  second.commit();
  return seen;
}

export const forgetsAll = (conn) => conn.execute("SELECT 1");
export const itself = (conn) => conn;
export function throwsInCircles() {
  const [one, other] = [new Error("one"), new Error("other")];
  [one.cause, other.cause] = [other, one];
  throw one;
}
export function throwsChain(conn, length) {
  let error = new Error("0");
  for (let i = 1; i < length; i++) error = new Error(String(i), { cause: error });
  throw error;
}

/** A function that uses the connection that calls it, in a transaction. */
export function asksWithin(conn) {
  conn.createFunction("asks", () => conn.scalar("SELECT 1"));
  let caught;
  try {
    conn.begin(() => {
      conn.execute("INSERT INTO users (name) VALUES ('undone')");
      conn.execute("SELECT asks()");
    });
  } catch ({ message }) {
    caught = message;
  }
  return [caught, conn.closed, conn.inTransaction(), count(conn)];
}

export const functionWith = (conn, options) => conn.createFunction("f", () => 1, options);
