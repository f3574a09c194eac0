// Runs what the page asks for, in a worker as the product does.
import { Fibers, load } from "./world.mjs";
import { history } from "./history.mjs";
import * as measure from "./measure.mjs";

/** Loaded builds, by name. */
const builds = new Map();
const build = async (name) => {
  if (!builds.has(name)) builds.set(name, await load(name));
  return builds.get(name);
};

async function histories({ variant, from, count }) {
  const m = await build(variant);
  const fibers = new Fibers(m);
  const stats = { histories: 0, statements: 0, interrupted: 0, busy: 0, commits: 0, reads: 0, failed: [] };
  const [stack, bytes, started] = [m.stack_address(), m.memory.buffer.byteLength, performance.now()];
  for (let seed = from; seed < from + count && stats.failed.length < 3; seed += 1) {
    self.postMessage({ at: seed });
    try {
      await history(m, fibers, seed, stats);
      stats.histories += 1;
    } catch (error) {
      stats.failed.push(`seed ${seed}: ${error.message}`);
    }
  }
  return {
    ...stats,
    suspensions: fibers.suspensions,
    suspendedAtOnce: fibers.most,
    stackMoved: m.stack_address() - stack,
    grownBytes: m.memory.buffer.byteLength - bytes,
    memoryBytes: m.memory.buffer.byteLength,
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

const tasks = { histories, ...measure.tasks(build) };

self.onmessage = async ({ data }) => {
  if (data.read !== undefined) return measure.answer(data.read);
  try {
    self.postMessage({ id: data.id, result: await tasks[data.task](data.options) });
  } catch (error) {
    self.postMessage({ id: data.id, error: `${error.message}\n${error.stack}` });
  }
};
self.postMessage("ready");
