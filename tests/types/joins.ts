// What joins make of rows: the side of an outer join that may be absent may be null where it is read.
import {
  Column, ForeignKey, func, Integer, literal, literalColumn, MetaData, select, Table, text, Text, union, unionAll, update, values, type Expr, type From, type Select,
} from "aludel";
import { same, type Same } from "./same.js";

type RowOf<Q> = Q extends { readonly rowType?: infer R } ? R : never;
type TupleOf<Q> = Q extends { readonly valuesType?: infer V } ? V : never;

const metadata = new MetaData();
const users = new Table("users", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("name", Text, { nullable: false }),
  new Column("age", Integer));
const addr = new Table("addr", metadata,
  new Column("key", Integer, { primaryKey: true }),
  new Column("user_id", Integer, new ForeignKey("users.id"), { nullable: false }),
  new Column("email", Text, { nullable: false }));

/** A left join: the right side. */
export function left(): void {
  const q = select(users.c.name, addr.c.email, func.count(addr.c.key).label("n")).outerJoin(addr).groupBy(users.c.id);
  same<Same<RowOf<typeof q>, { name: string; email: string | null; n: number }>>();
  same<Same<TupleOf<typeof q>, readonly [string, string | null, number]>>();
  const option = select(users.c.name, addr.c.email).join(addr, undefined, { isouter: true });
  same<Same<RowOf<typeof option>, { name: string; email: string | null }>>();
  const named = users.select().where(users.c.id.gt(1)).joinFrom(users, addr, undefined, { isouter: true }).addColumns(addr.c.email);
  same<Same<RowOf<typeof named>, { id: number; name: string; age: number | null; email: string | null }>>();
  const inner = select(users.c.name, addr.c.email).join(addr).where(addr.c.email.ne("")).limit(1);
  same<Same<RowOf<typeof inner>, { name: string; email: string }>>();
  const whole = select(users, addr).outerJoin(addr);
  same<Same<RowOf<typeof whole>, {
    id: number; name: string; age: number | null; key: number | null; user_id: number | null; email: string | null;
  }>>();
  same<Same<TupleOf<typeof whole>, readonly [number, string, number | null, number | null, number | null, string | null]>>();
  // What was made optional stays so, whatever is joined and selected later.
  const only = whole.join(users.alias("other"), users.c.id.eq(1)).withOnlyColumns(addr.c.email, users.c.id);
  same<Same<RowOf<typeof only>, { email: string | null; id: number }>>();
  // Whether it is, is known when the program runs.
  const isouter = Math.random() > 2;
  const perhaps = select(addr.c.email).join(addr, undefined, { isouter });
  same<Same<RowOf<typeof perhaps>, { email: string | null }>>();
  // @ts-expect-error it may be absent
  const email: string | undefined = RowOfAny(q).email;
  void email;
}

/** A full join: both sides, and everything else that is read. */
export function full(): void {
  const q = select(users.c.name, addr, func.count().label("n")).join(addr, undefined, { full: true });
  same<Same<RowOf<typeof q>, { name: string | null; key: number | null; user_id: number | null; email: string | null; n: number }>>();
  const outer = select(users.c.name).outerJoin(addr, undefined, { full: true });
  same<Same<RowOf<typeof outer>, { name: string | null }>>();
}

/** The same table under other names. */
export function aliases(): void {
  const boss = users.alias("boss");
  const q = select(users.c.name, boss.c.name.label("boss")).outerJoin(boss, boss.c.id.eq(users.c.age));
  same<Same<RowOf<typeof q>, { name: string; boss: string | null }>>();
  const other = users.alias();
  const r = select(users.c.name, other.c.name.label("other")).outerJoin(other, other.c.id.eq(users.c.age));
  same<Same<RowOf<typeof r>, { name: string; other: string | null }>>();
  const s = select(users.c.name, other.c.name.label("other")).join(other, other.c.id.eq(1)).outerJoin(addr);
  same<Same<RowOf<typeof s>, { name: string; other: string }>>();
}

/** Subqueries, CTEs, lists of values. */
export function sources(): void {
  const counts = select(addr.c.user_id, func.count().label("n")).groupBy(addr.c.user_id).subquery("counts");
  const q = select(users.c.name, counts.c.n).outerJoin(counts, counts.c.user_id.eq(users.c.id));
  same<Same<RowOf<typeof q>, { name: string; n: number | null }>>();
  const cte = select(addr.c.user_id).cte();
  const r = select(users.c.name, cte).outerJoin(cte, cte.c.user_id.eq(users.c.id));
  same<Same<RowOf<typeof r>, { name: string; user_id: number | null }>>();
  const rows = values({ i: Integer, s: Text }, { name: "v" }).data([[1, "a"]]);
  const s = select(users.c.name, rows.c.s).outerJoin(rows, rows.c.i.eq(users.c.id));
  same<Same<RowOf<typeof s>, { name: string; s: string | null }>>();
  // What is null within stays so outside.
  const inner = q.subquery();
  const t = select(inner.c.n, inner.c.name);
  same<Same<RowOf<typeof t>, { n: number | null; name: string }>>();
  // The name of a source is known when the program runs: it may be any.
  const dynamic = users.alias(String(Math.random()));
  const u = select(addr.c.email, dynamic.c.name).outerJoin(dynamic, dynamic.c.id.eq(addr.c.user_id));
  same<Same<RowOf<typeof u>, { email: string | null; name: string | null }>>();
  const some: From<{ id: number }> = users;
  const v = select(addr.c.email).outerJoin(some, literal(1).eq(1));
  same<Same<RowOf<typeof v>, { email: string | null }>>();
}

