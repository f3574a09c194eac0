// Misuse of tables and statements: each line is a mistake, the class of its error, and what the error says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pkg.mjs";

const {
  and_, BigInteger, bindparam, Boolean_, case_, cast, Column, CreateIndex, Date_, DateTime, delete_, Double, Enum, exists, ForeignKey,
  ForeignKeyConstraint, func, Index, insert, Integer, Interval, JSON_, LargeBinary, MetaData, not_, Numeric, or_, PrimaryKeyConstraint,
  registerCompiler, select, sql, String_, Table, Text, text, Time, union, UniqueConstraint, update, Uuid, values, withVariant,
} = await load("index.js");
const { prepare } = await load("statement.js");

const metadata = new MetaData();
const id = () => new Column("id", Integer, { primaryKey: true });
const users = new Table("users", metadata, id(), new Column("name", Text, { nullable: false }), new Column("age", Integer));
const other = new Table("other", metadata, id());
const addr = new Table("addr", metadata, id(), new Column("user_id", Integer, new ForeignKey("users.id")));
const two = new Table("two", metadata, id(),
  new Column("a", Integer, new ForeignKey("users.id")), new Column("b", Integer, new ForeignKey("users.id")));
const typed = new Table("typed", metadata, id(),
  new Column("big", BigInteger), new Column("flag", Boolean_), new Column("mood", Enum("good", "bad")), new Column("born", Date_),
  new Column("at", DateTime), new Column("time", Time), new Column("span", Interval), new Column("score", Double),
  new Column("price", Numeric(10, 2)), new Column("title", String_(5)), new Column("bytes", LargeBinary), new Column("doc", JSON_()),
  new Column("uuid", Uuid));
const { c } = users;
const promise = Promise.resolve(1);
const forgotten = /its await was forgotten$/;
const NO_TYPE = 'the type of column "x" is no type: string; types are Integer, Text, String_(50) and the like';
const isMissing = (what) => `Can't create ${what} on table 'x': no column named 'nope' is present.`;
const run = (statement, params) => prepare(statement, params);
const write = (values) => run(insert(typed), values);

