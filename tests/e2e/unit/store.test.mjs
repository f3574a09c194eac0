// The music store's rows: the same every time, whole, and believable.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { asAddress } from "../../../www/app/store/names.js";
import { BATCH, musicStore } from "../../../www/app/store/catalogue.js";
import { insertInto, TABLES } from "../../../www/app/store/schema.js";

const store = musicStore();
const rows = Object.fromEntries(TABLES.map(({ name }) => [name, []]));
const order = [];
for (const batch of store.batches()) {
  if (order.at(-1) !== batch.table) order.push(batch.table);
  assert.ok(batch.rows.length <= BATCH);
  rows[batch.table].push(...batch.rows);
}

const digest = (batches) => {
  const hash = createHash("sha256");
  for (const { rows: some } of batches) {
    for (const row of some) hash.update(row.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : JSON.stringify(value))).join("\t"));
  }
  return hash.digest("hex");
};

test("the store is the same every time, on every machine", () => {
  assert.equal(digest(musicStore().batches()), "71702391c5b260299e9a3222e85bfcf3c05dbc0a9caeea4c3d4e231c8474f632");
  assert.notEqual(digest(musicStore(2).batches()), digest(musicStore(3).batches()));
});

test("it has at least 100,000 rows, as many as it says, parents first", () => {
  for (const { name } of TABLES) assert.equal(rows[name].length, store.totals[name], name);
  assert.ok(Object.values(store.totals).reduce((sum, count) => sum + count) >= 100_000);
  assert.deepEqual(order, TABLES.map(({ name }) => name));
});

test("every row fits its insert, and ids count from 1", () => {
  for (const table of TABLES) {
    const places = insertInto(table).match(/\?/gu).length;
    rows[table.name].forEach((row, i) => {
      assert.equal(row.length, places, table.name);
      assert.equal(row[0], i + 1, table.name);
    });
  }
});

test("every reference has its parent", () => {
  const refers = (table, column, parent) => rows[table].every((row) => Number.isInteger(row[column]) && row[column] >= 1 && row[column] <= rows[parent].length);
  assert.ok(refers("albums", 1, "artists"));
  assert.ok(refers("tracks", 1, "albums"));
  assert.ok(refers("invoices", 1, "customers"));
  assert.ok(refers("invoice_lines", 1, "invoices"));
  assert.ok(refers("invoice_lines", 2, "tracks"));
});

test("an invoice is the sum of its lines, and comes after its customer joined", () => {
  const cents = new Map();
  for (const [, invoice, , price, quantity] of rows.invoice_lines) cents.set(invoice, (cents.get(invoice) ?? 0) + Math.round(price * 100) * quantity);
  for (const [id, customer, at, total] of rows.invoices) {
    assert.equal(Math.round(total * 100), cents.get(id));
    assert.ok(at.slice(0, 10) >= rows.customers[customer - 1][7], `invoice ${id}`);
  }
});

test("names and addresses are unique where the schema says so, and plain ASCII where addresses must be", () => {
  assert.equal(new Set(rows.artists.map((row) => row[1])).size, rows.artists.length);
  assert.equal(new Set(rows.customers.map((row) => row[3])).size, rows.customers.length);
  assert.ok(rows.customers.every((row) => /^[a-z]+\.[a-z]+\d*@example\.(?:com|net|org)$/u.test(row[3])));
  assert.equal(asAddress("Øyvind O'Weiß-Łódź"), "oyvindoweisslodz");
  assert.ok(!rows.artists.some((row) => /\d/u.test(row[1])));
});

test("there are NULLs, pictures and letters beyond ASCII to look at", () => {
  assert.ok(rows.artists.some((row) => row[5] === null) && rows.customers.some((row) => row[6] === null));
  assert.ok(rows.albums.every((row) => row[5] instanceof Uint8Array && row[5][0] === 0x42 && row[5][1] === 0x4d));
  assert.ok(rows.customers.some((row) => /[^\p{ASCII}]/u.test(row[2])));
});
