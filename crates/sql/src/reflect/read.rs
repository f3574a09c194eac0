//! From rows of SQLite to what they say.

use super::{
    Inspector, ObjectKind, ReflectedColumn, ReflectedComputed, ReflectedIndex, ReflectedOptions, ReflectedTable,
};
use super::{parse, parse::Kind};
use crate::compile::{always_quoted, string_literal};
use crate::token::{TokenKind, tokens};
use crate::types::declared_type;
use aludel_protocol::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The query for the names of the databases of a connection.
pub const DATABASES: &str = "SELECT name FROM pragma_database_list ORDER BY seq";

/// The query for all that these databases hold. `with_columns` asks for the columns of everything at once, which fails if
/// SQLite cannot tell those of one view; without, [`repair`] asks for them one by one.
pub fn query(schemas: &[String], with_columns: bool) -> String {
    let parts = schemas.iter().map(|schema| {
        let (master, name) = (format!("{}.sqlite_master", always_quoted(schema)), string_literal(schema));
        let mut sql = format!(
            "SELECT {name}, 0, name, type, tbl_name, sql, NULL, NULL, NULL, NULL, NULL FROM {master} \
             WHERE type IN ('table', 'view') \
             UNION ALL SELECT {name}, 2, m.name, l.name, l.origin, s.sql, l.\"unique\", i.cid, i.name, i.\"desc\", i.seqno \
             FROM {master} AS m, pragma_index_list(m.name, {name}) AS l, pragma_index_xinfo(l.name, {name}) AS i \
             LEFT JOIN {master} AS s ON s.type = 'index' AND s.name = l.name WHERE m.type = 'table' AND i.\"key\""
        );
        if with_columns {
            let columns = columns(&name, "m.name", &format!("{master} AS m, "));
            sql += &format!(" UNION ALL {columns} WHERE m.type IN ('table', 'view')");
        }
        sql
    });
    parts.collect::<Vec<_>>().join(" UNION ALL ")
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
        "SELECT {schema}, 1, {table}, c.name, c.type, c.dflt_value, c.\"notnull\", c.pk, c.hidden, c.cid, NULL \
         FROM {before}pragma_table_xinfo({table}, {schema}) AS c"
    )
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}

fn integer(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Integer(integer)) => *integer,
        _ => 0,
    }
}

impl Inspector {
    /// What rows of [`query`] and [`repair`] say, in whatever order they come.
    pub fn of_rows(schemas: Vec<String>, rows: &[Vec<Value>], unreflectable: &[(String, String, String)]) -> Inspector {
        let mut parts: BTreeMap<(String, String), Vec<&Vec<Value>>> = BTreeMap::new();
        for row in rows {
            parts.entry((text(row.first()), text(row.get(2)))).or_default().push(row);
        }
        let tables = parts.into_iter().filter_map(|((schema, name), rows)| {
            let of_kind = |kind: i64| rows.iter().copied().filter(move |row| integer(row.get(1)) == kind);
            let row = of_kind(0).next()?;
            let definition = text(row.get(5));
            let created = parse::create_table(&definition);
            let kind = match (text(row.get(3)) == "view", created.is_virtual) {
                (true, _) => ObjectKind::View,
                (_, true) => ObjectKind::Virtual,
                _ => ObjectKind::Table,
            };
            let mut columns: Vec<&Vec<Value>> = of_kind(1).filter(|row| integer(row.get(8)) != 1).collect();
            columns.sort_by_key(|row| integer(row.get(9)));
            let columns = columns.into_iter().map(|row| column(row, &created)).collect();
            let options = ReflectedOptions { without_rowid: created.without_rowid, strict: created.strict };
            let indexes = indexes(of_kind(2).collect());
            let why = unreflectable.iter().find(|(s, n, _)| *s == schema && *n == name).map(|(.., why)| why.clone());
            let constraints = created.constraints;
            Some(ReflectedTable {
                name,
                schema,
                kind,
                definition,
                columns,
                indexes,
                constraints,
                options,
                unreflectable: why,
            })
        });
        let tables = tables.collect();
        let mut inspector = Inspector { schemas, tables };
        inspector.resolve();
        inspector
    }

