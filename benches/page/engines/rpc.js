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
