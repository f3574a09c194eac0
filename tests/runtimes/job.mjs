// A procedure, called in the worker.

/** How many rows a table has. */
export function count(engine, table) {
  return engine.connect((conn) => conn.execute(`SELECT count(*) FROM ${table}`).scalar());
}
