// What TypeScript makes of tables and statements: what is inferred, and what it refuses.
import {
  and_, BigInteger, bindparam, Boolean_, Column, column, ColumnElement, createEngine, DateTime, DDL, Enum, ForeignKey, func, insert, Integer, JSON_,
  case_, listen, literal, literalColumn, MetaData, not_, or_, PlainDate, registerCompiler, select, String_, Table, table, Text, text, types, update, Uuid, values, withVariant, type AnyTable, type Expr, type SqlType,
} from "aludel";
import { same, type Same } from "./same.js";

const metadata = new MetaData();
const users = new Table("users", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("name", String_(50), { nullable: false }),
  new Column("age", Integer),
  new Column("mood", Enum("good", "bad"), { nullable: false, default: "good" }),
  new Column("meta", JSON_<{ tags: string[] }>()),
  new Column("born", DateTime),
  new Column("big", BigInteger),
  new Column("flag", Boolean_));
const addr = new Table("addr", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("user_id", Integer, new ForeignKey("users.id"), { nullable: false }),
  new Column("email", Text));

type User = typeof users.$row;
same<Same<User["id"], number>>();
same<Same<User["name"], string>>();
same<Same<User["age"], number | null>>();
same<Same<User["mood"], "good" | "bad">>();
same<Same<User["meta"], { tags: string[] } | null>>();
same<Same<User["born"], Date | null>>();
same<Same<User["big"], bigint | null>>();

export async function rows(): Promise<void> {
  const engine = createEngine("sqlite://");
  const whole = await engine.execute(select(users));
  for (const row of whole) {
    same<Same<typeof row.name, string>>();
    same<Same<typeof row.flag, boolean | null>>();
    // @ts-expect-error there is no such column
    row.nickname;
  }
  const some = await engine.execute(select(users.c.id, addr.c.email, func.count().label("n")).join(addr));
  const one = some.one();
  same<Same<typeof one.id, number>>();
  same<Same<typeof one.email, string | null>>();
  same<Same<typeof one.n, number>>();

  const sub = select(users.c.id, users.c.name.label("who")).subquery();
  const { who } = (await engine.execute(select(sub.c.who))).one();
  same<Same<typeof who, string>>();

  const made = await engine.execute(insert(users).values({ name: "Dan" }).returning(users.c.id, users.c.mood));
  same<Same<ReturnType<typeof made.one>["mood"], "good" | "bad">>();
  await engine.execute(users.insert().values([{ name: "a" }, { name: "b", age: 3, mood: "bad" }]));
  await engine.execute(update(users).values({ age: users.c.age.add(1) }).where(users.c.name.in(["a"])));

  // @ts-expect-error the name is missing
  insert(users).values({ age: 3 });
  // @ts-expect-error no such mood
  insert(users).values({ name: "x", mood: "so so" });
  // @ts-expect-error no such column
  insert(users).values({ name: "x", height: 1 });
  // @ts-expect-error an age is a number
  insert(users).values({ name: "x", age: "old" });
  // @ts-expect-error no such column
  users.c.height;
  // @ts-expect-error columns have no such type
  new Column("x", "INTEGER");
  // @ts-expect-error a subquery has the columns that were selected
  sub.c.age;
  literal(1).add(2);
}

/** Values in their order, what statements take as parameters, and what results know. */
export async function cells(): Promise<void> {
  const engine = createEngine("sqlite://");
  const pairs = await engine.execute(select(users.c.id, users.c.name, func.count().label("n")));
  const value = pairs.scalarOne();
  same<Same<typeof value, number>>();
  const [first, second, third] = pairs.tuples().one();
  same<Same<typeof first, number>>();
  same<Same<typeof second, string>>();
  same<Same<typeof third, number>>();
  // @ts-expect-error there are three columns
  pairs.tuples().one()[3];
  for (const [id, email] of (await engine.execute(select(addr.c.id, addr.c.email))).tuples()) {
    same<Same<typeof id, number>>();
    same<Same<typeof email, string | null>>();
  }
  const whole = (await engine.execute(addr.select())).tuples().all();
  same<Same<typeof whole, (readonly [number, number, string | null])[]>>();
  const name = await engine.scalar(select(users.c.name, users.c.id));
  same<Same<typeof name, string | null>>();
  const names = (await engine.execute(select(users.c.id, users.c.name))).scalars(1).all();
  same<Same<typeof names, string[]>>();
  const made = (await engine.execute(users.insert().values({ name: "x" }).returning(users.c.id, users.c.born))).tuples().one();
  same<Same<typeof made, readonly [number, Date | null]>>();
  await using conn = await engine.connect();
  for await (const [id] of (await conn.stream(select(users.c.id))).tuples()) same<Same<typeof id, number>>();
  const key = (await engine.execute(users.insert().values({ name: "x" }))).insertedPrimaryKey;
  key?.["id"];

  // Parameters of a statement are what its columns take.
  await engine.execute(users.insert(), [{ name: "a", born: new Date(), meta: { tags: [] } }]);
  await engine.execute(users.insert(), { name: "a", big: 1n });
  await engine.execute(update(users).where(users.c.id.eq(bindparam("b_id"))), { b_id: 1, age: 3 });
  await engine.execute(select(users).where(users.c.born.eq(bindparam("at"))), { at: new Date() });
  // @ts-expect-error a name is a string
  await engine.execute(users.insert(), [{ name: 5 }]);
  // @ts-expect-error no such column
  await engine.execute(users.insert(), { name: "a", height: 1 });
  // @ts-expect-error an age is a number
  await engine.execute(update(users), { age: "old" });
  // @ts-expect-error parameters go by name
  await engine.execute(users.insert(), ["a"]);
  // @ts-expect-error a text takes what SQLite takes
  await engine.execute(text("SELECT :at"), { at: new Date() });
}

