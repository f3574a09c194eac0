// Statements as they are shown: with their values, kept by their structure, never changed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pkg.mjs";

const {
  bindparam, Boolean_, CheckConstraint, Column, column, CreateTable, Date_, DateTime, delete_, Enum, ForeignKey, func, insert, Integer, JSON_,
  LargeBinary, literal, MetaData, select, sql, Table, table, Text, text, tuple_, types, update, Uuid, values,
} = await load("index.js");
const { prepare } = await load("statement.js");
const { Kept } = await load("core/kept.js");

const users = new Table("users", new MetaData(),
  new Column("id", Integer, { primaryKey: true }), new Column("name", Text), new Column("born", Date_), new Column("flag", Boolean_),
  new Column("doc", JSON_()), new Column("bytes", LargeBinary), new Column("uuid", Uuid), new Column("mood", Enum({ Good: 1, Bad: 2 })));
const { c } = users;
const date = new Date(Date.UTC(2026, 10, 21, 10, 42, 4));

const literals = [
  [select(c.id).where(c.name.eq("it's"), c.id.in([1, 2n ** 62n]), c.flag.eq(true)).limit(3),
    "SELECT users.id FROM users WHERE users.name = 'it''s' AND users.id IN (1, 4611686018427387904) AND users.flag = 1 LIMIT 3 OFFSET 0"],
  [select(c.id).where(c.born.gt(date), c.uuid.eq("6BA7B810-9dad-11d1-80b4-00c04fd430c8"), c.mood.eq(2)),
    "SELECT users.id FROM users WHERE users.born > '2026-11-21' AND users.uuid = '6ba7b8109dad11d180b400c04fd430c8' AND users.mood = 'Bad'"],
  [select(c.id).where(tuple_(c.id, c.name).in([[1, "a"], [2, null]]), c.name.in([])),
    "SELECT users.id FROM users WHERE (users.id, users.name) IN (VALUES (1, 'a'), (2, NULL)) AND users.name IN " +
      "(SELECT 1 FROM (SELECT 1) WHERE 1!=1)"],
  [select(c.id).where(tuple_(c.born, c.uuid, c.mood).in([[date, "6BA7B810-9dad-11d1-80b4-00c04fd430c8", 2]])),
    "SELECT users.id FROM users WHERE (users.born, users.uuid, users.mood) IN (VALUES ('2026-11-21', '6ba7b8109dad11d180b400c04fd430c8', 'Bad'))"],
  [select(c.id).where(tuple_(c.id, c.name).in([]), tuple_(c.id, c.name).notIn(bindparam("x", { value: [], expanding: true }))),
    "SELECT users.id FROM users WHERE (users.id, users.name) IN (SELECT 1, 1 FROM (SELECT 1) WHERE 1!=1) AND " +
      "((users.id, users.name) NOT IN (SELECT 1, 1 FROM (SELECT 1) WHERE 1!=1))"],
  [insert(users).values({ doc: { a: [1, null] }, bytes: new Uint8Array([0, 255]) }),
    "INSERT INTO users (doc, bytes) VALUES ('{\"a\": [1, null]}', X'00FF')"],
  [update(users).values({ name: "x", flag: false }).where(c.id.eq(-1)), "UPDATE users SET name='x', flag=0 WHERE users.id = -1"],
  [delete_(users).where(c.name.eq(null), c.id.gt(literal(1.5))), "DELETE FROM users WHERE users.name IS NULL AND users.id > 1.5"],
  [select(c.id).where(c.id.eq(bindparam("x", { value: 5 })), c.name.eq(bindparam("y"))),
    "SELECT users.id FROM users WHERE users.id = 5 AND users.name = ?"],
  [text("SELECT :a").bindparams({ a: "x" }), "SELECT 'x'"],
  [select(literal(-5).neg().label("x"), literal(5).neg().label("y")), "SELECT -(-5) AS x, -(5) AS y"],
  [sql`SELECT ${1}, ${"?"}`, "SELECT 1, '?'"],
  [select(func.max(c.id, date)), "SELECT max(users.id, '2026-11-21 10:42:04.000000') AS max_1 FROM users"],
];

test("lists of a tuple have as many values as it has, of the types of its columns", () => {
  const among = (list) => select(c.id).where(tuple_(c.id, c.born).in(list));
  assert.match(prepare(among([]), undefined).source, /IN \(SELECT 1, 1 FROM \(SELECT 1\) WHERE 1!=1\)$/);
  assert.match(prepare(among([[1, date], [2, null]]), undefined).source, /IN \(VALUES \(\?, \?\), \(\?, \?\)\)$/);
  for (const [list, given] of [[[[1]], "a list of 1"], [[[1, date, 3]], "a list of 3"], [[1], "number"]]) {
    const message = new RegExp(`parameter 'param_1' takes lists of 2 values, not .*${given}`);
    assert.throws(() => prepare(among(list), undefined), { name: "ArgumentError", message });
  }
});

