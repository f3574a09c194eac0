// Who is told of what happens to tables: DDL that is run if something is so, columns that are read, parts that become those of tables.
import assert from "node:assert/strict";
import { test } from "node:test";
import { apart } from "./core_engine.mjs";
import { load } from "./pkg.mjs";

const {
  CheckConstraint, Column, CompileError, DDL, DropTable, ForeignKey, Index, inspect, Integer, JSON_, listen, MetaData, select, Table, Text, text,
  UniqueConstraint,
} = await load("index.js");

test("b5_11 DDL is run when it happens, if its conditions are true", async () => {
  const metadata = new MetaData();
  const order = new Table("order", metadata, new Column("id", Integer, { primaryKey: true }), new Column("note", Text));
  const log = new Table("log", metadata, new Column("what", Text));
  const trigger = new DDL("CREATE TRIGGER told AFTER INSERT ON %(fullname)s BEGIN INSERT INTO log VALUES ('%(word)s 100%%: ' || new.note); END", {
    context: { word: "new" },
  });
  listen(metadata, "afterCreate", new DDL("CREATE VIEW notes AS SELECT note FROM \"order\""));
  const asked = [];
  const callable = async (ddl, target, connection, { tables, state }) => {
    asked.push([ddl === trigger, target === order, tables.map(({ name }) => name), state, await connection.scalar(text("SELECT 1"))]);
    return state === "yes";
  };
  listen(order, "afterCreate", trigger.executeIf({ dialect: "postgresql" }));
  listen(order, "afterCreate", trigger.executeIf({ callable, state: "no" }));
  listen(order, "afterCreate", trigger.executeIf({ dialect: ["postgresql", "sqlite"], callable, state: "yes" }));
  listen(order, "beforeDrop", new DropTable(log).executeIf({ callable: () => true }));
  await apart(async (conn) => {
    await metadata.createAll(conn);
    await conn.execute(order.insert(), [{ note: "a" }, { note: "b" }]);
    assert.deepEqual((await conn.execute(select(log))).scalars().all(), ["new 100%: a", "new 100%: b"]);
    assert.deepEqual((await conn.execute(text("SELECT note FROM notes"))).scalars().all(), ["a", "b"]);
    assert.deepEqual(asked, ["no", "yes"].map((state) => [true, true, ["order"], state, 1]));
    await conn.execute(new DDL("CREATE INDEX by_note ON \"order\" (note)"));
    await order.drop(conn);
    assert.deepEqual((await inspect(conn)).getTableNames(), []);
  });
  assert.equal(String(trigger.against(order)).includes('ON "order" BEGIN'), true);
  const attached = new Table("Log", new MetaData({ schema: "aux" }), new Column("what", Text));
  assert.equal(String(new DDL("X %(table)s %(schema)s %(fullname)s").against(attached)), 'X "Log" aux aux."Log"');
  assert.equal(String(new DDL("X [%(schema)s]").against(log)), "X []");
  assert.throws(() => String(trigger), (error) => error instanceof CompileError && /%\(fullname\)s/.test(error.message));
  assert.throws(() => new DDL(""), /takes SQL as a string/);
  assert.throws(() => trigger.executeIf({ dialekt: "x" }), /Unknown option 'dialekt' of executeIf\(\)/);
  assert.throws(() => trigger.executeIf({ callable: true }), /callable is a function/);
  assert.throws(() => listen(metadata, "columnReflect", trigger), /takes a function/);
  assert.throws(() => listen(order, "afterCreate", trigger, { onse: true }), /Unknown option 'onse' of listen\(\); known are: once/);
  assert.throws(() => listen(order, "afterCreate", trigger, null), /the options of listen\(\) are an object, not null/);
});

