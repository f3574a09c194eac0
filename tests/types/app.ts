// An app of five tables, as somebody would write one: whatever it reads has the type that it should have, and mistakes are told.
import {
  BigInteger, bindparam, Boolean_, case_, cast, CheckConstraint, Column, DateTime, delete_, desc, Enum, exists, extract, ForeignKey, func, insert,
  Integer, JSON_, JSONB, LargeBinary, literal, literalColumn, MetaData, Numeric, select, String_, Table, Text, tuple_, typeDecorator, union, UniqueConstraint,
  update, Uuid, values, type AnyTable, type Connection, type Engine, type Expr, type InsertOf, type Select,
} from "aludel";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<T>() { return <U>(_: U, ..._ok: Same<T, U> extends true ? [] : [never, T, "but got", U]): void => {}; }

const metadata = new MetaData({ namingConvention: { fk: "fk_%(table_name)s_%(column_0_name)s" } });
export const customers = new Table("customers", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("email", String_(100), { nullable: false, unique: true }),
  new Column("display_name", Text, { key: "displayName" }),
  new Column("tier", Enum("free", "pro", "team"), { nullable: false, default: "free" }),
  new Column("prefs", JSON_<{ theme: "dark" | "light"; langs: string[] }>()),
  new Column("createdAt", DateTime, { nullable: false, default: () => new Date() }));
export const products = new Table("products", metadata,
  new Column("sku", Uuid, { primaryKey: true }),
  new Column("title", Text, { nullable: false }),
  new Column("price", Numeric(10, 2), { nullable: false }),
  new Column("stock", Integer, { nullable: false, serverDefault: "0" }),
  new Column("tags", JSONB<string[]>()),
  new Column("released", DateTime));
export const orders = new Table("orders", metadata,
  new Column("id", Integer, { primaryKey: true }),
  new Column("customerId", Integer, new ForeignKey("customers.id", { ondelete: "CASCADE" }), { nullable: false }),
  new Column("placed", DateTime, { nullable: false }),
  new Column("status", Enum({ Open: "open", Paid: "paid" } as const), { nullable: false }),
  new Column("note", Text));
export const items = new Table("items", metadata,
  new Column("orderId", Integer, new ForeignKey(() => orders.c.id), { primaryKey: true }),
  new Column("sku", Uuid, new ForeignKey("products.sku"), { primaryKey: true }),
  new Column("qty", Integer, { nullable: false }),
  new Column("bytes", LargeBinary),
  new UniqueConstraint("orderId", "sku"),
  new CheckConstraint("qty > 0"));
export const reviews = new Table("reviews", metadata,
  new Column("id", BigInteger, { primaryKey: true }),
  new Column("sku", Uuid, new ForeignKey("products.sku"), { nullable: false }),
  new Column("customerId", Integer, new ForeignKey("customers.id")),
  new Column("stars", Integer, { nullable: false }),
  new Column("parent", BigInteger, new ForeignKey("reviews.id")),
  new Column("verified", Boolean_, { nullable: false, default: false }));

