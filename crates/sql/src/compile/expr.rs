//! Expressions as SQL, with no parenthesis too many and none too few.

use super::literal::{empty_list, literal, literal_list};
use super::{Compiler, Out, Slot, Source, Within, always_quoted, compile_error, string_literal};
use crate::expr::{
    Binary, Bind, BindName, BindValue, CustomPiece, Direction, Expr, InList, Kind, Name, NameKey, Node, Unary,
    precedence,
};
use crate::statement::{Piece, TextPart};
use crate::types::{Family, SqlType};
use aludel_protocol::{Result, Value};
use std::rc::Rc;

/// How tightly an expression binds as it is written.
pub(super) fn binds(expr: &Node) -> u8 {
    use precedence::*;
    match &expr.kind {
        Kind::Unary(Unary::Neg | Unary::BitNot, _) => UNARY,
        Kind::Unary(Unary::Not, _) => NOT,
        Kind::Unary(Unary::IsTrue | Unary::IsFalse, _) => EQUALITY,
        Kind::Binary(op, left, right) => match op {
            Binary::FloorDiv if !is_whole(left, right) => ATOM,
            _ => op.precedence(),
        },
        Kind::Like { grouped, .. } => {
            if *grouped {
                ATOM
            } else {
                EQUALITY
            }
        }
        Kind::In { negated, .. } => {
            if *negated {
                ATOM
            } else {
                EQUALITY
            }
        }
        Kind::Between { .. } => EQUALITY,
        Kind::And(_) => AND,
        Kind::Or(_) => OR,
        Kind::Collate(..) => COLLATE,
        Kind::Label(_, inner) | Kind::Coerce(inner) => binds(inner),
        // What stands in it is not known.
        Kind::Literal(_) | Kind::Text(_) => ATOM,
        Kind::Order { .. } | Kind::Distinct(_) => OR,
        _ => ATOM,
    }
}

fn is_whole(left: &Node, right: &Node) -> bool {
    let whole = |node: &Node| matches!(node.ty.family(), Family::Integer | Family::Unknown);
    left.ty.family() == Family::Integer && whole(right)
}

