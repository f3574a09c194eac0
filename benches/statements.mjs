// What it costs to build a SELECT of five clauses and to make SQL of it, beside Kysely and Drizzle building the same statement in
// the same run, in Node. Engines take turns within a round; what is printed are medians and aludel's ratio to the faster peer.
//
//     node benches/statements.mjs [--rounds 41] [--check]
//
// "first time" gives each of them statements that it has not seen before (the shapes differ in a name); "cached by structure" the
// same shape again and again, with other values. Both give the SQL and the values of its parameters, as a peer's `compile()` does.
// "ready to execute" is all that aludel does before it sends a statement: its values are checked and encoded by their types, and it
// is known how those of the result are converted; what the peers do then is left to a driver. `--check` fails where aludel is slower
// than a peer at either of the first two.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { median } from "./report.mjs";

const peers = createRequire(process.env.ALUDEL_PEERS ? `${process.env.ALUDEL_PEERS}/` : new URL("../tests/package.json", import.meta.url));
const from = (name) => import(pathToFileURL(peers.resolve(name)).href);
const pkg = process.env.ALUDEL_PKG ? pathToFileURL(`${process.env.ALUDEL_PKG}/`) : new URL("../pkg/", import.meta.url);
const core = await import(new URL("index.js", pkg).href);
const { compiledFor } = await import(new URL("core/entry.js", pkg).href);
const { Kysely, DummyDriver, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } = await from("kysely");
const drizzle = await from("drizzle-orm/sqlite-proxy");
const columns = await from("drizzle-orm/sqlite-core");
const { and, asc, count, eq, gt, like, desc } = await from("drizzle-orm");

const { values: asked } = parseArgs({ options: { rounds: { type: "string", default: "41" }, check: { type: "boolean", default: false } } });
const rounds = Number(asked.rounds);
const { check } = asked;

// SELECT u.name, count(a.id) AS <n> FROM users JOIN addr ON ... WHERE ... GROUP BY ... HAVING ... ORDER BY ... LIMIT
const { Column, ForeignKey, func, Integer, MetaData, select, String_, Table } = core;
const metadata = new MetaData();
const users = new Table("users", metadata,
  new Column("id", Integer, { primaryKey: true }), new Column("name", String_(50)), new Column("age", Integer));
const addr = new Table("addr", metadata,
  new Column("id", Integer, { primaryKey: true }), new Column("user_id", Integer, new ForeignKey("users.id")), new Column("email", String_()));
const [u, a] = [users.c, addr.c];
const fiveClauses = (label, age) => {
  const n = func.count(a.id);
  return select(u.name, n.label(label))
    .joinFrom(users, addr, u.id.eq(a.user_id))
    .where(u.age.gt(age), u.name.like("D%"))
    .groupBy(u.name)
    .having(n.gt(1))
    .orderBy(n.desc(), u.name.asc())
    .limit(10);
};
const aludel = (label, age) => fiveClauses(label, age).compile().sql;
const aludelReady = (label, age) => {
  const ready = fiveClauses(label, age)[compiledFor](undefined);
  if (ready.batch.length === 0 || ready.results?.length !== 2 || !ready.about.returning) throw new Error("it is not ready");
  return ready.source;
};

const kysely = new Kysely({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});
const ofKysely = (label, age) =>
  kysely
    .selectFrom("users")
    .innerJoin("addr", "users.id", "addr.user_id")
    .select(["users.name", (eb) => eb.fn.count("addr.id").as(label)])
    .where("users.age", ">", age)
    .where("users.name", "like", "D%")
    .groupBy("users.name")
    .having((eb) => eb.fn.count("addr.id"), ">", 1)
    .orderBy((eb) => eb.fn.count("addr.id"), "desc")
    .orderBy("users.name", "asc")
    .limit(10)
    .compile().sql;

const { integer, sqliteTable, text } = columns;
const dUsers = sqliteTable("users", { id: integer("id").primaryKey(), name: text("name"), age: integer("age") });
const dAddr = sqliteTable("addr", { id: integer("id").primaryKey(), user_id: integer("user_id"), email: text("email") });
const db = drizzle.drizzle(async () => ({ rows: [] }));
const ofDrizzle = (label, age) =>
  db
    .select({ name: dUsers.name, n: count(dAddr.id).as(label) })
    .from(dUsers)
    .innerJoin(dAddr, eq(dUsers.id, dAddr.user_id))
    .where(and(gt(dUsers.age, age), like(dUsers.name, "D%")))
    .groupBy(dUsers.name)
    .having(gt(count(dAddr.id), 1))
    .orderBy(desc(count(dAddr.id)), asc(dUsers.name))
    .limit(10)
    .toSQL().sql;

const engines = { aludel, kysely: ofKysely, drizzle: ofDrizzle };
for (const build of Object.values(engines)) {
  const sql = build("n", 5);
  const clauses = ["select", "join", "where", "group by", "having", "order by", "limit"];
  const missing = clauses.filter((clause) => !sql.toLowerCase().includes(clause));
  if (missing.length > 0) throw new Error(`${sql} lacks ${missing}`);
}

let serial = 0;
let failed = false;
const PER_ROUND = 400;

/** Microseconds per statement of each engine, in turns. */
function measure(what, label, engines, checked) {
  const times = Object.fromEntries(Object.keys(engines).map((name) => [name, []]));
  const names = Object.keys(engines);
  let length = 0;
  for (let round = -5; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round + 5) % names.length];
      const build = engines[name];
      const start = process.hrtime.bigint();
      for (let n = 0; n < PER_ROUND; n++) length += build(label(), n).length;
      const micros = Number(process.hrtime.bigint() - start) / 1000 / PER_ROUND;
      // The first rounds warm up.
      if (round >= 0) times[name].push(micros);
    }
  }
  if (length === 0) throw new Error("nothing was built");
  const medians = Object.fromEntries(names.map((name) => [name, median(times[name])]));
  const shown = names.map((name) => `${name} ${medians[name].toFixed(1)} us`).join(", ");
  const ratios = names.slice(1).map((name) => `${(medians.aludel / medians[name]).toFixed(2)} of ${name}'s`).join(", ");
  console.log(`${what}: ${shown}; aludel's time is ${ratios}`);
  if (check && checked && names.some((name) => medians.aludel > medians[name])) failed = true;
  return medians;
}

const ready = { ...engines, aludel: aludelReady };
measure("build and compile, cached by structure", () => "n", engines, true);
measure("build and compile, first time", () => `n${serial++}`, engines, true);
measure("ready to execute, cached by structure", () => "n", ready, false);
measure("ready to execute, first time", () => `n${serial++}`, ready, false);
if (failed) {
  console.error("aludel is slower than a peer");
  process.exitCode = 1;
}
