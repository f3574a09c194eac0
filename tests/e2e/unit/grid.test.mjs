// The grid's arithmetic, and what its cells say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asTsv, copied, described, hexDump, imageType, kind, shown } from "../../../www/app/grid/cells.js";
import { columnEdges, moved, scrolledInto, visibleColumns, visibleRows, widthInCharacters } from "../../../www/app/grid/viewport.js";

test("only the visible rows are drawn, and a few around them", () => {
  const at = (scrollTop, count = 100_000) => visibleRows({ scrollTop, height: 280, rowHeight: 28, count, around: 6 });
  assert.deepEqual(at(0), { first: 0, last: 16 });
  assert.deepEqual(at(28 * 50_000), { first: 49_994, last: 50_016 });
  assert.deepEqual(at(28 * 99_990), { first: 99_984, last: 100_000 });
  assert.deepEqual(at(0, 0), { first: 0, last: 0 });
  assert.deepEqual(at(9_999_999, 3), { first: 3, last: 3 });
});

test("only the visible columns are drawn, and a few around them", () => {
  const widths = Array.from({ length: 1000 }, () => 100);
  const { lefts, total } = columnEdges(widths);
  assert.equal(total, 100_000);
  const at = (scrollLeft) => visibleColumns({ scrollLeft, width: 500, lefts, widths, around: 2 });
  assert.deepEqual(at(0), { first: 0, last: 7 });
  assert.deepEqual(at(50_050), { first: 498, last: 508 });
  assert.deepEqual(at(99_500), { first: 993, last: 1000 });
  assert.deepEqual(visibleColumns({ scrollLeft: 0, width: 500, lefts: [], widths: [] }), { first: 0, last: 0 });
});

test("scrolling goes no further than it must", () => {
  assert.equal(scrolledInto({ start: 10, end: 20, position: 0, size: 100 }), 0);
  assert.equal(scrolledInto({ start: 10, end: 20, position: 50, size: 100 }), 10);
  assert.equal(scrolledInto({ start: 190, end: 200, position: 0, size: 100 }), 100);
  assert.equal(scrolledInto({ start: 190, end: 400, position: 0, size: 100 }), 190);
});

test("keys move to where they say, and stop at the edges", () => {
  const go = (key, from = { row: 5, column: 1 }, far = false) => moved(from, key, { rows: 10, columns: 3, page: 4, far });
  assert.deepEqual(go("ArrowDown"), { row: 6, column: 1 });
  assert.deepEqual(go("ArrowDown", { row: 5, column: 1 }, true), { row: 9, column: 1 });
  assert.deepEqual(go("ArrowUp", { row: 0, column: 1 }), { row: 0, column: 1 });
  assert.deepEqual(go("ArrowRight", { row: 0, column: 2 }), { row: 0, column: 2 });
  assert.deepEqual(go("PageDown"), { row: 9, column: 1 });
  assert.deepEqual(go("PageUp"), { row: 1, column: 1 });
  assert.deepEqual(go("Home"), { row: 5, column: 0 });
  assert.deepEqual(go("End", { row: 5, column: 1 }, true), { row: 9, column: 2 });
  assert.equal(go("Tab"), undefined);
});

test("columns are as wide as they need, within bounds", () => {
  assert.equal(widthInCharacters("id", ["1", "2"]), 5);
  assert.equal(widthInCharacters("a_long_column_name", []), 19);
  assert.equal(widthInCharacters("text", ["x".repeat(500)]), 44);
});

test("cells show what is stored", () => {
  assert.equal(shown(null), "NULL");
  assert.equal(shown("NULL"), "NULL");
  assert.deepEqual([kind(null), kind("NULL")], ["null", "text"]);
  assert.equal(shown(9007199254740993n), "9007199254740993");
  assert.equal(shown(-0), "-0.0");
  assert.equal(shown(0.1), "0.1");
  assert.equal(shown("two\nlines"), "two ↵ lines");
  assert.equal(shown("nul\0inside"), "nul␀inside");
  assert.equal(shown("x".repeat(1000)).length, 241);
  assert.equal(shown(new Uint8Array([1, 2, 3])), "BLOB · 3 B");
  assert.equal(kind(new ArrayBuffer(2)), "blob");
});

test("copying keeps values whole", () => {
  assert.equal(copied(null), "");
  assert.equal(copied(new Uint8Array([0, 255])), "x'00ff'");
  assert.equal(copied("x".repeat(1000)).length, 1000);
  assert.equal(asTsv([[1, "a\tb", null], [2n, 'say "x"', "y"]]), '1\t"a\tb"\t\n2\t"say ""x"""\ty');
});

test("values are described, blobs dumped, pictures recognised", () => {
  assert.equal(described("ä🙂"), "Text of 2 characters");
  assert.equal(described(1.5), "Number, real");
  assert.equal(described(5n), "Number, whole");
  assert.match(hexDump(new Uint8Array([0x41, 0x00, 0xff])), /^000000 {2}41 00 ff +A··$/u);
  assert.match(hexDump(new Uint8Array(5000)), /and 904 B more$/u);
  assert.equal(imageType(new Uint8Array([0x42, 0x4d, ...new Uint8Array(92)])), "image/bmp");
  assert.equal(imageType(new Uint8Array([0x42, 0x4d])), undefined);
});
