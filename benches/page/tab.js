// A second tab of the benchmark's origin, which answers the first one.

/** Answers another tab's calls of `ops` from now on. */
export function answerTab(ops) {
  const channel = new BroadcastChannel("bench-tab");
  channel.onmessage = async ({ data: { id, op, args } }) => {
    try {
      channel.postMessage({ id, value: await ops[op](...args) });
    } catch (error) {
      channel.postMessage({ id, error: String(error?.message ?? error) });
    }
  };
}

/** Calls what the other tab answers. */
export function tab() {
  const channel = new BroadcastChannel("bench-tab");
  const waiting = new Map();
  let last = 0;
  channel.onmessage = ({ data: { id, error, value } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    error === undefined ? resolve(value) : reject(new Error(`in the other tab: ${error}`));
  };
  return (op, ...args) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      channel.postMessage({ id: last, op, args });
    });
}
