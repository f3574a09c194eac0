// What the workloads measure and check with.
export const load = (engine) => import(`./engines/${engine}.js`);

export function check(what, got, expected) {
  if (got !== expected) throw new Error(`${what}: ${got} where ${expected} was due`);
}

/** Runs `work` while the event loop is turned as fast as it goes, and returns the longest time between two turns. */
export async function longestBlock(work) {
  const { port1, port2 } = new MessageChannel();
  let longest = 0;
  let last = performance.now();
  let running = true;
  port1.onmessage = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) port2.postMessage(0);
  };
  port2.postMessage(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  longest = 0;
  await work();
  // One turn more, so that the task that resolved `work` counts as well.
  await new Promise((resolve) => setTimeout(resolve, 10));
  running = false;
  port1.close();
  return longest;
}

export async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The smallest of some times that so many of a hundred do not exceed. */
export function percentile(times, of) {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * of) / 100) - 1)];
}

/** How many, of `count`, a smoke run does: it is to see that everything works, not how fast. */
export const scaled = (count, { small = false }) => (small ? Math.max(1, Math.ceil(count / 50)) : count);