const mistakes = {
  // What is no condition.
  "a string where a condition is due": [() => select(users).where("id = 1"), "ArgumentError",
    'Textual SQL expression "id = 1" should be explicitly declared as text("id = 1")'],
  "===": [() => select(users).where(c.id === 1), "ArgumentError",
    "where() takes conditions, like users.c.id.eq(1), not false: === compares objects here, use .eq()"],
  "!==": [() => update(users).where(c.id !== 1), "ArgumentError", /not true: === compares objects here, use \.eq\(\)$/],
  "==": [() => c.id == 1, "InvalidRequestError", /compare by its methods: \.eq\(\), \.ne\(\)/],
  "<": [() => c.id < 1, "InvalidRequestError", /compare by its methods/],
  "+": [() => c.id + 1, "InvalidRequestError", /compare by its methods/],
  "a Promise as a condition": [() => select(users).where(promise), "ArgumentError", forgotten],
  "a Promise in and_()": [() => and_(promise), "ArgumentError", forgotten],
  "a string in or_()": [() => or_("a"), "ArgumentError", 'Textual SQL expression "a" should be explicitly declared as text("a")'],
  "a string in not_()": [() => not_("a"), "ArgumentError", 'Textual SQL expression "a" should be explicitly declared as text("a")'],
  "a query as a condition": [() => select(users).where(select(other)), "ArgumentError", /use \.exists\(\), \.scalarSubquery\(\) or in\(\)$/],
  "null as a condition": [() => delete_(users).where(null), "ArgumentError", /^where\(\) takes conditions, .* not null$/],
  "a string in having()": [() => select(users).having("x"), "ArgumentError", /^Textual SQL expression "x"/],
  // What is nothing to select, to read from, to order by.
  "a string to select": [() => select("id"), "ArgumentError",
    'Textual column expression "id" should be explicitly declared as text("id")'],
  "a list to select": [() => select([c.id]), "ArgumentError", /not Array: give its items one by one$/],
  "a Promise to select": [() => select(promise), "ArgumentError", forgotten],
  "a query to select": [() => select(select(users)), "ArgumentError", "a query is selected as .scalarSubquery() or .subquery()"],
  "a string to join": [() => select(users).join("addr"), "ArgumentError", /^Textual FROM expression "addr"/],
  "a query to join": [() => select(users).join(select(addr)), "ArgumentError", /name it with \.subquery\(\) or \.cte\(\)$/],
  "a string to select from": [() => select(c.id).selectFrom("users"), "ArgumentError", /^Textual FROM expression "users"/],
  "a Promise to order by": [() => select(users).orderBy(promise), "ArgumentError", forgotten],
  "a number to order by": [() => select(users).orderBy(1), "ArgumentError", "orderBy() takes expressions and names, not number"],
  "a string to limit": [() => select(users).limit("5"), "ArgumentError", 'limit() takes a whole number, not "5"'],
  "half a row to limit": [() => select(users).limit(0.5), "ArgumentError", "limit() takes a whole number, not 0.5"],
  "a table to unite": [() => union(select(users), users), "ArgumentError", /^a compound takes queries, not Object$/],
  // What is no value.
  "a Promise as a value": [() => String(c.id.eq(promise)), "ArgumentError", forgotten],
  "undefined as a value": [() => String(c.id.eq(undefined)), "ArgumentError", "undefined is no part of a statement; use null for SQL NULL"],
  "an object as a value": [() => String(c.id.eq({})), "ArgumentError", /^an object \(Object\) is no value of SQL/],
  "a function as a value": [() => String(c.id.eq(() => 1)), "ArgumentError", "a function is no part of a statement"],
  "a string for a list": [() => c.id.in("abc"), "ArgumentError", /^in\(\) takes an array, a query/],
  "a Promise of values": [() => insert(users).values(promise), "ArgumentError", forgotten],
  "a Promise as a value of a column": [() => run(insert(users).values({ name: promise })), "DataError", forgotten],
  "a Promise of parameters": [() => run(insert(users), promise), "ArgumentError", forgotten],
  "parameters by position": [() => run(insert(users), [1]), "ArgumentError", /^the parameters of a statement are an object/],
  "a lone surrogate": [() => run(insert(users), { name: "\ud800" }), "DataError", /^parameter 'name' holds a lone surrogate/],
  // What is no statement.
  "a string to execute": [() => run("SELECT 1"), "ObjectNotExecutableError", /Use text\("SELECT 1"\)/],
  "a Promise to execute": [() => run(Promise.resolve(select(users))), "ObjectNotExecutableError", /its await was forgotten/],
  "an expression to execute": [() => run(c.id.eq(1)), "ObjectNotExecutableError", /^Not an executable object/],
  "a string for a table": [() => insert("users"), "ArgumentError", "insert() takes a table, not string"],
  // Names that are not there, or twice.
  "an unknown column": [() => c.nme, "ArgumentError", `the table "users" has no column 'nme'; it has: id, name, age`],
  "an unknown column of a subquery": [() => select(c.id).subquery("q").c.name, "ArgumentError",
    "the subquery has no column 'name'; it has: id"],
  "an unknown column of an alias": [() => users.alias("u").c.nme, "ArgumentError", /^the alias "u" has no column 'nme'/],
  "an unknown column to set": [() => run(update(users).values({ nme: 1 })), "CompileError", "Unconsumed column names: nme"],
  "an unknown column to insert": [() => run(insert(users).values({ nme: 1 })), "CompileError", "Unconsumed column names: nme"],
  "an unknown parameter": [() => run(insert(users), { name: "x", nme: 1 }), "CompileError", "Unconsumed column names: nme"],
  "an unknown parameter of an UPDATE": [() => run(update(users).where(c.id.eq(bindparam("b"))), { b: 1, age: 1, zz: 1 }), "CompileError",
    "Unconsumed column names: zz"],
  "an unknown name to order by": [() => String(select(users).orderBy("nme")), "CompileError",
    /^Can't resolve label reference for ORDER BY .* Textual SQL expression 'nme' should be explicitly declared as text\('nme'\)$/],
  "an unknown name to filter by": [() => String(select(users).filterBy({ nme: 1 })), "InvalidRequestError",
    'None of the FROM clause entities have a property "nme". Searched entities: users'],
  "an ambiguous name": [() => String(select(users, addr).filterBy({ id: 1 })), "InvalidRequestError",
    /^Attribute name "id" is ambiguous; it exists in multiple FROM clause entities \(users, addr\)\./],
  "an unknown column of an upsert": [() => insert(users).onConflictDoNothing({ indexElements: ["nme"] }), "ArgumentError", /'nme'/],
  "a parameter called like a column": [() => run(update(users).where(c.name.eq(bindparam("name"))), { name: "x" }), "CompileError",
    /^bindparam\(\) name 'name' is reserved for automatic usage in the VALUES or SET clause of this insert\/update statement\./],
  "a table that is there": [() => new Table("users", metadata, id()), "InvalidRequestError",
    /^Table 'users' is already defined for this MetaData instance\./],
  "a column that is there": [() => new Table("t", new MetaData(), id(), id()), "ArgumentError",
    "A column with name 'id' is already present in table 't'."],
  "a missing parameter": [() => run(select(users).where(c.id.eq(bindparam("x")))), "StatementError",
    "A value is required for bind parameter 'x'"],
  "a missing parameter of a group": [() => run(insert(users), [{ name: "a", age: 1 }, { name: "b" }]), "StatementError",
    "A value is required for bind parameter 'age', in parameter group 1"],
  "rows of different columns": [() => run(insert(users).values([{ name: "a" }, { name: "b", age: 1 }])), "CompileError",
    /names the column 'age', which the first row does not name$/],
  "no foreign key to join on": [() => String(select(users).join(other)), "NoForeignKeysError",
    "Can't find any foreign key relationships between 'users' and 'other'."],
  "several foreign keys to join on": [() => String(select(users).join(two)), "AmbiguousForeignKeysError", /between 'users' and 'two'/],
  "an UPDATE that sets nothing": [() => run(update(users)), "CompileError", "UPDATE of 'users' sets nothing"],
  // Values of a wrong type.
  "a Boolean that is 2": [() => write({ flag: 2 }), "DataError", "parameter 'flag': Boolean takes true or false, not 2"],
  "a Boolean that is a string": [() => write({ flag: "x" }), "DataError", "parameter 'flag': Boolean takes true or false, not \"x\""],
  "an outsider of an Enum": [() => write({ mood: "so so" }), "DataError",
    'parameter \'mood\': Enum takes one of "good", "bad", not "so so"'],
  "an integer beyond 64 bits": [() => write({ big: 2n ** 63n }), "DataError",
    "parameter 'big' is 9223372036854775808, which does not fit into SQLite's 64 bits"],
  "an integer beyond the safe ones": [() => write({ id: 2 ** 53 }), "DataError",
    "parameter 'id': Integer takes a whole number, not 9007199254740992"],
  "half an integer": [() => write({ id: 1.5 }), "DataError", "parameter 'id': Integer takes a whole number, not 1.5"],
  "NaN": [() => write({ score: NaN }), "DataError", "parameter 'score' is NaN, which SQLite cannot store; use null"],
  "a text that is no number": [() => write({ price: "cheap" }), "DataError",
    "parameter 'price': Numeric takes a number, or a string that is one, not \"cheap\""],
  "a date that is a string": [() => write({ born: "2026-11-21" }), "DataError", "parameter 'born': Date takes a Date, not \"2026-11-21\""],
  "a Date that is none": [() => write({ at: new Date("x") }), "DataError",
    "parameter 'at': DateTime takes a Date that is one, not an invalid Date"],
  "a time that there is not": [() => write({ time: "25:00" }), "DataError",
    "parameter 'time': Time takes a string like \"10:42:04\", not \"25:00\""],
  "a span that is a string": [() => write({ span: "1h" }), "DataError", "parameter 'span': Interval takes a number of milliseconds, not \"1h\""],
  "a number for a text": [() => write({ title: 5 }), "DataError", "parameter 'title': String takes a string, not 5"],
  "a string for bytes": [() => write({ bytes: "x" }), "DataError", /^parameter 'bytes': LargeBinary takes bytes/],
  "a bigint in JSON": [() => write({ doc: { n: 1n } }), "DataError", "parameter 'doc': JSON cannot hold a bigint"],
  "a text that is no UUID": [() => write({ uuid: "no" }), "DataError", "parameter 'uuid': Uuid takes a UUID as a string, not \"no\""],
  "a wrong value of a group": [() => write([{ flag: true }, { flag: 2 }]), "DataError",
    "parameter 'flag', in parameter group 1: Boolean takes true or false, not 2"],
  "a wrong value beside a column": [() => run(select(typed).where(typed.c.mood.eq("so so"))), "DataError",
    /^parameter 'mood_1': Enum takes one of/],
  // What types and constructs are made of.
  "a string for a type": [() => new Column("x", "INTEGER"), "ArgumentError", NO_TYPE],
  "an Enum of nothing": [() => Enum(), "ArgumentError", /^Enum\(\) takes strings, an array of them or an object/],
  "a variant of no dialect": [() => withVariant(Text, String_), "ArgumentError", /^withVariant\(\) takes names of dialects/],
  "a text of a wrong type": [() => text("SELECT 1").columns({ x: "INTEGER" }), "ArgumentError", NO_TYPE],
  "a string to cast to": [() => cast(c.id, "INTEGER"), "ArgumentError", /^this is no type: string/],
  "a length that is none": [() => String_("5"), "ArgumentError", 'String_() takes whole numbers, not "5"'],
  "a precision that is none": [() => Numeric(-1), "ArgumentError", "Numeric() takes whole numbers, not -1"],
  // Options that there are not, and what is none.
  "an option of a join": [() => select(users).join(addr, undefined, { isOuter: true }), "ArgumentError",
    "Unknown option 'isOuter' of join(); known are: isouter, full"],
  "an option of a window": [() => func.count().over({ partition: c.id }), "ArgumentError", /^Unknown option 'partition' of over\(\)/],
  "an option of an index": [() => new Index("ix", "a", { uniqe: true }), "ArgumentError", /^Unknown option 'uniqe' of an index/],
  "an option of a foreign key": [() => new ForeignKey("users.id", { onDelete: "CASCADE" }), "ArgumentError", /^Unknown option 'onDelete' of a foreign key/],
  "an option of a constraint": [() => new UniqueConstraint("a", { nam: "x" }), "ArgumentError", /^Unknown option 'nam' of a constraint/],
  "an option of an upsert": [() => insert(users).onConflictDoNothing({ index: ["id"] }), "ArgumentError", /^Unknown option 'index' of an upsert/],
  "a string for a foreign key": [() => new Column("x", Integer, "users.id"), "ArgumentError",
    'column "x" takes a foreign key and options, not string: new ForeignKey("users.id")'],
  "a string for an index": [() => new CreateIndex(users, "ix"), "ArgumentError", "new CreateIndex() takes a table and an index, not string"],
  "an index over nothing": [() => new Table("x", new MetaData(), id(), new Index("ix", "nope")), "ArgumentError", isMissing("Index")],
  "a later index over nothing": [() => new Index("ix", c.id, "nope"), "ArgumentError", "Can't create Index on table 'users': no column named 'nope' is present."],
  "a key of nothing": [() => new Table("x", new MetaData(), id(), new PrimaryKeyConstraint("nope")), "ArgumentError", isMissing("PrimaryKeyConstraint")],
  "UNIQUE of nothing": [() => new Table("x", new MetaData(), id(), new UniqueConstraint("nope")), "ArgumentError", isMissing("UniqueConstraint")],
  "a foreign key of nothing": [() => new Table("x", new MetaData(), id(), new ForeignKeyConstraint(["nope"], ["users.id"])), "ArgumentError",
    isMissing("ForeignKeyConstraint")],
  "a declared column to select": [() => select(users.columns[0]), "ArgumentError", /: columns are selected as users\.c\.id$/],
  "a union of tables": [() => union(users, addr), "ArgumentError", "union() takes queries, not Object"],
  "cases that are no pairs": [() => case_({ a: 1 }), "ArgumentError", /^case_\(\) takes pairs of a condition and a result/],
  "values in order that are no pairs": [() => update(users).orderedValues({ age: 1 }), "ArgumentError", 'orderedValues() takes pairs, ["name", value], not Object'],
  "a string in a filter": [() => run(select(func.count().filter("id > 1"))), "ArgumentError",
    'Textual SQL expression "id > 1" should be explicitly declared as text("id > 1")'],
  "a string to order a window by": [() => run(select(func.count().over({ orderBy: "id" }))), "ArgumentError", /^Textual SQL expression "id"/],
  "a string of a case": [() => case_([["id > 1", 1]]), "ArgumentError", /^Textual SQL expression "id > 1"/],
  "a string to correlate": [() => run(select(c.id).correlate("users")), "ArgumentError", /^Textual SQL expression "users"/],
  "a condition of an upsert": [() => run(insert(users).onConflictDoUpdate({ indexElements: ["id"], set: { age: 1 }, where: "age > 1" })), "ArgumentError",
    /^Textual SQL expression "age > 1"/],
  "a string for the columns of an upsert": [() => insert(users).onConflictDoNothing({ indexElements: "id" }), "ArgumentError",
    "indexElements is a list of columns, not string"],
  "half a frame": [() => func.count().over({ rows: [1] }), "ArgumentError", /^over\(\) takes a frame as \[from, to\]/],
  "a frame of words": [() => func.count().over({ range: ["a", 1] }), "ArgumentError", /^over\(\) takes a frame as \[from, to\]/],
  "an operator of nothing": [() => run(select(c.id.op()(1))), "ArgumentError", "a statement has a name or a text of SQL here, not undefined"],
  "options for the name of a CTE": [() => select(c.id).cte({ recursive: true }), "ArgumentError", "cte() takes a name, not Object"],
  "an option of a CTE": [() => select(c.id).cte("x", { recursiv: true }), "ArgumentError", /^Unknown option 'recursiv' of cte\(\)/],
  "options for the name of a subquery": [() => select(c.id).subquery({ name: "x" }), "ArgumentError", "subquery() takes a name, not Object"],
  "an empty alias": [() => users.alias(""), "ArgumentError", "alias() takes a name, not an empty one"],
  "an empty name of a column": [() => new Column("", Integer), "ArgumentError", "new Column() takes a name, not an empty one"],
  "an empty name of a table": [() => new Table("", new MetaData(), id()), "ArgumentError", "new Table() takes a name, not an empty one"],
  "a string a CTE goes on with": [() => select(c.id).cte("x", { recursive: true }).union("SELECT 1"), "ArgumentError", "a CTE goes on with a query, not string"],
  "rows that are none": [() => values({ a: Integer }).data(5), "ArgumentError", 'data() takes rows, which are arrays: [[1, "a"]], not number'],
  "a list of parameters": [() => select(c.id).params([1]), "ArgumentError", /^params\(\) takes values by name/],
  "a table whose rows are asked for": [() => exists(users), "ArgumentError", "exists() takes queries, not Object"],
  "a column for columns to insert": [() => insert(users).fromSelect("name", select(c.name)), "ArgumentError",
    "fromSelect() takes a list of columns, then a query, not string"],
  "a table for a query to insert": [() => insert(users).fromSelect(["name"], users), "ArgumentError", "fromSelect() takes a query, not Object"],
  "a SELECT of nothing": [() => run(select().where(c.id.eq(1))), "CompileError", /^a SELECT selects something/],
  "a compiler of a foreign class": [() => registerCompiler(class {}, () => ""), "ArgumentError",
    "registerCompiler() takes a class that extends ColumnElement or ExecutableElement"],
  "two frames": [() => func.count().over({ rows: [0, 1], range: [0, 1] }), "ArgumentError", /^only one of rows, range and groups/],
  "a template that is called": [() => sql("SELECT 1"), "ArgumentError", /^sql is a template tag/],
};

for (const [name, [mistake, errorClass, message]] of Object.entries(mistakes)) {
  test(`${name} is told kindly`, () => {
    assert.throws(mistake, (error) => {
      assert.equal(error.name, errorClass, error.message);
      if (typeof message === "string") assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    });
  });
}

test("columns can be looked at by those who ask for anything", async () => {
  assert.deepEqual(Object.keys(await c), ["id", "name", "age"]);
  assert.equal("nme" in c, false);
  assert.deepEqual([c.$$typeof, c.toJSON, c[Symbol.iterator]], [undefined, undefined, undefined]);
  const names = ["__proto__", "constructor", "then", "toString"];
  const odd = new Table("odd", new MetaData(), ...names.map((name) => new Column(name, Integer)));
  assert.deepEqual(Object.keys(odd.c), names);
  assert.match(String(select(odd)), /SELECT odd\.__proto__, odd\.constructor, odd\."?then"?, odd\."?toString"?/);
});

test("a forgotten value of a list is named", () => {
  assert.throws(() => prepare(select(users).where(c.id.in([1, undefined]))), /^DataError: parameter 'id_1' is undefined/);
});
