// Native SQLite on a file of its own, with the statements of the workloads that SQLite itself takes the time for.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AGGREGATE, JOIN, joinSetup, SPEEDTEST_ANSWER, speedtest } from "./page/sql.js";
import { scaled } from "./page/measure.js";

/** Scripts, and what becomes of what was printed for each. */
const WORKLOADS = {
  join(options) {
    const scripts = [joinSetup(scaled(100_000, options)).join(";\n"), JOIN, JOIN, AGGREGATE, AGGREGATE];
    return [scripts, (ms, cells) => ({ join: ms[2], aggregate: ms[4], answer: cells.slice(1).join("; ") })];
  },
  parts(options) {
    const all = speedtest(options.small ? 0.02 : 1);
    const scripts = all.map(([, statements, together]) =>
      (together ? ["BEGIN IMMEDIATE", ...statements, "COMMIT"] : statements).join(";\n"));
    // What the pages ask before the tables are dropped, and what is left after it.
    scripts.splice(all.length - 1, 0, SPEEDTEST_ANSWER);
    return [scripts, (ms, cells) => {
      const parts = [...ms.slice(0, all.length - 1), ms[all.length]];
      return { ms: parts.reduce((sum, part) => sum + part), parts, answer: cells[all.length - 1] };
    }];
  },
};

/** Runs a workload in `program`, for at most so many ms. */
export async function native(program, workload, options, timeout) {
  const directory = await mkdtemp(join(tmpdir(), "aludel-native-"));
  try {
    const [scripts, result] = WORKLOADS[workload](options);
    const files = scripts.map((_, i) => join(directory, `${i}.sql`));
    for (const [i, script] of scripts.entries()) await writeFile(files[i], script);
    const printed = execFileSync(program, [join(directory, "native.db"), ...files], { encoding: "utf8", timeout, killSignal: "SIGKILL" });
    const lines = printed.trimEnd().split("\n").map((line) => line.split("\t"));
    return result(lines.map(([ms]) => Number(ms)), lines.map(([, cell]) => cell));
  } finally {
    await rm(directory, { recursive: true });
  }
}
