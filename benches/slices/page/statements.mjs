// The statements of the histories. Everything is deterministic, so that a second database can repeat it.

const words = (seed) =>
  `(SELECT group_concat('w' || ((${seed} * (value + 3) + value * value) % 23), ' ')
    FROM json_each('[1,2,3,4,5,6,7,8,9]'))`;

/** A database of some hundred rows. */
export const SCHEMA = [
  "CREATE TABLE version(n INTEGER NOT NULL)",
  "INSERT INTO version VALUES (0)",
  "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c INTEGER)",
  `WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 150)
    INSERT INTO t SELECT i, (i * 37) % 101, 'row ' || (i * 7919 % 1009), i * i % 211 FROM r`,
  "CREATE INDEX t_a ON t(a)",
  "CREATE TABLE note(n INTEGER, what TEXT)",
  "CREATE VIRTUAL TABLE f USING fts5(body)",
  `WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 40)
    INSERT INTO f SELECT ${words("i")} FROM r`,
  "CREATE VIEW act AS SELECT n AS k FROM version",
  `CREATE TRIGGER act_i INSTEAD OF INSERT ON act BEGIN
    UPDATE version SET n = n + 1;
    UPDATE t SET a = (a + NEW.k) % 997 WHERE id % 3 = NEW.k % 3;
    INSERT INTO note SELECT (SELECT n FROM version), group_concat(b) FROM
      (SELECT b FROM t WHERE id % 11 = NEW.k % 11 ORDER BY id);
    INSERT INTO f VALUES (${words("NEW.k")});
  END`,
];

/** Reads that tell the version of the database that they saw in the first cell. Each gives a row at least. */
export function read(r) {
  const v = "(SELECT n FROM version)", k = r(50) + 1;
  const reads = [
    () => `SELECT ${v}, count(*), sum(x.a * y.c % 7) FROM t x, t y WHERE (x.id + y.id) % ${2 + (k % 5)} = 0`,
    () => `SELECT ${v}, id, a, b FROM t ORDER BY c % ${k} DESC, b, id`,
    () => `WITH RECURSIVE r(i, x) AS (SELECT 1, ${k} UNION ALL SELECT i + 1, (x * 31 + i) % 1009 FROM r WHERE i < 400)
      SELECT ${v}, sum(x), (SELECT count(*) FROM t WHERE a IN (SELECT x FROM r)) FROM r`,
    () => `SELECT ${v}, count(*), sum(length(s)), sum(round(score * 1000)) FROM
      (SELECT snippet(f, 0, '[', ']', '..', 5) AS s, bm25(f) AS score FROM f
        WHERE f MATCH 'w${k % 23} OR w${(k * 7) % 23}' ORDER BY rank, rowid LIMIT 30)`,
    () => `SELECT ${v}, a % ${k}, count(*), sum(c), min(b) FROM t GROUP BY 2 ORDER BY 2`,
    () => `SELECT ${v}, id, sum(a) OVER (PARTITION BY c % 5 ORDER BY id) FROM t ORDER BY id`,
    () => `SELECT ${v}, count(*), sum(length(what)) FROM note
      WHERE EXISTS (SELECT 1 FROM t WHERE t.a = note.n % 101 OR t.id = ${k})`,
    () => `SELECT ${v}, * FROM t WHERE id = ${k}`,
    () => `SELECT ${v}, group_concat(name || coalesce(sql, ''), ';') FROM
      (SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name)`,
    () => `SELECT ${v}, count(DISTINCT b), total(a) FROM (SELECT b, a FROM t UNION SELECT b, c FROM t WHERE id > ${k})`,
  ];
  return reads[r(reads.length)]();
}

/** One thing that a transaction does. */
export function write(r) {
  const k = r(97) + 1, m = 2 + r(6);
  const writes = [
    () => `UPDATE t SET a = (a * 17 + ${k}) % 1000, b = substr(b || 'x${k}', -20) WHERE id % ${m} = ${k % m}`,
    () => `WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ${k})
      INSERT INTO t(a, b, c) SELECT i * ${k} % 500, 'new ' || i, i % 13 FROM r`,
    () => `DELETE FROM t WHERE id > 50 AND id % ${m} = ${k % m}`,
    () => `INSERT INTO f WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ${m + 3})
      SELECT ${words(`(i + ${k})`)} FROM r`,
    () => `DELETE FROM f WHERE rowid > 5 AND rowid % ${m + 3} = ${k % 3}`,
    () => `UPDATE f SET body = body || ' w${k % 23}' WHERE rowid % ${m} = 0`,
    () => `INSERT INTO f(f) VALUES ('${["optimize", "rebuild"][r(2)]}')`,
    () => `CREATE INDEX IF NOT EXISTS x${k % 4} ON t(b, ${["a", "c", "a + c", "length(b)"][k % 4]})`,
    () => `DROP INDEX IF EXISTS x${k % 4}`,
    () => `CREATE TABLE IF NOT EXISTS aux${k % 3} AS SELECT id, b FROM t WHERE id % ${m} = 0 ORDER BY b, id`,
    () => `DROP TABLE IF EXISTS aux${k % 3}`,
    () => `REINDEX t_a`,
    () => `INSERT INTO t(id, a, b, c) SELECT id + ${k}, c, b, a FROM t WHERE id <= 60 ORDER BY id
      ON CONFLICT(id) DO UPDATE SET c = c + 1, b = excluded.b`,
    () => `INSERT INTO act VALUES (${k})`,
  ];
  return writes[r(writes.length)]();
}

/** What upkeep runs. It changes nothing that reads would see. */
export function upkeep(r) {
  const kinds = [
    "VACUUM", "ANALYZE", "PRAGMA optimize(0x10002)", "PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(RESTART)",
    "PRAGMA wal_checkpoint(TRUNCATE)",
  ];
  return kinds[r(kinds.length)];
}
