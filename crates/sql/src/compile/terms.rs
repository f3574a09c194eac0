//! Terms of ORDER BY and GROUP BY: what they name, and what SQLite would take for something else.

use super::{Compiler, Out, compile_error};
use crate::expr::{Binary, Expr, Kind, Name, Node, Unary};
use crate::schema::From;
use crate::types::SqlType;
use aludel_protocol::{Result, Value};
use std::rc::Rc;

/// What ORDER BY and GROUP BY can name: the columns of the statement.
pub(super) struct Terms<'a> {
    pub(super) exprs: &'a [Expr],
    pub(super) names: Vec<Name>,
    pub(super) froms: Vec<From>,
    /// Whether only names are known, as behind a compound.
    pub(super) names_only: bool,
}

impl Compiler<'_> {
    pub(super) fn terms(&mut self, exprs: &[Expr], terms: &Terms<'_>, out: &mut Out) -> Result<()> {
        for (at, expr) in exprs.iter().enumerate() {
            if at > 0 {
                out.push(", ");
            }
            let expr = resolve(expr, terms)?;
            if terms.names_only {
                let bare = std::mem::replace(&mut self.qualify, false);
                let done = self.sort_term(&expr, out);
                self.qualify = bare;
                done?;
            } else {
                self.sort_term(&expr, out)?;
            }
        }
        Ok(())
    }

    /// A term of ORDER BY or GROUP BY. A number there is the position of a column for SQLite, so that a value that is one is
    /// written as something that comes to the same.
    fn sort_term(&mut self, expr: &Expr, out: &mut Out) -> Result<()> {
        match &expr.kind {
            Kind::Order { by, direction, nulls_first } if self.writes_number(by) => {
                let kind = Kind::Order { by: no_position(by), direction: *direction, nulls_first: *nulls_first };
                self.expr(&Node::new(kind, expr.ty.clone()), out)
            }
            _ if self.writes_number(expr) => self.expr(&no_position(expr), out),
            _ => self.expr(expr, out),
        }
    }

    /// Whether SQLite reads a number where it is written, or makes one of it at once.
    fn writes_number(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Boolean(_) => true,
            Kind::Bind(bind) => matches!(self.literal_value(bind), Some(Value::Integer(_))),
            Kind::Unary(Unary::Neg, inner)
            | Kind::Label(_, inner)
            | Kind::Coerce(inner)
            | Kind::Group(inner)
            | Kind::Collate(inner, _) => self.writes_number(inner),
            Kind::And(parts) => parts.iter().any(|part| self.writes_number(part)),
            Kind::Binary(Binary::Is | Binary::IsNot, value, null) => is_null(null) && self.writes_constant(value),
            _ => false,
        }
    }

    fn writes_constant(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::Bind(bind) => self.literal_value(bind).is_some(),
            Kind::Unary(Unary::Neg, inner) | Kind::Label(_, inner) | Kind::Coerce(inner) | Kind::Group(inner) => {
                self.writes_constant(inner)
            }
            _ => self.writes_number(expr),
        }
    }
}

fn is_null(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Label(_, inner) | Kind::Coerce(inner) | Kind::Group(inner) => is_null(inner),
        kind => matches!(kind, Kind::Null),
    }
}

/// The same value, which is no position.
fn no_position(expr: &Expr) -> Expr {
    Node::new(Kind::Cast(expr.clone()), SqlType::Integer)
}

/// What a term of ORDER BY or GROUP BY means: labels go by their names, names mean labels or columns.
fn resolve(expr: &Expr, terms: &Terms<'_>) -> Result<Expr> {
    match &expr.kind {
        Kind::Order { by, direction, nulls_first } => {
            let kind = Kind::Order { by: resolve(by, terms)?, direction: *direction, nulls_first: *nulls_first };
            Ok(Node::new(kind, expr.ty.clone()))
        }
        Kind::Label(Some(name), _) if terms.names_only => Ok(name_only(name, expr)),
        // It goes by the name that its column has in the result, which is another than its own where that was taken.
        Kind::Label(Some(_), _) => {
            let at = terms.exprs.iter().position(|other| other.identity() == expr.identity());
            let given = at.and_then(|at| match &terms.names[at] {
                Name::Given(name) => {
                    Some(name).filter(|_| terms.names.iter().filter(|n| n.base() == name).count() == 1)
                }
                Name::MadeUp { .. } => None,
            });
            Ok(given.map_or_else(|| expr.clone(), |name| name_only(name, expr)))
        }
        Kind::Name(name) => {
            for (other, given) in terms.exprs.iter().zip(&terms.names) {
                match &other.kind {
                    Kind::Label(Some(label), _) if label == name => return Ok(name_only(name, other)),
                    Kind::Column(column) if column.key == *name && *given == column.name => return Ok(other.clone()),
                    _ => {}
                }
            }
            if terms.names_only && terms.names.iter().any(|given| given.base() == name) {
                return Ok(expr.clone());
            }
            column_by_key(&terms.froms, name).map_err(|_| {
                compile_error(format!(
                    "Can't resolve label reference for ORDER BY / GROUP BY / DISTINCT etc. Textual SQL expression \
                     '{name}' should be explicitly declared as text('{name}')"
                ))
            })
        }
        _ => Ok(expr.clone()),
    }
}

/// What a term of GROUP BY means. A name there is a column's before it is a label's, so that labels stand for what they
/// name.
pub(super) fn grouped(expr: &Expr, terms: &Terms<'_>) -> Result<Expr> {
    let label = match &expr.kind {
        Kind::Name(name) => {
            terms.exprs.iter().find(|other| matches!(&other.kind, Kind::Label(Some(l), _) if l == name))
        }
        _ => Some(expr),
    };
    match label.map(|label| (&label.kind, label)) {
        Some((Kind::Label(_, inner), label)) => {
            let Kind::Name(name) = &expr.kind else { return Ok(inner.clone()) };
            let is_column = terms.froms.iter().any(|from| from.columns().iter().any(|c| c.name.base() == name));
            Ok(if is_column { inner.clone() } else { name_only(name, label) })
        }
        _ => Ok(expr.clone()),
    }
}

fn name_only(name: &Rc<str>, expr: &Expr) -> Expr {
    Node::new(Kind::Name(name.clone()), expr.ty.clone())
}

/// The column with this key, among all columns.
pub(super) fn column_by_key(froms: &[From], key: &Rc<str>) -> Result<Expr> {
    let found: Vec<Expr> = froms.iter().filter_map(|from| from.column(key)).collect();
    let invalid =
        |message: String| Err(aludel_protocol::Error::new(aludel_protocol::ErrorKind::InvalidRequest, message));
    let names = |froms: &mut dyn Iterator<Item = &From>| {
        let names: Vec<String> = froms.filter_map(|from| Some(from.given_name()?.to_string())).collect();
        names.join(", ")
    };
    match &found[..] {
        [column] => Ok(column.clone()),
        [] => invalid(format!(
            "None of the FROM clause entities have a property \"{key}\". Searched entities: {}",
            names(&mut froms.iter())
        )),
        _ => invalid(format!(
            "Attribute name \"{key}\" is ambiguous; it exists in multiple FROM clause entities ({}). Use filter() with \
             explicit column references instead of filter_by().",
            names(&mut froms.iter().filter(|from| from.column(key).is_some()))
        )),
    }
}
