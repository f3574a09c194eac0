//! What a database holds as JSON, for those who are not Rust.

use super::{Inspector, ObjectKind, ReflectedColumn, ReflectedIndex, ReflectedTable, parse};
use crate::json::Json;
use crate::schema::{ConflictClause, ForeignKey, ForeignKeyAction};
use crate::types::SqlType;

impl Inspector {
    /// All of it, as `inspect.ts` reads it.
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(&mut |json| {
            json.key("schemas");
            json.texts(&self.schemas);
            json.key("tables");
            json.list(self.tables.len(), &mut |json, at| table(json, &self.tables[at]));
        });
        json.finish()
    }
}

fn table(json: &mut Json, table: &ReflectedTable) {
    json.object(&mut |json| {
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
        json.key("columns");
        json.list(table.columns.len(), &mut |json, at| column(json, &table.columns[at]));
        json.key("constraints");
        json.list(table.constraints.len(), &mut |json, at| constraint(json, table, &table.constraints[at]));
        json.key("indexes");
        json.list(table.indexes.len(), &mut |json, at| index(json, &table.indexes[at]));
    });
}

fn index(json: &mut Json, index: &ReflectedIndex) {
    json.object(&mut |json| {
        json.member("name", Some(&index.name));
        json.key("columnNames");
        json.list(index.column_names.len(), &mut |json, at| json.optional(index.column_names[at].as_deref()));
        json.key("expressions");
        json.texts(&index.expressions);
        json.key("descending");
        json.list(index.descending.len(), &mut |json, at| {
            json.raw(if index.descending[at] { "true" } else { "false" })
        });
        json.flag("unique", index.unique);
        json.member("where", index.sqlite_where.as_deref());
        json.flag("auto", index.is_auto);
    });
}

fn column(json: &mut Json, column: &ReflectedColumn) {
    json.object(&mut |json| {
        json.member("name", Some(&column.name));
        json.member("type", Some(&column.ty.code()));
        json.key("args");
        let args = match column.ty {
            SqlType::Numeric(precision, scale) => [precision, scale],
            SqlType::String(length) => [length, None],
            _ => [None, None],
        };
        let count = args.iter().take_while(|arg| arg.is_some()).count();
        json.list(count, &mut |json, at| json.number(args[at].unwrap_or(0)));
        json.member("declared", Some(&column.declared));
        json.member("ddl", Some(&column.ddl()));
        json.flag("exact", column.is_exact() && column.collation.is_none());
        json.flag("nullable", column.nullable);
        json.member("default", column.default.as_deref());
        json.key("primaryKey");
        json.number(column.primary_key);
        json.flag("autoincrement", column.autoincrement);
        json.member("collation", column.collation.as_deref());
        json.member("onConflict", column.on_conflict_not_null.map(ConflictClause::as_str));
        if let Some(computed) = &column.computed {
            json.key("computed");
            json.object(&mut |json| {
                json.member("sqltext", Some(&computed.sqltext));
                json.flag("persisted", computed.persisted);
            });
        }
    });
}

fn constraint(json: &mut Json, table: &ReflectedTable, constraint: &parse::Constraint) {
    json.object(&mut |json| {
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
        json.names(&constraint.columns);
        json.key("orders");
        json.names(&table.orders_of(constraint));
        json.member("onConflict", constraint.on_conflict.map(ConflictClause::as_str));
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
    json.names(&key.referred);
    json.member("ondelete", key.on_delete.map(ForeignKeyAction::as_str));
    json.member("onupdate", key.on_update.map(ForeignKeyAction::as_str));
    if let Some(deferrable) = key.deferrable {
        json.flag("deferrable", deferrable);
    }
    let initially = key.initially_deferred.map(|deferred| if deferred { "DEFERRED" } else { "IMMEDIATE" });
    json.member("initially", initially);
    json.member("match", key.matching.as_deref());
}