test("b5_11 columns that are read can be given keys and types before they are made", async () => {
  await apart(async (conn) => {
    await conn.execDriverSql("CREATE TABLE Parent (ID INTEGER PRIMARY KEY)");
    await conn.execDriverSql("CREATE TABLE Child (ID INTEGER PRIMARY KEY, ParentID INTEGER REFERENCES Parent (ID), Doc TEXT NOT NULL, UNIQUE (ParentID))");
    const metadata = new MetaData();
    const told = [];
    listen(metadata, "columnReflect", (inspector, table, column) => {
      told.push(`${table.name}.${column.name} ${column.declared} ${inspector.hasTable(table.name)} ${table.metadata === metadata}`);
      column.key = `${column.name[0].toLowerCase()}${column.name.slice(1)}`;
      if (column.name === "Doc") Object.assign(column, { type: JSON_(), nullable: true });
    });
    const child = await Table.reflect("Child", metadata, conn);
    assert.deepEqual(told, [
      "Child.ID INTEGER true true", "Child.ParentID INTEGER true true", "Child.Doc TEXT true true", "Parent.ID INTEGER true true",
    ]);
    assert.deepEqual(Object.keys(child.c), ["iD", "parentID", "doc"]);
    assert.equal(child.columns[2].options.nullable, true);
    await conn.execute(metadata.tables.get("Parent").insert(), { iD: 7 });
    await conn.execute(child.insert(), { iD: 1, parentID: 7, doc: { a: [1] } });
    const joined = select(child.c.doc, child.c.parentID).join(metadata.tables.get("Parent"));
    assert.deepEqual([...(await conn.execute(joined)).one()], [{ a: [1] }, 7]);
    // Columns that are given are not read, and another set has listeners of its own.
    await Table.reflect("Child", metadata, conn, { extendExisting: true, resolveFks: false, columns: [new Column("Doc", Text)] });
    assert.equal(told.filter((line) => line.startsWith("Child.Doc")).length, 1);
    assert.deepEqual(Object.keys((await Table.reflect("Child", new MetaData(), conn)).c), ["ID", "ParentID", "Doc"]);
  });
});

test("b5_11 what becomes a part of a table, and a table of a set, is told before and after", () => {
  const metadata = new MetaData();
  const told = [];
  const id = new Column("id", Integer, { primaryKey: true });
  const unique = new UniqueConstraint("id");
  const say = (event) => (target, parent) => {
    told.push(`${event} ${target.name ?? target.constructor.name} ${parent === metadata ? `set of ${metadata.tables.size}` : parent.name}`);
  };
  const stops = [
    listen(id, "beforeParentAttach", say("before")),
    listen(id, "afterParentAttach", say("after")),
    listen(unique, "afterParentAttach", say("after unique")),
    listen(Table, "beforeParentAttach", say("before")),
    listen(Table, "afterParentAttach", say("after")),
    listen(Column, "afterParentAttach", (column, table) => {
      if (column.options.info?.indexed === true) new Index(`ix_${column.name}`, table.c[column.name]);
    }),
    listen(Index, "afterParentAttach", say("after")),
  ];
  const a = new Table("a", metadata, id, unique, new Column("x", Text, { info: { indexed: true } }), new CheckConstraint("x != ''"));
  // A listener may add to the table, which is told at once.
  assert.deepEqual(told, [
    "before a set of 0", "before id a", "after a set of 1", "after id a", "after ix_x a", "after unique UniqueConstraint a",
  ]);
  assert.deepEqual(a.indexes.map(({ name }) => name), ["ix_x"]);
  stops.forEach((stop) => stop());
  new Table("b", metadata, new Column("id", Integer, new ForeignKey("a.id")));
  assert.equal(told.length, 6);
  assert.throws(() => listen(id, "parentAttach", () => 1), /no event "parentAttach"; known are: beforeCreate, .*beforeParentAttach, afterParentAttach/);
  assert.throws(() => listen("a", "afterParentAttach", () => 1), /takes what something happens to, not string/);
});

test("b5_11 a table that is refused by a listener leaves the one that was there", () => {
  const metadata = new MetaData();
  const first = new Table("a", metadata, new Column("id", Integer));
  const column = new Column("id", Text);
  const stop = listen(column, "beforeParentAttach", () => {
    throw new Error("refused");
  });
  assert.throws(() => new Table("a", metadata, column, { extendExisting: true }), { message: "refused" });
  assert.equal(metadata.tables.get("a"), first);
  stop();
  const second = new Table("a", metadata, column, { extendExisting: true });
  assert.deepEqual([...metadata.tables.values()], [second]);
});