    /// The tables and views whose columns have to be asked for one by one: database and name.
    pub fn objects(rows: &[Vec<Value>]) -> Vec<(String, String)> {
        let objects = rows.iter().filter(|row| integer(row.get(1)) == 0);
        objects.map(|row| (text(row.first()), text(row.get(2)))).collect()
    }

    /// Gives constrained columns the names that the columns have, and foreign keys the columns that they leave out: those
    /// of the other table's primary key.
    fn resolve(&mut self) {
        let keys: Vec<Vec<Rc<str>>> = self
            .tables
            .iter()
            .map(|table| table.primary_key().constrained_columns.iter().map(|name| name.as_str().into()).collect())
            .collect();
        let others: Vec<(String, String)> =
            self.tables.iter().map(|table| (table.schema.clone(), table.name.clone())).collect();
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
                    let is_other = |(schema, name): &(String, String)| {
                        *schema == table.schema && name.eq_ignore_ascii_case(&key.table)
                    };
                    if key.referred.is_empty()
                        && let Some(at) = others.iter().position(is_other)
                    {
                        key.referred = keys[at].clone();
                    }
                }
            }
        }
    }
}

fn column(row: &[Value], created: &parse::Created) -> ReflectedColumn {
    let name = text(row.get(3));
    let hidden = integer(row.get(8));
    let declared = created.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name));
    let declared = declared.cloned().unwrap_or_default();
    let autoincrement = created.constraints.iter().any(|constraint| {
        constraint.kind == Kind::PrimaryKey { autoincrement: true }
            && constraint.columns.iter().any(|column| column.eq_ignore_ascii_case(&name))
    });
    let computed = declared.computed.map(|(sqltext, _)| ReflectedComputed { sqltext, persisted: hidden == 3 });
    let default = match row.get(5) {
        Some(Value::Text(sql)) => Some(default_text(sql)),
        _ => None,
    };
    let words = text(row.get(4));
    ReflectedColumn {
        ty: declared_type(&words),
        declared: words,
        nullable: integer(row.get(6)) == 0,
        default: default.filter(|_| computed.is_none()),
        primary_key: u32::try_from(integer(row.get(7))).unwrap_or(0),
        computed: computed.filter(|_| hidden != 0),
        autoincrement,
        collation: declared.collation,
        on_conflict_not_null: declared.not_null,
        name,
    }
}

/// A default as SQL. SQLite takes a name in double quotes for a string there, but not in parentheses.
fn default_text(sql: &str) -> String {
    let mut all = tokens(sql);
    match (all.next(), all.next()) {
        (Some(token), None) if token.kind == TokenKind::QuotedName && sql.starts_with('"') => {
            string_literal(&sql[1..sql.len() - 1].replace("\"\"", "\""))
        }
        _ => sql.to_owned(),
    }
}

fn indexes(mut rows: Vec<&Vec<Value>>) -> Vec<ReflectedIndex> {
    rows.sort_by_key(|row| (text(row.get(3)), integer(row.get(10))));
    let mut indexes: Vec<ReflectedIndex> = Vec::new();
    for row in rows {
        let name = text(row.get(3));
        if indexes.last().is_none_or(|last| last.name != name) {
            let created = parse::create_index(&text(row.get(5)));
            indexes.push(ReflectedIndex {
                name,
                column_names: Vec::new(),
                expressions: created.elements,
                descending: Vec::new(),
                unique: integer(row.get(6)) != 0,
                sqlite_where: created.condition,
                is_auto: text(row.get(4)) != "c",
            });
        }
        let Some(index) = indexes.last_mut() else { continue };
        let column = Some(text(row.get(8))).filter(|_| integer(row.get(7)) != -2);
        if index.is_auto {
            index.expressions.extend(column.clone());
        }
        index.column_names.push(column);
        index.descending.push(integer(row.get(9)) != 0);
    }
    indexes
}
