//! Results, buffered and streamed: A3.49 to A3.69, A4.25 to A4.35. What each call gives, closes and throws in every order is
//! in tests/vectors/result.json.

use super::{connected, fails, people, strings};
use crate::support::run;
use aludel::{ErrorKind, FromValue, Value, many, params, text};
use futures::{StreamExt, TryStreamExt};

const NAMES: &str = "SELECT name, id FROM users ORDER BY id";
const DAN: &str = "SELECT name, id FROM users WHERE id = 1";
const NOBODY: &str = "SELECT name, id FROM users WHERE id = 99";
const CLOSED: &str = "This result object is closed.";
const NONE: &str = "No row was found when one was required";
const TOO_MANY: &str = "Multiple rows were found when exactly one was required";
const MORE: &str = "Multiple rows were found when one or none was required";

/// Runs the same calls on a result and on a stream: `given!` waits for the calls of the stream.
macro_rules! both {
    ($conn:expr, $sql:expr, $result:ident, $body:block) => {{
        {
            let $result = $conn.execute(&text($sql), ()).await.unwrap();
            #[allow(unused_macros, reason = "some bodies wait for nothing")]
            macro_rules! given {
                ($e:expr) => {
                    $e
                };
            }
            $body
        }
        {
            let $result = $conn.stream(&text($sql), ()).await.unwrap();
            #[allow(unused_macros, reason = "some bodies wait for nothing")]
            macro_rules! given {
                ($e:expr) => {
                    $e.await
                };
            }
            $body
        }
    }};
}

#[test]
fn a3_49_a3_62_scalars_are_the_values_of_one_column() {
    run(async {
        let conn = connected().await;
        both!(conn, NAMES, result, {
            assert_eq!(given!(result.scalars(0).unwrap().all()).unwrap(), strings(&["Dan", "Dana", "Casey"]));
            assert!(given!(result.scalars("id").unwrap().all()).unwrap().is_empty(), "they share the rows");
        });
        both!(conn, NAMES, result, {
            assert_eq!(given!(result.scalars("id").unwrap().all()).unwrap(), [1, 2, 3].map(Value::Integer));
            fails(result.scalars("age"), ErrorKind::NoSuchColumn, "Could not locate column");
        });
    });
}

#[test]
fn a3_50_a3_57_a4_29_first_gives_one_row_or_none_and_closes() {
    run(async {
        let conn = connected().await;
        both!(conn, NAMES, result, {
            assert_eq!(given!(result.first()).unwrap().unwrap().values()[0], Value::from("Dan"));
            assert!(result.closed());
            fails(given!(result.first()), ErrorKind::ResourceClosed, CLOSED);
        });
        both!(conn, NOBODY, result, {
            given!(result.fetchall()).unwrap();
            // At its end it can be asked again and again.
            assert_eq!((given!(result.first()).unwrap(), given!(result.first()).unwrap()), (None, None));
        });
        both!(conn, "SELECT NULL", result, {
            assert_eq!(given!(result.scalars(0).unwrap().first()).unwrap(), Some(Value::Null));
        });
    });
}

#[test]
fn a3_51_a3_58_one_wants_exactly_one_row() {
    run(async {
        let conn = connected().await;
        for scalars in [false, true] {
            for (sql, outcome) in [
                (DAN, Ok("Dan")),
                (NOBODY, Err((ErrorKind::NoResultFound, NONE))),
                (NAMES, Err((ErrorKind::MultipleResultsFound, TOO_MANY))),
            ] {
                both!(conn, sql, result, {
                    let one = if scalars {
                        given!(result.scalars(0).unwrap().one())
                    } else {
                        given!(result.one()).map(|row| row.values()[0].clone())
                    };
                    match outcome {
                        Ok(name) => assert_eq!(one.unwrap(), Value::from(name)),
                        Err((kind, message)) => drop(fails(one, kind, message)),
                    }
                    assert!(result.closed());
                });
            }
        }
        // Repetitions of the row do not count.
        both!(conn, "SELECT 1 UNION ALL SELECT 1", result, {
            assert_eq!(given!(result.unique().one()).unwrap().values(), [Value::Integer(1)]);
        });
    });
}

