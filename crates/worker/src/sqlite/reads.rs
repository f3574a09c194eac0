//! `aludel_reads(sql)`: the tables of the main database that a statement reads, as a list in JSON, their ASCII letters in lower
//! case. Live queries ask for them.
//!
//! SQLite says it by itself when it prepares the statement: views, subqueries and WITH are resolved then, and what its optimizer
//! leaves out later is named all the same. Where it cannot be told by the names of tables (virtual tables may read others when they
//! run, and nobody notes what SQLite writes into tables of its own), the list is `[null]`: any table.

use super::connection::Inner;
use super::{Connection, Failure, Prepared, ffi};
use crate::keyword::first_keyword;
use aludel_protocol::SortedSet;
use std::ffi::{CString, c_char, c_int};
use std::ptr;
use std::rc::Rc;

const ANY: &str = "[null]";
const REFUSED: &str = "watch() takes one statement that returns rows and changes nothing";
/// Tables that are functions of their arguments.
const PURE: [&str; 5] = ["generate_series", "json_each", "json_tree", "jsonb_each", "jsonb_tree"];

pub(super) fn register(inner: &Rc<Inner>) -> Result<(), Failure> {
    let raw = inner.raw();
    let (name, flags) = (c"aludel_reads".as_ptr(), ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY);
    let inner_ptr = Rc::as_ptr(inner).cast_mut().cast();
    // SAFETY: the connection is live, the name NUL-terminated, and `inner` lives as long as the connection.
    let code =
        unsafe { ffi::sqlite3_create_function_v2(raw, name, 1, flags, inner_ptr, Some(reads), None, None, None) };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(inner.failure(code)) }
}

unsafe extern "C" fn reads(context: *mut ffi::sqlite3_context, _: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls with one argument, as registered; its text is asked for before its length and stays while the call
    // runs. The pointer is that of `register`, taken from an `Rc` which the running statement holds.
    let (sql, connection) = unsafe {
        let start = ffi::sqlite3_value_text(*values);
        let length = usize::try_from(ffi::sqlite3_value_bytes(*values)).unwrap_or(0);
        let bytes = if start.is_null() { &[] } else { std::slice::from_raw_parts(start.cast(), length) };
        let inner = ffi::sqlite3_user_data(context).cast::<Inner>().cast_const();
        Rc::increment_strong_count(inner);
        (String::from_utf8_lossy(bytes), Connection { inner: Rc::from_raw(inner) })
    };
    let answer = answer(&connection, &sql);
    let text = answer.as_ref().unwrap_or_else(|why| why);
    let length = c_int::try_from(text.len()).unwrap_or(c_int::MAX);
    // SAFETY: the context is live, and SQLite copies the text, which is as long as is said.
    unsafe {
        match answer {
            Ok(_) => ffi::sqlite3_result_text(context, text.as_ptr().cast(), length, ffi::SQLITE_TRANSIENT()),
            Err(_) => ffi::sqlite3_result_error(context, text.as_ptr().cast(), length),
        }
    }
}