/** Expressions are null where what they read is. */
export function expressions(): void {
  const q = select(
    addr.c.key.add(1).label("a"),
    literal(1).add(addr.c.key).label("b"),
    users.c.id.mul(2).label("c"),
    users.c.id.add(users.c.age).label("d"),
    func.lower(addr.c.email).label("e"),
    func.coalesce(addr.c.email, "none").label("f"),
    func.coalesce(users.c.age, addr.c.key).label("g"),
    func.coalesce(users.c.age, 0).label("h"),
    func.coalesce(addr.c.email, users.c.name).label("i"),
    addr.c.email.is(null).label("j"),
    literal("x").label("k"),
    func.rowNumber().over({ orderBy: addr.c.key }).label("l"),
    func.coalesce(users.c.age, null).label("m"),
    literalColumn<string>("x").label("o"),
    select(users.c.name).scalarSubquery<string>().label("p"),
    addr.c.email.collate("nocase").concat("!").label("q"),
  ).outerJoin(addr);
  same<Same<RowOf<typeof q>, {
    a: number | null; b: number | null; c: number; d: number | null; e: string | null; f: string; g: number | null; h: number;
    i: string | null; j: boolean; k: string; l: number; m: number | null; o: string | null; p: string; q: string | null;
  }>>();
  // Without an outer join nothing is null that was not.
  const r = select(addr.c.key.add(1).label("a"), func.lower(addr.c.email).label("e"), func.upper(users.c.name).label("u"), literalColumn<string>("x").label("o"));
  same<Same<RowOf<typeof r>, { a: number; e: string; u: string; o: string }>>();
  // @ts-expect-error an age falls back on a number
  func.coalesce(users.c.age, "none");
}

/** A compound gives what any of its parts gives, by the names of the first. */
export function compounds(): void {
  const name = select(users.c.name);
  const same_ = name.union(select(addr.c.email), select(users.c.name).where(users.c.id.gt(1)));
  same<Same<RowOf<typeof same_>, { name: string }>>();
  same<Same<TupleOf<typeof same_>, readonly [string]>>();
  const either = union(select(users.c.id, users.c.name), select(users.c.age, users.c.name));
  same<Same<RowOf<typeof either>, { id: number | null; name: string | null }>>();
  same<Same<TupleOf<typeof either>, readonly [number | null, string]>>();
  const mixed = unionAll(name, select(users.c.id)).orderBy("name").limit(1);
  same<Same<TupleOf<typeof mixed>, readonly [string | number]>>();
  same<Same<RowOf<typeof mixed>, { name: string | number }>>();
  const joined = union(select(addr.c.email).join(users), select(addr.c.email).outerJoin(addr)).subquery();
  const from = select(joined.c.email);
  same<Same<RowOf<typeof from>, { email: string | null }>>();
  // What only the first gives, or all give, is what the first gives.
  const less = name.except(select(users.c.age)).intersect(select(users.c.age));
  same<Same<RowOf<typeof less>, { name: string }>>();
  const texts = name.union(text("SELECT 1").columns({ x: Integer }));
  same<Same<TupleOf<typeof texts>, readonly [string]>>();
  // @ts-expect-error a table is no query
  name.union(users);
}

/** Where names meet, the first column has the name, and the next get numbers. */
export function names(): void {
  const things = new Table("things", metadata, new Column("id", Text, { primaryKey: true }), new Column("name", Integer));
  const q = select(users.c.id, things.c.id, things.c.name, users.c.id.label("id")).join(things);
  same<Same<RowOf<typeof q>, { id: number; id_1: string; name: number | null; id_2: number }>>();
  const r = select(things, users).outerJoin(users);
  same<Same<RowOf<typeof r>, { id: string; name: number | null; id_1: number | null; name_1: string | null; age: number | null }>>();
  const labels = select(users.c.id, things.c.id).setLabelStyle("tablename_plus_col");
  same<Same<RowOf<typeof labels>, Record<string, number | string>>>();
  same<Same<TupleOf<typeof labels>, readonly [number, string]>>();
  const s = select(users.c.id).addColumns(things.c.id);
  same<Same<RowOf<typeof s>, { id: number; id_1: string }>>();
}

/** Whoever takes a SELECT takes one with joins; whose columns are not known is null all over. */
export function taken(): void {
  const ids = (q: Select<{ id: number }>): void => {
    const joined = q.outerJoin(addr);
    same<Same<RowOf<typeof joined>, { id: number | null }>>();
    const same_ = q.join(addr);
    same<Same<RowOf<typeof same_>, { id: number }>>();
  };
  ids(select(users.c.id));
  ids(select(users.c.id).outerJoin(addr));
  // @ts-expect-error here the id may be absent
  ids(select(users.c.id).join(addr, undefined, { full: true }));
  const expr: Expr<number> = users.c.id;
  const nullable: Expr<unknown> = addr.c.email;
  void [expr, nullable];
  // @ts-expect-error there is no such option
  select(users).join(addr, undefined, { isOuter: true });
  // @ts-expect-error a query is nothing to join
  select(users).outerJoin(select(addr));
  // @ts-expect-error a condition is an expression
  select(users).outerJoin(addr, "users.id = addr.user_id");
  const changed = update(users).values({ age: 1 }).returning(users.c.id, addr.c.email);
  same<Same<RowOf<typeof changed>, { id: number; email: string }>>();
}

declare function RowOfAny<R>(query: { readonly rowType?: R }): R;