#[test]
fn a3_52_a3_59_one_or_none_wants_no_second_row() {
    run(async {
        let conn = connected().await;
        for (sql, outcome) in [(DAN, Some(Some("Dan"))), (NOBODY, Some(None)), (NAMES, None)] {
            both!(conn, sql, result, {
                let one = given!(result.one_or_none()).map(|row| row.map(|row| row.values()[0].clone()));
                match outcome {
                    Some(name) => assert_eq!(one.unwrap(), name.map(Value::from)),
                    None => drop(fails(one, ErrorKind::MultipleResultsFound, MORE)),
                }
            });
            both!(conn, sql, result, {
                let one = given!(result.scalars(0).unwrap().one_or_none());
                match outcome {
                    Some(name) => assert_eq!(one.unwrap(), name.map(Value::from)),
                    None => drop(fails(one, ErrorKind::MultipleResultsFound, MORE)),
                }
            });
        }
    });
}

#[test]
fn a3_53_a4_28_fetchone_gives_rows_until_there_are_none() {
    run(async {
        let conn = connected().await;
        both!(conn, DAN, result, {
            assert_eq!(given!(result.fetchone()).unwrap().unwrap().values()[0], Value::from("Dan"));
            assert_eq!((given!(result.fetchone()).unwrap(), given!(result.fetchone()).unwrap()), (None, None));
        });
        both!(conn, NAMES, result, {
            given!(result.scalar::<String>()).unwrap();
            fails(given!(result.fetchone()), ErrorKind::ResourceClosed, CLOSED);
        });
        both!(conn, "DELETE FROM users WHERE id = 99", result, {
            let message = "This result object does not return rows. It has been closed automatically.";
            fails(given!(result.fetchone()), ErrorKind::ResourceClosed, message);
        });
    });
}

#[test]
fn a3_54_a4_27_fetchmany_gives_one_row_unless_told() {
    run(async {
        let conn = connected().await;
        both!(conn, NAMES, result, {
            assert_eq!(given!(result.fetchmany(None)).unwrap().len(), 1);
            assert_eq!(given!(result.fetchmany(Some(5))).unwrap().len(), 2);
            assert!(given!(result.fetchmany(Some(5))).unwrap().is_empty());
        });
        both!(conn, NAMES, result, {
            let result = result.yield_per(2);
            assert_eq!(given!(result.fetchmany(None)).unwrap().len(), 2);
        });
    });
}

#[test]
fn a3_55_a0_08_a1_13_a4_26_fetchall_gives_what_is_left_and_then_nothing() {
    run(async {
        let conn = connected().await;
        both!(conn, NAMES, result, {
            given!(result.fetchone()).unwrap();
            assert_eq!(given!(result.fetchall()).unwrap().len(), 2);
            assert!(given!(result.all()).unwrap().is_empty());
            result.close();
            fails(given!(result.fetchall()), ErrorKind::ResourceClosed, CLOSED);
        });
    });
}

#[test]
fn a3_56_a4_30_scalar_gives_the_first_column_of_the_first_row_and_closes() {
    run(async {
        let conn = connected().await;
        for (sql, name) in [(NAMES, Some("Dan")), (NOBODY, None), ("SELECT NULL", None)] {
            both!(conn, sql, result, {
                assert_eq!(given!(result.scalar::<String>()).unwrap().as_deref(), name, "{sql}");
                fails(given!(result.scalar::<String>()), ErrorKind::ResourceClosed, CLOSED);
            });
        }
    });
}

#[test]
fn a3_60_the_first_column_of_the_only_row() {
    run(async {
        let conn = connected().await;
        both!(conn, DAN, result, { assert_eq!(given!(result.scalar_one::<String>()).unwrap(), "Dan") });
        both!(conn, NOBODY, result, {
            fails(given!(result.scalar_one::<String>()), ErrorKind::NoResultFound, NONE);
        });
        both!(conn, NAMES, result, {
            fails(given!(result.scalar_one::<String>()), ErrorKind::MultipleResultsFound, TOO_MANY);
        });
        both!(conn, NOBODY, result, { assert_eq!(given!(result.scalar_one_or_none::<String>()).unwrap(), None) });
        both!(conn, NAMES, result, {
            fails(given!(result.scalar_one_or_none::<String>()), ErrorKind::MultipleResultsFound, MORE);
        });
    });
}

#[test]
fn a3_61_rows_as_mappings() {
    run(async {
        let conn = connected().await;
        both!(conn, NAMES, result, {
            let mappings = result.mappings();
            assert_eq!(mappings.keys().unwrap(), ["name", "id"]);
            let first = given!(mappings.fetchone()).unwrap().unwrap();
            assert_eq!((first.get::<String>("name").unwrap(), first.get::<i64>("id").unwrap()), ("Dan".into(), 1));
            assert_eq!(
                given!(result.fetchone()).unwrap().unwrap().values()[0],
                Value::from("Dana"),
                "they share the rows"
            );
            assert_eq!(given!(mappings.all()).unwrap().len(), 1);
        });
    });
}

