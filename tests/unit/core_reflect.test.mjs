// Schemas on a real SQLite, in a thread of Node: created, dropped, read back, written as TypeScript.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { apart, engine } from "./core_engine.mjs";
import { load, pkg, repository, vectors } from "./pkg.mjs";

const aludel = await load("index.js");
const { openCopy } = await load("node.js");
const {
  CheckConstraint, Column, CreateIndex, CreateTable, CreateView, DropTable, DropView, ForeignKey, ForeignKeyConstraint, func,
  generateTables, Index, insert, inspect, Inspector, Integer, listen, literalColumn, MetaData, NoSuchTableError,
  PrimaryKeyConstraint, select, String_, Table, Text, text, typeDecorator, UniqueConstraint, UnreflectableTableError,
} = aludel;

const run = async (conn, ...statements) => {
  for (const sql of statements) await conn.execDriverSql(sql);
};

const all = JSON.parse(readFileSync(vectors("reflect.json"), "utf8"));
const id = () => new Column("id", Integer, { primaryKey: true });
const to = (table, name) => new Column(name, Integer, new ForeignKey(`${table}.id`));

/** c refers to b, which refers to a. */
function chain() {
  const metadata = new MetaData();
  const c = new Table("c", metadata, id(), to("b", "b_id"));
  const b = new Table("b", metadata, id(), to("a", "a_id"));
  const a = new Table("a", metadata, id());
  return { metadata, a, b, c };
}

/** What an inspector says of all tables, for comparison. */
const said = (inspector, names) =>
  names.map((name) => ({
    columns: inspector.getColumns(name).map(({ type, ...column }) => ({ ...column, type: type.name })),
    pk: inspector.getPkConstraint(name),
    keys: inspector.getForeignKeys(name),
    unique: inspector.getUniqueConstraints(name),
    checks: inspector.getCheckConstraints(name),
    indexes: inspector.getIndexes(name),
    options: inspector.getTableOptions(name),
  }));

test("b5_12 the inspector says in JavaScript what SQLAlchemy's says", async () => {
  // As in tests/it/reflect.rs, where the reasons stand.
  const different = [
    "check_strings t checks", "collations t unique", "computed t columns", "computed_brief t columns", "default_quoted t columns",
    "foreign_key_inline_options t foreign_keys", "index_expression t indexes", "unique_inline t unique",
    "unique_inline_plain t unique",
  ];
  for (const [name, vector] of Object.entries(all)) {
    await apart(async (conn) => {
      await run(conn, ...vector.ddl);
      const inspector = await inspect(conn);
      assert.ok(inspector instanceof Inspector && Object.isFrozen(inspector));
      assert.deepEqual(inspector.getTableNames(), vector.table_names, name);
      assert.deepEqual(inspector.getViewNames(), vector.view_names, name);
      assert.deepEqual(inspector.getTempTableNames(), vector.temp_table_names, name);
      assert.deepEqual(inspector.getTempViewNames(), vector.temp_view_names, name);
      for (const [view, sql] of Object.entries(vector.definitions)) assert.equal(inspector.getViewDefinition(view), sql);
      for (const [table, expected] of Object.entries(vector.tables)) {
        const check = (what, ours, theirs) => {
          if (!different.includes(`${name} ${table} ${what}`)) assert.deepEqual(ours, theirs, `${name} ${table} ${what}`);
        };
        const columns = inspector.getColumns(table).map(({ name, nullable, default: value, primaryKey, computed = null }) => ({
          name, nullable, default: value, primary_key: primaryKey, computed,
        }));
        check("columns", columns, expected.columns.map(({ type: _, ...column }) => column));
        const key = inspector.getPkConstraint(table);
        check("pk", { constrained_columns: key.constrainedColumns, name: key.name }, expected.pk);
        check("foreign_keys", inspector.getForeignKeys(table).map((key) => ({
          name: key.name, constrained_columns: key.constrainedColumns, referred_table: key.referredTable,
          referred_columns: key.referredColumns, options: key.options,
        })), expected.foreign_keys);
        check("indexes", inspector.getIndexes(table).map((index) => ({
          name: index.name, column_names: index.columnNames, unique: index.unique, where: index.dialectOptions.sqliteWhere ?? null,
        })), expected.indexes);
        check("unique", inspector.getUniqueConstraints(table).map(({ name, columnNames }) => ({ name, column_names: columnNames })), expected.unique);
        check("checks", inspector.getCheckConstraints(table), expected.checks);
        const { sqliteWithRowid, sqliteStrict } = inspector.getTableOptions(table);
        check("options", { sqlite_with_rowid: sqliteWithRowid, sqlite_strict: sqliteStrict },
          { sqlite_with_rowid: expected.options.sqlite_with_rowid, sqlite_strict: expected.options.sqlite_strict });
      }
    });
  }
});

test("b5_13 what was read is created anew and read as it was", async () => {
  for (const [name, vector] of Object.entries(all)) {
    const metadata = new MetaData();
    let before;
    await apart(async (conn) => {
      await run(conn, ...vector.ddl);
      const inspector = await inspect(conn);
      await metadata.reflect(inspector);
      for (const table of inspector.getTempTableNames()) await Table.reflect(table, metadata, inspector);
      before = said(inspector, [...metadata.tables.keys()]);
    });
    await apart(async (conn) => {
      await metadata.createAll(conn);
      assert.deepEqual(said(await inspect(conn), [...metadata.tables.keys()]), before, name);
      await metadata.dropAll(conn);
      assert.deepEqual((await inspect(conn)).getTableNames(), [], name);
    });
  }
});

