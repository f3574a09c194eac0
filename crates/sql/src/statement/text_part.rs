//! SQL as it is, with parameters by name.

use crate::expr::Bind;
use crate::types::SqlType;
use crate::{Text, TokenKind, tokens};
use aludel_protocol::Result;
use std::rc::Rc;

/// SQL as it is, with parameters by name: what `text()` is within another statement.
#[derive(Debug)]
pub struct TextPart {
    text: Rc<Text>,
    /// Parameters that were given a value or a type.
    pub binds: Vec<(Bind, SqlType)>,
}

impl TextPart {
    /// Reads a text; `\:` is a colon.
    pub fn new(source: &str, binds: Vec<(Bind, SqlType)>) -> Result<TextPart> {
        Ok(TextPart { text: Rc::new(Text::compile(source)?), binds })
    }

    /// The whole, as a statement of its own.
    pub fn text(&self) -> &Rc<Text> {
        &self.text
    }

    /// The pieces of the text: SQL, and the names of parameters between.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let sql = self.text.sql();
        let mut from = 0;
        for token in tokens(sql) {
            if token.kind == TokenKind::Parameter && token.text.starts_with([':', '@', '$']) {
                pieces.push(Piece::Sql(&sql[from..token.start]));
                pieces.push(Piece::Parameter(&token.text[1..]));
                from = token.end();
            }
        }
        pieces.push(Piece::Sql(&sql[from..]));
        pieces
    }
}

/// A piece of a [`TextPart`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// SQL.
    Sql(&'a str),
    /// A parameter.
    Parameter(&'a str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_pieces() {
        let part = TextPart::new("a = :x AND ':y' = $z AND b > :x", Vec::new()).unwrap();
        let pieces = part.pieces();
        let of = [
            Piece::Sql("a = "),
            Piece::Parameter("x"),
            Piece::Sql(" AND ':y' = "),
            Piece::Parameter("z"),
            Piece::Sql(" AND b > "),
            Piece::Parameter("x"),
            Piece::Sql(""),
        ];
        assert_eq!(pieces, of);
    }
}