#[test]
fn a3_63_partitions_are_lists_of_a_size() {
    run(async {
        let conn = connected().await;
        let result = conn.execute(&text(NAMES), ()).await.unwrap();
        let sizes: Vec<usize> = result.partitions(Some(2)).map(|part| part.unwrap().len()).collect();
        assert_eq!(sizes, [2, 1]);
        let stream = conn.stream(&text(NAMES), ()).await.unwrap();
        let mut partitions = stream.partitions(Some(2));
        let mut sizes = Vec::new();
        while let Some(part) = partitions.next().await.unwrap() {
            sizes.push(part.len());
        }
        assert_eq!(sizes, [2, 1]);
    });
}

#[test]
fn a3_64_a4_35_rows_one_by_one() {
    run(async {
        let conn = connected().await;
        let name = |row: aludel::Row| row.get::<String>("name").unwrap();
        let result = conn.execute(&text(NAMES), ()).await.unwrap();
        assert_eq!(result.iter().map(|row| name(row.unwrap())).collect::<Vec<_>>(), ["Dan", "Dana", "Casey"]);
        let stream = conn.stream(&text(NAMES), ()).await.unwrap();
        let names: Vec<_> = stream.into_stream().map_ok(name).try_collect().await.unwrap();
        assert_eq!(names, ["Dan", "Dana", "Casey"]);
        // Whoever leaves the loop closes the cursor.
        let endless = text("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c");
        let stream = conn.stream(&endless, ()).await.unwrap().into_stream();
        let few: Vec<_> = stream.take(3).map_ok(|row| row.get::<i64>(0).unwrap()).try_collect().await.unwrap();
        assert_eq!(few, [1, 2, 3]);
        assert_eq!(conn.scalar::<i64>(&super::one(), ()).await.unwrap(), Some(1));
    });
}

#[test]
fn a3_65_a4_25_a4_31_keys_columns_unique_freeze_and_close() {
    run(async {
        let conn = connected().await;
        both!(conn, NAMES, result, {
            given!(result.fetchall()).unwrap();
            assert_eq!(result.keys().unwrap(), ["name", "id"], "at the end, too");
        });
        both!(conn, NAMES, result, {
            let result = result.columns(&[&"id", &0usize]).unwrap();
            assert_eq!(result.keys().unwrap(), ["id", "name"]);
            assert_eq!(given!(result.fetchone()).unwrap().unwrap().values(), [Value::Integer(1), "Dan".into()]);
        });
        both!(conn, "SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 1", result, {
            let result = result.unique();
            assert_eq!(given!(result.fetchmany(Some(1))).unwrap().len(), 1);
            assert_eq!(given!(result.fetchall()).unwrap().len(), 1, "what was seen before counts");
        });
        both!(conn, NAMES, result, {
            given!(result.fetchone()).unwrap();
            let frozen = given!(result.freeze()).unwrap();
            assert_eq!((frozen.thaw().all().unwrap().len(), frozen.thaw().all().unwrap().len()), (2, 2));
            result.close();
            assert!(result.closed());
            fails(given!(result.fetchone()), ErrorKind::ResourceClosed, CLOSED);
        });
    });
}

#[test]
fn a3_66_a0_09_a4_34_rowcount_by_kind_of_statement() {
    run(async {
        let conn = connected().await;
        for (sql, rowcount) in [
            ("INSERT INTO users (name) VALUES ('Eve')", 1),
            ("INSERT INTO users (name) VALUES ('Fay'), ('Gus')", 2),
            ("UPDATE users SET age = 1", 6),
            ("UPDATE users SET age = 1 WHERE id = 99", 0),
            ("INSERT INTO users (name) VALUES ('Hal') RETURNING id", 1),
            ("DELETE FROM users", 7),
            ("SELECT 1", -1),
            ("CREATE TABLE t (x)", -1),
        ] {
            let result = conn.execute(&text(sql), ()).await.unwrap();
            assert_eq!(result.rowcount(), rowcount, "{sql}");
        }
        let add = text("INSERT INTO users (name) VALUES (:name)");
        let sets = many(["Ida", "Joe"].map(|name| params! { "name" => name }));
        assert_eq!(conn.execute(&add, sets).await.unwrap().rowcount(), 2);
    });
}

