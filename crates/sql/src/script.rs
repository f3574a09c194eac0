//! Where a script is cut into statements, and what a statement begins with.

use crate::{Token, TokenKind, tokens};

/// One statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementSpan<'a> {
    /// The statement, without the blanks and comments around it and without its semicolon.
    pub sql: &'a str,
    /// At which byte of the script it begins.
    pub offset: usize,
}

/// Cuts a script at its semicolons: those in strings, comments and bodies of triggers do not count (the rules of
/// `sqlite3_complete`). Empty statements are left out.
pub fn split_statements(script: &str) -> Vec<StatementSpan<'_>> {
    let mut statements = Vec::new();
    let mut current = Current::default();
    for token in tokens(script) {
        if token.kind == TokenKind::Semicolon && current.ends_here() {
            current.push_to(&mut statements, script);
            current = Current::default();
        } else {
            current.take(&token);
        }
    }
    current.push_to(&mut statements, script);
    statements
}

/// The statement that is being read.
#[derive(Default)]
struct Current {
    start: Option<usize>,
    end: usize,
    /// How many of its words matter still: `[EXPLAIN [QUERY PLAN]] CREATE [TEMP|TEMPORARY] TRIGGER`.
    head: Head,
    /// The last token, when it may be the END of a trigger.
    after: After,
}

#[derive(Default, PartialEq)]
enum Head {
    #[default]
    Start,
    Explain,
    Create,
    Trigger,
    Other,
}

#[derive(Default, PartialEq)]
enum After {
    #[default]
    Anything,
    Semicolon,
    SemicolonEnd,
}

impl Current {
    fn take(&mut self, token: &Token<'_>) {
        if token.is_blank() {
            return;
        }
        self.start.get_or_insert(token.start);
        self.end = token.end();
        let word = |word: &str| token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case(word);
        self.head = match std::mem::take(&mut self.head) {
            Head::Start if word("explain") => Head::Explain,
            Head::Explain if word("query") || word("plan") => Head::Explain,
            Head::Start | Head::Explain if word("create") => Head::Create,
            Head::Create if word("temp") || word("temporary") => Head::Create,
            Head::Create if word("trigger") => Head::Trigger,
            Head::Trigger => Head::Trigger,
            _ => Head::Other,
        };
        self.after = match self.after {
            _ if token.kind == TokenKind::Semicolon => After::Semicolon,
            After::Semicolon if word("end") => After::SemicolonEnd,
            _ => After::Anything,
        };
    }

    fn ends_here(&self) -> bool {
        self.head != Head::Trigger || self.after == After::SemicolonEnd
    }

    fn push_to<'a>(&self, statements: &mut Vec<StatementSpan<'a>>, script: &'a str) {
        if let Some(offset) = self.start {
            statements.push(StatementSpan { sql: &script[offset..self.end], offset });
        }
    }
}

/// The first word of a statement, in capitals; empty when it begins with no word.
pub fn first_keyword(sql: &str) -> String {
    let first = tokens(sql).find(|token| !token.is_blank());
    first.filter(|token| token.kind == TokenKind::Word).map_or(String::new(), |token| token.text.to_ascii_uppercase())
}

/// Whether a statement is an INSERT, REPLACE, UPDATE or DELETE, behind a `WITH` or not.
pub fn is_dml(sql: &str) -> bool {
    const CHANGES: &[&str] = &["INSERT", "REPLACE", "UPDATE", "DELETE"];
    let keyword = first_keyword(sql);
    if keyword != "WITH" {
        return CHANGES.contains(&keyword.as_str());
    }
    // Behind its tables, which stand in parentheses, a WITH has the word that says what it does.
    let mut depth = 0usize;
    for token in tokens(sql).filter(|token| !token.is_blank()) {
        let is = |words: &[&str]| words.iter().any(|word| token.text.eq_ignore_ascii_case(word));
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if depth > 0 || token.kind != TokenKind::Word => {}
            _ if is(CHANGES) => return true,
            _ if is(&["SELECT", "VALUES"]) => return false,
            _ => {}
        }
    }
    false
}

