// Limits to what a measurement may take.

/**
 * What `work` gives. After `ms` it is told to `stop`, and what is left of it is waited for: it would disturb what comes after.
 * An error with `fatal` says that it did not even stop.
 */
export async function within({ ms, patience = 60_000 }, work, stop) {
  const [limit, end] = timer(ms);
  const running = work();
  // Told to whoever waits for it below.
  const ended = running.then(() => {}, () => {});
  try {
    if ((await Promise.race([running, limit])) !== LATE) return await running;
  } finally {
    end();
  }
  const [longer, endLonger] = timer(patience);
  try {
    await Promise.race([Promise.all([stop(), ended]), longer.then(() => Promise.reject(new Error(`goes on after ${patience / 1000} s more`)))]);
  } catch (error) {
    throw Object.assign(new Error(`not done after ${ms / 1000} s, and not stopped: ${error.message}`), { fatal: true });
  } finally {
    endLonger();
  }
  throw new Error(`not done after ${ms / 1000} s`);
}

const LATE = Symbol("late");

function timer(ms) {
  let id;
  const passed = new Promise((resolve) => (id = setTimeout(resolve, ms, LATE)));
  return [passed, () => clearTimeout(id)];
}
