//! What a database holds as JSON, for those who are not Rust.

use super::{Inspector, ObjectKind, ReflectedColumn, ReflectedTable, parse};
use crate::schema::ForeignKey;
use crate::types::SqlType;
use std::rc::Rc;

struct Json(String);

impl Json {
    fn text(&mut self, text: &str) {
        self.0.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.0.extend(['\\', c]),
                c if c < ' ' => self.0 += &format!("\\u{:04x}", u32::from(c)),
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }

    fn raw(&mut self, text: &str) {
        self.0 += text;
    }

    fn key(&mut self, name: &str) {
        let first = self.0.ends_with('{');
        self.raw(if first { "" } else { "," });
        self.text(name);
        self.raw(":");
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.key(name);
        self.raw(if value { "true" } else { "false" });
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Json, T)) {
        self.raw("[");
        for (at, item) in items.into_iter().enumerate() {
            self.raw(if at > 0 { "," } else { "" });
            write(self, item);
        }
        self.raw("]");
    }

    fn texts<T: AsRef<str>>(&mut self, items: &[T]) {
        self.list(items, |json, text| json.text(text.as_ref()));
    }

    fn object(&mut self, write: impl FnOnce(&mut Json)) {
        self.raw("{");
        write(self);
        self.raw("}");
    }

    fn member(&mut self, name: &str, value: Option<&str>) {
        self.key(name);
        self.optional(value);
    }
}

impl Inspector {
    /// All of it, as `inspect.ts` reads it.
    pub fn to_json(&self) -> String {
        let mut json = Json(String::new());
        json.object(|json| {
            json.key("schemas");
            json.texts(&self.schemas);
            json.key("tables");
            json.list(&self.tables, table);
            json.key("sorted");
            json.list(&self.schemas, |json, schema| {
                json.list(self.get_sorted_table_and_fkc_names(Some(schema)), |json, (name, keys)| {
                    json.raw("[");
                    json.optional(name.as_deref());
                    json.raw(",");
                    json.list(keys, |json, (table, key)| {
                        json.raw("[");
                        json.text(&table);
                        json.raw(",");
                        json.optional(key.as_deref());
                        json.raw("]");
                    });
                    json.raw("]");
                });
            });
        });
        json.0
    }
}

fn table(json: &mut Json, table: &ReflectedTable) {
    json.object(|json| {
        json.member("schema", Some(&table.schema));
        json.member("name", Some(&table.name));
        json.member(
            "kind",
            Some(match table.kind {
                ObjectKind::Table => "table",
                ObjectKind::View => "view",
                ObjectKind::Virtual => "virtual",
            }),
        );
        json.member("definition", Some(&table.definition));
        json.member("unreflectable", table.unreflectable.as_deref());
        json.flag("withoutRowid", table.options.without_rowid);
        json.flag("strict", table.options.strict);
        json.flag("autoincrement", table.autoincrement());
        json.key("columns");
        json.list(&table.columns, column);
        let key = table.primary_key();
        json.member("pkName", key.name.as_deref());
        json.key("pkColumns");
        json.texts(&key.constrained_columns);
        json.key("checks");
        json.list(table.check_constraints(), |json, check| {
            json.object(|json| {
                json.member("sqltext", Some(&check.sqltext));
                json.member("name", check.name.as_deref());
            });
        });
        json.key("constraints");
        json.list(&table.constraints, constraint);
        json.key("indexes");
        json.list(&table.indexes, |json, index| {
            json.object(|json| {
                json.member("name", Some(&index.name));
                json.key("columnNames");
                json.list(&index.column_names, |json, name| json.optional(name.as_deref()));
                json.key("expressions");
                json.texts(&index.expressions);
                json.key("descending");
                json.list(&index.descending, |json, is| json.raw(if *is { "true" } else { "false" }));
                json.flag("unique", index.unique);
                json.member("where", index.sqlite_where.as_deref());
                json.flag("auto", index.is_auto);
            });
        });
    });
}

fn column(json: &mut Json, column: &ReflectedColumn) {
    json.object(|json| {
        json.member("name", Some(&column.name));
        json.member("type", Some(&column.ty.code()));
        json.key("args");
        let args = match column.ty {
            SqlType::Numeric(precision, scale) => [precision, scale],
            SqlType::String(length) => [length, None],
            _ => [None, None],
        };
        json.list(args.into_iter().flatten(), |json, arg| json.raw(&arg.to_string()));
        json.member("declared", Some(&column.declared));
        json.flag("exact", column.exact_type() == column.ty);
        json.flag("nullable", column.nullable);
        json.member("default", column.default.as_deref());
        json.key("primaryKey");
        json.raw(&column.primary_key.to_string());
        json.flag("autoincrement", column.autoincrement);
        json.member("collation", column.collation.as_deref());
        json.member("onConflict", column.on_conflict_not_null.map(crate::schema::ConflictClause::as_str));
        if let Some(computed) = &column.computed {
            json.key("computed");
            json.object(|json| {
                json.member("sqltext", Some(&computed.sqltext));
                json.flag("persisted", computed.persisted);
            });
        }
    });
}

fn constraint(json: &mut Json, constraint: &parse::Constraint) {
    json.object(|json| {
        let kind = match &constraint.kind {
            parse::Kind::PrimaryKey { .. } => "pk",
            parse::Kind::Unique => "uq",
            parse::Kind::ForeignKey(_) => "fk",
            parse::Kind::Check(_) => "ck",
        };
        json.member("kind", Some(kind));
        json.member("name", constraint.name.as_deref());
        json.flag("inline", constraint.inline);
        json.key("columns");
        json.texts::<Rc<str>>(&constraint.columns);
        json.member("onConflict", constraint.on_conflict.map(crate::schema::ConflictClause::as_str));
        match &constraint.kind {
            parse::Kind::Check(sqltext) => json.member("sqltext", Some(sqltext)),
            parse::Kind::ForeignKey(key) => foreign_key(json, key),
            _ => {}
        }
    });
}

fn foreign_key(json: &mut Json, key: &ForeignKey) {
    json.member("table", Some(&key.table));
    json.key("referred");
    json.texts(&key.referred);
    json.member("ondelete", key.on_delete.map(|action| action.as_str()));
    json.member("onupdate", key.on_update.map(|action| action.as_str()));
    if let Some(deferrable) = key.deferrable {
        json.flag("deferrable", deferrable);
    }
    let initially = key.initially_deferred.map(|deferred| if deferred { "DEFERRED" } else { "IMMEDIATE" });
    json.member("initially", initially);
    json.member("match", key.matching.as_deref());
}
