// The worker's side of engines/rpc.js.

/** Bytes are handed over, not copied: nobody in the worker needs them any more. */
function transfers(value) {
  if (value === null || typeof value !== "object") return [];
  const buffers = Object.values(value).filter((cell) => cell instanceof Uint8Array).map(({ buffer }) => buffer);
  return [...new Set(buffers)];
}

/** Answers messages by these operations, in their order: an operation that is not ready yet holds up the next. */
export function answer(ops) {
  let queue;
  let queued = 0;
  self.onmessage = ({ data: { id, op, args } }) => {
    const done = (value) => self.postMessage({ id, value }, op === "first" ? transfers(value) : []);
    const failed = (error) => self.postMessage({ id, error: String(error?.message ?? error) });
    const later = (value) => {
      queued++;
      queue = Promise.resolve(value).then(done).catch(failed).finally(() => queued--);
    };
    if (queued > 0) {
      later(queue.then(() => ops[op](...args)));
      return;
    }
    try {
      const value = ops[op](...args);
      value instanceof Promise ? later(value) : done(value);
    } catch (error) {
      failed(error);
    }
  };
}
