//! `text()`: SQL as its author wrote it, with the list of its parameters.

use crate::{Expected, Style, TokenKind, tokens};
use aludel_protocol::{Error, ErrorKind, Result};
use std::borrow::Cow;

/// The most parameters that SQLite allows (`SQLITE_MAX_VARIABLE_NUMBER`).
const MAX_PARAMETER: u32 = 32_766;

/// A text of SQL and its parameters.
///
/// The text is kept as it is, except that `\:` becomes `:` (which is how SQLAlchemy writes a colon that begins no
/// parameter; in strings, quoted names and comments none begins anyway).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    sql: String,
    parameters: Vec<Option<String>>,
    style: Style,
    /// Where backslashes were taken out, as offsets in `sql`.
    removed: Vec<u32>,
}

impl Text {
    /// Reads a text as `text()` does.
    pub fn compile(source: &str) -> Result<Text> {
        let mut removed = Vec::new();
        let mut sql = String::with_capacity(source.len());
        let mut rest = source;
        while let Some(at) = rest.find("\\:") {
            sql.push_str(&rest[..at]);
            removed.push(sql.len() as u32);
            rest = &rest[at + 1..];
            sql.push(':');
            rest = &rest[1..];
        }
        sql.push_str(rest);
        Text::read(sql, removed)
    }

    /// Reads a text as `exec_driver_sql` does: nothing in it is replaced.
    pub fn verbatim(source: &str) -> Result<Text> {
        Text::read(source.to_owned(), Vec::new())
    }

    fn read(sql: String, removed: Vec<u32>) -> Result<Text> {
        let mut parameters: Vec<Option<String>> = Vec::new();
        let (mut named, mut positional) = (false, false);
        for token in tokens(&sql).filter(|token| token.kind == TokenKind::Parameter) {
            match token.text.strip_prefix('?') {
                Some("") => {
                    positional = true;
                    parameters.push(None);
                }
                Some(number) => {
                    positional = true;
                    let index = number.parse().ok().filter(|index| (1..=MAX_PARAMETER).contains(index));
                    let Some(index) = index else {
                        let message = format!("variable number must be between ?1 and ?{MAX_PARAMETER}");
                        return Err(Error::new(ErrorKind::Operational, message)
                            .with_sqlite_code(1)
                            .with_offset(Some(token.start as u32)));
                    };
                    let len = parameters.len().max(index as usize);
                    parameters.resize(len, None);
                }
                None => {
                    named = true;
                    if !parameters.iter().any(|name| name.as_deref() == Some(token.text)) {
                        parameters.push(Some(token.text.to_owned()));
                    }
                }
            }
            if parameters.len() > MAX_PARAMETER as usize {
                return Err(Error::new(ErrorKind::Operational, "too many SQL variables").with_sqlite_code(1));
            }
        }
        let style = match (named, positional) {
            (false, false) => Style::None,
            (true, false) => Style::Named,
            (false, true) => Style::Positional,
            (true, true) => Style::Mixed,
        };
        Ok(Text { sql, parameters, style, removed })
    }