test("the condition of a partial index stands in the SQL with its values, which parameters have not", () => {
  const upsert = (age) => insert(users).values({ name: "a", born: date })
    .onConflictDoUpdate({ indexElements: ["name"], indexWhere: c.id.gt(age), set: { flag: true } });
  for (const age of [5, 6]) {
    const { sql } = upsert(age).compile();
    assert.equal(sql, `INSERT INTO users (name, born) VALUES (?, ?) ON CONFLICT (name) WHERE id > ${age} DO UPDATE SET flag = ?`);
    assert.match(prepare(upsert(age), undefined).source, new RegExp(`WHERE id > ${age} DO`));
  }
});

for (const [statement, expected] of literals) {
  test(`with its values: ${expected}`, () => assert.equal(statement.compile({ literalBinds: true }).sql, expected));
}

test("statements and expressions show their SQL, values and parameters", () => {
  const statement = select(c.id).where(c.name.eq("x"), c.id.in([1, 2]));
  const compiled = statement.compile();
  assert.equal(compiled.sql, "SELECT users.id FROM users WHERE users.name = ? AND users.id IN (?, ?)");
  assert.deepEqual([{ ...compiled.params }, compiled.positiontup], [{ name_1: "x", id_1: [1, 2] }, ["name_1", "id_1"]]);
  assert.deepEqual([String(statement), `${compiled}`], [compiled.sql, compiled.sql]);
  assert.equal(String(c.id.add(1).gt(2)), "users.id + ? > ?");
  assert.equal(String(insert(users).compile({ columnKeys: ["name", "id"] })), "INSERT INTO users (id, name) VALUES (?, ?)");
  assert.equal(String(select(c.id).where(c.id.in(bindparam("ids", { expanding: true })))),
    "SELECT users.id FROM users WHERE users.id IN (__[POSTCOMPILE_ids])");
});

test("b1_20 a statement says what it selects and reads, and takes other columns", () => {
  const [addr, more] = ["addr", "more"].map((name) =>
    new Table(name, users.metadata, new Column("id", Integer, { primaryKey: true }), new Column("user_id", Integer, new ForeignKey("users.id"))));
  const statement = select(c.id, c.born.label("at"), func.count(), c.id.add(1)).join(addr).where(addr.c.id.gt(5));
  assert.deepEqual(statement.columnDescriptions.map(({ name, type }) => [name, type.name]),
    [["id", "Integer"], ["at", "Date"], ["count", "NullType"], [null, "NullType"]]);
  assert.equal(statement.columnDescriptions[0].expr, c.id);
  assert.deepEqual(select(addr).columnDescriptions.map(({ name, expr }) => [name, expr]), [["id", addr.c.id], ["user_id", addr.c.user_id]]);
  assert.deepEqual(statement.getFinalFroms(), [users, addr]);
  const sub = select(addr.c.user_id).subquery();
  assert.deepEqual(select(sub.c.user_id).where(c.id.in(select(more.c.id)), c.id.gt(1)).getFinalFroms(), [sub, users]);
  assert.deepEqual([select(literal(1)).getFinalFroms(), select(literal(1)).selectFrom(addr).getFinalFroms()], [[], [addr]]);
  // Other columns, the same FROM, though nothing names it any more.
  const counted = select(c.id, addr.c.id).join(addr).withOnlyColumns(func.count());
  assert.equal(String(counted), "SELECT count(*) AS count_1 FROM users JOIN addr ON users.id = addr.user_id");
  assert.deepEqual(counted.getFinalFroms(), [users, addr]);
  assert.equal(String(counted.join(more, more.c.user_id.eq(c.id)).withOnlyColumns(more.c.id)),
    "SELECT more.id FROM users JOIN addr ON users.id = addr.user_id JOIN more ON more.user_id = users.id");
  assert.equal(String(select(addr.c.id).withOnlyColumns(c.id)), "SELECT users.id FROM users");
  for (const method of ["withOnlyColumns", "addColumns"]) {
    assert.throws(() => statement[method]("id"), { name: "ArgumentError", message: /Textual column expression "id"/ });
    assert.throws(() => statement[method](5), { name: "ArgumentError", message: `${method}() takes columns, expressions and tables, not number` });
  }
});

