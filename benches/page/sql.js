// The statements of the workloads that SQLite itself takes the time for. Node imports this file, too: native SQLite runs the same.

/** Rows that SQLite makes itself, the same in every engine: people, and three visits of each. */
export const joinSetup = (people) => [
  "CREATE TABLE guest (id INTEGER PRIMARY KEY, town INTEGER NOT NULL, name TEXT NOT NULL, score REAL NOT NULL)",
  "CREATE TABLE visit (id INTEGER PRIMARY KEY, guest INTEGER NOT NULL, day INTEGER NOT NULL, paid INTEGER NOT NULL)",
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${people})
   INSERT INTO guest SELECT i, i * 31 % 500, 'guest number ' || i, (i * 7919 % 10007) / 8.0 FROM n`,
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${3 * people})
   INSERT INTO visit SELECT i, i * 7919 % ${people} + 1, i % 365, i * 37 % 1000 FROM n`,
];

/** One cell each: SQLite's time, and nothing of what rows cost on their way. */
export const JOIN = `SELECT count(*) || ' ' || sum(n) || ' ' || sum(paid) || ' ' || sum(best * 8) AS answer FROM (
  SELECT g.town, count(*) AS n, sum(v.paid) AS paid, max(g.score) AS best FROM visit v JOIN guest g ON g.id = v.guest
  WHERE v.day < 200 GROUP BY g.town)`;
export const AGGREGATE = `SELECT count(*) || ' ' || sum(n) || ' ' || sum(total) || ' ' || sum(length(longest)) AS answer FROM (
  SELECT town, count(*) AS n, sum(score * 8) AS total, max(name) AS longest FROM guest GROUP BY town)`;

/** Numbers that look random and are the same every time. */
function numbers(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

const ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
  "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"];
const TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/** A number below a million in words. */
export function words(number) {
  const some = [];
  if (number >= 1000) some.push(words(Math.floor(number / 1000)), "thousand");
  const rest = number % 1000;
  if (rest >= 100) some.push(ONES[Math.floor(rest / 100)], "hundred");
  const last = rest % 100;
  if (last >= 20) some.push(TENS[Math.floor(last / 10)], ...(last % 10 ? [ONES[last % 10]] : []));
  else if (last > 0 || number === 0) some.push(ONES[last]);
  return some.join(" ");
}

/**
 * The sixteen parts of SQLite's old comparison of speeds (sqlite.org/speed.html): `[name, statements, in one transaction]`.
 * Values stand in the statements, so that each is one that SQLite has not seen.
 */
export function speedtest(scale = 1) {
  const random = numbers(42);
  const count = (full) => Math.max(1, Math.round(full * scale));
  const many = (full, statement) => Array.from({ length: count(full) }, (_, i) => statement(i));
  const table = (name) => `CREATE TABLE ${name} (a INTEGER, b INTEGER, c VARCHAR(100))`;
  const row = (name, a) => {
    const b = random(100_000);
    return `INSERT INTO ${name} VALUES (${a}, ${b}, '${words(b)}')`;
  };
  const rows = (name, full) => many(full, (i) => row(name, i + 1));
  return [
    ["1,000 inserts", [table("t1"), ...rows("t1", 1000)], false],
    ["25,000 inserts in a transaction", [table("t2"), ...rows("t2", 25_000)], true],
    ["25,000 inserts into an indexed table", [table("t3"), "CREATE INDEX i3 ON t3 (c)", ...rows("t3", 25_000)], true],
    ["100 selects without an index",
      many(100, (i) => `SELECT count(*), avg(b) FROM t2 WHERE b >= ${i * 100} AND b < ${i * 100 + 1000}`), true],
    ["100 selects on a string comparison",
      many(100, (i) => `SELECT count(*), avg(b) FROM t2 WHERE c LIKE '%${words(i + 1)}%'`), true],
    ["creating an index", ["CREATE INDEX i2a ON t2 (a)", "CREATE INDEX i2b ON t2 (b)"], false],
    ["5,000 selects with an index",
      many(5000, (i) => `SELECT count(*), avg(b) FROM t2 WHERE b >= ${i * 100} AND b < ${i * 100 + 100}`), true],
    ["1,000 updates without an index", many(1000, (i) => `UPDATE t1 SET b = b * 2 WHERE a >= ${i * 10} AND a < ${i * 10 + 10}`), true],
    ["25,000 updates with an index", many(25_000, (i) => `UPDATE t2 SET b = ${random(100_000)} WHERE a = ${i + 1}`), true],
    ["25,000 text updates with an index",
      many(25_000, (i) => `UPDATE t2 SET c = '${words(random(100_000))}' WHERE a = ${i + 1}`), true],
    ["inserts from a select", ["INSERT INTO t1 SELECT b, a, c FROM t2", "INSERT INTO t2 SELECT b, a, c FROM t1"], true],
    ["delete without an index", ["DELETE FROM t2 WHERE c LIKE '%fifty%'"], true],
    ["delete with an index", ["DELETE FROM t2 WHERE a > 10 AND a < 20000"], true],
    ["a big insert after a big delete", ["INSERT INTO t2 SELECT * FROM t1"], true],
    ["a big delete and many small inserts", ["DELETE FROM t1", ...rows("t1", 12_000)], true],
    ["dropping tables", ["DROP TABLE t1", "DROP TABLE t2"], false],
  ];
}

const cells = (name) =>
  `(SELECT count(*) || ' ' || sum(a) || ' ' || sum(b) || ' ' || sum(length(c)) || ' ' || sum(unicode(c)) FROM ${name})`;
/** Asked before the tables are dropped: a number for every column of each. */
export const SPEEDTEST_ANSWER = `SELECT ${["t1", "t2", "t3"].map(cells).join(" || ', ' || ")} AS answer`;
