// What SQLite itself takes the time for: the same statements, the same file, and native SQLite for the limit.
import { check, load, scaled, timed } from "../measure.js";
import { AGGREGATE, JOIN, joinSetup, SPEEDTEST_ANSWER, speedtest } from "../sql.js";

/** A join with a grouping, and a grouping alone: SQLite's time, of one cell each. */
export async function join(engine, path, options) {
  const db = await (await load(engine)).open(path, options);
  for (const statement of joinSetup(scaled(100_000, options))) await db.exec(statement);
  const times = {};
  const answers = [];
  for (const [name, statement] of [["join", JOIN], ["aggregate", AGGREGATE]]) {
    const first = await db.all(statement);
    let again;
    // The second time, with whatever is kept of the first.
    times[name] = await timed(async () => {
      again = await db.all(statement);
    });
    answers.push(first[0].answer, again[0].answer);
  }
  await db.close();
  return { ...times, answer: answers.join("; ") };
}

/** The sixteen parts; `ms` is their sum. */
export async function parts(engine, path, options) {
  const db = await (await load(engine)).open(path, options);
  const times = [];
  const all = speedtest(options.small ? 0.02 : 1);
  let answer;
  for (const [name, statements, together] of all) {
    if (name === "dropping tables") answer = (await db.all(SPEEDTEST_ANSWER))[0].answer;
    times.push(await timed(() => db.script(statements, together)));
  }
  const left = await db.all("SELECT group_concat(name) AS names FROM sqlite_schema WHERE type = 'table'");
  check("tables that are left", left[0].names, "t3");
  await db.close();
  return { ms: times.reduce((sum, ms) => sum + ms), parts: times, answer };
}