test("b1_09 INSERT, UPDATE and DELETE have CTEs and prefixes", () => {
  const cte = select(c.id).where(c.name.gt("m")).cte("old");
  const among = c.id.in(select(cte.c.id));
  for (const [statement, sql] of [
    [update(users).prefixWith("OR IGNORE").values({ name: "x" }).addCte(cte).returning(c.id).where(c.id.eq(1)),
      "WITH old AS (SELECT users.id AS id FROM users WHERE users.name > ?) UPDATE OR IGNORE users SET name=? WHERE users.id = ? RETURNING id"],
    [update(users).values({ name: "x" }).where(among),
      "WITH old AS (SELECT users.id AS id FROM users WHERE users.name > ?) UPDATE users SET name=? WHERE users.id IN (SELECT old.id FROM old)"],
    [delete_(users).prefixWith("/* all */").addCte(cte).where(c.id.eq(1)),
      "WITH old AS (SELECT users.id AS id FROM users WHERE users.name > ?) DELETE /* all */ FROM users WHERE users.id = ?"],
    [delete_(users).addCte(cte).where(among).returning(c.id),
      "WITH old AS (SELECT users.id AS id FROM users WHERE users.name > ?) DELETE FROM users WHERE users.id IN (SELECT old.id FROM old) RETURNING id"],
    [insert(users).prefixWith("OR REPLACE").values({ name: "x" }).addCte(cte),
      "WITH old AS (SELECT users.id AS id FROM users WHERE users.name > ?) INSERT OR REPLACE INTO users (name) VALUES (?)"],
  ]) {
    assert.equal(String(statement), sql);
    assert.ok(Object.isFrozen(statement));
  }
  for (const statement of [select(c.id), insert(users), update(users), delete_(users)]) {
    assert.throws(() => statement.addCte(select(c.id)), { name: "ArgumentError", message: /addCte\(\) takes CTEs, query.cte\("name"\), not / });
    if (statement.returning) assert.throws(() => statement.returning("id"), { name: "ArgumentError", message: /Textual column expression "id"/ });
  }
  const upsert = insert(users);
  assert.equal(upsert.excluded, upsert.values({ name: "x" }).excluded);
  assert.throws(() => upsert.excluded.nothing, { name: "ArgumentError", message: /the table "users" has no column 'nothing'/ });
});

test("b1_21 a cartesian product is warned of, in UPDATE as in SELECT", () => {
  const other = table("other", column("x", Integer));
  const change = update(users).values({ name: "x" });
  const product = (verb) => `${verb} statement has a cartesian product between FROM element(s) "other" and FROM element "users".  ` +
    "Apply join condition(s) between each element to resolve.";
  for (const [statement, warnings] of [
    [select(users, other), [product("SELECT")]],
    [change.where(other.c.x.eq(5)), [product("UPDATE")]],
    [change.values({ name: other.c.x }), [product("UPDATE")]],
    [change.where(other.c.x.eq(c.id)), []],
    [change.where(c.id.in(select(other.c.x))), []],
    [change, []],
    [delete_(users).where(c.id.in(select(other.c.x))), []],
    [select(func.jsonEach(c.doc).tableValued("value").alias("j").c.value).selectFrom(users), []],
  ]) {
    assert.deepEqual(statement.compile().warnings, warnings, String(statement));
  }
});

test("values in CREATE stand in its text", () => {
  const t = new Table("t", new MetaData(), new Column("n", Integer), new CheckConstraint(column("n", Integer).in([1, 2]), { name: "few" }));
  assert.match(String(new CreateTable(t)), /CONSTRAINT few CHECK \(n IN \(1, 2\)\)/);
});

test("a5_18 what is compiled is kept by its structure, whatever the values", () => {
  const make = (id, names, limit) => select(c.id, c.name).where(c.id.gt(id), c.name.in(names)).limit(limit);
  make(0, ["x"], 4).compile();
  const [one, other] = [make(1, ["a"], 5).compile(), make(2, ["b", "c"], 6).compile()];
  // The list of warnings is the compiler's own: from the second time on it is kept, and the same one.
  assert.equal(one.warnings, other.warnings);
  assert.notEqual(one.warnings, select(c.id, c.name).where(c.id.ge(1)).compile().warnings);
  assert.deepEqual([one.params.id_1, other.params.id_1], [1, 2]);
  const sqlOf = (names) => prepare(make(1, names, 5)).source;
  assert.deepEqual([sqlOf(["a"]).match(/\?/g).length, sqlOf(["a", "b", "c"]).match(/\?/g).length], [4, 6]);
  // Types of the user's belong to the statement, not to what was kept.
  const [yes, no] = ["x", "y"].map((name) => select(column("k", Enum(name))).where(column("k", Enum(name)).eq(name)));
  for (const statement of [yes, no]) prepare(statement);
});