/** Who listens is told what happens to what. */
export function heard(): void {
  listen(users, "afterCreate", (target, conn) => conn.execute(users.insert(), { name: target === users ? "a" : "b" }));
  listen(metadata, "beforeDrop", new DDL("DROP VIEW x").executeIf({ dialect: "sqlite", callable: (_ddl, _target, _conn, { tables }) => tables.length > 1 }));
  listen(metadata, "columnReflect", (inspector, table, column) => {
    column.key = inspector.hasTable(table.name) ? column.name : "x";
    column.type = Integer;
    // @ts-expect-error the name is the database's
    column.name = "y";
  });
  listen(Column, "afterParentAttach", (column, table) => same<Same<typeof table, AnyTable>>() && column.name);
  listen(users, "beforeParentAttach", (table, set) => same<Same<typeof set, MetaData>>() && table.name);
  // @ts-expect-error a function or a statement of DDL
  listen(users, "afterCreate", "SELECT 1");
  // @ts-expect-error there is no such event
  listen(users, "created", () => 1);
  // @ts-expect-error columns are read for a set
  listen(users, "columnReflect", () => 1);
}

type ValueOf<E> = E extends Expr<infer T> ? T : never;

/** What comparisons give: null where one of their operands may be. */
export function truths(age: number | null): void {
  const { id, name, born } = users.c;
  const sure = [
    id.eq(1), id.ne(id), id.lt(2), id.in([1, 2]), id.in(select(addr.c.user_id)), id.between(1, 2), name.like("a%"), name.contains("b"),
    name.notLike(name), name.glob("c*"), users.c.age.eq(null), users.c.age.is(null), users.c.age.isNot(3), id.eq(age), id.notIn([]),
    and_(id.eq(1), or_(name.eq("d"), not_(id.gt(2))), true), select(users.c.age).exists(),
  ] as const;
  same<Same<ValueOf<(typeof sure)[number]>, boolean>>();
  const mayBeNull = [
    [users.c.age.eq(1), users.c.age.ne(users.c.id), users.c.age.gt(2), users.c.age.in([1, 2]), users.c.age.between(1, 2)],
    [id.eq(users.c.age), id.lt(users.c.age), id.ge(null), id.lt(age), id.between(1, users.c.age), id.in([users.c.age])],
    [id.in(select(users.c.age)), id.notIn(select(users.c.age)), addr.c.email.like("a%"), addr.c.email.icontains("b")],
    [name.eq(addr.c.email), name.startsWith(addr.c.email), name.like(null), id.eq(literalColumn("x")), addr.c.email.glob("c*")],
    [and_(id.eq(1), users.c.age.eq(2)), or_(users.c.age.lt(2)), not_(users.c.age.lt(2)), and_(text("x"), id.eq(1))],
  ] as const;
  type Whole<L> = { [I in keyof L]: Same<ValueOf<L[I]>, boolean | null> };
  same<Same<Whole<(typeof mayBeNull)[0]>, readonly [true, true, true, true, true]>>();
  same<Same<Whole<(typeof mayBeNull)[1]>, readonly [true, true, true, true, true, true]>>();
  same<Same<Whole<(typeof mayBeNull)[2]>, readonly [true, true, true, true]>>();
  same<Same<Whole<(typeof mayBeNull)[3]>, readonly [true, true, true, true, true]>>();
  same<Same<Whole<(typeof mayBeNull)[4]>, readonly [true, true, true, true]>>();
  const rows = select(id.eq(1).label("first"), users.c.age.gt(17).label("grown")).where(users.c.age.gt(1)).where(born.ne(null));
  same<Same<typeof rows extends { readonly rowType?: infer R } ? R : never, { first: boolean; grown: boolean | null }>>();
  func.count().filter(users.c.age.gt(17));
  const any: Expr<unknown>[] = [id.eq(1), users.c.age.eq(1)];
  const list: Expr<boolean | null>[] = [id.eq(1), users.c.age.eq(1)];
  select(users).where(and_(...any), or_(...list));
  // @ts-expect-error an age is a number
  users.c.age.eq("old");
  // @ts-expect-error so are those that it is compared with
  users.c.age.between(1, "old");
  // @ts-expect-error and those of a list
  users.c.age.in(["old"]);
}