export async function main(engine: Engine) {
  await metadata.createAll(engine);
  // joins
  const q1 = select(customers.c.email, func.count(orders.c.id).label("n"), func.max(orders.c.placed).label("last"))
    .outerJoin(orders).groupBy(customers.c.id).having(func.count(orders.c.id).gt(1)).orderBy(desc("n"));
  for (const row of await engine.execute(q1)) {
    is<string>()(row.email);
  is<number>()(row.n);
  is<Date | null>()(row.last);
  }
  const q2 = select(orders.c.id, customers.c.displayName, products.c.title, items.c.qty)
    .join(customers).join(items, items.c.orderId.eq(orders.c.id)).join(products, products.c.sku.eq(items.c.sku)).where(orders.c.status.eq("open"));
  const r2 = (await engine.execute(q2)).first();
  if (r2) {
    is<string | null>()(r2.displayName);
    is<string>()(r2.title);
  }
  // total
  const total = func.sum(items.c.qty.mul(2)).label("total");
  const q3 = await engine.execute(select(items.c.orderId, total).groupBy(items.c.orderId));
  is<number | null>()(q3.one().total);
  const price = func.sum(products.c.price).label("p");
  is<string | null>()((await engine.execute(select(price))).one().p);
  const rounded = select(func.ceil(products.c.price).label("up"), func.floor(1.5).label("down"));
  const near = (await engine.execute(rounded)).one();
  is<string>()(near.up);
  is<number>()(near.down);
  // CTE
  const top = select(items.c.sku, func.sum(items.c.qty).label("sold")).groupBy(items.c.sku).cte("top");
  const q4 = (await engine.execute(
    select(products.c.title, top.c.sold)
      .joinFrom(products, top, top.c.sku.eq(products.c.sku))
      .where(top.c.sold.gt(5))
  )).all();
  is<number | null>()(q4[0]!.sold);
  // recursive CTE
  const tree = select(reviews.c.id, reviews.c.parent, literal(0).label("depth")).where(reviews.c.parent.is(null)).cte("tree", { recursive: true });
  const rec = tree.unionAll(select(reviews.c.id, reviews.c.parent, tree.c.depth.add(1)).join(tree, reviews.c.parent.eq(tree.c.id)));
  const rows = (await engine.execute(select(rec.c.id, rec.c.depth).orderBy(rec.c.depth))).all();
  is<bigint>()(rows[0]!.id);
  is<number>()(rows[0]!.depth);
  // upsert
  const ins = insert(customers);
  await engine.execute(
    ins.values({ email: "a@b", displayName: "x" })
      .onConflictDoUpdate({ indexElements: ["email"], set: { displayName: ins.excluded.displayName, tier: "pro" }, where: customers.c.tier.ne("team") })
  );
  await engine.execute(
    insert(products)
      .values([{ sku: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", title: "x", price: "1.50", tags: ["a"] }])
      .onConflictDoNothing()
  );
  const ret = (await engine.execute(
    insert(orders)
      .values({ customerId: 1, placed: new Date(), status: "open" })
      .returning(orders.c.id, orders.c.status)
  )).one();
  is<"open" | "paid">()(ret.status);
  const whole = (await engine.execute(
    insert(orders)
      .values({ customerId: 1, placed: new Date(), status: "open" })
      .returning(orders)
  )).one();
  is<string | null>()(whole.note);
  const upd = await engine.execute(
    update(orders)
      .values({ note: orders.c.note.concat("!"), status: "paid" })
      .where(orders.c.id.in([1, 2]))
      .returning(orders.c.note)
  );
  is<string | null>()(upd.one().note);
  await engine.execute(
    delete_(items)
      .where(exists(select(orders.c.id).where(orders.c.id.eq(items.c.orderId), orders.c.status.eq("open"))))
  );
  await engine.execute(
    update(customers)
      .values({ prefs: { theme: "dark", langs: [] } })
      .where(customers.c.prefs.item("theme").asString().eq("light"))
  );
  // JSON
  const theme = (await engine.execute(select(customers.c.prefs.item("theme").asString().label("theme")))).one().theme;
  is<string | null>()(theme);
  const raw = (await engine.execute(select(customers.c.prefs))).scalars().all();
  is<({ theme: "dark" | "light"; langs: string[] } | null)[]>()(raw);
  const tag = func.jsonEach(products.c.tags).tableValued("value");
  const q5 = (await engine.execute(select(products.c.sku, tag.c.value).selectFrom(products, tag))).all();
  is<unknown>()(q5[0]!.value);
  // case, subquery
  const size = case_([[items.c.qty.gt(10), "big"], [items.c.qty.gt(5), "mid"]], "small").label("size");
  const sz = (await engine.execute(select(size))).one().size;
  is<string>()(sz);
  const cnt = select(func.count()).selectFrom(orders).where(orders.c.customerId.eq(customers.c.id)).scalarSubquery().label("orders");
  const q6 = (await engine.execute(select(customers.c.email, cnt))).all();
  is<number | null>()(q6[0]!.orders);
  // window
  const rn = func.rowNumber().over({ partitionBy: orders.c.customerId, orderBy: orders.c.placed.desc() }).label("rn");
  const ranked = select(orders, rn).subquery();
  const latest = (await engine.execute(select(ranked).where(ranked.c.rn.eq(1)))).all();
  is<number>()(latest[0]!.rn);
  is<Date>()(latest[0]!.placed);
  // compounds
  const people = (await engine.execute(
    union(select(customers.c.email.label("who")), select(products.c.title))
      .orderBy("who")
  )).scalars().all();
  is<string[]>()(people);
  // self join
  const parent = reviews.alias("parent");
  const q7 = (await engine.execute(
    select(reviews.c.id, parent.c.stars.label("parentStars"))
      .outerJoin(parent, reviews.c.parent.eq(parent.c.id))
  )).all();
  is<number | null>()(q7[0]!.parentStars);
  // bindparam
  const byMail = select(customers).where(customers.c.email.eq(bindparam("mail")));
  await engine.execute(byMail, { mail: "x" });
  // scalar
  const n = await engine.scalar(select(func.count()).selectFrom(orders));
  is<number | null>()(n);
  const e = (await engine.execute(select(exists(select(orders.c.id)).label("any")))).scalarOne();
  is<boolean>()(e);
  // cast
  const c = (await engine.execute(select(cast(orders.c.id, Text).label("t"), extract("year", orders.c.placed).label("y")))).one();
  is<string>()(c.t);
  is<number>()(c.y);
  const cj = (await engine.execute(select(orders.c.note.cast(Integer).label("t")))).one();
  is<number | null>()(cj.t);
  // tuple in
  await engine.execute(select(items).where(tuple_(items.c.orderId, items.c.sku).in([[1, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"]])));
  // mixed null logic
  const m = (await engine.execute(select(func.coalesce(customers.c.displayName, customers.c.email).label("name")))).one();
  is<string>()(m.name);
  const t = (await engine.execute(select(func.coalesce(customers.c.tier, "free").label("tier")))).one();
  is<"free" | "pro" | "team">()(t.tier);
  const mn = (await engine.execute(select(func.min(orders.c.placed), func.now()))).tuples().one();
  is<readonly [Date | null, Date]>()(mn);
  const lit = (await engine.execute(select(literal("a").label("x"), literal(new Date()).label("d"), literal(null).label("n")))).one();
  is<string>()(lit.x);
  is<Date>()(lit.d);
  is<null>()(lit.n);
  const lag = (await engine.execute(select(func.lag(orders.c.id, 1, 0).over({ orderBy: orders.c.id }).label("prev")))).one();
  is<number | null>()(lag.prev);
  const fl = (await engine.execute(select(
    func.floor(literal(1.5)).label("f"),
    func.replace(customers.c.email, "a", "b").label("r"),
    func.substr(customers.c.displayName, 1, 2).label("s"),
    func.jsonArray(1, 2).label("j"),
    func.strftime("%Y", orders.c.placed).label("y"),
    func.random().label("d"),
    literalColumn<number>("1").cast(Text).concat("x").label("x"),
  ))).one();
  is<number>()(fl.f);
  is<string>()(fl.r);
  is<string | null>()(fl.s);
  is<unknown[]>()(fl.j);
  is<string | null>()(fl.y);
  is<bigint>()(fl.d);
  is<string>()(fl.x);
  const v = values({ a: Integer, b: Text }, { name: "v" }).data([[1, "x"]]);
  const jv = (await engine.execute(select(v.c.b, orders.c.id).join(v, v.c.a.eq(orders.c.id)))).one();
  is<string>()(jv.b);
  const filterBy = (await engine.execute(select(customers).filterBy({ email: "x" }))).all();
  is<number>()(filterBy[0]!.id);
  const streamed = await engine.connect(async (conn: Connection) => {
    const out: string[] = [];
    for await (const row of await conn.stream(select(customers.c.email))) out.push(row.email);
    return out;
  });
  is<string[]>()(streamed);
  const mapp = (await engine.execute(select(customers))).mappings().all();
  is<string>()(mapp[0]!.email);
  const ko = await engine.execute(insert(customers).values({ email: "q" })); const pk = ko.insertedPrimaryKey;
  void pk;
  await engine.execute(insert(items).fromSelect(["orderId", "sku", "qty"], select(orders.c.id, literal("x"), literal(1))));
  type NewCustomer = InsertOf<typeof customers>;
  const nc: NewCustomer = { email: "x" };
  void nc;
  const nc2: typeof customers.$insert = { email: "x", tier: "team" };
  void nc2;
}

enum Color {
  Red = "red",
  Blue = "blue",
}

/** Types of the app's own, and statements that are put together as the app goes. */
export async function kinds(engine: Engine): Promise<void> {
  const things = new Table("things", metadata,
    new Column("id", Integer, { primaryKey: true }),
    new Column("color", Enum(Color), { nullable: false }),
    new Column("level", Enum(["lo", "hi"])),
    new Column("price", Numeric(10, 2, { asNumber: true })),
    new Column("tags", typeDecorator<string[]>({ name: "Tags", impl: Text, toDb: (tags) => tags.join(","), fromDb: (text) => String(text).split(",") })));
  const row = (await engine.execute(select(things))).one();
  is<Color>()(row.color);
  is<"lo" | "hi" | null>()(row.level);
  is<number | null>()(row.price);
  is<string[] | null>()(row.tags);
  await engine.execute(insert(things).values({ color: Color.Red, tags: ["a"], level: "lo" }));
  await engine.execute(update(things).where(things.c.id.eq(bindparam("key"))).values({ level: bindparam("to") }), [{ key: 1, to: "lo" }]);
  let page = select(things.c.id, orders.c.note).outerJoin(orders, orders.c.id.eq(things.c.id)).orderBy(things.c.id).limit(10);
  if (row.id > 5) page = page.where(things.c.id.gt(row.id));
  const [first] = (await engine.execute(page)).tuples().all();
  is<readonly [number, string | null] | undefined>()(first);
  const conditions: Expr<boolean>[] = [things.c.id.gt(1), things.c.level.is(null), exists(select(orders.c.id))];
  await engine.execute(select(things).where(...conditions));
  const read = async <R extends object>(query: Select<R>) => (await engine.execute(query)).all();
  is<string | null>()((await read(select(things.c.id, orders.c.note).outerJoin(orders)))[0]!.note);
  const byId = async <T extends AnyTable>(table: T, id: number) => (await engine.execute(select(table).where(table.c["id"]!.eq(id)))).first();
  is<number | undefined>()((await byId(things, 1))?.id);
  const columns = [things.c.id, things.c.color] as const;
  is<Color>()((await engine.execute(select(...columns))).one().color);
}

/** Mistakes, at the place where they are made. */
export function mistakes(): void {
  // @ts-expect-error there is no such option
  new Column("x", Integer, { nulable: false });
  // @ts-expect-error nor is there among others
  new Column("x", Integer, { nullable: false, defalt: 1 });
  // @ts-expect-error nor behind a foreign key
  new Column("x", Integer, new ForeignKey("a.b"), { nullable: false, defalt: 1 });
  // @ts-expect-error a default is of the type of its column
  new Column("x", Integer, new ForeignKey("a.b"), { default: "x" });
  // @ts-expect-error a column has a type
  new Column("x");
  // @ts-expect-error no such column
  insert(customers).values({ emial: "x" });
  // @ts-expect-error the second has no email
  insert(customers).values([{ email: "x" }, { tier: "free" }]);
  // @ts-expect-error no such theme
  insert(customers).values({ email: "x", prefs: { theme: "blue", langs: [] } });
  // @ts-expect-error no such tier
  customers.c.tier.in(["gold"]);
  // @ts-expect-error an index has columns of the table
  insert(customers).onConflictDoUpdate({ indexElements: ["emial"], set: {} });
  // @ts-expect-error what is set are columns of the table
  insert(customers).onConflictDoUpdate({ indexElements: ["email"], set: { nope: 1 } });
  // @ts-expect-error what is returned are columns
  insert(customers).values({ email: "x" }).returning("id");
  // @ts-expect-error sums are of numbers
  func.sum(customers.c.prefs);
  // @ts-expect-error texts are in small letters, numbers are not
  func.lower(5);
  // @ts-expect-error a substring begins at a number
  func.substr(customers.c.email, "1");
  // @ts-expect-error a number is added to a number
  customers.c.id.add("x");
  // @ts-expect-error tuples are of the types of their columns
  tuple_(items.c.orderId, items.c.sku).in([["1", "x"]]);
  // @ts-expect-error undefined is no value
  orders.c.note.is(undefined);
  // @ts-expect-error a CTE has the columns that were selected
  select(customers.c.id).cte().c.email;
}