    /// The SQL that SQLite gets.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The text as it was written.
    pub fn source(&self) -> Cow<'_, str> {
        if self.removed.is_empty() {
            return Cow::Borrowed(&self.sql);
        }
        let mut source = String::with_capacity(self.sql.len() + self.removed.len());
        let mut from = 0;
        for at in self.removed.iter().map(|at| *at as usize) {
            source.push_str(&self.sql[from..at]);
            source.push('\\');
            from = at;
        }
        source.push_str(&self.sql[from..]);
        Cow::Owned(source)
    }

    /// How its parameters are written.
    pub fn style(&self) -> Style {
        self.style
    }

    /// How many parameters SQLite sees: the largest index.
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }

    /// Its parameters in SQLite's index order: their names without `:`, `@` or `$`, none for `?`.
    pub fn parameters(&self) -> impl Iterator<Item = Option<&str>> {
        self.parameters.iter().map(|name| name.as_deref().map(|name| &name[1..]))
    }

    /// The names of its parameters in SQLite's index order, without `:`, `@` or `$`; a name is given once per index,
    /// so that `:a` and `@a` repeat it. Parameters without a name are left out.
    pub fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.parameters().flatten()
    }

    /// What parameters it wants, or an error when it mixes names and positions: no one way to give them would fit.
    pub fn expected(&self) -> Result<Expected<'_>> {
        match self.style {
            Style::Mixed => Err(Error::new(
                ErrorKind::Argument,
                "The statement mixes parameters by name (:name) and by position (?); use one way of the two",
            )),
            Style::Named => Ok(Expected::Names(self.parameter_names().collect())),
            _ => Ok(Expected::Count(self.parameters.len())),
        }
    }

    /// Where a byte of [`Text::sql`] stood in the text as it was written.
    pub fn original_offset(&self, offset: u32) -> u32 {
        offset + self.removed.iter().take_while(|at| **at < offset).count() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, sql: &str, style: Style, parameters: &[Option<&str>]) {
        let text = Text::compile(source).unwrap();
        assert_eq!(text.sql(), sql);
        assert_eq!(text.style(), style);
        assert_eq!(text.parameters.iter().map(Option::as_deref).collect::<Vec<_>>(), parameters, "{source}");
    }

    #[test]
    fn parameters_have_sqlites_indexes() {
        check("SELECT 1", "SELECT 1", Style::None, &[]);
        check("SELECT :a, :b, :a", "SELECT :a, :b, :a", Style::Named, &[Some(":a"), Some(":b")]);
        check("SELECT :a, @a, $a", "SELECT :a, @a, $a", Style::Named, &[Some(":a"), Some("@a"), Some("$a")]);
        check("SELECT ?, ?3, ?, ?2", "SELECT ?, ?3, ?, ?2", Style::Positional, &[None, None, None, None]);
        check("SELECT ?5", "SELECT ?5", Style::Positional, &[None; 5]);
        check("SELECT ?, :a", "SELECT ?, :a", Style::Mixed, &[None, Some(":a")]);
        check(
            "SELECT ':a', \":b\", [:c] -- :d\n/* :e */",
            "SELECT ':a', \":b\", [:c] -- :d\n/* :e */",
            Style::None,
            &[],
        );
        check("SELECT '12\\:30', :t", "SELECT '12:30', :t", Style::Named, &[Some(":t")]);
        check("SELECT a\\:b", "SELECT a:b", Style::Named, &[Some(":b")]);
        check("SELECT 'a\\b'", "SELECT 'a\\b'", Style::None, &[]);
    }

    #[test]
    fn bad_parameter_numbers_are_errors() {
        for source in ["SELECT ?0", "SELECT ?32767", "SELECT ?99999999999999999999"] {
            let error = Text::compile(source).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Operational);
            assert_eq!(error.message(), "variable number must be between ?1 and ?32766");
            assert_eq!(error.offset(), Some(7));
        }
    }

    #[test]
    fn mixed_parameters_fit_no_way_to_give_them() {
        let error = Text::compile("SELECT ?, :a").unwrap().expected().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Argument);
    }

    #[test]
    fn offsets_lead_back_to_the_text_as_written() {
        let source = "SELECT '\\:\\:', zz";
        let text = Text::compile(source).unwrap();
        assert_eq!(text.sql(), "SELECT '::', zz");
        assert_eq!(text.source(), source);
        for (needle, _) in [("SELECT", 0), ("'", 0), ("zz", 0)] {
            let offset = text.sql().find(needle).unwrap() as u32;
            assert_eq!(text.original_offset(offset) as usize, source.find(needle).unwrap(), "{needle}");
        }
    }

    #[test]
    fn verbatim_replaces_nothing() {
        assert_eq!(Text::verbatim("SELECT '\\:a'").unwrap().sql(), "SELECT '\\:a'");
    }
}