#[test]
fn a4_33_a_result_tells_whether_its_statement_returns_rows() {
    run(async {
        let conn = connected().await;
        conn.commit().await.unwrap();
        for (sql, returns) in [
            (NAMES, true),
            (NOBODY, true),
            ("INSERT INTO users (name) VALUES ('Eve') RETURNING id", true),
            ("DELETE FROM users", false),
            ("CREATE TABLE t (x)", false),
        ] {
            both!(conn, sql, result, {
                assert_eq!(result.returns_rows(), returns, "{sql}");
                conn.rollback().await.unwrap();
            });
        }
    });
}

#[test]
fn a3_69_rows_by_position_and_name() {
    run(async {
        let conn = connected().await;
        let row = conn.execute(&text(DAN), ()).await.unwrap().one().unwrap();
        assert_eq!((row.get::<String>(0).unwrap(), row.get::<i64>("id").unwrap()), ("Dan".into(), 1));
        assert_eq!(row.fields(), ["name", "id"]);
        assert_eq!(row.mapping().get::<i64>("id").unwrap(), 1);
        fails(row.value("nobody").cloned(), ErrorKind::NoSuchColumn, "Could not locate column");
        fails(row.value(2).cloned(), ErrorKind::NoSuchColumn, "");
        fails(row.get::<i64>("name"), ErrorKind::Data, "'name'");
        // Rows are equal when their values are.
        let same = conn.execute(&text("SELECT 'Dan' AS other, 1"), ()).await.unwrap().one().unwrap();
        assert!(row == same);
        let twice = conn.execute(&text("SELECT 1 AS x, 2 AS x"), ()).await.unwrap().one().unwrap();
        assert_eq!((twice.get::<i64>("x").unwrap(), twice.get::<i64>(0).unwrap()), (2, 1), "the last one by name");
        assert_eq!(Option::<i64>::from_value(&Value::Null), Some(None));
    });
}

#[test]
fn a1_08_a1_18_rows_live_on_when_their_connection_is_closed() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        let result = conn.execute(&text(NAMES), ()).await.unwrap();
        conn.close().await.unwrap();
        let rows = result.fetchall().unwrap();
        drop(result);
        engine.dispose().await.unwrap();
        assert_eq!(rows[2].get::<String>("name").unwrap(), "Casey");
    });
}

#[test]
fn a3_65_results_are_merged() {
    run(async {
        let conn = connected().await;
        let given = async |sql: &str| conn.execute(&text(sql), ()).await.unwrap();
        let first = given("SELECT 1 AS x, 'a' AS y UNION ALL SELECT 2, 'b'").await.yield_per(2);
        first.fetchone().unwrap();
        let (second, third) = (given("SELECT 3 AS p, 'c' AS q").await, given("SELECT 2, 'b'").await);
        let merged = first.merge(&[&second, &third, &first]).unwrap();
        assert_eq!(merged.keys().unwrap(), ["x", "y"]);
        let numbers = merged.fetchmany(None).unwrap();
        assert_eq!(numbers.iter().map(|row| row.get::<i64>("x").unwrap()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((merged.all().unwrap().len(), merged.rowcount()), (1, -1));
        assert!(first.fetchone().unwrap().is_none() && second.fetchall().unwrap().is_empty(), "it is gone there");
        let unique = given("SELECT 1 AS x").await.unique();
        let unique = unique.merge(&[&given("SELECT 2").await, &given("SELECT 1").await]).unwrap();
        assert_eq!(unique.scalars(0).unwrap().all().unwrap(), [1, 2].map(Value::Integer));
        let inserted = given("INSERT INTO users (name) VALUES ('Eve'), ('Fay')").await;
        let changed = inserted.merge(&[&given("DELETE FROM users WHERE id = 1").await]).unwrap();
        assert_eq!((changed.rowcount(), changed.returns_rows()), (3, false));
        let two = given("SELECT 1, 2").await;
        let message = "merge() takes results of 2 columns, as this one has, and one has 1";
        fails(two.merge(&[&given("SELECT 1").await]), ErrorKind::Argument, message);
        let (left, gone) = (given("SELECT 1 UNION ALL SELECT 2").await, given("SELECT 3").await);
        gone.close();
        fails(left.merge(&[&gone]), ErrorKind::ResourceClosed, CLOSED);
        assert_eq!(
            left.scalars(0).unwrap().all().unwrap(),
            [1, 2].map(Value::Integer),
            "what is refused takes nothing"
        );
    });
}
