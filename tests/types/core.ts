// What TypeScript makes of tables and statements: what is inferred, and what it refuses.
import {
  BigInteger, Boolean_, Column, createEngine, DateTime, Enum, ForeignKey, func, insert, Integer, JSON_, literal, MetaData, select,
  String_, Table, Text, update, type SqlType,
} from "aludel";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <T extends true>(): T | undefined => undefined;

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

export const money: SqlType<number> = Integer;
