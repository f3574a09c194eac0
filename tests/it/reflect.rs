//! What databases hold, as the inspector says it, beside what SQLAlchemy's says of the same (`tests/vectors/reflect.py`).

use crate::support::run;
use aludel::sql::compile::{Options, compile};
use aludel::sql::expr::cast;
use aludel::sql::reflect::{Inspector, Kinds, MultiOptions, ReflectOptions, ReflectedTable};
use aludel::sql::schema::{Column, From, MetaData, NamingConvention, Table};
use aludel::sql::statement::{Ddl, Statement, insert, select};
use aludel::sql::types::SqlType;
use aludel::{CreateAll, Engine, ErrorKind, Value, inspect};
use serde_json::{Value as Json, json};
use std::rc::Rc;

/// Where ours differs: schema, table, what, and why.
const DIFFERENT: &[(&str, &str, &str, &str)] = &[
    ("check_strings", "t", "checks", "SQLAlchemy takes the inside of a string for a constraint"),
    ("collations", "t", "unique", "SQLAlchemy does not see UNIQUE over columns with collations or directions"),
    ("computed", "t", "columns", "SQLAlchemy's expression goes on to the end of the next computed column"),
    ("computed_brief", "t", "columns", "SQLAlchemy does not find the expression without GENERATED ALWAYS"),
    ("cycle", "", "sorted", "SQLAlchemy gives the order up for all tables, ours for those of the circle"),
    ("default_quoted", "t", "columns", "SQLite takes the name in quotes for a string, and so does ours"),
    ("foreign_key_inline_options", "", "sorted", "SQLAlchemy does not read names of foreign keys behind columns"),
    (
        "foreign_key_inline_options",
        "t",
        "foreign_keys",
        "SQLAlchemy does not read the clauses of foreign keys behind columns",
    ),
    ("index_expression", "t", "indexes", "SQLAlchemy leaves indexes over expressions out"),
    ("unique_inline", "t", "unique", "SQLAlchemy does not see UNIQUE behind a type with parentheses"),
    ("unique_inline_plain", "t", "unique", "SQLAlchemy does not see UNIQUE behind a column without a type"),
];

fn type_json(ty: &SqlType) -> Json {
    let mut all = vec![json!(ty.code())];
    match ty {
        SqlType::String(length) => all.extend(length.map(|length| json!(length))),
        SqlType::Numeric(precision, scale) => all.extend([precision, scale].into_iter().flatten().map(|n| json!(n))),
        _ => {}
    }
    Json::Array(all)
}

fn table_json(table: &ReflectedTable) -> Json {
    let columns = table.columns.iter().map(|column| {
        let computed = column.computed.as_ref().map(|c| json!({ "sqltext": c.sqltext, "persisted": c.persisted }));
        json!({
            "name": column.name, "type": type_json(&column.ty), "nullable": column.nullable, "default": column.default,
            "primary_key": column.primary_key, "computed": computed,
        })
    });
    let keys = table.foreign_keys().map(|key| {
        let mut options = json!({});
        let plain = |action: &str| action != "NO ACTION";
        if let Some(action) = key.on_delete.map(|action| action.as_str()).filter(|action| plain(action)) {
            options["ondelete"] = json!(action);
        }
        if let Some(action) = key.on_update.map(|action| action.as_str()).filter(|action| plain(action)) {
            options["onupdate"] = json!(action);
        }
        if let Some(deferrable) = key.deferrable {
            options["deferrable"] = json!(deferrable);
        }
        if let Some(deferred) = key.initially_deferred {
            options["initially"] = json!(if deferred { "DEFERRED" } else { "IMMEDIATE" });
        }
        let names = |names: &[std::rc::Rc<str>]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        json!({
            "name": key.name.as_deref(), "constrained_columns": names(&key.columns), "referred_table": &*key.table,
            "referred_columns": names(&key.referred), "options": options,
        })
    });
    let indexes = table.indexes.iter().filter(|index| !index.is_auto).map(|index| {
        json!({
            "name": index.name, "column_names": index.column_names, "unique": index.unique, "where": index.sqlite_where,
        })
    });
    let key = table.primary_key();
    let unique = table.unique_constraints();
    let unique = unique.iter().map(|u| json!({ "name": u.name, "column_names": u.column_names }));
    let checks = table.check_constraints();
    let checks = checks.iter().map(|check| json!({ "name": check.name, "sqltext": check.sqltext }));
    let mut options = json!({});
    if table.options.without_rowid {
        options["sqlite_with_rowid"] = json!(false);
    }
    if table.options.strict {
        options["sqlite_strict"] = json!(true);
    }
    json!({
        "columns": columns.collect::<Vec<_>>(),
        "pk": { "name": key.name, "constrained_columns": key.constrained_columns },
        "foreign_keys": keys.collect::<Vec<_>>(),
        "indexes": indexes.collect::<Vec<_>>(),
        "unique": unique.collect::<Vec<_>>(),
        "checks": checks.collect::<Vec<_>>(),
        "options": options,
    })
}

