// What waits for a statement that takes long.
import { check, load, timed } from "../measure.js";

const counting = (to) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${to}) SELECT count(*) AS n FROM n`;

/** Point reads made every tenth of a second while a query runs that takes two seconds, on another connection if there is one. */
export async function behind(engine, path, options) {
  const db = await (await load(engine)).open(path, options);
  const target = options.small ? 400 : 2000;
  await db.exec("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
  for (let id = 1; id <= 40; id++) await db.run("INSERT INTO item VALUES (?, ?)", [id, `item ${id}`]);
  const point = async (id) => {
    const start = performance.now();
    const row = await db.first("SELECT name FROM item WHERE id = ?", id);
    check("name", row.name, `item ${id}`);
    return performance.now() - start;
  };
  await point(1);
  // How much this engine counts in two seconds.
  let count = 20_000;
  for (let ms = 0; ms < target / 10; ) {
    count *= 2;
    ms = await timed(() => db.slow(counting(count)));
    if (ms >= target / 10) count = Math.round((count * target) / ms);
  }
  let running = true;
  const slow = timed(async () => check("count", (await db.slow(counting(count)))[0].n, count)).finally(() => (running = false));
  const reads = [];
  for (let id = 1; id <= 40 && (running || id <= 3); id++) {
    await new Promise((resolve) => setTimeout(resolve, target / 20));
    if (running || id <= 3) reads.push(point(id));
  }
  const took = await slow;
  const times = (await Promise.all(reads)).sort((a, b) => a - b);
  await db.close();
  return { p50: times[times.length >> 1], took };
}
