//! Expressions.

use super::{Decoder, Object, broken};
use crate::expr::{
    self, Binary, Bind, BindName, BindValue, ColumnRef, CustomOperator, CustomPiece, Direction, Expr, FrameEnd,
    FrameUnit, Function, InList, JsonRead, Kind, Name, Node, Place, Unary, Window,
};
use crate::types::SqlType;
use aludel_protocol::Result;
use std::rc::Rc;

/// Operators by their numbers, from 1.
const BINARY: [Binary; 27] = [
    Binary::Eq,
    Binary::Ne,
    Binary::Lt,
    Binary::Le,
    Binary::Gt,
    Binary::Ge,
    Binary::Is,
    Binary::IsNot,
    Binary::Regexp,
    Binary::NotRegexp,
    Binary::Match,
    Binary::NotMatch,
    Binary::Glob,
    Binary::NotGlob,
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::TrueDiv,
    Binary::FloorDiv,
    Binary::Mod,
    Binary::Concat,
    Binary::BitAnd,
    Binary::BitOr,
    Binary::BitXor,
    Binary::ShiftLeft,
    Binary::ShiftRight,
    Binary::JsonArrow,
];

impl Decoder<'_> {
    pub(super) fn expr_record(&mut self, tag: u8) -> Result<Object> {
        let expr = match tag {
            0x00 => self.column()?,
            0x01 => {
                let name = self.name()?;
                let reference = ColumnRef { from: None, name: Name::Given(name.clone()), key: name };
                Node::new(Kind::Column(reference), self.sql_type()?)
            }
            0x02 => Node::new(Kind::Name(self.name()?), SqlType::Null),
            0x03 => expr::null(),
            0x04 => expr::truth(self.input.flag()?),
            0x05 => self.parameter()?,
            0x06 => {
                let sql = self.text()?;
                expr::literal_column(sql, self.sql_type()?)
            }
            0x07 => Node::new(Kind::Text(self.text_part()?), SqlType::Null),
            0x08 => {
                let op = self.must("operator", &[Unary::Neg, Unary::BitNot, Unary::Not])?;
                let inner = self.expr()?;
                match op {
                    Unary::Neg => expr::neg(&inner),
                    Unary::BitNot => expr::bitwise_not(&inner),
                    _ => expr::not(&inner),
                }
            }
            0x09 => self.binary()?,
            0x0a => {
                let value = self.expr()?;
                let pattern = self.pattern_of(&value)?;
                let (escape, fold) = (self.escape()?, self.input.flag()?);
                if fold { expr::ilike(&value, &pattern, escape) } else { expr::like(&value, &pattern, escape) }
            }
            0x0b => {
                let value = self.expr()?;
                let part = self.pattern_of(&value)?;
                let place = self.must("place", &[Place::Start, Place::Anywhere, Place::End])?;
                let (escape, fold) = (self.escape()?, self.input.flag()?);
                expr::looks_like(&value, &part, place, escape, fold)
            }
            0x0c => {
                let value = self.expr()?;
                let (low, high) = (self.beside_of(&value)?, self.beside_of(&value)?);
                expr::between(&value, &low, &high)
            }
            0x0d => self.in_()?,
            0x0e => expr::and(self.list(Self::expr)?),
            0x0f => expr::or(self.list(Self::expr)?),
            0x10 => expr::tuple(self.list(Self::expr)?),
            0x11 => {
                let name = self.optional(Self::name)?;
                expr::label(&self.expr()?, name.as_deref())
            }
            0x12 => {
                let name = self.name()?;
                let given = self.optional(Self::sql_type)?;
                let arguments = self.list(|d| d.value_or_expr(&name))?;
                let order_by = self.list(Self::expr)?;
                let call = expr::call(&name, arguments.clone());
                let ty = given.unwrap_or_else(|| call.ty.clone());
                Node::new(Kind::Function(Function { name, arguments, order_by }), ty)
            }
            0x13 => expr::distinct(&self.expr()?),
            0x14 => expr::filter(&self.expr()?, &self.expr()?),
            0x15 => {
                let function = self.expr()?;
                let window = self.window()?;
                expr::over(&function, window)
            }
            0x16 => {
                let value = self.optional(Self::expr)?;
                let whens = self.list(|d| Ok((d.value_or_expr("param")?, d.value_or_expr("param")?)))?;
                let otherwise = self.optional(|d| d.value_or_expr("param"))?;
                expr::case(value, whens, otherwise)
            }
            0x17 => {
                let inner = self.value_or_expr("param")?;
                expr::cast(&inner, self.sql_type()?)
            }
            0x18 => {
                let inner = self.value_or_expr("param")?;
                expr::type_coerce(&inner, self.sql_type()?)
            }
            0x19 => {
                let inner = self.expr()?;
                expr::collate(&inner, self.text()?)
            }
            0x1a => {
                let inner = self.expr()?;
                let direction = self.choice("direction", &[Direction::Ascending, Direction::Descending])?;
                let nulls_first = self.choice("order of nulls", &[true, false])?;
                let ordered = direction.map_or(inner.clone(), |direction| expr::ordered(&inner, direction));
                nulls_first.map_or(ordered.clone(), |first| expr::nulls(&ordered, first))
            }
            0x1b => expr::exists(self.query()?),
            0x1c => expr::scalar(self.query()?),
            0x1d => {
                let value = self.expr()?;
                let path = BindValue::Literal(self.input.u32()?);
                let read = self.json_read()?;
                expr::json_read(&expr::json_item(&value, path), read)
            }
            0x1e => {
                let field = self.text()?;
                expr::extract(field, &self.expr()?)
            }
            0x1f => expr::group(&self.expr()?),
            0x20 => {
                let (symbol, precedence) = (self.text()?.to_owned(), self.input.u8()?);
                let comparison = self.input.flag()?;
                let ty = self.optional(Self::sql_type)?;
                let left = self.expr()?;
                let right = self.beside_of(&left)?;
                let op = Binary::Custom(Rc::new(CustomOperator { symbol, precedence, comparison }));
                let result = expr::binary(op.clone(), &left, &right);
                match ty {
                    Some(ty) if !comparison => Node::new(Kind::Binary(op, left, right), ty),
                    _ => result,
                }
            }
            0x21 => {
                let pieces = self.list(|d| {
                    Ok(match d.input.u8()? {
                        0 => CustomPiece::Sql(d.name()?),
                        1 => CustomPiece::Expr(d.expr()?),
                        2 => CustomPiece::Query(d.query()?),
                        3 => CustomPiece::From(d.from()?),
                        other => return Err(broken(format!("piece {other}"))),
                    })
                })?;
                expr::pieces(pieces, self.sql_type()?)
            }
            other => return Err(broken(format!("record {other:#x}"))),
        };
        Ok(Object::Expr(expr))
    }

    fn column(&mut self) -> Result<Expr> {
        let from = self.from()?;
        let key = self.text()?;
        from.column(key).ok_or_else(|| {
            let name = from.given_name().unwrap_or_else(|| "a subquery".into());
            aludel_protocol::Error::new(aludel_protocol::ErrorKind::Compile, format!("{name} has no column '{key}'"))
        })
    }

    fn parameter(&mut self) -> Result<Expr> {
        let named = self.optional(Self::name)?;
        let base = self.name()?;
        let ty = self.sql_type()?;
        let expanding = self.input.flag()?;
        let value = match (self.input.u8()?, expanding) {
            (0, _) => BindValue::Required,
            (1, false) => BindValue::Literal(self.input.u32()?),
            (1, true) => BindValue::LiteralList(self.input.u32()?),
            (other, _) => return Err(broken(format!("parameter {other}"))),
        };
        let name = named.map_or(BindName::Anonymous(base), BindName::Named);
        Ok(Node::new(Kind::Bind(Bind { name, value, expanding }), ty))
    }

    /// An operand: another expression, or a value that is bound beside `of`, with its type as JavaScript sees it.
    fn beside_of(&mut self, of: &Expr) -> Result<Expr> {
        if self.input.flag()? {
            return self.expr();
        }
        let literal = BindValue::Literal(self.input.u32()?);
        let own = self.sql_type()?;
        Ok(expr::beside_typed(of, literal, own))
    }

    /// As [`Decoder::beside_of`], for what is looked for in a text.
    fn pattern_of(&mut self, of: &Expr) -> Result<Expr> {
        if self.input.flag()? {
            return self.expr();
        }
        let literal = BindValue::Literal(self.input.u32()?);
        let own = self.sql_type()?;
        Ok(expr::pattern_beside(of, literal, own))
    }

    /// A value of a list of arguments, or an expression.
    fn value_or_expr(&mut self, base: &str) -> Result<Expr> {
        if self.input.flag()? {
            return self.expr();
        }
        let literal = BindValue::Literal(self.input.u32()?);
        let own = self.sql_type()?;
        Ok(expr::bind(base, literal, own))
    }

    fn binary(&mut self) -> Result<Expr> {
        let at = self.input.u8()? as usize;
        let op = match at.checked_sub(1) {
            Some(27) => Binary::JsonDoubleArrow,
            Some(at) => BINARY.get(at).cloned().ok_or_else(|| broken(format!("operator {at}")))?,
            None => return Err(broken("operator 0")),
        };
        let left = self.expr()?;
        let right = if op.takes_pattern(&left.ty) { self.pattern_of(&left)? } else { self.beside_of(&left)? };
        Ok(expr::binary(op, &left, &right))
    }

    fn in_(&mut self) -> Result<Expr> {
        let value = self.expr()?;
        let list = match self.input.u8()? {
            0 => return Ok(expr::in_list(&value, BindValue::LiteralList(self.input.u32()?))),
            1 => InList::Exprs(self.list(|d| d.beside_of(&value))?),
            2 => InList::Query(self.query()?),
            3 => InList::Bind(self.expr()?),
            other => return Err(broken(format!("list {other}"))),
        };
        Ok(expr::in_(&value, list))
    }

    fn escape(&mut self) -> Result<Option<char>> {
        let text = self.text()?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (one, None) => Ok(one),
            _ => Err(aludel_protocol::Error::new(
                aludel_protocol::ErrorKind::Argument,
                format!("the escape character is one character, not '{text}'"),
            )),
        }
    }

    fn json_read(&mut self) -> Result<JsonRead> {
        Ok(match self.input.u8()? {
            0 => JsonRead::Json,
            1 => JsonRead::String,
            2 => JsonRead::Integer,
            3 => JsonRead::Float,
            4 => JsonRead::Numeric(self.input.u32()?, self.input.u32()?),
            5 => JsonRead::Boolean,
            other => return Err(broken(format!("way to read JSON {other}"))),
        })
    }

    fn window(&mut self) -> Result<Window> {
        let partition_by = self.list(Self::expr)?;
        let order_by = self.list(Self::expr)?;
        let units = [FrameUnit::Rows, FrameUnit::Range, FrameUnit::Groups];
        let frame = match self.choice("unit of a frame", &units)? {
            Some(unit) => Some((unit, self.frame_end()?, self.frame_end()?)),
            None => None,
        };
        Ok(Window { partition_by, order_by, frame })
    }

    fn frame_end(&mut self) -> Result<FrameEnd> {
        Ok(match self.input.u8()? {
            0 => FrameEnd::Unbounded,
            1 => FrameEnd::Current,
            2 => FrameEnd::Preceding(self.value_or_expr("param")?),
            3 => FrameEnd::Following(self.value_or_expr("param")?),
            other => return Err(broken(format!("end of a frame {other}"))),
        })
    }
}
