// What a hand-made worker around SQLite looks like: numbered messages, a promise each.

export function rpc(worker) {
  let last = 0;
  const waiting = new Map();
  worker.onmessage = ({ data: { id, error, value } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    error === undefined ? resolve(value) : reject(new Error(error));
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
  };
  return (op, ...args) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ id: last, op, args });
    });
}

/** Turns arrays of cells into objects, on the page: cheaper than cloning objects. */
export function objects({ columns, rows }) {
  return rows.map((row) => {
    const object = {};
    for (let i = 0; i < columns.length; i++) object[columns[i]] = row[i];
    return object;
  });
}

/** What the workloads ask of an engine that is a worker of this kind. `other` runs what is to run beside the rest, if it can. */
export function database(call, { begin = "BEGIN", other = async () => call } = {}) {
  return {
    exec: (sql) => call("exec", sql),
    first: (sql, value) => call("first", sql, [value]),
    run: (sql, values) => call("run", sql, values),
    // As arrays, as rows come back: their keys would be cloned with every object.
    insertAll: ({ positional, columns }, rows) =>
      call("insertAll", positional, rows.map((row) => columns.map((column) => row[column]))),
    all: async (sql) => objects(await call("all", sql)),
    slow: async (sql) => objects(await (await other())("all", sql)),
    script: (statements, together) => call("script", together ? [begin, ...statements, "COMMIT"] : statements),
    // A hand-made worker gives as many rows a message as the page asks for. Where there is one connection, what others write
    // meanwhile shows in the rows that are left.
    async *batches(sql, rows) {
      const ask = await other();
      await ask("scan", sql);
      for (;;) {
        const batch = objects(await ask("scanned", rows));
        if (batch.length > 0) yield batch;
        if (batch.length < rows) return;
      }
    },
    /** For many reads: `work` is given `first` in one transaction, so that the file is locked once and not for each. */
    async reads(work) {
      await call("exec", "BEGIN");
      const given = await work((sql, value) => call("first", sql, [value]));
      await call("exec", "COMMIT");
      return given;
    },
    async transaction(work) {
      await call("exec", begin);
      await work((sql, values) => call("run", sql, values));
      await call("exec", "COMMIT");
    },
  };
}
