//! NOT, pushed into the operator where that has a negation.

use super::{Expr, Kind, Node, Unary};
use crate::types::SqlType;

/// The expression that is true where this one is false. NULL stays NULL.
pub fn not(expr: &Expr) -> Expr {
    let boolean = |kind| Node::new(kind, SqlType::Boolean);
    match &expr.kind {
        Kind::Boolean(value) => boolean(Kind::Boolean(!value)),
        Kind::Binary(op, left, right) => match op.negation() {
            Some(negation) => boolean(Kind::Binary(negation, left.clone(), right.clone())),
            None => plain(expr),
        },
        Kind::Like { value, pattern, escape, negated, grouped } => boolean(Kind::Like {
            value: value.clone(),
            pattern: pattern.clone(),
            escape: *escape,
            negated: !negated,
            grouped: *grouped,
        }),
        Kind::Between { value, low, high, negated } => {
            let (value, low, high) = (value.clone(), low.clone(), high.clone());
            boolean(Kind::Between { value, low, high, negated: !negated })
        }
        Kind::In { value, list, negated } => {
            boolean(Kind::In { value: value.clone(), list: list.share(), negated: !negated })
        }
        Kind::Unary(Unary::Not, inner) => inner.clone(),
        Kind::Unary(Unary::IsTrue, inner) => boolean(Kind::Unary(Unary::IsFalse, inner.clone())),
        Kind::Unary(Unary::IsFalse, inner) => boolean(Kind::Unary(Unary::IsTrue, inner.clone())),
        Kind::Group(inner) => not(inner),
        _ => plain(expr),
    }
}

fn plain(expr: &Expr) -> Expr {
    let op = if expr.is_bare_boolean() { Unary::IsFalse } else { Unary::Not };
    Node::new(Kind::Unary(op, expr.clone()), SqlType::Boolean)
}

impl super::InList {
    pub(crate) fn share(&self) -> super::InList {
        match self {
            super::InList::Bind(bind) => super::InList::Bind(bind.clone()),
            super::InList::Exprs(exprs) => super::InList::Exprs(exprs.clone()),
            super::InList::Query(query) => super::InList::Query(query.clone()),
        }
    }
}

impl Node {
    /// Whether it is a value of type Boolean that is no condition by itself: SQLite has no such type, so where a
    /// condition is due it is compared with 1 or 0.
    pub fn is_bare_boolean(&self) -> bool {
        self.ty.is_boolean()
            && matches!(
                self.ungrouped().kind,
                Kind::Column(_)
                    | Kind::Function(_)
                    | Kind::Cast(_)
                    | Kind::Coerce(_)
                    | Kind::Scalar(_)
                    | Kind::Case { .. }
                    | Kind::Literal(_)
                    | Kind::Json { .. }
                    | Kind::Bind(_)
            )
    }
}
