/**
 * TypeScript from a database: a module that declares its tables.
 *
 * @module
 */

import { isAuto, keyColumns, plainColumn, type Inspector } from "./inspect.js";
import type { ConstraintData, InSchema, TableData } from "./reflected.js";

/** What {@link generateTables} takes. */
export interface GenerateOptions extends InSchema {
  /** Views, too, in a set of their own, so that nobody creates them as tables. */
  readonly views?: boolean;
  /** Where the package is imported from. */
  readonly from?: string;
}

const TYPES: Readonly<Record<string, string>> = {
  Boolean: "Boolean_",
  Date: "Date_",
  Json: "JSON_()",
  Jsonb: "JSONB()",
  Null: "NullType",
  Real: "REAL",
  String: "String_",
};

const TAKEN = new Set(
  ("metadata views break case catch class const continue debugger default delete do else enum export extends false finally for " +
    "function if implements import in instanceof interface let new null package private protected public return static super " +
    "switch this throw true try typeof var void while with yield await async of arguments eval undefined").split(" "),
);

const text = (value: unknown): string => JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

/** Options as they are written: what has no value is left out. */
function bag(members: Readonly<Record<string, string | null | undefined>>): string {
  const written = Object.entries(members).filter(([, value]) => value !== null && value !== undefined);
  return written.length === 0 ? "" : `{ ${written.map(([name, value]) => `${name}: ${value}`).join(", ")} }`;
}

const optional = (value: unknown): string | null => (value === null || value === undefined ? null : text(value));

/**
 * The tables of a database as a module of TypeScript: `new Table(...)` for each, and the types of their rows.
 *
 * ```ts
 * const source = generateTables(await inspect(conn));
 * ```
 */
export function generateTables(inspector: Inspector, options: GenerateOptions = {}): string {
  const used = new Set<string>(["Column", "MetaData", "Table"]);
  const name = namer(used);
  const whole = (table: TableData): boolean => table.unreflectable === null;
  const all = inspector.tables(options.schema).filter(whole);
  const modules = all.filter((table) => table.kind === "virtual").map((table) => `${table.name}_`);
  // What a module keeps its rows in is its own affair.
  const tables = all.filter((table) => !modules.some((prefix) => table.name.startsWith(prefix)));
  const views = options.views === true ? inspector.tables(options.schema, true).filter(whole) : [];
  const order = inspector.getSortedTableAndFkcNames(options).map(([table]) => table);
  tables.sort((left, right) => order.indexOf(left.name) - order.indexOf(right.name));
  const parts = [
    ...tables.filter((table) => table.kind === "table").map((table) => source(table, name(table.name), "metadata", options, used)),
    ...[...tables.filter((table) => table.kind === "virtual"), ...views].map((table) => source(table, name(table.name), "views", options, used)),
  ];
  const sets = [`export const metadata = new MetaData();`];
  if (parts.some((part) => part.includes(", views,"))) {
    sets.push(`/** Views, and tables of modules: they are read, and created by nobody. */\nexport const views = new MetaData();`);
  }
  const imports = [...used].sort((left, right) => (left.toLowerCase() < right.toLowerCase() ? -1 : 1));
  const from = text(options.from ?? "aludel");
  return `// Made by aludel from a database. Change the database, not this file.\nimport { ${imports.join(", ")} } from ${from};\n\n${[...sets, ...parts].join("\n\n")}\n`;
}

/** Makes names for constants out of names of tables, each once. */
function namer(imported: ReadonlySet<string>): (table: string) => string {
  const given = new Set<string>();
  return (table) => {
    const words = table.split(/[^\p{L}\p{Nd}$]+/u).filter((word) => word !== "");
    const joined = words.map((word, i) => (i === 0 ? lower(word) : upper(word))).join("");
    let name = /^[\p{L}$]/u.test(joined) ? joined : `table${upper(joined)}`;
    while (TAKEN.has(name) || given.has(name) || given.has(upper(name)) || imported.has(name) || /^(text|literalColumn|declaredAs)$/.test(name)) name += "_";
    given.add(name);
    return name;
  };
}

const upper = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
const lower = (word: string): string => word.slice(0, 1).toLowerCase() + word.slice(1);

function typeSource(column: TableData["columns"][number], used: Set<string>): string {
  const { type, args, exact, ddl } = column;
  const plain = TYPES[type] ?? type;
  used.add(plain.replace("()", ""));
  const made = args.length > 0 ? `${plain}(${args.join(", ")})` : type === "String" || type === "Numeric" ? `${plain}()` : plain;
  if (exact) return made;
  used.add("declaredAs");
  return `declaredAs(${made}, ${text(ddl)})`;
}

function keyOptions({ name, ondelete, onupdate, deferrable, initially, match }: ConstraintData): string {
  return bag({
    name: optional(name),
    ondelete: optional(ondelete),
    onupdate: optional(onupdate),
    deferrable: optional(deferrable),
    initially: optional(initially),
    match: optional(match),
  });
}

function clauses({ name, onConflict, orders }: ConstraintData): string[] {
  const order = orders.length > 0 ? `[${orders.map(text).join(", ")}]` : null;
  const written = bag({ name: optional(name), sqliteOnConflict: optional(onConflict), sqliteOrder: order });
  return written === "" ? [] : [written];
}

