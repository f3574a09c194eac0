//! Operators and how tightly they bind, by SQLite's grammar (<https://sqlite.org/lang_expr.html#operators_and_parse_affecting_attributes>).

use crate::types::{Family, SqlType};
use std::rc::Rc;

/// An operator of the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomOperator {
    /// As it is written.
    pub symbol: String,
    /// How tightly it binds: as one of [`precedence`].
    pub precedence: u8,
    /// Whether it gives true or false.
    pub comparison: bool,
}

impl CustomOperator {
    /// An operator of the user's.
    pub fn new(symbol: &str, precedence: u8, comparison: bool) -> CustomOperator {
        CustomOperator { symbol: symbol.to_owned(), precedence, comparison }
    }
}

/// Operators between two operands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called as in SQL, or as in SQLAlchemy")]
pub enum Binary {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Is,
    IsNot,
    Regexp,
    NotRegexp,
    Match,
    NotMatch,
    Glob,
    NotGlob,
    Add,
    Sub,
    Mul,
    /// `a / (b + 0.0)`.
    TrueDiv,
    /// `a / b` for whole numbers, `FLOOR(a / b)` for others.
    FloorDiv,
    Mod,
    Concat,
    BitAnd,
    BitOr,
    /// `(a | b) - (a & b)`, since SQLite has none.
    BitXor,
    ShiftLeft,
    ShiftRight,
    /// `->`
    JsonArrow,
    /// `->>`
    JsonDoubleArrow,
    Custom(Rc<CustomOperator>),
}

/// Operators before an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are called as in SQL, or as in SQLAlchemy")]
pub enum Unary {
    Neg,
    BitNot,
    Not,
    IsTrue,
    IsFalse,
}

/// How tightly expressions bind; a larger number binds tighter.
pub mod precedence {
    #![expect(missing_docs, reason = "each is called after its operators")]
    pub const OR: u8 = 1;
    pub const AND: u8 = 2;
    pub const NOT: u8 = 3;
    /// `= == <> != IS IN LIKE GLOB MATCH REGEXP BETWEEN`
    pub const EQUALITY: u8 = 4;
    /// `< > <= >=`
    pub const COMPARISON: u8 = 5;
    pub const ESCAPE: u8 = 6;
    /// `& | << >>`
    pub const BITS: u8 = 7;
    pub const SUM: u8 = 8;
    pub const PRODUCT: u8 = 9;
    /// `|| -> ->>`
    pub const CONCAT: u8 = 10;
    pub const COLLATE: u8 = 11;
    pub const UNARY: u8 = 12;
    /// Names, literals, calls, what stands in parentheses.
    pub const ATOM: u8 = 13;
}

impl Binary {
    /// As it is written.
    pub fn symbol(&self) -> &str {
        match self {
            Binary::Eq => "=",
            Binary::Ne => "!=",
            Binary::Lt => "<",
            Binary::Le => "<=",
            Binary::Gt => ">",
            Binary::Ge => ">=",
            Binary::Is => "IS",
            Binary::IsNot => "IS NOT",
            Binary::Regexp => "REGEXP",
            Binary::NotRegexp => "NOT REGEXP",
            Binary::Match => "MATCH",
            Binary::NotMatch => "NOT MATCH",
            Binary::Glob => "GLOB",
            Binary::NotGlob => "NOT GLOB",
            Binary::Add => "+",
            Binary::Sub => "-",
            Binary::Mul => "*",
            Binary::TrueDiv | Binary::FloorDiv => "/",
            Binary::Mod => "%",
            Binary::Concat => "||",
            Binary::BitAnd => "&",
            // How BitXor is written takes more than a symbol.
            Binary::BitOr | Binary::BitXor => "|",
            Binary::ShiftLeft => "<<",
            Binary::ShiftRight => ">>",
            Binary::JsonArrow => "->",
            Binary::JsonDoubleArrow => "->>",
            Binary::Custom(custom) => &custom.symbol,
        }
    }

    /// How tightly it binds.
    pub fn precedence(&self) -> u8 {
        use precedence::*;
        match self {
            Binary::Eq | Binary::Ne | Binary::Is | Binary::IsNot | Binary::Regexp | Binary::NotRegexp => EQUALITY,
            Binary::Match | Binary::NotMatch | Binary::Glob | Binary::NotGlob => EQUALITY,
            Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge => COMPARISON,
            Binary::BitAnd | Binary::BitOr | Binary::ShiftLeft | Binary::ShiftRight => BITS,
            Binary::Add | Binary::Sub => SUM,
            Binary::Mul | Binary::TrueDiv | Binary::Mod => PRODUCT,
            Binary::FloorDiv => PRODUCT,
            Binary::BitXor => ATOM,
            Binary::Concat | Binary::JsonArrow | Binary::JsonDoubleArrow => CONCAT,
            Binary::Custom(custom) => custom.precedence,
        }
    }

    /// Whether `a op (b op c)` is `(a op b) op c`, to the last bit.
    pub fn is_associative(&self) -> bool {
        *self == Binary::Concat
    }

    /// Whether its right operand is looked for in a text, or joined to it.
    pub(crate) fn takes_pattern(&self, left: &SqlType) -> bool {
        match self {
            Binary::Regexp | Binary::NotRegexp | Binary::Match | Binary::NotMatch | Binary::Glob | Binary::NotGlob => {
                true
            }
            Binary::Concat => true,
            Binary::Add => left.family() == Family::String,
            _ => false,
        }
    }

    /// Whether it gives true or false.
    pub fn is_comparison(&self) -> bool {
        match self {
            Binary::Custom(custom) => custom.comparison,
            _ => matches!(self.precedence(), precedence::EQUALITY | precedence::COMPARISON),
        }
    }

    /// The operator that is true where this one is false.
    pub fn negation(&self) -> Option<Binary> {
        Some(match self {
            Binary::Eq => Binary::Ne,
            Binary::Ne => Binary::Eq,
            Binary::Lt => Binary::Ge,
            Binary::Ge => Binary::Lt,
            Binary::Gt => Binary::Le,
            Binary::Le => Binary::Gt,
            Binary::Is => Binary::IsNot,
            Binary::IsNot => Binary::Is,
            Binary::Regexp => Binary::NotRegexp,
            Binary::NotRegexp => Binary::Regexp,
            Binary::Match => Binary::NotMatch,
            Binary::NotMatch => Binary::Match,
            Binary::Glob => Binary::NotGlob,
            Binary::NotGlob => Binary::Glob,
            _ => return None,
        })
    }

    /// The type of what it gives.
    pub fn result_type(&self, left: &SqlType, right: &SqlType) -> SqlType {
        if self.is_comparison() {
            return SqlType::Boolean;
        }
        match self {
            Binary::Concat => SqlType::String(None),
            Binary::BitAnd | Binary::BitOr | Binary::BitXor | Binary::ShiftLeft | Binary::ShiftRight => {
                SqlType::Integer
            }
            Binary::TrueDiv => match (left.family(), right.family()) {
                (Family::Numeric, _) | (_, Family::Numeric) => SqlType::Numeric(None, None),
                _ => SqlType::Float,
            },
            Binary::JsonArrow => SqlType::JSON,
            Binary::JsonDoubleArrow | Binary::Custom(_) => SqlType::Null,
            _ => match (left.family(), right.family()) {
                (Family::Float, _) | (_, Family::Float) => SqlType::Float,
                (Family::Numeric, _) => left.clone(),
                (_, Family::Numeric) => right.clone(),
                (Family::Unknown, _) => right.clone(),
                _ => left.clone(),
            },
        }
    }
}