test("b5_13 collations and orders of keys are kept, also in generated code", async () => {
  const created = async (conn) => (await conn.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"))).scalars().all();
  const metadata = new MetaData();
  let source;
  await apart(async (conn) => {
    await run(conn, ...all.collations.ddl);
    await metadata.reflect(conn);
    source = generateTables(await inspect(conn));
  });
  assert.match(source, /declaredAs\(Text, "TEXT COLLATE \\"nocase\\""\)/);
  assert.match(source, /sqliteOrder: \["COLLATE \\"nocase\\" DESC", ""\]/);
  assert.match(source, /new PrimaryKeyConstraint\("id", \{ sqliteOrder: \["DESC"\] \}\)/);
  await apart(async (conn) => {
    await metadata.createAll(conn);
    const [t, u, v] = await created(conn);
    assert.match(t, /a TEXT COLLATE "nocase"/);
    assert.match(t, /b VARCHAR\(5\) COLLATE "RTRIM" NOT NULL/);
    assert.match(t, /UNIQUE \(b COLLATE "nocase" DESC, c\)/);
    assert.match(u, /id INTEGER PRIMARY KEY DESC/);
    assert.match(v, /PRIMARY KEY \(b DESC, a COLLATE "NOCASE"\)/);
  });
});

test("b5_12 all tables are told at once, and what is missing is a named error", async () => {
  await apart(async (conn) => {
    await run(conn, "CREATE TABLE t (a INTEGER, b TEXT UNIQUE)", "CREATE INDEX ix ON t (b DESC)", "CREATE TABLE gone (x)",
      "CREATE VIEW broken AS SELECT x FROM gone", "DROP TABLE gone", "CREATE VIEW v AS SELECT a FROM t", "CREATE TEMP TABLE tmp (z)");
    const inspector = await inspect(conn);
    assert.deepEqual([...inspector.getMultiColumns().keys()], ["t"]);
    assert.deepEqual([...inspector.getMultiColumns({ kind: "any" }).keys()], ["t", "v"]);
    assert.deepEqual([...inspector.getMultiIndexes({ filterNames: ["T"] }).get("t")][0].columnSorting, { b: ["desc"] });
    for (const multi of ["PkConstraint", "ForeignKeys", "UniqueConstraints", "CheckConstraints", "TableOptions"]) {
      assert.deepEqual(inspector[`getMulti${multi}`]().get("t"), inspector[`get${multi}`]("t"));
    }
    assert.deepEqual(inspector.getIndexes("t", { includeAutoIndexes: true }).map(({ name }) => name), ["ix", "sqlite_autoindex_t_1"]);
    assert.ok(inspector.hasIndex("t", "IX") && !inspector.hasIndex("t", "iy") && !inspector.hasIndex("nobody", "ix"));
    assert.ok(inspector.hasTable("tmp") && !inspector.hasTable("tmp", { schema: "main" }) && inspector.hasSchema("main"));
    assert.deepEqual(inspector.getSchemaNames(), ["main"]);
    assert.deepEqual(inspector.getSortedTableAndFkcNames(), [["t", []], [null, []]]);
    assert.throws(() => inspector.getColumns("nobody"), (error) => error instanceof NoSuchTableError && error.message === "nobody");
    assert.throws(() => inspector.getColumns("t", { schema: "aux" }), { name: "NoSuchTableError", message: "aux.t" });
    assert.throws(() => inspector.getColumns("broken"),
      (error) => error instanceof UnreflectableTableError && /^broken: no such table: main\.gone/.test(error.message));
    assert.throws(() => inspector.getViewDefinition("t"), NoSuchTableError);
    assert.equal(inspector.getViewDefinition("broken"), "CREATE VIEW broken AS SELECT x FROM gone");
    await assert.rejects(Table.reflect("nobody", new MetaData(), inspector), NoSuchTableError);
  });
  assert.deepEqual((await inspect(engine)).getTableNames(), []);
  const forgotten = engine.connect();
  await assert.rejects(inspect(forgotten), /inspect\(\) takes a connection or an engine.*await/);
  await (await forgotten).close();
});

test("b5_13 tables are read in part, with columns of one's own, and used", async () => {
  await apart(async (conn) => {
    await run(conn, "CREATE TABLE p (id INTEGER PRIMARY KEY)",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p, tags TEXT, \"a.b\" TEXT, UNIQUE (tags), CHECK (tags <> ''))",
      "CREATE INDEX ix ON t (p_id)", "INSERT INTO p VALUES (1)", "INSERT INTO t VALUES (1, 1, 'x,y', 'z')", "CREATE VIEW v AS SELECT 1 AS one");
    const metadata = new MetaData();
    const tags = typeDecorator({ name: "Tags", impl: Text, toDb: (list) => list.join(","), fromDb: (value) => value.split(",") });
    const t = await Table.reflect("t", metadata, conn, { columns: [new Column("tags", tags)] });
    assert.deepEqual([...metadata.tables.keys()], ["t", "p"]);
    assert.deepEqual([...(await conn.execute(select(t))).one()], [1, 1, ["x", "y"], "z"]);
    const joined = select(t.c.id).join(metadata.tables.get("p"));
    assert.equal(await conn.scalar(joined), 1);
    assert.equal(await Table.reflect("t", metadata, conn), t, "what is there stays");
    assert.notEqual(await Table.reflect("t", metadata, conn, { extendExisting: true }), t);
    const part = new MetaData();
    const some = await Table.reflect("t", part, conn, { includeColumns: ["id", "tags"], resolveFks: false });
    assert.deepEqual(some.columns.map(({ name }) => name), ["id", "tags"]);
    assert.equal(some.indexes.length, 0);
    assert.deepEqual([...part.tables.keys()], ["t"]);

    const names = async (options) => {
      const read = new MetaData();
      await read.reflect(conn, options);
      return [...read.tables.keys()].sort();
    };
    assert.deepEqual(await names(), ["p", "t"]);
    assert.deepEqual(await names({ views: true }), ["p", "t", "v"]);
    assert.deepEqual(await names({ only: ["t"] }), ["p", "t"]);
    assert.deepEqual(await names({ only: ["t"], resolveFks: false }), ["t"]);
    assert.deepEqual(await names({ only: (name) => name === "p" }), ["p"]);
    await assert.rejects(names({ only: ["p", "zz"] }), { name: "InvalidRequestError", message: /requested table\(s\) not available.*\(zz\)/ });
  });
});

test("b5_01 sets of tables are sorted, copied and emptied", async () => {
  const { metadata, b, c } = chain();
  assert.deepEqual([...metadata.tables.keys()], ["c", "b", "a"]);
  assert.deepEqual(metadata.sortedTables.map(({ name }) => name), ["a", "b", "c"]);
  const other = new MetaData({ schema: "aux" });
  assert.equal(new Table("here", other, id()).schema, "aux");
  const copy = b.toMetadata(other, { name: "b2" });
  assert.deepEqual([copy.name, copy.schema, copy.metadata === other], ["b2", "aux", true]);
  assert.deepEqual(copy.columns.map(({ name, type }) => [name, type]), b.columns.map(({ name, type }) => [name, type]));
  assert.throws(() => b.toMetadata("aux"), { name: "ArgumentError", message: "toMetadata() takes a MetaData, not string" });
  assert.throws(() => new Table("b", metadata, id()), { name: "InvalidRequestError", message: /Table 'b' is already defined/ });
  metadata.remove(c);
  assert.deepEqual(metadata.sortedTables.map(({ name }) => name), ["a", "b"]);
  metadata.clear();
  assert.equal(metadata.tables.size, 0);
  metadata.info.note = 1;
  assert.deepEqual([metadata.info, other.info], [{ note: 1 }, {}], "notes belong to their set");
  const naming = new MetaData({ namingConvention: { pk: "pk_%(table_name)s", fk: "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    uq: "uq_%(table_name)s_%(column_0_name)s", ck: "ck_%(table_name)s_%(constraint_name)s", ix: "ix_%(column_0_label)s" } });
  new Table("p", naming, id());
  new Table("t", naming, id(), new Column("p_id", Integer, new ForeignKey("p.id"), { unique: true }),
    new Column("x", Integer, { index: true }), new CheckConstraint("x > 0", { name: "positive" }));
  await apart(async (conn) => {
    await naming.createAll(conn);
    const inspector = await inspect(conn);
    assert.equal(inspector.getPkConstraint("t").name, "pk_t");
    assert.equal(inspector.getForeignKeys("t")[0].name, "fk_t_p_id_p");
    assert.equal(inspector.getUniqueConstraints("t")[0].name, "uq_t_p_id");
    assert.equal(inspector.getCheckConstraints("t")[0].name, "ck_t_positive");
    assert.equal(inspector.getIndexes("t")[0].name, "ix_t_x");
  });
});

/** What tables of a set are created by. */
const ddlOf = (...tables) => tables.flatMap((table) =>
  [new CreateTable(table), ...table.indexes.map((index) => new CreateIndex(table, index))].map((ddl) => String(ddl).replace(/\s+/g, " ")));

test("b5_01 copies of tables have keys, constraints and indexes of their own", () => {
  const metadata = new MetaData();
  const users = new Table("users", metadata, id(), new Column("name", Text, { index: true }), to("users", "boss"),
    new CheckConstraint("name <> ''"), new UniqueConstraint("name"), { info: { note: 1 }, sqliteStrict: true });
  const addr = new Table("addr", metadata, id(), new Column("user_id", Integer, new ForeignKey(() => users.c.id, { ondelete: "CASCADE" })),
    to("other.things", "thing"), new Column("more", Integer), new ForeignKeyConstraint(["more", "thing"], [users.c.id, "users.boss"]));
  new Index("ix_later", addr.c.user_id, func.abs(addr.c.more), { sqliteWhere: addr.c.more.gt(literalColumn("1")) });
  new Index("ix_expression", func.abs(addr.c.thing));
  const original = ddlOf(users, addr);
  assert.deepEqual(addr.indexes.map(({ name }) => name), ["ix_later", "ix_expression"]);

  const aux = new MetaData();
  const copies = [users.toMetadata(aux, { schema: "aux", name: "people" }), addr.toMetadata(aux, { schema: "aux" })];
  assert.equal(copies[0].info.note, 1);
  assert.deepEqual([...aux.tables.keys()], ["aux.people", "aux.addr"]);
  assert.deepEqual(ddlOf(...copies), [
    "CREATE TABLE aux.people ( id INTEGER NOT NULL, name TEXT, boss INTEGER, PRIMARY KEY (id), " +
      "FOREIGN KEY(boss) REFERENCES people (id), CHECK (name <> ''), UNIQUE (name) ) STRICT",
    "CREATE INDEX aux.ix_aux_people_name ON people (name)",
    "CREATE TABLE aux.addr ( id INTEGER NOT NULL, user_id INTEGER, thing INTEGER, more INTEGER, PRIMARY KEY (id), " +
      "FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE, FOREIGN KEY(more, thing) REFERENCES users (id, boss) )",
    "CREATE INDEX aux.ix_later ON addr (user_id, abs(more)) WHERE more > 1",
    "CREATE INDEX aux.ix_expression ON addr (abs(thing))",
  ], "a key to another database is for joins only");
  assert.deepEqual(copies[1].referredTables(), [["aux", "users"], ["other", "things"], ["aux", "users"]]);
  assert.deepEqual([ddlOf(users, addr), addr.indexes.length], [original, 2], "the original stays as it is");

  // A set has an attached database, too, which keys that name none mean.
  const all = new MetaData({ schema: "aux" });
  const [user, mail] = [users.toMetadata(all), addr.toMetadata(all)];
  assert.deepEqual([user.schema, user.referredTables(), mail.referredTables()],
    ["aux", [["aux", "users"]], [["aux", "users"], ["other", "things"], ["aux", "users"]]]);
  assert.deepEqual(all.sortedTables, [user, mail]);
  // And back: null is the database of the set.
  const back = copies[1].toMetadata(new MetaData(), { schema: null });
  assert.deepEqual([back.schema, back.referredTables()], [undefined, [[undefined, "users"], ["other", "things"], [undefined, "users"]]]);
  assert.throws(() => users.toMetadata(all), { name: "InvalidRequestError", message: /Table 'aux.users' is already defined/ });
});

test("b5_14 tables are copied to an attached database, and joined there", async () => {
  const metadata = new MetaData();
  const users = new Table("users", metadata, id(), new Column("name", Text, { index: true }));
  const addr = new Table("addr", metadata, id(), to("users", "user_id"));
  const aux = new MetaData();
  const [people, mail] = [users, addr].map((table) => table.toMetadata(aux, { schema: "aux" }));
  const conn = await engine.connect();
  try {
    await conn.executionOptions({ isolationLevel: "AUTOCOMMIT" });
    await run(conn, "ATTACH ':memory:' AS aux");
    await aux.createAll(conn);
    await metadata.createAll(conn);
    await conn.execute(people.insert(), [{ id: 1, name: "Dan" }]);
    await conn.execute(mail.insert(), [{ id: 5, user_id: 1 }]);
    const joined = select(people.c.name, mail.c.id).join(mail);
    assert.equal(String(joined), "SELECT users.name, addr.id FROM aux.users JOIN aux.addr ON users.id = addr.user_id".replace(/\b(users|addr)\./g, "aux.$1."));
    assert.deepEqual((await conn.execute(joined)).all().map((row) => [...row]), [["Dan", 5]]);
    assert.deepEqual((await conn.execute(select(users.c.name, addr.c.id).join(addr))).all(), []);
    assert.throws(() => String(select(people.c.name).join(addr)), { name: "NoForeignKeysError" });
    const inspector = await inspect(conn);
    assert.ok(inspector.hasIndex("users", "ix_aux_users_name", { schema: "aux" }));
    await assert.rejects(conn.execute(mail.insert(), { user_id: 7 }), { name: "IntegrityError" });
    await aux.dropAll(conn);
    await metadata.dropAll(conn);
    await run(conn, "DETACH aux");
  } finally {
    await conn.close();
  }
});

test("b5_13 what cannot be read is left out, unless it was asked for", async () => {
  await apart(async (conn) => {
    await run(conn, "CREATE TABLE gone (x)", "CREATE VIEW broken AS SELECT x FROM gone",
      "CREATE TABLE t (id INTEGER PRIMARY KEY, b INTEGER REFERENCES broken (x))", "DROP TABLE gone");
    const names = async (options) => {
      const read = new MetaData();
      await read.reflect(conn, options);
      return [...read.tables.keys()];
    };
    assert.deepEqual(await names(), ["t"]);
    assert.deepEqual(await names({ views: true }), ["t"]);
    assert.deepEqual(await names({ only: (name) => name === "t" }), ["t"]);
    assert.deepEqual(await names({ only: ["t"], resolveFks: false }), ["t"]);
    await assert.rejects(names({ only: ["t"] }), { name: "UnreflectableTableError", message: /^broken: / });
    await assert.rejects(names({ only: ["t", "broken"], views: true }), { name: "UnreflectableTableError" });
    await assert.rejects(Table.reflect("t", new MetaData(), conn), { name: "UnreflectableTableError" });
  });
});

test("b5_02 tables have options, which SQLite keeps", async () => {
  const metadata = new MetaData();
  new Table("auto", metadata, id(), { sqliteAutoincrement: true, comment: "stays here", info: { note: 1 } });
  new Table("bare", metadata, new Column("k", Text, { primaryKey: true }), { sqliteWithRowid: false, sqliteStrict: true });
  new Table("tmp", metadata, id(), { prefixes: ["TEMPORARY"] });
  await apart(async (conn) => {
    await metadata.createAll(conn);
    const inspector = await inspect(conn);
    assert.deepEqual(inspector.getTableOptions("auto"), { sqliteAutoincrement: true });
    assert.deepEqual(inspector.getTableOptions("bare"), { sqliteWithRowid: false, sqliteStrict: true });
    assert.deepEqual(inspector.getTempTableNames(), ["tmp"]);
    await assert.rejects(new Table("strict", new MetaData(), new Column("a", String_(5)), { sqliteStrict: true }).create(conn),
      { name: "CompileError", message: /'strict' is STRICT.*'a' is VARCHAR\(5\)/ });
  });
  const auto = metadata.tables.get("auto");
  assert.deepEqual([auto.info.note, auto.comment], [1, "stays here"]);
  assert.equal(new Table("auto", metadata, id(), { keepExisting: true }), auto);
  const other = new Table("auto", metadata, id(), { extendExisting: true });
  assert.ok(other !== auto && metadata.tables.get("auto") === other);
  assert.throws(() => new Table("auto", metadata, id()), { name: "InvalidRequestError", message: /extendExisting: true/ });
  assert.throws(() => new Table("u", metadata, id(), { strict: true }), { name: "ArgumentError", message: /'strict' of table "u"; known are: schema, / });
});

test("b5_02 tables lie in attached databases", async () => {
  const conn = await engine.connect();
  await conn.executionOptions({ isolationLevel: "AUTOCOMMIT" });
  await run(conn, "ATTACH ':memory:' AS aux");
  const metadata = new MetaData({ schema: "aux" });
  new Table("p", metadata, id());
  const t = new Table("t", metadata, id(), new Column("p_id", Integer, new ForeignKey("aux.p.id")), new Column("x", Text, { index: true }));
  await metadata.createAll(conn);
  await metadata.createAll(conn);
  await conn.execute(t.insert(), { id: 1, x: "a" });
  assert.equal(await conn.scalar(select(t.c.x)), "a");
  const inspector = await inspect(conn);
  assert.deepEqual(inspector.getSchemaNames(), ["main", "aux"]);
  assert.deepEqual([inspector.getTableNames(), inspector.getTableNames({ schema: "aux" })], [[], ["p", "t"]]);
  assert.equal(inspector.getForeignKeys("t", { schema: "aux" })[0].referredSchema, "aux");
  assert.ok(inspector.hasIndex("t", "ix_aux_t_x", { schema: "aux" }));
  const read = new MetaData();
  const again = await Table.reflect("t", read, conn, { schema: "aux" });
  assert.deepEqual([...read.tables.keys()], ["aux.t", "aux.p"]);
  assert.deepEqual([...(await conn.execute(select(again))).one()], [1, null, "a"]);
  await metadata.dropAll(conn);
  assert.deepEqual((await inspect(conn)).getTableNames({ schema: "aux" }), []);
  await run(conn, "DETACH aux");
  await conn.close();
});

test("b5_03 columns have defaults, clauses and keys of their own", async () => {
  const metadata = new MetaData();
  const t = new Table("t", metadata,
    new Column("select", Integer, { key: "chosen", primaryKey: true, nullable: false, sqliteOnConflictNotNull: "FAIL" }),
    new Column("x", String_(5), { serverDefault: "it's", default: "mine", onupdate: "new", comment: "a note", info: { a: 1 } }),
    new Column("y", Integer, { serverDefault: literalColumn("1 + 2"), check: new CheckConstraint("y > 0"), unique: true, sqliteOnConflictUnique: "IGNORE" }));
  await apart(async (conn) => {
    await metadata.createAll(conn);
    const [chosen, x, y] = (await inspect(conn)).getColumns("t");
    assert.deepEqual([chosen.name, chosen.nullable, x.default, y.default], ["select", false, "'it''s'", "1 + 2"]);
    const sql = await conn.scalar(text("SELECT sql FROM sqlite_master WHERE name = 't'"));
    for (const part of ["\"select\" INTEGER NOT NULL ON CONFLICT FAIL", "y INTEGER DEFAULT (1 + 2) CHECK (y > 0)", "UNIQUE (y) ON CONFLICT IGNORE"]) {
      assert.ok(sql.includes(part), sql);
    }
    await conn.execute(insert(t).values({ chosen: 1 }));
    assert.deepEqual([...(await conn.execute(select(t))).one()], [1, "mine", 3]);
    await conn.execute(t.update().values({ y: 4 }));
    assert.equal(await conn.scalar(select(t.c.x)), "new");
  });
  assert.throws(() => new Table("u", metadata, id(), id()), /A column with name 'id' is already present in table 'u'/);
  assert.throws(() => new Column("a", Integer, { primary_key: true }), { name: "ArgumentError", message: /'primary_key' of column "a"; known are: key, / });
});

test("b5_04 constraints have names and clauses, and are of one column or several", async () => {
  const metadata = new MetaData();
  new Table("p", metadata, id(), new Column("a", Integer), new Column("b", Integer), new UniqueConstraint("a", "b", { name: "uq_ab" }));
  const t = new Table("t", metadata, new Column("k", Integer, { nullable: false }), new Column("y", Integer), new Column("z", Integer),
    new PrimaryKeyConstraint("k", { name: "pk_t", sqliteOnConflict: "REPLACE" }),
    new ForeignKeyConstraint(["y", "z"], ["p.a", "p.b"], { name: "fk", ondelete: "CASCADE", onupdate: "SET NULL", deferrable: true, initially: "DEFERRED" }),
    new UniqueConstraint("z", { sqliteOnConflict: "IGNORE" }), new CheckConstraint("y > 0", { name: "positive" }));
  await apart(async (conn) => {
    await metadata.createAll(conn);
    const inspector = await inspect(conn);
    assert.deepEqual(inspector.getPkConstraint("t"), { name: "pk_t", constrainedColumns: ["k"] });
    assert.deepEqual(inspector.getForeignKeys("t"), [{
      name: "fk", constrainedColumns: ["y", "z"], referredSchema: null, referredTable: "p", referredColumns: ["a", "b"],
      options: { ondelete: "CASCADE", onupdate: "SET NULL", deferrable: true, initially: "DEFERRED" },
    }]);
    assert.deepEqual(inspector.getUniqueConstraints("p"), [{ name: "uq_ab", columnNames: ["a", "b"] }]);
    assert.deepEqual(inspector.getCheckConstraints("t"), [{ name: "positive", sqltext: "y > 0" }]);
    const sql = await conn.scalar(text("SELECT sql FROM sqlite_master WHERE name = 't'"));
    assert.ok(sql.includes("PRIMARY KEY (k) ON CONFLICT REPLACE") && sql.includes("UNIQUE (z) ON CONFLICT IGNORE"), sql);
    await assert.rejects(conn.execute(t.insert(), { k: 1, y: -1 }), { name: "IntegrityError", message: /positive/ });
  });
  assert.deepEqual(metadata.sortedTables.map(({ name }) => name), ["p", "t"], "a constraint tells the order, too");
});

test("b5_04 constraints and indexes are of columns by their keys", () => {
  const t = new Table("t", new MetaData(), new Column("a_b", Integer, { key: "aB" }), new Column("c_d", Text, { key: "cD", index: true }),
    new PrimaryKeyConstraint("aB"), new UniqueConstraint("cD"), new ForeignKeyConstraint(["cD"], ["x.y"]), new Index("ix", "cD", "aB"));
  assert.deepEqual(ddlOf(t), [
    "CREATE TABLE t ( a_b INTEGER NOT NULL, c_d TEXT, PRIMARY KEY (a_b), UNIQUE (c_d), FOREIGN KEY(c_d) REFERENCES x (y) )",
    "CREATE INDEX ix ON t (c_d, a_b)", "CREATE INDEX ix_t_c_d ON t (c_d)",
  ]);
  assert.deepEqual(t.primaryKey, [t.columns[0]]);
  // A name will do as well, as SQLite takes it.
  assert.equal(String(new CreateIndex(t, new Index("ix", "A_B"))), "CREATE INDEX ix ON t (a_b)");
});

test("b5_07 columns are computed, stored or not", async () => {
  const metadata = new MetaData();
  const t = new Table("t", metadata, id(), new Column("a", Integer), new Column("b", Integer, { computed: { sqltext: "a * 2", persisted: true } }),
    new Column("c", Integer, { computed: { sqltext: literalColumn("a + 1"), persisted: false } }), new Column("d", Text, { computed: { sqltext: "'x)' || a" } }));
  await apart(async (conn) => {
    await metadata.createAll(conn);
    await conn.execute(t.insert(), { id: 1, a: 5 });
    assert.deepEqual([...(await conn.execute(select(t))).one()], [1, 5, 10, 6, "x)5"]);
    assert.deepEqual((await inspect(conn)).getColumns("t").map(({ computed }) => computed), [
      undefined, undefined, { sqltext: "a * 2", persisted: true }, { sqltext: "a + 1", persisted: false }, { sqltext: "'x)' || a", persisted: false },
    ]);
  });
});

test("b5_08 there are no identities and sequences, and comments stay in the program", async () => {
  assert.throws(() => new Column("id", Integer, { identity: true }), { name: "CompileError", message: /SQLite has no identity: it chooses the value of a lone INTEGER primary key/ });
  assert.throws(() => new Column("id", Integer, { sequence: "s" }), { name: "CompileError" });
  await apart(async (conn) => {
    await new Table("t", new MetaData(), id(), { comment: "secret" }).create(conn);
    assert.doesNotMatch(await conn.scalar(text("SELECT sql FROM sqlite_master WHERE name = 't'")), /secret/);
  });
});

test("b5_17 what only SQLite has is at hand", async () => {
  await apart(async (conn) => {
    await run(conn, "CREATE VIRTUAL TABLE notes USING fts5(title, body)", "INSERT INTO notes VALUES ('Tea', 'green and black'), ('Coffee', 'black')");
    const notes = await Table.reflect("notes", new MetaData(), conn);
    const found = await conn.scalars(select(notes.c.title).where(literalColumn("notes").match("green")));
    assert.deepEqual(found.all(), ["Tea"]);
    assert.doesNotMatch(generateTables(await inspect(conn)), /notes_data/, "what FTS5 keeps for itself is not written");
    await run(conn, "PRAGMA user_version = 7");
    assert.equal(await conn.scalar(text("PRAGMA user_version")), 7);
  });
  await engine.begin((conn) => run(conn, "CREATE TABLE kept (a INTEGER)", "INSERT INTO kept VALUES (3)"));
  const bytes = await engine.exportBytes();
  await engine.begin((conn) => run(conn, "DROP TABLE kept"));
  await engine.importBytes(bytes);
  assert.equal(await engine.scalar(text("SELECT a FROM kept")), 3);
  await engine.begin((conn) => run(conn, "DROP TABLE kept"));
});

test("b5_05 foreign keys are enforced unless told otherwise", async () => {
  const { metadata, b } = chain();
  await apart(async (conn) => {
    await metadata.createAll(conn);
    await assert.rejects(conn.execute(b.insert(), { id: 1, a_id: 7 }), { name: "IntegrityError", message: /FOREIGN KEY/ });
  });
  const lax = await openCopy(undefined, { foreignKeys: false });
  try {
    await metadata.createAll(lax);
    assert.equal((await lax.execute(b.insert(), { id: 1, a_id: 7 })).rowcount, 1);
    assert.deepEqual([...(await lax.execute(select(b))).one()], [1, 7]);
  } finally {
    await lax.dispose();
  }
});

test("b5_06 indexes are over columns and expressions, unique or partial", async () => {
  const metadata = new MetaData();
  const t = new Table("t", metadata, id(), new Column("a", Text, { index: true }), new Column("b", Text, { index: true, unique: true }),
    new Column("c", Text, { unique: true }), new Index("ix_low", literalColumn("lower(a)"), "b", { sqliteWhere: literalColumn("a > 'm'") }));
  await apart(async (conn) => {
    await t.create(conn);
    const inspector = await inspect(conn);
    assert.deepEqual(inspector.getIndexes("t").map(({ name, unique, columnNames, expressions, dialectOptions }) => ({ name, unique, columnNames, expressions, dialectOptions })), [
      { name: "ix_low", unique: false, columnNames: [null, "b"], expressions: ["lower(a)", "b"], dialectOptions: { sqliteWhere: "a > 'm'" } },
      { name: "ix_t_a", unique: false, columnNames: ["a"], expressions: ["a"], dialectOptions: {} },
      { name: "ix_t_b", unique: true, columnNames: ["b"], expressions: ["b"], dialectOptions: {} },
    ]);
    assert.deepEqual(inspector.getUniqueConstraints("t"), [{ name: null, columnNames: ["c"] }]);
    await conn.execute(new CreateIndex(t, new Index("late", func.upper(t.c.c)), { ifNotExists: true }));
    assert.ok((await inspect(conn)).hasIndex("t", "late"));
  });
  // One over columns of a table is the table's.
  const after = new Index("ix_after", t.c.a, t.c.c, { unique: true });
  assert.equal(t.indexes.at(-1), after);
  await apart(async (conn) => {
    await metadata.createAll(conn);
    assert.equal((await inspect(conn)).getIndexes("t").find(({ name }) => name === "ix_after").unique, true);
  });
});

test("b5_09 tables are created and dropped in their order, once, and views beside them", async () => {
  const { metadata, a, b, c } = chain();
  await apart(async (conn) => {
    await run(conn, "CREATE TABLE b (id INTEGER PRIMARY KEY, mine TEXT)");
    await metadata.createAll(conn);
    await metadata.createAll(conn);
    assert.deepEqual((await inspect(conn)).getColumns("b").map(({ name }) => name), ["id", "mine"]);
    await assert.rejects(metadata.createAll(conn, { checkfirst: false }), { name: "OperationalError", message: /table a already exists/ });
    await conn.rollback();
    await a.create(conn);
    await a.create(conn);
    await metadata.createAll(conn, { tables: [b] });
    assert.deepEqual((await inspect(conn)).getTableNames(), ["a", "b"]);
    await b.drop(conn);
    await metadata.dropAll(conn);
    await metadata.dropAll(conn);
    await assert.rejects(c.drop(conn, { checkfirst: false }), { name: "OperationalError", message: /no such table: c/ });
    await metadata.createAll(conn);
    await run(conn, "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (1, 1)", "INSERT INTO c VALUES (1, 1)");
    await conn.execute(new CreateView("v", select(a), { temporary: true }));
    await conn.execute(new DropView("v"));
    await conn.execute(new CreateTable(a, { ifNotExists: true }));
    await metadata.dropAll(conn);
    await conn.execute(new DropTable(a, { ifExists: true }));
    assert.deepEqual((await inspect(conn)).getTableNames(), []);
  });
  await metadata.createAll(engine);
  assert.deepEqual(await engine.tableNames(), ["a", "b", "c"]);
  await metadata.dropAll(engine);
  assert.deepEqual(await engine.tableNames(), []);
  await assert.rejects(metadata.createAll("sqlite://"), /createAll\(\) takes a connection or an engine/);
});

test("b5_09 a circle of foreign keys is dropped with a warning", async (t) => {
  const warn = t.mock.method(console, "warn", () => undefined);
  const metadata = new MetaData();
  new Table("x", metadata, id(), to("y", "other"));
  new Table("y", metadata, id(), new Column("other", Integer), new ForeignKeyConstraint(["other"], ["x.id"]));
  assert.deepEqual(metadata.sortedTables.map(({ name }) => name), ["x", "y"]);
  await metadata.createAll(engine);
  await engine.begin((conn) => run(conn, "INSERT INTO x VALUES (1, NULL)", "INSERT INTO y VALUES (1, 1)", "UPDATE x SET other = 1"));
  await metadata.dropAll(engine);
  assert.deepEqual(await engine.tableNames(), []);
  assert.equal(warn.mock.callCount(), 1);
  assert.match(warn.mock.calls[0].arguments[0], / WARNING sqlalchemy\.engine\.Engine Can't sort tables for DROP; .* between tables: x, y;/);
});

test("b5_09 two who create the same tables at once both find them there", async () => {
  const { metadata } = chain();
  const create = async () => {
    const conn = await engine.connect();
    await metadata.createAll(conn);
    await conn.commit();
    await conn.close();
  };
  await Promise.all([create(), create(), metadata.createAll(engine)]);
  assert.deepEqual(await engine.tableNames(), ["a", "b", "c"]);
  await Promise.all([metadata.dropAll(engine), metadata.dropAll(engine)]);
  assert.deepEqual(await engine.tableNames(), []);
});

test("b5_10 what was created goes with its transaction", async () => {
  const { metadata, a } = chain();
  await assert.rejects(engine.begin(async (conn) => {
    await metadata.createAll(conn);
    await conn.execute(a.insert(), { id: 1 });
    throw new Error("no");
  }), /^Error: no$/);
  assert.deepEqual(await engine.tableNames(), []);
  await apart(async (conn) => {
    await metadata.createAll(conn);
    await assert.rejects(conn.beginNested(async () => {
      await metadata.dropAll(conn);
      assert.deepEqual((await inspect(conn)).getTableNames(), []);
      throw new Error("back");
    }), /back/);
    assert.deepEqual((await inspect(conn)).getTableNames(), ["a", "b", "c"]);
  });
});

test("b5_11 those who listen are told when tables come and go, and may do their part", async () => {
  const { metadata, a } = chain();
  const told = [];
  const stops = ["beforeCreate", "afterCreate", "beforeDrop", "afterDrop"].flatMap((event) => [
    listen(metadata, event, (target, conn, { tables }) => told.push(`${event} all ${tables.map(({ name }) => name)} ${target === metadata}`)),
    listen(a, event, async (table, conn) => {
      told.push(`${event} ${table.name}`);
      if (event === "afterCreate") await conn.execute(a.insert(), { id: 7 });
    }),
  ]);
  await apart(async (conn) => {
    await metadata.createAll(conn);
    assert.equal(await conn.scalar(select(a.c.id)), 7);
    await metadata.createAll(conn);
    await metadata.dropAll(conn);
    assert.deepEqual(told, [
      "beforeCreate all a,b,c true", "beforeCreate a", "afterCreate a", "afterCreate all a,b,c true",
      "beforeCreate all  true", "afterCreate all  true",
      "beforeDrop all c,b,a true", "beforeDrop a", "afterDrop a", "afterDrop all c,b,a true",
    ]);
    stops.forEach((stop) => stop());
    let once = 0;
    listen(a, "beforeCreate", () => once++, { once: true });
    await a.create(conn);
    await a.drop(conn);
    await a.create(conn);
    assert.deepEqual([once, told.length], [1, 10]);
  });
  assert.throws(() => listen(a, "before_create", () => 1), /no event "before_create"; known are: beforeCreate/);
  assert.throws(() => listen(a, "beforeCreate"), /takes a function/);
});

test("b5_14 names are quoted where they have to be", async () => {
  const metadata = new MetaData();
  const t = new Table("Select", metadata, new Column("from", Integer, { primaryKey: true }), new Column("a\"b", Text, { index: true }),
    new Column("größe", Text), new Column("plain", Text));
  await apart(async (conn) => {
    await metadata.createAll(conn);
    await conn.execute(t.insert(), { from: 1, "a\"b": "x", größe: "y", plain: "z" });
    assert.deepEqual([...(await conn.execute(select(t).where(t.c["a\"b"].eq("x")))).one()], [1, "x", "y", "z"]);
    const sql = await conn.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'Select'"));
    assert.match(sql, /^CREATE TABLE "Select" \(\s+"from" INTEGER NOT NULL,\s+"a""b" TEXT,\s+"größe" TEXT,\s+plain TEXT/);
  });
});

const temporary = [];
after(() => Promise.all(temporary.map((directory) => rm(directory, { recursive: true }))));

/** The tables that a generated module declares, as JavaScript runs it. */
async function evaluated(source) {
  const directory = await mkdtemp(join(tmpdir(), "aludel-tables-"));
  temporary.push(directory);
  const file = join(directory, "tables.mjs");
  const { code } = await transform(source, { loader: "ts", format: "esm", target: "es2022" });
  await writeFile(file, code);
  return import(pathToFileURL(file).href);
}

test("b5_15 a database becomes a module of TypeScript that creates the same database", async () => {
  for (const [name, vector] of Object.entries(all)) {
    // Names that SQLite finds by itself stay in what the module cannot say: an own word for NOT NULL of a primary key.
    const plain = (entries) => entries.map(({ columns, pk, unique, ...rest }) => ({
      ...rest,
      pk: { ...pk, constrainedColumns: pk.constrainedColumns },
      unique: [...unique].sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1)),
      columns: columns.map((column) => (column.primaryKey > 0 ? { ...column, nullable: false } : column)),
      keys: [...rest.keys].sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1)),
    }));
    const [source, before, names] = await apart(async (conn) => {
      await run(conn, ...vector.ddl);
      const inspector = await inspect(conn);
      const names = inspector.getTableNames();
      return [generateTables(inspector, { from: new URL("index.js", pkg).href }), plain(said(inspector, names)), names];
    });
    const { metadata } = await evaluated(source);
    await apart(async (conn) => {
      await metadata.createAll(conn);
      assert.deepEqual(plain(said(await inspect(conn), names)), before, `${name}\n${source}`);
    });
  }
});

test("b5_15 an index over a column is one, whatever the column is called", async () => {
  await apart(async (conn) => {
    await run(conn, 'CREATE TABLE q ("a""b" TEXT, c TEXT)', 'CREATE INDEX ix ON q ("a""b", c, lower(c))');
    const source = generateTables(await inspect(conn));
    assert.ok(source.includes('new Index("ix", "a\\"b", "c", literalColumn("lower(c)"))'), source);
    const q = await Table.reflect("q", new MetaData(), conn);
    assert.equal(String(new CreateIndex(q, q.indexes[0])), 'CREATE INDEX ix ON q ("a""b", c, lower(c))');
  });
});

test("b5_15 the command writes the tables of a file", async () => {
  const directory = await mkdtemp(join(tmpdir(), "aludel-tables-"));
  temporary.push(directory);
  const [file, out] = [join(directory, "app.db"), join(directory, "tables.ts")];
  await engine.begin((conn) => run(conn,
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL, born DATETIME, meta JSON, big BIGINT DEFAULT 5, flag BOOLEAN NOT NULL)",
    "CREATE TABLE \"user posts\" (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, code CHAR(3))",
    "CREATE VIEW adults AS SELECT name FROM users"));
  await writeFile(file, await engine.exportBytes());
  await engine.begin((conn) => run(conn, "DROP VIEW adults", "DROP TABLE \"user posts\"", "DROP TABLE users"));
  const command = (...args) => promisify(execFile)(process.execPath, [fileURLToPath(new URL("cli.js", pkg)), ...args]);
  const { stdout } = await command("generate", file, "--views");
  const golden = repository("tests/types/generated.ts");
  if (process.env.ALUDEL_BLESS === "1") await writeFile(golden, stdout);
  assert.equal(stdout, readFileSync(golden, "utf8"));
  await command("generate", file, "--out", out);
  assert.match(readFileSync(out, "utf8"), /export const userPosts/);
  await assert.rejects(command("generate"), (error) => error.code === 2 && /aludel generate <file\.db>/.test(error.stderr));
  await assert.rejects(command("generate", join(directory, "nothing.db")), (error) => error.code === 1 && /ENOENT/.test(error.stderr));
  await writeFile(file, "no database at all");
  await assert.rejects(command("generate", file), (error) => error.code === 1 && /StorageError/.test(error.stderr));
});
