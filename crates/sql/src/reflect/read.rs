//! From rows of SQLite to what they say.

use super::{
    Inspector, ObjectKind, ReflectedColumn, ReflectedComputed, ReflectedIndex, ReflectedOptions, ReflectedTable,
};
use super::{parse, parse::Kind};
use crate::compile::{always_quoted, string_literal};
use crate::token::{Token, TokenKind, tokens};
use crate::types::declared_type;
use aludel_protocol::Value;

/// The query for the names of the databases of a connection.
pub const DATABASES: &str = "SELECT name FROM pragma_database_list ORDER BY seq";

/// The query for all that these databases hold, in order. `with_columns` asks for the columns of everything at once, which
/// fails if SQLite cannot tell those of one view; without, [`repair`] asks for them one by one.
///
/// A row begins with the database, the table, what it tells (0 the table, 1 a column, 2 a column of an index), a name to be
/// sorted by and a number within it.
pub fn query(schemas: &[String], with_columns: bool) -> String {
    let mut sql = String::new();
    for schema in schemas {
        let (master, name) = (format!("{}.sqlite_master", always_quoted(schema)), string_literal(schema));
        sql += if sql.is_empty() { "" } else { " UNION ALL " };
        sql += &format!(
            "SELECT {name}, name, 0, '', 0, type, sql, NULL, NULL, NULL, NULL FROM {master} WHERE type IN ('table', 'view') \
             UNION ALL SELECT {name}, m.name, 2, l.name, i.seqno, l.origin, s.sql, l.\"unique\", i.cid, i.name, i.\"desc\" \
             FROM {master} AS m, pragma_index_list(m.name, {name}) AS l, pragma_index_xinfo(l.name, {name}) AS i \
             LEFT JOIN {master} AS s ON s.type = 'index' AND s.name = l.name WHERE m.type = 'table' AND i.\"key\""
        );
        if with_columns {
            let columns = columns(&name, "m.name", &format!("{master} AS m, "));
            sql += &format!(" UNION ALL {columns} WHERE m.type IN ('table', 'view')");
        }
    }
    sql + " ORDER BY 1, 2, 3, 4, 5"
}

/// The query for the names of the tables and views of these databases.
pub fn names(schemas: &[Option<&str>]) -> String {
    let parts = schemas.iter().map(|schema| {
        let master = format!("{}.sqlite_master", always_quoted(schema.unwrap_or("main")));
        let select = |master: &str| {
            let name = schema.map_or("NULL".to_owned(), string_literal);
            format!("SELECT {name}, name FROM {master} WHERE type IN ('table', 'view')")
        };
        // Where no database is named, it is one of the two.
        let temp = schema.is_none().then(|| format!(" UNION ALL {}", select("temp.sqlite_master")));
        select(&master) + &temp.unwrap_or_default()
    });
    parts.collect::<Vec<_>>().join(" UNION ALL ")
}

/// The query for the columns of one table or view.
pub fn repair(schema: &str, table: &str) -> String {
    columns(&string_literal(schema), &string_literal(table), "")
}

fn columns(schema: &str, table: &str, before: &str) -> String {
    format!(
        "SELECT {schema}, {table}, 1, '', c.cid, c.name, c.type, c.dflt_value, c.\"notnull\", c.pk, c.hidden \
         FROM {before}pragma_table_xinfo({table}, {schema}) AS c"
    )
}

/// A row of [`query`].
struct Row<'a>(&'a [Value]);

impl Row<'_> {
    fn text(&self, at: usize) -> String {
        match self.0.get(at) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    fn is(&self, at: usize, text: &str) -> bool {
        matches!(self.0.get(at), Some(Value::Text(found)) if found == text)
    }

    fn integer(&self, at: usize) -> i64 {
        match self.0.get(at) {
            Some(Value::Integer(integer)) => *integer,
            _ => 0,
        }
    }
}

impl Inspector {
    /// What rows of [`query`] say, where those of [`repair`] follow their table. `unreflectable` holds databases, tables and why
    /// SQLite cannot tell their columns.
    pub fn of_rows(schemas: Vec<String>, rows: &[Vec<Value>], unreflectable: &[(String, String, String)]) -> Inspector {
        let mut tables: Vec<ReflectedTable> = Vec::new();
        let mut created = parse::Created::default();
        for row in rows {
            let row = Row(row);
            match (row.integer(2), tables.last_mut()) {
                (0, _) => {
                    let (schema, name, definition) = (row.text(0), row.text(1), row.text(6));
                    created = parse::create_table(&definition);
                    let why = unreflectable.iter().find(|(s, n, _)| *s == schema && *n == name);
                    tables.push(ReflectedTable {
                        unreflectable: why.map(|(.., why)| why.clone()),
                        kind: match (row.is(5, "view"), created.is_virtual) {
                            (true, _) => ObjectKind::View,
                            (_, true) => ObjectKind::Virtual,
                            _ => ObjectKind::Table,
                        },
                        options: ReflectedOptions { without_rowid: created.without_rowid, strict: created.strict },
                        constraints: std::mem::take(&mut created.constraints),
                        columns: Vec::new(),
                        indexes: Vec::new(),
                        name,
                        schema,
                        definition,
                    });
                }
                (1, Some(table)) if row.integer(10) != 1 => {
                    let column = column(&row, &created, &table.constraints);
                    table.columns.push(column);
                }
                (2, Some(table)) => index(&row, &mut table.indexes),
                _ => {}
            }
        }
        let mut inspector = Inspector { schemas, tables };
        inspector.resolve();
        inspector
    }