function source(table: TableData, name: string, set: "metadata" | "views", options: GenerateOptions, used: Set<string>): string {
  const sql = (expression: string): string => {
    used.add("literalColumn");
    return `literalColumn(${text(expression)})`;
  };
  const { constraints } = table;
  const key = keyColumns(table);
  const ofColumn = (kind: ConstraintData["kind"], column: string): ConstraintData | undefined =>
    constraints.find((constraint) => constraint.kind === kind && constraint.columns.length === 1 && constraint.columns[0] === column);
  const said = new Set<ConstraintData>();
  const items = table.columns.map((column) => {
    const parts = [text(column.name), typeSource(column, used)];
    const key = ofColumn("fk", column.name);
    const referred = key?.referred?.[0];
    if (key?.table !== undefined && referred !== undefined && !key.table.includes(".") && !referred.includes(".")) {
      said.add(key);
      used.add("ForeignKey");
      const target = [options.schema, key.table, referred].filter((part) => part !== undefined).join(".");
      parts.push(`new ForeignKey(${[text(target), keyOptions(key)].filter((part) => part !== "").join(", ")})`);
    }
    const unique = ofColumn("uq", column.name);
    const isPlain = unique !== undefined && unique.name === null && unique.orders.length === 0;
    if (isPlain) said.add(unique);
    const check = constraints.find((constraint) => constraint.kind === "ck" && constraint.inline && constraint.columns[0] === column.name);
    if (check !== undefined) {
      said.add(check);
      used.add("CheckConstraint");
    }
    const isKey = column.primaryKey > 0;
    const autoKey = column.autoincrement ? ofColumn("pk", column.name) : undefined;
    const written = bag({
      primaryKey: isKey ? "true" : null,
      nullable: column.nullable || isKey ? null : "false",
      serverDefault: column.default === null ? null : /^'([^']|'')*'$/.test(column.default) ? text(column.default.slice(1, -1).replaceAll("''", "'")) : sql(column.default),
      computed: column.computed === undefined ? null : `{ sqltext: ${text(column.computed.sqltext)}, persisted: ${column.computed.persisted} }`,
      unique: isPlain ? "true" : null,
      check: check === undefined ? null : `new CheckConstraint(${[text(check.sqltext), ...clauses(check)].join(", ")})`,
      sqliteOnConflictNotNull: optional(column.onConflict),
      sqliteOnConflictPrimaryKey: optional(autoKey?.onConflict),
      sqliteOnConflictUnique: isPlain ? optional(unique.onConflict) : null,
    });
    if (written !== "") parts.push(written);
    return `new Column(${parts.join(", ")})`;
  });
  for (const constraint of constraints) {
    if (said.has(constraint)) continue;
    const { kind, columns } = constraint;
    const lone = kind === "pk" && (isAuto(table) || (constraint.name === null && constraint.onConflict === null && constraint.orders.length === 0));
    const inOrder = columns.every((column, i) => key[i] === column) && isSorted(table, columns);
    if (lone && inOrder) continue;
    const list = columns.map(text);
    if (kind === "fk") {
      used.add("ForeignKeyConstraint");
      const to = `{ name: ${text(constraint.table)}, schema: ${options.schema === undefined ? "undefined" : text(options.schema)} }`;
      const targets = columns.map((column, i) => `{ name: ${text(constraint.referred?.[i] ?? column)}, table: ${to} }`);
      items.push(`new ForeignKeyConstraint(${[`[${list.join(", ")}]`, `[${targets.join(", ")}]`, keyOptions(constraint)].filter((part) => part !== "").join(", ")})`);
      continue;
    }
    const what = kind === "pk" ? "PrimaryKeyConstraint" : kind === "uq" ? "UniqueConstraint" : "CheckConstraint";
    used.add(what);
    items.push(`new ${what}(${[...(kind === "ck" ? [text(constraint.sqltext)] : list), ...clauses(constraint)].join(", ")})`);
  }
  for (const index of table.indexes.filter(({ auto }) => !auto)) {
    used.add("Index");
    const elements = index.expressions.map((expression, i) => {
      const down = index.descending[i] === true;
      const column = plainColumn(expression, index.columnNames[i], down);
      return column === undefined ? sql(down ? `${expression} DESC` : expression) : text(column);
    });
    const written = bag({ unique: index.unique ? "true" : null, sqliteWhere: index.where === null ? null : sql(index.where) });
    items.push(`new Index(${[text(index.name), ...elements, written].filter((part) => part !== "").join(", ")})`);
  }
  const written = bag({
    schema: optional(options.schema),
    sqliteWithRowid: table.withoutRowid ? "false" : null,
    sqliteStrict: table.strict ? "true" : null,
    sqliteAutoincrement: isAuto(table) ? "true" : null,
  });
  if (written !== "") items.push(written);
  const type = upper(name);
  return (
    `export const ${name} = new Table(${text(table.name)}, ${set},\n${items.map((item) => `  ${item}`).join(",\n")});\n` +
    `/** A row of ${text(table.name).replaceAll("*/", "* /")}. */\nexport type ${type} = typeof ${name}.$row;\n` +
    `/** What can be inserted into it. */\nexport type New${type} = typeof ${name}.$insert;`
  );
}

/** Whether the key has its columns in the order in which the table has them. */
function isSorted(table: TableData, columns: readonly string[]): boolean {
  const places = columns.map((name) => table.columns.findIndex((column) => column.name === name));
  return places.every((place, i) => i === 0 || place > (places[i - 1] as number));
}
