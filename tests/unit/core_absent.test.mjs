// What SQLAlchemy has and SQLite has not: a CompileError says what to use instead.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./pkg.mjs";

const { Column, CompileError, func, Integer, MetaData, select, Table } = await load("index.js");
const things = new Table("things", new MetaData(), new Column("id", Integer, { primaryKey: true }), new Column("age", Integer));
const { c } = things;

for (const [name, build, advice] of [
  ["b1_08 ANY", () => select(c.id).where(c.id.eq(func.any(select(c.age).scalarSubquery()))), /SQLite has no ANY: use in\(\) or exists\(\)/],
  ["b1_12 DISTINCT ON", () => select(c.id).distinct(c.age), /SQLite has no DISTINCT ON: use distinct\(\) without columns/],
  ["b1_15 ROLLUP", () => select(c.id).groupBy(func.rollup(c.age)), /SQLite has no ROLLUP: use union_all\(\)/],
  ["b1_15 LATERAL", () => select(c.id).lateral("l"), /SQLite has no LATERAL: use a correlated scalarSubquery\(\)/],
  ["b1_15 TABLESAMPLE", () => things.tablesample(10), /SQLite has no TABLESAMPLE: use orderBy\(func.random\(\)\) with limit\(\)/],
  ["b1_15 hints", () => select(c.id).withHint(things, "USE INDEX"), /SQLite has no hints: use INDEXED BY or NOT INDEXED in a text\(\)/],
  ["b2_07 TRY_CAST", () => select(func.tryCast(c.age)), /SQLite has no TRY_CAST: use cast\(\)/],
]) {
  test(`${name} is refused with what there is instead`, () => {
    assert.throws(
      () => build().compile(),
      (error) => error instanceof CompileError && advice.test(error.message),
    );
  });
}