fn schema_json(inspector: &Inspector) -> Json {
    let tables = inspector.get_table_names(None);
    let views = inspector.get_view_names(None);
    let temp = inspector.get_temp_table_names();
    let definitions =
        views.iter().map(|name| (name.clone(), json!(inspector.get_view_definition(name, None).unwrap())));
    let sorted = inspector.get_sorted_table_and_fkc_names(None).into_iter().map(|(name, mut keys)| {
        keys.sort();
        json!([name, keys])
    });
    let all = tables.iter().chain(&views).chain(&temp);
    let all = all.map(|name| (name.clone(), table_json(inspector.table(name, None).unwrap())));
    json!({
        "table_names": tables, "view_names": views, "temp_table_names": temp,
        "temp_view_names": inspector.get_temp_view_names(),
        "definitions": definitions.collect::<serde_json::Map<_, _>>(),
        "sorted": sorted.collect::<Vec<_>>(),
        "tables": all.collect::<serde_json::Map<_, _>>(),
    })
}

async fn engine(ddl: &[String]) -> (Engine, aludel::Connection) {
    let engine = Engine::new("sqlite://").unwrap();
    let connection = engine.connect().await.unwrap();
    for sql in ddl {
        connection.exec_driver_sql(sql, ()).await.unwrap();
    }
    (engine, connection)
}

fn vectors() -> serde_json::Map<String, Json> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/reflect.json");
    let Json::Object(all) = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() else { panic!() };
    all
}

fn ddl_of(vector: &Json) -> Vec<String> {
    vector["ddl"].as_array().unwrap().iter().map(|sql| sql.as_str().unwrap().to_owned()).collect()
}

