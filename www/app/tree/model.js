// The schema as a tree, from what SQLite tells about itself. Pure: rows in, plain objects out.

/** The queries that `schemaTree` wants the rows of, in the order of its arguments. */
export const SCHEMA_QUERIES = [
  `SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'
   ORDER BY type, rowid`,
  `SELECT s.name, c.name, c.type, c."notnull", c.pk, c.hidden
   FROM sqlite_schema AS s JOIN pragma_table_xinfo(s.name) AS c
   WHERE s.type = 'table' AND substr(s.name, 1, 7) <> 'sqlite_' ORDER BY s.rowid, c.cid`,
  `SELECT s.name, f."from", f."table", f."to"
   FROM sqlite_schema AS s JOIN pragma_foreign_key_list(s.name) AS f WHERE s.type = 'table' ORDER BY s.rowid, f.id, f.seq`,
  `SELECT s.name, i.name, i."unique", c.name
   FROM sqlite_schema AS s JOIN pragma_index_list(s.name) AS i JOIN pragma_index_info(i.name) AS c
   WHERE s.type = 'table' ORDER BY s.rowid, i.name, c.seqno`,
];

/**
 * Tables and views with columns and indexes.
 * @returns {{ name: string, type: string, columns: { name: string, type: string, marks: string[], words: string }[],
 *   indexes: { name: string, unique: boolean, columns: string[] }[] }[]}
 */
export function schemaTree(tables, columns, references, indexes) {
  const tree = new Map(tables.map(([type, name]) => [name, { name, type, columns: [], indexes: [] }]));
  const targets = new Map(references.map(([table, from, target, to]) => [`${table}\0${from}`, to === null ? target : `${target}.${to}`]));
  for (const [table, name, type, notNull, primary, hidden] of columns) {
    if (hidden === 1) continue;
    tree.get(table)?.columns.push(describeColumn(name, type, { notNull, primary, hidden, target: targets.get(`${table}\0${name}`) }));
  }
  for (const [table, name, unique, column] of indexes) {
    const list = tree.get(table)?.indexes;
    if (list === undefined) continue;
    const last = list[list.length - 1];
    if (last?.name === name) last.columns.push(column ?? "an expression");
    else list.push({ name, unique: unique === 1, columns: [column ?? "an expression"] });
  }
  return [...tree.values()];
}

function describeColumn(name, type, { notNull, primary, hidden, target }) {
  const marks = [];
  const words = [type === "" ? "any type" : type];
  if (primary > 0) {
    marks.push("PK");
    words.push("primary key");
  }
  if (target !== undefined) {
    marks.push("FK");
    words.push(`references ${target}`);
  }
  if (hidden === 2 || hidden === 3) words.push("generated");
  if (notNull === 0 && primary === 0) words.push("may be NULL");
  return { name, type, marks, words: words.join(", ") };
}