    /// If the row tells of a table or view: its database and its name.
    pub fn object(row: &[Value]) -> Option<(String, String)> {
        let row = Row(row);
        (row.integer(2) == 0).then(|| (row.text(0), row.text(1)))
    }

    /// Gives constrained columns the names that the columns have, and foreign keys the columns that they leave out: those
    /// of the other table's primary key.
    fn resolve(&mut self) {
        let keys: Vec<(String, String, Vec<String>)> =
            self.tables.iter().map(|table| (table.schema.clone(), table.name.clone(), table.key_columns())).collect();
        for table in &mut self.tables {
            for constraint in &mut table.constraints {
                for name in &mut constraint.columns {
                    let known = table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
                    if let Some(column) = known {
                        *name = column.name.as_str().into();
                    }
                }
                if let Kind::ForeignKey(key) = &mut constraint.kind {
                    (key.name, key.columns) = (constraint.name.clone(), constraint.columns.clone());
                    if key.referred.is_empty() {
                        let mut others = keys.iter();
                        let other =
                            others.find(|(s, name, _)| *s == table.schema && name.eq_ignore_ascii_case(&key.table));
                        key.referred =
                            other.iter().flat_map(|(.., key)| key).map(|name| name.as_str().into()).collect();
                    }
                }
            }
        }
    }
}

fn column(row: &Row<'_>, created: &parse::Created, constraints: &[parse::Constraint]) -> ReflectedColumn {
    let (name, hidden) = (row.text(5), row.integer(10));
    let words = type_words(row.text(6), hidden != 0);
    let declared = created.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name));
    let declared = declared.cloned().unwrap_or_default();
    let autoincrement = constraints.iter().any(|constraint| {
        matches!(constraint.kind, Kind::PrimaryKey { autoincrement: true })
            && constraint.columns.iter().any(|column| column.eq_ignore_ascii_case(&name))
    });
    let computed = declared.computed.filter(|_| hidden != 0);
    let default = matches!(row.0.get(7), Some(Value::Text(_))).then(|| default_text(row.text(7)));
    ReflectedColumn {
        ty: declared_type(&words),
        declared: words,
        nullable: row.integer(8) == 0,
        default: default.filter(|_| computed.is_none()),
        primary_key: u32::try_from(row.integer(9)).unwrap_or(0),
        computed: computed.map(|(sqltext, _)| ReflectedComputed { sqltext, persisted: hidden == 3 }),
        autoincrement,
        collation: declared.collation,
        on_conflict_not_null: declared.not_null,
        name,
    }
}

/// The words of a type. SQLite keeps comments in them, and of a computed column what it does not know for
/// `GENERATED ALWAYS` because of one.
fn type_words(words: String, computed: bool) -> String {
    let is_end = |token: &Token<'_>| computed && token.text.eq_ignore_ascii_case("generated");
    if !tokens(&words).any(|token| token.kind == TokenKind::Comment || is_end(&token)) {
        return words;
    }
    let mut plain = String::new();
    for token in tokens(&words).take_while(|token| !is_end(token)).filter(|token| !token.is_blank()) {
        plain += if plain.is_empty() { "" } else { " " };
        plain += token.text;
    }
    plain
}

/// A default as SQL. SQLite takes a name in double quotes for a string there, but not in parentheses.
fn default_text(sql: String) -> String {
    let mut all = tokens(&sql);
    match (all.next(), all.next()) {
        (Some(token), None) if token.kind == TokenKind::QuotedName && sql.starts_with('"') => {
            string_literal(&parse::unquoted(token))
        }
        _ => sql,
    }
}

fn index(row: &Row<'_>, indexes: &mut Vec<ReflectedIndex>) {
    let name = row.text(3);
    if indexes.last().is_none_or(|last| last.name != name) {
        let created = parse::create_index(&row.text(6));
        indexes.push(ReflectedIndex {
            name,
            column_names: Vec::new(),
            expressions: created.elements,
            descending: Vec::new(),
            unique: row.integer(7) != 0,
            sqlite_where: created.condition,
            is_auto: !row.is(5, "c"),
        });
    }
    let Some(index) = indexes.last_mut() else { return };
    let column = Some(row.text(9)).filter(|_| row.integer(8) != -2);
    if index.is_auto {
        index.expressions.extend(column.clone());
    }
    index.column_names.push(column);
    index.descending.push(row.integer(10) != 0);
}
