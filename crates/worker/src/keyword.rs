//! What kind of statement a text is, as far as the first word tells, and where the first of several ends.
#![forbid(unsafe_code)]

/// The first word of a statement, behind white space and comments.
pub(crate) fn first_keyword(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c', ';']);
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            return &rest[..end];
        }
    }
}

/// What is being read, in the words of `sqlite3_complete`.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Normal,
    Explain,
    Create,
    Trigger,
    TriggerSemicolon,
    TriggerEnd,
}

/// The first statement of a script, with its semicolon: by the rules of `sqlite3_complete`, since where SQLite has stopped to
/// read a statement that is wrong says nothing of its end.
pub(crate) fn first_statement(script: &str) -> &str {
    let mut state = State::Start;
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let through = |end: &str| rest[1..].find(end).map_or(rest.len(), |at| 1 + at + end.len());
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
        let length = match first {
            '\'' | '"' | '`' => through(first.encode_utf8(&mut [0; 4])),
            '[' => through("]"),
            '-' if rest.starts_with("--") => through("\n"),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |at| at + 4),
            _ => word.max(first.len_utf8()),
        };
        let (token, behind) = rest.split_at(length);
        rest = behind;
        if first.is_whitespace() || token.starts_with("--") || token.starts_with("/*") {
            continue;
        }
        let is = |words: &[&str]| words.iter().any(|word| token.eq_ignore_ascii_case(word));
        state = match state {
            State::Start if token == ";" => State::Start,
            State::Trigger | State::TriggerSemicolon if token == ";" => State::TriggerSemicolon,
            _ if token == ";" => return &script[..script.len() - rest.len()],
            State::Start if is(&["explain"]) => State::Explain,
            State::Start | State::Explain if is(&["create"]) => State::Create,
            State::Explain if !is(&["explain", "temp", "temporary", "trigger", "end"]) => State::Explain,
            State::Create if is(&["temp", "temporary"]) => State::Create,
            State::Create if is(&["trigger"]) => State::Trigger,
            State::TriggerSemicolon if is(&["end"]) => State::TriggerEnd,
            State::Trigger | State::TriggerSemicolon | State::TriggerEnd => State::Trigger,
            State::Start | State::Normal | State::Explain | State::Create => State::Normal,
        };
    }
    script
}

#[cfg(test)]
mod tests {
    use super::{first_keyword, first_statement};

    #[test]
    fn the_first_statement_ends_at_its_semicolon() {
        for statement in [
            "select 1;",
            "select ';', \";\", `;`, [;], 'it''s;' -- ;\n /* ; */ from t;",
            "; /* ; */ ;select 1;",
            "explain query plan create table t (x);",
            "create trigger a after insert on t begin select 1; select 'end;'; end;",
            "explain create TEMP trigger a after insert on t begin select case when 1 then 2 end; END ;",
            "create table trigger_ (x);",
            "créer;",
            "é / - ü;",
        ] {
            let script = format!("{statement} drop table t; select 2");
            assert_eq!(first_statement(&script), statement);
        }
        for open in ["", "select 1", "select ';", "select /* ;", "-- ;", "create trigger a begin select 1; end", "["] {
            assert_eq!(first_statement(open), open);
        }
    }

    #[test]
    fn the_first_keyword_stands_behind_comments() {
        for (sql, keyword) in [
            ("insert into t", "insert"),
            (" \n-- select\n ; /* delete */\tUPDATE t", "UPDATE"),
            ("-- nothing", ""),
            ("/* nothing", ""),
            ("", ""),
            ("with(x)", "with"),
            ("é", ""),
        ] {
            assert_eq!(first_keyword(sql), keyword, "{sql}");
        }
    }
}