/// Whether a statement ends a transaction so that it lasts: a COMMIT, an END, or the RELEASE of a savepoint that is one.
pub fn is_commit(sql: &str) -> bool {
    ["COMMIT", "END", "RELEASE"].contains(&first_keyword(sql).as_str())
}

/// Whether a statement is an `EXPLAIN` or `EXPLAIN QUERY PLAN`.
pub fn is_explain(sql: &str) -> bool {
    first_keyword(sql) == "EXPLAIN"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, expected: &[&str]) {
        let statements = split_statements(script);
        assert_eq!(statements.iter().map(|s| s.sql).collect::<Vec<_>>(), expected);
        for statement in statements {
            assert_eq!(&script[statement.offset..statement.offset + statement.sql.len()], statement.sql);
        }
    }

    #[test]
    fn scripts_are_cut_at_their_semicolons() {
        check("", &[]);
        check(" ; ;; -- nothing\n", &[]);
        check("SELECT 1", &["SELECT 1"]);
        check("SELECT 1; SELECT 2;", &["SELECT 1", "SELECT 2"]);
        check("SELECT ';', \";\", [;], `;` -- ;\n; /* ; */ SELECT 2", &["SELECT ';', \";\", [;], `;`", "SELECT 2"]);
        check("/* a */ SELECT /* b */ 1 /* c */;", &["SELECT /* b */ 1"]);
        check("SELECT 'open; SELECT 2", &["SELECT 'open; SELECT 2"]);
    }

    #[test]
    fn triggers_keep_their_bodies() {
        let trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = 1; DELETE FROM c; END";
        check(&format!("{trigger}; SELECT 1"), &[trigger, "SELECT 1"]);
        let temporary = "create temp trigger t delete on a begin select case when 1 then 2 end; end";
        check(&format!("{temporary};SELECT 1"), &[temporary, "SELECT 1"]);
        let comment = "CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; /* x */ END -- y";
        check(
            &format!("{comment}\n;SELECT 1"),
            &["CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; /* x */ END", "SELECT 1"],
        );
        check(
            "EXPLAIN CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END; SELECT 2",
            &["EXPLAIN CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; END", "SELECT 2"],
        );
        check("CREATE TABLE trigger_(x); SELECT 1", &["CREATE TABLE trigger_(x)", "SELECT 1"]);
        check(
            "CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; SELECT 2",
            &["CREATE TRIGGER t DELETE ON a BEGIN SELECT 1; SELECT 2"],
        );
    }

    #[test]
    fn statements_that_change_rows_are_known() {
        for sql in [
            "insert into t values (1)",
            "/* a */ REPLACE INTO t VALUES (1)",
            "UPDATE t SET x = 1",
            "DELETE FROM t",
            "WITH a AS (SELECT 1), b(x) AS (VALUES (2)) INSERT INTO t SELECT * FROM a",
            "WITH RECURSIVE \"select\" AS (SELECT 1) DELETE FROM t",
        ] {
            assert!(is_dml(sql), "{sql}");
        }
        for sql in
            ["SELECT 1", "WITH a AS (DELETE) SELECT 1", "CREATE TABLE t (x)", "EXPLAIN DELETE FROM t", "", "WITH"]
        {
            assert!(!is_dml(sql), "{sql}");
        }
    }

    #[test]
    fn the_first_keyword_is_behind_blanks_and_comments() {
        for (sql, keyword) in
            [("select 1", "SELECT"), ("-- a\n /* b */ With x", "WITH"), ("(1)", ""), ("", ""), ("'a'", "")]
        {
            assert_eq!(first_keyword(sql), keyword);
        }
        for sql in ["commit", "-- a\n END TRANSACTION", "Release sp"] {
            assert!(is_commit(sql), "{sql}");
        }
        for sql in ["BEGIN", "ROLLBACK", "SELECT 'commit'", "SAVEPOINT sp", ""] {
            assert!(!is_commit(sql), "{sql}");
        }
        assert!(is_explain(" explain query plan select 1"));
        assert!(!is_explain("select 'explain'"));
    }
}
