// The classes of errors against the table in Rust, and what an error carries.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { load, repository } from "./pkg.mjs";

const errors = await load("errors.js");
const { rehydrate, utf16Index } = errors;

const source = readFileSync(repository("crates/protocol/src/error.rs"), "utf8");
const row = /^ {4}(\w+) = (\d+), "(\w+)", "(\w+)", (None|Some\("(\w+)"\)), (true|false);$/gm;
const kinds = [...source.matchAll(row)].map(([, , , name, parent, , code, retryable]) => ({
  name, parent, code: code ?? null, retryable: retryable === "true",
}));

test("every kind of error in Rust has its class, with parent, code and retryable", () => {
  assert.ok(kinds.length >= 25, `only ${kinds.length} rows were found in error.rs`);
  for (const { name, parent, code, retryable } of kinds) {
    const errorClass = errors[name];
    assert.equal(typeof errorClass, "function", name);
    assert.equal(Object.getPrototypeOf(errorClass), errors[parent], `${name} extends ${parent}`);
    const error = new errorClass("why");
    assert.deepEqual([error.name, error.code, error.retryable], [name, code, retryable], name);
    assert.ok(error instanceof errors.SQLAlchemyError && error instanceof Error);
    assert.equal(String(error), `${name}: why`);
  }
});

test("every class has a row, and those that group others have no kind", () => {
  const grouping = new Set(["SQLAlchemyError", "DBAPIError", "DatabaseError"]);
  for (const [name, value] of Object.entries(errors)) {
    if (typeof value !== "function" || !(value.prototype instanceof errors.SQLAlchemyError)) continue;
    if (name === "AlreadyQuit" || grouping.has(name)) continue;
    assert.ok(kinds.some((kind) => kind.name === name), `${name} has no row in error.rs`);
  }
  assert.equal(errors.AlreadyQuit, errors.WorkerGone);
});

const record = (more) => ({
  class: "OperationalError", code: "e3q8", message: "near \"FORM\": syntax error", sqliteCode: 1, offset: -1, retryable: false, ...more,
});

test("a record becomes an instance of its class with all that is known", () => {
  const statement = "SELECT 'ü🧪' FORM t";
  const error = rehydrate(record({ statement, offset: new TextEncoder().encode("SELECT 'ü🧪' ").length }));
  assert.ok(error instanceof errors.OperationalError);
  assert.equal(error.message, `near "FORM": syntax error\n[SQL: ${statement}]`);
  assert.equal(statement.slice(error.offset), "FORM t");
  assert.equal(error.statement, statement);
  assert.deepEqual([error.sqliteCode, error.sqliteCodeName], [1, "SQLITE_ERROR"]);
  assert.equal(error.orig.message, 'near "FORM": syntax error');
  assert.equal(error.cause, error.orig);
});

test("constraint, reason, retryable and the chain of causes come along", () => {
  const constraint = { kind: "unique", name: null, table: "users", columns: ["email"] };
  const violated = rehydrate(record({ class: "IntegrityError", code: "gkpj", sqliteCode: 2067, constraint }));
  assert.deepEqual(violated.constraint, constraint);
  assert.equal(violated.sqliteCodeName, "SQLITE_CONSTRAINT_UNIQUE");
  const storage = rehydrate(record({ class: "StorageError", code: undefined, sqliteCode: 0, reason: "in-use", retryable: true }));
  assert.deepEqual([storage.reason, storage.retryable, storage.sqliteCode, storage.orig], ["in-use", true, null, null]);
  const gone = rehydrate(record({ class: "WorkerGone", cause: record({ class: "ProtocolError", sqliteCode: 0 }) }));
  assert.ok(gone.cause instanceof errors.ProtocolError);
});

test("what the caller knows of the statement is added", () => {
  const context = { statement: "SELECT :x", params: { x: 1 }, paramsText: () => "(1,)" };
  const error = rehydrate(record({ statement: "SELECT :x" }), context);
  assert.deepEqual(error.params, { x: 1 });
  assert.match(error.message, /\n\[SQL: SELECT :x\]\n\[parameters: \(1,\)\]$/);
  const other = rehydrate(record({ statement: "SELECT 2" }), context);
  assert.equal(other.params, null);
  const hidden = rehydrate(record({ statement: "SELECT :x", parameters: "hidden due to hide_parameters=True" }), context);
  assert.match(hidden.message, /hidden due to/);
});

test("names of SQLite's codes", () => {
  const names = {
    5: "SQLITE_BUSY", 517: "SQLITE_BUSY_SNAPSHOT", 13: "SQLITE_FULL", 11: "SQLITE_CORRUPT", 26: "SQLITE_NOTADB", 9: "SQLITE_INTERRUPT",
    787: "SQLITE_CONSTRAINT_FOREIGNKEY", 1299: "SQLITE_CONSTRAINT_NOTNULL", 1555: "SQLITE_CONSTRAINT_PRIMARYKEY",
    275: "SQLITE_CONSTRAINT_CHECK", 3091: "SQLITE_CONSTRAINT_DATATYPE", 266: "SQLITE_IOERR_READ", 522: "SQLITE_IOERR_SHORT_READ",
    1032: "SQLITE_READONLY_DBMOVED", 14: "SQLITE_CANTOPEN", 101: "SQLITE_DONE", 99: "SQLITE_99",
  };
  for (const [code, name] of Object.entries(names)) {
    assert.equal(new errors.OperationalError("", { sqliteCode: Number(code) }).sqliteCodeName, name, code);
  }
});

test("errors can be posted to another thread", () => {
  const error = rehydrate(record({ statement: "SELECT 1", constraint: { kind: "check", name: "c", table: null, columns: [] } }));
  const copy = structuredClone(error);
  assert.ok(copy instanceof Error);
  assert.equal(copy.message, error.message);
  assert.deepEqual(structuredClone({ ...error }).constraint, error.constraint);
});

test("what is no record is left alone", () => {
  for (const thrown of [new TypeError("x"), "text", 5, null, undefined, {}]) assert.equal(rehydrate(thrown), thrown);
});

test("a class that an application derived keeps code and retryable", () => {
  class Mine extends errors.TimeoutError {}
  assert.deepEqual([new Mine("x").code, new Mine("x").retryable], ["3o7r", true]);
});

test("offsets in bytes become offsets in UTF-16 units", () => {
  const text = "aü€🧪z";
  assert.deepEqual([0, 1, 3, 6, 10, 11, 99].map((bytes) => utf16Index(text, bytes)), [0, 1, 2, 3, 5, 6, 6]);
});