/// The list; an error for a statement that cannot be watched. One that cannot be prepared says why when it is run.
fn answer(connection: &Connection, sql: &str) -> Result<String, String> {
    let mut statement = match connection.prepare(sql) {
        Ok(Prepared::One(statement)) => statement,
        Ok(Prepared::Several(_)) => return Err(REFUSED.to_owned()),
        // It may be one that is only to be prepared when a file is there.
        Err(_) if first_keyword(sql).eq_ignore_ascii_case("attach") => return Err(REFUSED.to_owned()),
        Ok(Prepared::Empty) | Err(_) => return Ok(ANY.to_owned()),
    };
    if !statement.is_readonly() || statement.column_count() == 0 {
        return Err(REFUSED.to_owned());
    }
    let tables = Rc::clone(statement.tables(connection));
    let mut elsewhere = tables.elsewhere.clone();
    let mut reads = tables.reads.clone();
    let mut any = tables.pragma;
    for name in &tables.unplaced {
        if starts_with(name, "sqlite_") && !starts_with(name, "sqlite_temp_") {
            any = true;
            continue;
        }
        // As SQLite looks for it. What it is not a table of is a name of WITH, or of a table-valued function.
        match [c"temp", c"main"].map(|schema| connection.has_table(Some(schema), name)) {
            [true, _] => elsewhere = Some(format!("temp.{name}")),
            [_, true] => reads.push(name.clone()),
            _ if connection.has_table(None, name) => elsewhere = Some(name.clone()),
            _ => any |= ["pragma_", "dbstat"].iter().any(|own| starts_with(name, own)),
        }
    }
    if let Some(table) = elsewhere {
        return Err(format!("watch() follows tables of the main database only, and this statement reads {table}"));
    }
    let mut names = Vec::new();
    for name in reads {
        match kind(connection, &name).as_deref() {
            _ if starts_with(&name, "sqlite_") => any = true,
            Some("table") => names.push(name),
            // The tables behind it are named as well.
            Some("view") => {}
            None if PURE.iter().any(|pure| name.eq_ignore_ascii_case(pure)) => {}
            _ => any = true,
        }
    }
    if any {
        return Ok(ANY.to_owned());
    }
    // One of which no column is read comes as the statement has it.
    let names: SortedSet<String> = names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
    Ok(format!("[{}]", names.iter().map(|name| json(name)).collect::<Vec<_>>().join(",")))
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// What a name of the main database's schema is: `table`, `view`, or `any` for a virtual table and those that belong to it.
fn kind(connection: &Connection, name: &str) -> Option<String> {
    let name = name.replace('\'', "''");
    let query = format!(
        "SELECT CASE WHEN type = 'view' THEN type WHEN rootpage = 0 OR EXISTS (SELECT 1 FROM main.sqlite_schema AS v \
         WHERE v.type = 'table' AND v.rootpage = 0 AND substr(s.name, 1, length(v.name) + 1) = v.name || '_' COLLATE NOCASE) \
         THEN 'any' ELSE 'table' END \
         FROM main.sqlite_schema AS s WHERE type IN ('table', 'view') AND name = '{name}' COLLATE NOCASE"
    );
    connection.query(&query).ok().flatten()
}

/// A text as JSON has it.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

impl Connection {
    /// Whether there is a table of this name: in one schema, or in any.
    pub(super) fn has_table(&self, schema: Option<&std::ffi::CStr>, table: &str) -> bool {
        let Ok(table) = CString::new(table) else { return false };
        let schema = schema.map_or(ptr::null(), std::ffi::CStr::as_ptr);
        let (no_text, no_flag): (*mut *const c_char, *mut c_int) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the connection is live and the names NUL-terminated; without a column it is asked for the table alone, and the
        // places for what it could say of a column may be null.
        let code = unsafe {
            let (raw, table, no_column) = (self.raw(), table.as_ptr(), ptr::null());
            ffi::sqlite3_table_column_metadata(
                raw, schema, table, no_column, no_text, no_text, no_flag, no_flag, no_flag,
            )
        };
        code == ffi::SQLITE_OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Step;
    use crate::vfs;
    use aludel_protocol::ValueRef;

    fn connection(name: &str) -> Connection {
        vfs::register().unwrap();
        vfs::attach_memory(name);
        let connection = Connection::open(name, vfs::VFS_NAME, true).unwrap();
        for sql in [
            "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT)",
            "CREATE TABLE B (id INTEGER PRIMARY KEY AUTOINCREMENT, a_id REFERENCES a)",
            "CREATE TABLE \"odd \"\" name\" (x)",
            "CREATE TABLE w (x PRIMARY KEY) WITHOUT ROWID",
            "CREATE INDEX i ON b (a_id)",
            "CREATE VIEW v AS SELECT x FROM a",
            "CREATE VIEW vv AS SELECT count(*) AS n FROM v, w",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO w VALUES (new.x); END",
            "CREATE VIRTUAL TABLE f USING fts5(x)",
            "CREATE TEMP TABLE passing (x)",
            "INSERT INTO a VALUES (1, 'one')",
        ] {
            connection.query(sql).unwrap();
        }
        connection
    }

    fn ask(connection: &Connection, sql: &str) -> Result<String, String> {
        let sql = sql.replace('\'', "''");
        connection
            .query(&format!("SELECT aludel_reads('{sql}')"))
            .map(Option::unwrap)
            .map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn the_tables_that_a_statement_reads_are_named() {
        let connection = connection("reads-named");
        for (sql, tables) in [
            ("SELECT 1", "[]"),
            ("SELECT x FROM a", r#"["a"]"#),
            ("SELECT * FROM A AS other", r#"["a"]"#),
            ("SELECT count(*) FROM a", r#"["a"]"#),
            ("SELECT count(*) FROM main.a", r#"["a"]"#),
            ("SELECT 1 FROM a, b", r#"["a","b"]"#),
            ("SELECT a.* FROM a, w", r#"["a","w"]"#),
            ("SELECT a.x FROM a LEFT JOIN b ON b.id = a.id", r#"["a","b"]"#),
            ("SELECT id FROM b INDEXED BY i WHERE a_id = 1", r#"["b"]"#),
            ("SELECT x FROM v", r#"["a"]"#),
            ("SELECT * FROM vv", r#"["a","w"]"#),
            ("SELECT count(*) FROM vv", r#"["a","w"]"#),
            ("SELECT EXISTS (SELECT 1 FROM w)", r#"["w"]"#),
            ("SELECT x FROM a WHERE id IN (SELECT a_id FROM b)", r#"["a","b"]"#),
            ("SELECT x FROM a WHERE id IN w", r#"["a","w"]"#),
            ("SELECT (SELECT max(id) FROM b) FROM a", r#"["a","b"]"#),
            ("WITH c AS (SELECT x FROM a) SELECT count(*) FROM c", r#"["a"]"#),
            (
                "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c, w WHERE n < 3) SELECT n FROM c",
                r#"["w"]"#,
            ),
            ("SELECT x FROM a UNION SELECT x FROM w ORDER BY 1", r#"["a","w"]"#),
            ("SELECT x FROM a WHERE 0", r#"["a"]"#),
            ("SELECT \"odd \"\" name\".x FROM \"odd \"\" name\"", r#"["odd \" name"]"#),
            ("SELECT rowid FROM a WHERE id IN (SELECT value FROM json_each(:list))", r#"["a"]"#),
            ("SELECT count(*) FROM json_each(:list)", "[]"),
            ("VALUES (1), (2)", "[]"),
            ("EXPLAIN QUERY PLAN SELECT x FROM a", r#"["a"]"#),
            // Where names do not tell.
            ("SELECT x FROM f WHERE f MATCH 'one'", ANY),
            ("SELECT count(*) FROM f", ANY),
            ("SELECT id FROM f_content", ANY),
            ("SELECT count(*) FROM f_data", ANY),
            ("SELECT name FROM sqlite_schema", ANY),
            ("SELECT count(*) FROM sqlite_master", ANY),
            ("SELECT seq FROM sqlite_sequence", ANY),
            ("SELECT name FROM pragma_table_list", ANY),
            ("SELECT count(*) FROM pragma_table_list", ANY),
            ("PRAGMA table_info(a)", ANY),
            ("SELECT nonsense", ANY),
            ("SELECT FROM", ANY),
            ("", ANY),
        ] {
            assert_eq!(ask(&connection, sql).as_deref(), Ok(tables), "{sql}");
        }
    }

    #[test]
    fn what_cannot_be_watched_is_refused() {
        let connection = connection("reads-refused");
        connection.query("ATTACH ':memory:' AS other").unwrap();
        connection.query("CREATE TABLE other.o (x)").unwrap();
        for sql in [
            "INSERT INTO a VALUES (2, 'two') RETURNING id",
            "DELETE FROM a",
            "BEGIN",
            "ATTACH 'x.db' AS x",
            "SELECT 1; SELECT 2",
            "CREATE TABLE c (x)",
        ] {
            assert!(ask(&connection, sql).unwrap_err().contains(REFUSED), "{sql}");
        }
        for (sql, table) in [
            ("SELECT x FROM passing", "temp.passing"),
            ("SELECT count(*) FROM passing", "temp.passing"),
            ("SELECT x FROM other.o", "other.o"),
            ("SELECT count(*) FROM o", "reads o"),
            ("SELECT name FROM sqlite_temp_schema", "temp.sqlite_temp_master"),
        ] {
            let error = ask(&connection, sql).unwrap_err();
            assert!(error.contains("main database only") && error.contains(table), "{sql}: {error}");
        }
        assert_eq!(connection.query("SELECT count(*) FROM a").unwrap().as_deref(), Some("1"), "nothing was run");
    }

    /// SQLite's own program of a statement opens no table that is not named.
    #[test]
    fn every_table_that_the_program_opens_is_named() {
        let connection = connection("reads-opened");
        for sql in [
            "SELECT count(*) FROM a",
            "SELECT 1 FROM a, b WHERE EXISTS (SELECT 1 FROM w WHERE w.x = a.x)",
            "SELECT n, (SELECT count(*) FROM b WHERE a_id = n) FROM vv",
            "SELECT x FROM a WHERE id NOT IN (SELECT a_id FROM b) EXCEPT SELECT x FROM w",
            "SELECT max(id) FROM b GROUP BY a_id HAVING count(*) > (SELECT count(*) FROM w)",
            "SELECT a.x FROM a RIGHT JOIN (SELECT DISTINCT x FROM w) AS d USING (x)",
        ] {
            let named = ask(&connection, sql).unwrap().to_ascii_lowercase();
            let Prepared::One(mut program) = connection.prepare(&format!("EXPLAIN {sql}")).unwrap() else {
                panic!("{sql}")
            };
            let mut opened = 0;
            while program.step(None).unwrap() == Step::Row {
                let (opcode, page, schema) =
                    (program.cell(1).unwrap(), program.cell(3).unwrap(), program.cell(4).unwrap());
                let (ValueRef::Text("OpenRead"), ValueRef::Integer(page), ValueRef::Integer(0)) =
                    (opcode, page, schema)
                else {
                    continue;
                };
                let query = format!("SELECT lower(tbl_name) FROM sqlite_schema WHERE rootpage = {page}");
                let table = connection.query(&query).unwrap().unwrap();
                assert!(named.contains(&format!("\"{table}\"")), "{sql} opens {table}, and names {named}");
                opened += 1;
            }
            assert!(opened > 0, "{sql}");
        }
    }
}