test("a5_18 an engine keeps as many compiled statements as it is told, the ones used last", () => {
  const bytes = (n) => new Uint8Array(new Uint32Array([n]).buffer);
  for (const size of [1, 2, 3, 4, 7, 500]) {
    /** Whether, after many, the one is there that was asked for so long ago. */
    const isKept = (ago, first = []) => {
      const kept = new Kept(size);
      for (let n = 0; n < 3 * size; n++) {
        for (const again of [...first, n]) assert.equal(kept.of(bytes(again), "", () => again), again);
      }
      let made = false;
      kept.of(bytes(3 * size - 1 - ago), "", () => (made = true));
      return !made;
    };
    assert.deepEqual([isKept(0), isKept((size - 1) >> 1), isKept(size)], [true, true, false], `${size}`);
    // What is asked for again and again stays.
    if (size > 2) assert.equal(isKept(3 * size - 1, [0]), true);
  }
});

test("a5_18 a cache of no statements keeps none, and engines do not share theirs", () => {
  const query = (id) => select(c.id).where(c.id.gt(id)).limit(3);
  const twice = (cache) => [1, 2, 3].map((id) => prepare(query(id), undefined, cache).warnings);
  const [none, one, other] = [0, 10, 10].map((size) => ({ size, kept: undefined }));
  const [, first, second] = twice(none);
  assert.notEqual(first, second);
  // The list of warnings is the compiler's own: from the second time on it is kept, and the same one.
  const [, ofOne, again] = twice(one);
  assert.equal(ofOne, again);
  const [, ofOther] = twice(other);
  assert.notEqual(ofOther, ofOne);
  one.kept = undefined;
  assert.notEqual(twice(one)[2], again);
});

test("every method gives another statement, and lists are copied", () => {
  const base = select(c.id);
  const list = [1, 2];
  const steps = [
    base.where(c.id.in(list)), base.orderBy(c.id), base.limit(1), base.distinct(), base.groupBy(c.id), base.addColumns(c.name),
    base.params({ x: 1 }), base.selectFrom(users), base.prefixWith("/*x*/"),
  ];
  const before = steps.map(String);
  list.push(3);
  assert.deepEqual([String(base), steps.map(String)], ["SELECT users.id FROM users", before]);
  assert.equal(new Set([base, ...steps]).size, steps.length + 1);
  for (const statement of [base, ...steps, insert(users), update(users), delete_(users), c.id.eq(1), users, users.c]) {
    assert.ok(Object.isFrozen(statement));
  }
  const rows = [{ name: "a" }];
  const two = insert(users).values(rows);
  rows.push({ name: "b" });
  assert.equal(String(two), "INSERT INTO users (name) VALUES (?)");
});

test("values for parameters can be given before the call", () => {
  const statement = select(c.id).where(c.id.eq(bindparam("x")), c.born.lt(bindparam("at"))).params({ x: 1, at: date });
  assert.deepEqual({ ...statement.compile().params }, { x: 1, at: date });
  assert.ok(prepare(statement).batch !== undefined);
  assert.ok(prepare(statement, { x: 2 }).batch !== undefined);
  assert.throws(() => prepare(statement.params({ at: "later" })), /parameter 'at': Date takes a Date, not "later"/);
});

test("rows, tables and columns can be named where they are used", () => {
  const v = values({ i: Integer, s: Text }, { name: "v" }).data([[1, "a"], [2, "b"]]);
  assert.equal(String(select(v.c.i, v.c.s).where(v.c.i.gt(1))),
    "WITH v(i, s) AS (VALUES (?, ?), (?, ?)) SELECT v.i, v.s FROM v WHERE v.i > ?");
  assert.throws(() => v.data([[1]]), { name: "ArgumentError", message: "row 0 of values() has 1 values for 2 columns" });
  const light = table("light", column("id", Integer), column("order"));
  assert.equal(String(select(light).where(light.c.id.eq(1))), 'SELECT light.id, light."order" FROM light WHERE light.id = ?');
  assert.equal(String(light.insert().values({ id: 1 })), "INSERT INTO light (id) VALUES (?)");
  assert.equal(String(select(column("x"), column("y").add(1).label("z")).selectFrom(light)), "SELECT x, y + ? AS z FROM light");
  assert.equal(String(func.groupConcat(c.name).aggregateOrderBy(c.id.desc())), "group_concat(users.name ORDER BY users.id DESC)");
  assert.equal(String(select(c.id).fetch(2)), "SELECT users.id FROM users LIMIT ? OFFSET ?");
  assert.equal(types.String(5).name, "String");
  assert.equal(new Column("x", types.Boolean).type, Boolean_());
  assert.equal(types.DateTime, DateTime);
});
