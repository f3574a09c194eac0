// What tabs have the worker do. It counts by itself how often it was called: once per worker.
let calls = 0;

/** Inserts so many rows; gives how often this was called in this worker. */
export function insertMany(engine, who, count) {
  engine.begin((conn) => {
    for (let at = 0; at < count; at++) conn.execute("INSERT INTO t (who, at) VALUES (?, ?)", [who, at]);
  });
  return ++calls;
}

/** What each connection is to have. */
export function setUp(conn) {
  conn.createFunction("twice", (value) => 2 * value);
  conn.createWindowFunction("moving", class {
    rows = [];
    step(value) {
      this.rows.push(value);
    }
    inverse() {
      this.rows.shift();
    }
    value() {
      return this.rows.join();
    }
    finalize() {
      return this.rows.join();
    }
  });
}