/** Conditions, texts, constructs and types of one's own. */
export function parts(): void {
  select(users).where(text("age > 5"), and_(users.c.id.eq(1), text("x"))).orderBy("name", text("1"));
  const typed = text("SELECT id, born FROM users").columns({ id: Integer, born: DateTime });
  const sub = typed.subquery("q");
  const born = select(sub.c.born);
  same<Same<typeof born extends { readonly valuesType?: infer V } ? V : never, readonly [Date | null]>>();
  class Greatest extends ColumnElement<number> {
    constructor(readonly of: readonly Expr<number>[]) {
      super(Integer);
    }
  }
  registerCompiler(Greatest, (element, compiler) => `max(${element.of.map((part) => compiler.process(part)).join(", ")})`);
  const { sql, params } = select(new Greatest([users.c.id]).label("g")).compile({ literalBinds: true });
  same<Same<typeof sql, string>>();
  same<Same<typeof params, Readonly<Record<string, unknown>>>>();
  const color = { Red: 1, Green: 2 } as const;
  const things = new Table("things", new MetaData(),
    new Column("id", Uuid, { primaryKey: true, default: () => crypto.randomUUID() }),
    new Column("color", Enum(color), { nullable: false }),
    new Column("mood", Enum(["good", "bad"], { createConstraint: true })),
    new Column("flag", Boolean_({ createConstraint: true })),
    new Column("title", withVariant(Text, String_(50), "sqlite"), { nullable: false, serverDefault: text("'x'") }),
    new Column("upper", Text, { default: ({ currentParameters }) => String(currentParameters["title"]) }),
    new Column("day", PlainDate));
  type Thing = typeof things.$row;
  same<Same<Thing["id"], string>>();
  same<Same<Thing["color"], 1 | 2>>();
  same<Same<Thing["mood"], "good" | "bad" | null>>();
  same<Same<Thing["flag"], boolean | null>>();
  insert(things).values({ color: 2 });
  // @ts-expect-error no such color
  insert(things).values({ color: 3 });
  // @ts-expect-error a default is of the type of its column
  new Column("x", Integer, { default: () => "x" });
  // @ts-expect-error a condition is an expression or a text
  select(users).where("id = 1");
  // @ts-expect-error the outcome of === is no condition
  select(users).where(users.c.id === literal(1));
  // @ts-expect-error a Promise is no condition
  select(users).where(Promise.resolve(users.c.id.eq(1)));
  // @ts-expect-error a Promise is no value
  users.c.id.eq(Promise.resolve(1));
  // @ts-expect-error a string is nothing to select
  select("id");
  // @ts-expect-error a query is nothing to join
  select(users).join(select(addr));
  // @ts-expect-error ids are numbers
  users.c.id.in(["a"]);
  // @ts-expect-error a variant has the type of what it stands for
  withVariant(Text, Integer, "sqlite");
  // @ts-expect-error columns have types
  text("SELECT 1").columns({ x: "INTEGER" });
  // @ts-expect-error a foreign class has no SQL to write
  registerCompiler(Date, () => "");
}

/** Rows, tables and columns that are named where they are used. */
export function light(): void {
  const v = values({ i: Integer, s: Text }, { name: "v" }).data([[1, "a"]]);
  const one = select(v.c.i, v.c.s);
  same<Same<typeof one extends { readonly valuesType?: infer V } ? V : never, readonly [number, string]>>();
  const t = table("t", column("id", Integer), column("name", Text));
  same<Same<typeof t.$row, { id: number | null; name: string | null }>>();
  select(t.c.id, column("x", DateTime)).params({ at: new Date() }).fetch(1);
  new Column("b", types.Boolean, { nullable: false });
  // @ts-expect-error there is no such column
  v.c.x;
  // @ts-expect-error nor here
  t.c.height;
  // @ts-expect-error a table is made of columns
  table("t", "id");
}

/** What may be null says so. */
export function nulls(): void {
  type Of<E> = E extends Expr<infer T> ? T : never;
  const whens = [[users.c.id.gt(1), users.c.id]] as const;
  const open = case_<number>(whens);
  same<Same<Of<typeof open>, number | null>>();
  const closed = case_<number>(whens, 0);
  same<Same<Of<typeof closed>, number>>();
  const first = select(users.c.id).scalarSubquery();
  same<Same<Of<typeof first>, number | null>>();
  const half = users.c.id.div(2);
  same<Same<Of<typeof half>, number>>();
  // Whatever takes any expression takes one that may be null.
  select(users.c.id).orderBy(users.c.age, users.c.flag, users.c.meta);
}

export const money: SqlType<number> = Integer;