impl Compiler<'_> {
    /// An expression, in parentheses if it binds less tightly than `least`.
    pub(super) fn expr_at(&mut self, expr: &Expr, least: u8, out: &mut Out) -> Result<()> {
        if binds(expr) >= least {
            return self.expr(expr, out);
        }
        out.push("(");
        self.expr(expr, out)?;
        out.push(")");
        Ok(())
    }

    /// An expression where a condition is due: a bare boolean is compared with 1.
    pub(super) fn condition_at(&mut self, expr: &Expr, least: u8, out: &mut Out) -> Result<()> {
        match &expr.kind {
            Kind::Boolean(value) => {
                out.push(if *value { "1 = 1" } else { "0 = 1" });
                Ok(())
            }
            _ if expr.is_bare_boolean() => {
                self.expr_at(expr, precedence::EQUALITY + 1, out)?;
                out.push(" = 1");
                Ok(())
            }
            _ => self.expr_at(expr, least, out),
        }
    }

    /// All of some conditions.
    pub(super) fn conditions(&mut self, conditions: &[Expr], out: &mut Out) -> Result<()> {
        match conditions {
            [one] => self.condition_at(one, 0, out),
            several => self.condition_at(&crate::expr::and(several.iter().cloned()), 0, out),
        }
    }

    /// Expressions with commas between.
    pub(super) fn list(&mut self, exprs: &[Expr], out: &mut Out) -> Result<()> {
        for (at, expr) in exprs.iter().enumerate() {
            if at > 0 {
                out.push(", ");
            }
            self.expr(expr, out)?;
        }
        Ok(())
    }

    /// An expression.
    pub(super) fn expr(&mut self, expr: &Expr, out: &mut Out) -> Result<()> {
        self.deeper(|this| this.expr_here(expr, out))
    }

    fn expr_here(&mut self, expr: &Expr, out: &mut Out) -> Result<()> {
        match &expr.kind {
            Kind::Column(column) => {
                if let Some(from) = column.from.as_ref().filter(|from| self.qualify || is_excluded(from)) {
                    self.push_name_of(from, out);
                    out.push(".");
                }
                match &column.name {
                    Name::Given(name) => out.name(name),
                    made_up => {
                        let name = self.name(made_up);
                        out.name(&name);
                    }
                }
            }
            Kind::Name(name) => out.name(name),
            Kind::Null => out.push("NULL"),
            Kind::Boolean(value) => out.push(if *value { "1" } else { "0" }),
            Kind::Bind(bind) => self.bind(bind, expr.identity(), &expr.ty, out)?,
            Kind::Literal(sql) => out.push(sql),
            Kind::Text(text) => self.text(text, out)?,
            Kind::Unary(op, inner) => self.unary(*op, inner, out)?,
            Kind::Binary(op, left, right) => self.binary(op, left, right, out)?,
            Kind::Like { value, pattern, escape, negated, grouped } => {
                if *grouped {
                    out.push("(");
                }
                self.expr_at(value, precedence::EQUALITY + 1, out)?;
                out.push(if *negated { " NOT LIKE " } else { " LIKE " });
                self.expr_at(pattern, precedence::ESCAPE + 1, out)?;
                if let Some(escape) = escape {
                    out.push(" ESCAPE ");
                    out.push(&string_literal(&escape.to_string()));
                }
                if *grouped {
                    out.push(")");
                }
            }
            Kind::Between { value, low, high, negated } => {
                self.expr_at(value, precedence::EQUALITY + 1, out)?;
                out.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.expr_at(low, precedence::EQUALITY + 1, out)?;
                out.push(" AND ");
                self.expr_at(high, precedence::EQUALITY + 1, out)?;
            }
            Kind::In { value, list, negated } => self.in_(value, list, *negated, out)?,
            Kind::And(parts) => self.joined(parts, " AND ", precedence::AND + 1, out)?,
            Kind::Or(parts) => self.joined(parts, " OR ", precedence::OR + 1, out)?,
            Kind::Tuple(parts) => {
                out.push("(");
                self.list(parts, out)?;
                out.push(")");
            }
            Kind::Label(_, inner) | Kind::Coerce(inner) => self.expr(inner, out)?,
            Kind::Function(function) => self.function(function, out)?,
            Kind::Distinct(inner) => {
                out.push("DISTINCT ");
                self.expr(inner, out)?;
            }
            Kind::Filter(function, condition) => {
                self.expr(function, out)?;
                out.push(" FILTER (WHERE ");
                self.condition_at(condition, 0, out)?;
                out.push(")");
            }
            Kind::Over(function, window) => {
                self.expr(function, out)?;
                out.push(" OVER (");
                self.window(window, out)?;
                out.push(")");
            }
            Kind::Case { value, whens, otherwise } => self.case(value.as_ref(), whens, otherwise.as_ref(), out)?,
            Kind::Cast(inner) => {
                let ty = expr.ty.words();
                if ty.is_empty() {
                    return Err(compile_error("a CAST to a type without a name cannot be written"));
                }
                out.push("CAST(");
                self.expr(inner, out)?;
                out.push(" AS ");
                out.push(&ty);
                out.push(")");
            }
            Kind::Collate(inner, name) => {
                self.expr_at(inner, precedence::COLLATE, out)?;
                out.push(" COLLATE ");
                out.push(&always_quoted(name));
            }
            Kind::Order { by, direction, nulls_first } => {
                self.expr(by, out)?;
                out.push(match direction {
                    Some(Direction::Ascending) => " ASC",
                    Some(Direction::Descending) => " DESC",
                    None => "",
                });
                out.push(match nulls_first {
                    Some(true) => " NULLS FIRST",
                    Some(false) => " NULLS LAST",
                    None => "",
                });
            }
            Kind::Exists(query) => {
                out.push("EXISTS (");
                self.query(query, out, Within::Value)?;
                out.push(")");
            }
            Kind::Scalar(query) => {
                out.push("(");
                self.query(query, out, Within::Value)?;
                out.push(")");
            }
            Kind::Json { value, path, read } => self.json(value, path, *read, out)?,
            Kind::Extract(field, inner) => self.extract(field, inner, out)?,
            Kind::Pieces(pieces) => {
                for piece in pieces {
                    match piece {
                        CustomPiece::Sql(sql) => out.push(sql),
                        CustomPiece::Expr(expr) => self.expr(expr, out)?,
                        CustomPiece::Query(query) => self.query(query, out, Within::Value)?,
                        CustomPiece::From(from) => self.from(from, out)?,
                    }
                }
            }
            Kind::Group(inner) => {
                out.push("(");
                self.expr(inner, out)?;
                out.push(")");
            }
            Kind::Missing(message) => return Err(compile_error(&**message)),
        }
        Ok(())
    }

    fn joined(&mut self, parts: &[Expr], between: &str, least: u8, out: &mut Out) -> Result<()> {
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                out.push(between);
            }
            self.condition_at(part, least, out)?;
        }
        Ok(())
    }

    fn unary(&mut self, op: Unary, inner: &Expr, out: &mut Out) -> Result<()> {
        match op {
            Unary::Neg => {
                out.push("-");
                // Two of them would begin a comment, and a parameter that is written as a literal may be negative.
                let two = starts_with_minus(inner) || (self.options.literal_binds && is_bind(inner));
                self.expr_at(inner, if two { precedence::ATOM + 1 } else { precedence::UNARY }, out)
            }
            Unary::BitNot => {
                out.push("~");
                self.expr_at(inner, precedence::UNARY, out)
            }
            Unary::Not => {
                out.push("NOT ");
                let least = if matches!(inner.kind, Kind::Exists(_)) { u8::MAX } else { precedence::NOT };
                self.condition_at(inner, least, out)
            }
            Unary::IsTrue | Unary::IsFalse => {
                self.expr_at(inner, precedence::EQUALITY + 1, out)?;
                out.push(if op == Unary::IsTrue { " = 1" } else { " = 0" });
                Ok(())
            }
        }
    }

    fn binary(&mut self, op: &Binary, left: &Expr, right: &Expr, out: &mut Out) -> Result<()> {
        match op {
            Binary::TrueDiv => {
                self.expr_at(left, precedence::PRODUCT, out)?;
                out.push(" / (");
                self.expr_at(right, precedence::SUM, out)?;
                out.push(" + 0.0)");
                return Ok(());
            }
            Binary::FloorDiv if !is_whole(left, right) => {
                out.push("FLOOR(");
                self.expr_at(left, precedence::PRODUCT, out)?;
                out.push(" / ");
                self.expr_at(right, precedence::PRODUCT + 1, out)?;
                out.push(")");
                return Ok(());
            }
            Binary::BitXor => {
                out.push("((");
                self.expr_at(left, precedence::BITS, out)?;
                out.push(" | ");
                self.expr_at(right, precedence::BITS + 1, out)?;
                out.push(") - (");
                self.expr_at(left, precedence::BITS, out)?;
                out.push(" & ");
                self.expr_at(right, precedence::BITS + 1, out)?;
                out.push("))");
                return Ok(());
            }
            _ => {}
        }
        let own = op.precedence();
        // `a = b = c` means something, but never what one reads.
        let left_least = if op.is_comparison() { own.max(precedence::COMPARISON) + 1 } else { own };
        let same = op.is_associative() && is_chain(right, op);
        let right_least = if op.is_comparison() {
            left_least
        } else if same {
            own
        } else {
            own + 1
        };
        self.expr_at(left, left_least, out)?;
        out.push(" ");
        out.push(op.symbol());
        out.push(" ");
        self.expr_at(right, right_least, out)
    }

    fn in_(&mut self, value: &Expr, list: &InList, negated: bool, out: &mut Out) -> Result<()> {
        if negated {
            out.push("(");
        }
        self.expr_at(value, precedence::EQUALITY + 1, out)?;
        out.push(if negated { " NOT IN " } else { " IN " });
        match list {
            InList::Bind(bind) => self.expr(bind, out)?,
            InList::Exprs(exprs) if exprs.is_empty() => out.push(&empty_list(value.ty.width())),
            InList::Exprs(exprs) => {
                out.push("(");
                self.list(exprs, out)?;
                out.push(")");
            }
            InList::Query(query) => {
                out.push("(");
                self.query(query, out, Within::Value)?;
                out.push(")");
            }
        }
        if negated {
            out.push(")");
        }
        Ok(())
    }

    /// A parameter of this type; `of` is what a made-up name belongs to. JSONB travels as text.
    pub(super) fn bind(&mut self, bind: &Bind, of: NameKey, ty: &SqlType, out: &mut Out) -> Result<()> {
        if bind.expanding || !matches!(ty.implementation(), SqlType::Jsonb { .. }) {
            return self.plain_bind(bind, of, ty, out);
        }
        out.push("jsonb(");
        self.plain_bind(bind, of, ty, out)?;
        out.push(")");
        Ok(())
    }

    fn plain_bind(&mut self, bind: &Bind, of: NameKey, ty: &SqlType, out: &mut Out) -> Result<()> {
        let address = if let NameKey::Object(address) = of { address } else { 0 };
        let name = match &bind.name {
            BindName::Named(name) => name.clone(),
            BindName::Anonymous(base) => self.names.made_up(base, of),
        };
        if self.options.literal_binds {
            match (self.literal_value(bind), &bind.value) {
                (Some(value), _) => {
                    out.push(&literal(value)?);
                    return Ok(());
                }
                (None, value) => {
                    let of_number = |number: &u32| self.options.lists.iter().find(|(other, _)| other == number);
                    let list = match value {
                        BindValue::LiteralList(number) => of_number(number).map(|(_, list)| list),
                        other => Some(other),
                    };
                    if let Some(sql) = list.and_then(|list| literal_list(list, ty.width())) {
                        out.push(&sql?);
                        return Ok(());
                    }
                }
            }
        }
        let named = matches!(bind.name, BindName::Named(_));
        let source = match &bind.value {
            BindValue::Callable(number) => Source::Callable(*number),
            BindValue::Function(function) => Source::Function(function.clone()),
            value => Source::Bind(value.clone()),
        };
        let slot = Slot { name, source, ty: ty.clone(), named, of: address };
        if bind.expanding {
            out.list(slot)
        } else {
            out.slot(slot)
        }
        Ok(())
    }

    /// The value of a parameter that is written as a literal.
    pub(super) fn literal_value<'v>(&'v self, bind: &'v Bind) -> Option<&'v Value> {
        match &bind.value {
            _ if !self.options.literal_binds => None,
            BindValue::Value(value) => Some(value),
            BindValue::Literal(number) => self.options.literals.get(*number as usize),
            _ => None,
        }
    }

    fn text(&mut self, text: &Rc<TextPart>, out: &mut Out) -> Result<()> {
        for piece in text.pieces() {
            match piece {
                Piece::Sql(sql) => out.push(sql),
                Piece::Parameter(name) => {
                    let known =
                        text.binds.iter().find(|(bind, _)| matches!(&bind.name, BindName::Named(n) if **n == *name));
                    let (value, expanding, ty) = match known {
                        Some((bind, ty)) => (bind.value.clone(), bind.expanding, ty.clone()),
                        None => (BindValue::Required, false, SqlType::Null),
                    };
                    let bind = Bind { name: BindName::Named(name.into()), value, expanding };
                    // It has a name, so that nothing is made up for it.
                    self.bind(&bind, NameKey::Object(0), &ty, out)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether it is `a op b op c` and nothing else that binds alike: only then its first operand may stand behind another `op`.
fn is_chain(expr: &Node, op: &Binary) -> bool {
    match &expr.kind {
        Kind::Binary(other, left, _) => other == op && (binds(left) > op.precedence() || is_chain(left, op)),
        _ => false,
    }
}

fn is_excluded(from: &crate::schema::From) -> bool {
    matches!(from, crate::schema::From::Excluded(_))
}

fn is_bind(expr: &Node) -> bool {
    match &expr.kind {
        Kind::Bind(_) => true,
        Kind::Label(_, inner) | Kind::Coerce(inner) | Kind::Collate(inner, _) => is_bind(inner),
        _ => false,
    }
}

fn starts_with_minus(expr: &Node) -> bool {
    match &expr.kind {
        Kind::Unary(Unary::Neg, _) => true,
        Kind::Literal(sql) => sql.trim_start().starts_with('-'),
        Kind::Label(_, inner) | Kind::Coerce(inner) | Kind::Collate(inner, _) => starts_with_minus(inner),
        _ => false,
    }
}
