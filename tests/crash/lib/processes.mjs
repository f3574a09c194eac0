// Processes: which belong to a browser, and how they end. Only what hangs below a process that was started here is touched.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** All processes: their parents, and whether they are gone but for their entry in the table. */
function table() {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat=,args=", "-ww"], { maxBuffer: 1 << 26 }).toString();
  return lines.split("\n").filter(Boolean).map((line) => {
    const [, pid, parent, group, state, args] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s*(.*)$/.exec(line);
    return { pid: Number(pid), parent: Number(parent), group: Number(group), dead: state.startsWith("Z"), args };
  });
}

/** A process and all that it started, as far as they are alive. */
export function family(pid) {
  const all = table().filter((process) => !process.dead);
  const found = new Set([pid]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const process of all) {
      // The group is that of the browser alone: it was started as the leader of its own.
      if (found.has(process.pid) || !(found.has(process.parent) || process.group === pid)) continue;
      found.add(process.pid);
      grown = true;
    }
  }
  return all.filter((process) => found.has(process.pid));
}

function send(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Kills a browser with everything that belongs to it, all at once, and waits until nothing of it runs any more. */
export async function killAll(pid) {
  send(-pid, "SIGKILL");
  const rest = family(pid);
  for (const { pid } of rest) send(pid, "SIGKILL");
  await gone(rest.map(({ pid }) => pid));
}

/** Waits until none of these processes runs. */
export async function gone(pids) {
  const alive = () => table().filter((process) => !process.dead && pids.includes(process.pid));
  for (let tries = 0; alive().length > 0; tries++) {
    if (tries > 1000) throw new Error(`processes that were killed still run: ${alive().map(({ args }) => args).join("; ")}`);
    await sleep(10);
  }
}

/** Sends a signal to a browser and everything that belongs to it. */
export function signalAll(pid, signal) {
  for (const { pid: one } of family(pid)) send(one, signal);
}

/** Kills one process. */
export const kill = (pid) => send(pid, "SIGKILL");

/** How long each of a browser's processes has computed, in ticks of the clock. Linux only: elsewhere there are none. */
export function busy(pid) {
  return new Map(family(pid).flatMap(({ pid }) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return [[pid, Number(fields[11]) + Number(fields[12])]];
    } catch {
      return [];
    }
  }));
}

function compute(work) {
  let x = 1;
  for (let i = 0; i < work; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  return x;
}

/**
 * The process of a browser that computes while one of its pages does. `evaluate` calls in that page the function that it is given,
 * with the argument behind it; `ticks` gives how long each process has computed, in hundredths of a second.
 */
export async function computing(pid, evaluate, ticks = () => busy(pid)) {
  // An amount of work rather than of time: on a busy machine a process may get little of a second. How much is enough to show
  // depends on the browser, some of which run what they are told here without compiling it.
  for (let tries = 0, work = 1e7; tries < 10; tries++) {
    const before = await ticks();
    await evaluate(compute, work);
    const after = [...(await ticks())].map(([pid, all]) => [pid, all - (before.get(pid) ?? 0)]);
    const [[first, most] = [], [, second] = [undefined, 0]] = after.sort(([, a], [, b]) => b - a);
    if (first !== undefined && first !== pid && most >= 10 && second < most / 2) return first;
    if (first === undefined) break;
    if (most < 10) work *= 4;
  }
  throw new Error("which process the page runs in cannot be told");
}