#[test]
fn b5_12_the_inspector_says_what_that_of_sqlalchemy_says() {
    run(async {
        let (mut wrong, mut unused) = (Vec::new(), DIFFERENT.to_vec());
        for (name, vector) in vectors() {
            let (_engine, connection) = engine(&ddl_of(&vector)).await;
            let ours = schema_json(&inspect(&connection).await.unwrap());
            let mut check = |table: &str, what: &str, ours: &Json, expected: &Json| {
                let before = unused.len();
                unused.retain(|(n, t, w, _)| (*n, *t, *w) != (name.as_str(), table, what));
                if (ours == expected) != (before == unused.len()) {
                    wrong.push(format!("{name} {table} {what}\n  ours   {ours}\n  theirs {expected}"));
                }
            };
            for (what, expected) in vector.as_object().unwrap() {
                if what != "ddl" && what != "tables" {
                    check("", what, &ours[what], expected);
                }
            }
            for (table, expected) in vector["tables"].as_object().unwrap() {
                for (what, expected) in expected.as_object().unwrap() {
                    check(table, what, &ours["tables"][table][what], expected);
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(unused.is_empty(), "no schema shows {unused:?}");
    });
}

/// What is in a database of these statements.
async fn inspected(ddl: &[&str]) -> (Engine, aludel::Connection, Inspector) {
    let ddl: Vec<String> = ddl.iter().map(|sql| (*sql).to_owned()).collect();
    let (engine, connection) = engine(&ddl).await;
    let inspector = inspect(&connection).await.unwrap();
    (engine, connection, inspector)
}

#[test]
fn b5_13_what_was_read_is_created_anew_and_read_as_it_was() {
    run(async {
        for (name, vector) in vectors() {
            let (_engine, connection) = engine(&ddl_of(&vector)).await;
            let inspector = inspect(&connection).await.unwrap();
            let metadata = MetaData::new();
            metadata.reflect(&inspector, &ReflectOptions::default()).unwrap();
            for temporary in inspector.get_temp_table_names() {
                metadata.add(Table::reflect(&temporary, None, &inspector).unwrap());
            }
            let (_engine, other) = engine(&[]).await;
            metadata.create_all(&other).await.unwrap();
            let again = inspect(&other).await.unwrap();
            assert_eq!(again.get_temp_table_names(), inspector.get_temp_table_names(), "{name}");
            for table in metadata.tables() {
                let of = |inspector: &Inspector| {
                    let table = inspector.table(&table.name, None).unwrap();
                    let declared: Vec<String> = table.columns.iter().map(|column| column.declared.clone()).collect();
                    (table_json(table), declared)
                };
                assert_eq!(of(&again), of(&inspector), "{name}");
            }
        }
    });
}

#[test]
fn b5_12_many_tables_are_told_of_at_once() {
    run(async {
        let (_engine, _connection, inspector) = inspected(&[
            "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT UNIQUE CHECK (x > ''))",
            "CREATE TABLE b (id INTEGER, a INTEGER REFERENCES a, PRIMARY KEY (id, a)) WITHOUT ROWID",
            "CREATE INDEX ix ON b (a)",
            "CREATE VIEW v AS SELECT x FROM a",
        ])
        .await;
        let all = MultiOptions::default();
        let names = |map: Vec<&String>| map.into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(inspector.get_multi_columns(all).keys().collect()), ["a", "b"]);
        let views = MultiOptions { kind: Kinds::View, ..all };
        assert_eq!(inspector.get_multi_columns(views)["v"][0].name, "x");
        let some = MultiOptions { kind: Kinds::Any, filter_names: Some(&["B", "V", "nope"]), schema: Some("main") };
        assert_eq!(names(inspector.get_multi_table_options(some).keys().collect()), ["b", "v"]);
        assert!(inspector.get_multi_table_options(some)["b"].without_rowid);
        assert_eq!(inspector.get_multi_pk_constraint(all)["b"].constrained_columns, ["id", "a"]);
        let keys = inspector.get_multi_foreign_keys(some);
        assert_eq!((&*keys["b"][0].table, keys["b"][0].schema.as_deref()), ("a", Some("main")));
        assert_eq!(inspector.get_multi_foreign_keys(all)["b"][0].schema, None);
        assert_eq!(inspector.get_multi_indexes(all)["b"][0].name, "ix");
        assert!(inspector.get_multi_indexes(all)["a"].is_empty());
        assert_eq!(inspector.get_multi_unique_constraints(all)["a"][0].column_names, ["x"]);
        assert_eq!(inspector.get_multi_check_constraints(all)["a"][0].sqltext, "x > ''");
        assert!(inspector.get_multi_columns(MultiOptions { schema: Some("nope"), ..all }).is_empty());
    });
}

#[test]
fn b5_13_collations_and_orders_of_keys_are_kept() {
    run(async {
        let ddl = [
            "CREATE TABLE t (a TEXT COLLATE nocase PRIMARY KEY, b VARCHAR(5) COLLATE \"x y\" NOT NULL, \
             CONSTRAINT uq UNIQUE (b COLLATE nocase DESC, a ASC))",
            "CREATE TABLE u (id INTEGER PRIMARY KEY DESC, x INTEGER)",
            "CREATE TABLE v (id INTEGER COLLATE nocase, PRIMARY KEY (id DESC))",
            "CREATE TABLE s (a TEXT COLLATE rtrim) STRICT",
        ];
        // SQLite takes a collation that it does not know, until it is asked to compare by it.
        let (_engine, connection, inspector) = inspected(&[ddl[1], ddl[2], ddl[3]]).await;
        let sql = |name: &str| {
            let table = Rc::new(Table::reflect(name, None, &inspector).unwrap());
            let create = Ddl::CreateTable { table, naming: NamingConvention::default(), if_not_exists: false };
            compile(&Statement::Ddl(Rc::new(create)), Options::default()).unwrap().sql()
        };
        assert_eq!(sql("u"), "CREATE TABLE u (\n\tid INTEGER PRIMARY KEY DESC, \n\tx INTEGER\n)");
        assert_eq!(sql("v"), "CREATE TABLE v (\n\tid INTEGER COLLATE \"nocase\", \n\tPRIMARY KEY (id)\n)");
        assert_eq!(sql("s"), "CREATE TABLE s (\n\ta TEXT COLLATE \"rtrim\"\n)\n STRICT");
        // The key of the one is no rowid, that of the other is.
        let inserted = async |name: &str| {
            let table = Rc::new(Table::reflect(name, None, &inspector).unwrap());
            let result = connection.execute(&insert(&table), ()).await.unwrap();
            let key = result.inserted_primary_key().unwrap().unwrap();
            key.values().to_vec()
        };
        assert_eq!(inserted("u").await, [Value::Null]);
        assert_eq!(inserted("v").await, [Value::Integer(1)]);
        let (_engine, _connection, inspector) = inspected(&[&ddl[0].replace("\"x y\"", "BINARY")]).await;
        let table = Table::reflect("t", None, &inspector).unwrap();
        // A value is cast to the type, not to the collation.
        let a = From::Table(Rc::new(table)).column("a").unwrap();
        let query = select([cast(&a, a.ty.clone())]);
        assert_eq!(query.to_string(), "SELECT CAST(t.a AS TEXT) AS a FROM t");
    });
}

#[test]
fn b5_12_names_are_found_in_temporary_and_attached_databases() {
    run(async {
        let (_engine, _connection, inspector) = inspected(&[
            "ATTACH ':memory:' AS \"the other\"",
            "CREATE TABLE Users (Id INTEGER PRIMARY KEY)",
            "CREATE TABLE \"the other\".users (id INTEGER PRIMARY KEY, far TEXT)",
            "CREATE TABLE \"the other\".pets (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES users)",
            "CREATE INDEX \"the other\".ix_far ON users (far)",
            "CREATE TEMP TABLE scratch (a TEXT)",
            "CREATE TEMP TABLE users (t TEXT)",
        ])
        .await;
        assert_eq!(inspector.get_schema_names(), ["main", "the other"]);
        assert!(inspector.has_schema("THE OTHER") && !inspector.has_schema("nobody"));
        assert_eq!(inspector.get_table_names(None), ["Users"]);
        assert_eq!(inspector.get_table_names(Some("the other")), ["pets", "users"]);
        assert_eq!(inspector.get_temp_table_names(), ["scratch", "users"]);
        assert!(inspector.has_table("uSERS", None) && inspector.has_table("scratch", None));
        assert!(!inspector.has_table("pets", None) && !inspector.has_table("users", Some("nobody")));
        assert!(
            inspector.has_index("users", "IX_FAR", Some("the other")) && !inspector.has_index("users", "ix_far", None)
        );
        assert_eq!(inspector.get_columns("users", None).unwrap()[0].name, "Id", "main comes before temp");
        let keys = inspector.get_foreign_keys("pets", Some("the other")).unwrap();
        assert_eq!((keys[0].schema.as_deref(), &*keys[0].referred[0]), (Some("the other"), "id"));
        let columns = inspector.get_columns("scratch", None).unwrap();
        assert_eq!(columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["a"]);
    });
}

#[test]
fn b5_12_what_is_not_there_or_cannot_be_read_is_a_named_error() {
    run(async {
        let (_engine, connection, inspector) = inspected(&[
            "CREATE TABLE t (a INTEGER)",
            "CREATE TABLE gone (b INTEGER)",
            "CREATE VIEW broken AS SELECT b FROM gone",
            "CREATE VIEW whole AS SELECT a FROM t",
        ])
        .await;
        assert!(inspector.get_columns("broken", None).is_ok());
        connection.exec_driver_sql("DROP TABLE gone", ()).await.unwrap();
        let inspector = inspect(&connection).await.unwrap();
        assert_eq!(inspector.get_view_names(None), ["broken", "whole"]);
        assert_eq!(inspector.get_columns("whole", None).unwrap().len(), 1);
        let error = inspector.get_columns("broken", None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnreflectableTable);
        assert!(error.message().contains("broken: no such table: main.gone"), "{error}");
        assert_eq!(inspector.get_view_definition("broken", None).unwrap(), "CREATE VIEW broken AS SELECT b FROM gone");
        for (name, schema, message) in [("nobody", None, "nobody"), ("t", Some("aux"), "aux.t")] {
            for error in [
                inspector.get_columns(name, schema).err(),
                inspector.get_indexes(name, schema).err(),
                inspector.get_pk_constraint(name, schema).err(),
                inspector.get_foreign_keys(name, schema).err(),
                inspector.get_unique_constraints(name, schema).err(),
                inspector.get_check_constraints(name, schema).err(),
                inspector.get_table_options(name, schema).err(),
                inspector.get_view_definition(name, schema).err(),
                Table::reflect(name, schema, &inspector).err(),
            ] {
                let error = error.unwrap();
                assert_eq!((error.kind(), error.message()), (ErrorKind::NoSuchTable, message));
            }
        }
        let names: Vec<&str> = inspector.tables(None).map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["t", "whole"]);
    });
}

#[test]
fn b5_12_indexes_over_expressions_and_those_of_constraints_are_told() {
    run(async {
        let (_engine, _connection, inspector) = inspected(&[
            "CREATE TABLE t (a TEXT UNIQUE, b TEXT)",
            "CREATE INDEX ix ON t (lower(a || ', ('), b DESC, a COLLATE nocase) WHERE b != ') where' -- all",
        ])
        .await;
        let indexes = inspector.get_indexes("t", None).unwrap();
        assert_eq!(indexes.len(), 1);
        assert_eq!(indexes[0].column_names, [None, Some("b".to_owned()), Some("a".to_owned())]);
        assert_eq!(indexes[0].expressions, ["lower(a || ', (')", "b", "a COLLATE nocase"]);
        assert_eq!(indexes[0].descending, [false, true, false]);
        assert_eq!(indexes[0].sqlite_where.as_deref(), Some("b != ') where'"));
        let all = &inspector.table("t", None).unwrap().indexes;
        assert_eq!(all.iter().map(|index| index.name.as_str()).collect::<Vec<_>>(), ["ix", "sqlite_autoindex_t_1"]);
    });
}

#[test]
fn b5_12_comments_are_no_part_of_types() {
    run(async {
        let (_engine, _connection, inspector) = inspected(&[
            "CREATE TABLE t (a VARCHAR /* wide */ (50), b DATETIME generated -- always\n ALWAYS AS (a), c TEXT AS (b))",
        ])
        .await;
        let columns = inspector.get_columns("t", None).unwrap();
        let types: Vec<(&str, &SqlType)> =
            columns.iter().map(|column| (column.declared.as_str(), &column.ty)).collect();
        assert_eq!(
            types,
            [
                ("VARCHAR ( 50 )", &SqlType::String(Some(50))),
                ("DATETIME", &SqlType::DateTime),
                ("TEXT", &SqlType::Text),
            ]
        );
    });
}

#[test]
fn b5_13_metadata_reads_some_tables_or_all() {
    run(async {
        let (_engine, _connection, inspector) = inspected(&[
            "CREATE TABLE a (id INTEGER PRIMARY KEY)",
            "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a, lost INTEGER REFERENCES nowhere (id))",
            "CREATE TABLE c (id INTEGER PRIMARY KEY, b_id INTEGER REFERENCES b (id))",
            "CREATE TABLE d (code CHAR(3), n INT PRIMARY KEY)",
            "CREATE VIEW v AS SELECT id FROM a",
        ])
        .await;
        let read = |options: &ReflectOptions<'_>| {
            let metadata = MetaData::new();
            metadata.reflect(&inspector, options).unwrap();
            let mut names: Vec<String> = metadata.tables().iter().map(|table| table.name.to_string()).collect();
            names.sort();
            names
        };
        let all = ReflectOptions::default();
        assert_eq!(read(&all), ["a", "b", "c", "d"]);
        assert_eq!(read(&ReflectOptions { views: true, ..all.clone() }), ["a", "b", "c", "d", "v"]);
        assert_eq!(read(&ReflectOptions { only: Some(&["c"]), ..all.clone() }), ["a", "b", "c"]);
        assert_eq!(read(&ReflectOptions { only: Some(&["c"]), resolve_fks: false, ..all.clone() }), ["c"]);
        let error = MetaData::new().reflect(&inspector, &ReflectOptions { only: Some(&["a", "zz"]), ..all.clone() });
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(
            error.message().contains("requested table(s) not available") && error.message().ends_with("(zz)"),
            "{error}"
        );

        let metadata = MetaData::new();
        metadata.add(Table::new("d", vec![Column::new("mine", SqlType::Text)]));
        metadata.reflect(&inspector, &all).unwrap();
        assert!(metadata.table("d").unwrap().column("mine").is_some(), "what is there stays");
        metadata.reflect(&inspector, &ReflectOptions { extend_existing: true, ..all }).unwrap();
        let d = metadata.table("d").unwrap();
        assert_eq!(d.columns.iter().map(|column| column.ty.ddl()).collect::<Vec<_>>(), ["CHAR(3)", "INT"]);
        assert_eq!(d.columns[0].ty.implementation(), &SqlType::String(Some(3)));
        assert!(d.rowid_column().is_none(), "only INTEGER is the rowid");
    });
}
