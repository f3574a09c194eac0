//! Statements: frozen descriptions, put together by the compiler.

mod build;
mod ddl;
mod dml;
mod given;
mod select;
mod text_part;

pub use build::*;
pub use ddl::{Ddl, DropWhat};
pub use dml::{Conflict, ConflictAction, Delete, Insert, InsertSource, Setting, Update};
pub use given::{Exprs, IntoExpr, IntoProjection, IntoSetting, Projections, Settings};
pub use select::{Compound, CompoundKind, Correlate, JoinStep, LabelStyle, Projection, Query, Select, TextSelect};
pub use text_part::{Piece, TextPart};

use crate::expr::Expr;
use std::rc::Rc;

/// Something that can be executed.
#[derive(Clone, Debug)]
pub enum Statement {
    /// A query.
    Query(Query),
    /// INSERT.
    Insert(Rc<Insert>),
    /// UPDATE.
    Update(Rc<Update>),
    /// DELETE.
    Delete(Rc<Delete>),
    /// CREATE, DROP.
    Ddl(Rc<Ddl>),
    /// An expression by itself: to be shown, not to be executed.
    Expr(Expr),
}
