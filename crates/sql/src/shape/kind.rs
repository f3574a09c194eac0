//! The shapes of expressions and types.

use super::Shape;
use crate::expr::{Binary, Bind, BindValue, CustomPiece, FrameEnd, InList, JsonRead, Kind, Node};
use crate::types::SqlType;

impl<'a> Shape<'a> {
    pub(super) fn kind(&mut self, node: &'a Node) {
        match &node.kind {
            // They are told apart before.
            Kind::Column(column) => self.text(&column.key),
            Kind::Name(name) => {
                self.byte(0);
                self.text(name);
            }
            Kind::Null => self.byte(1),
            Kind::Boolean(value) => self.byte(2 + u8::from(*value)),
            Kind::Bind(bind) => {
                self.byte(4);
                self.bind(bind, std::ptr::from_ref(node) as usize);
            }
            Kind::Literal(sql) => {
                self.byte(5);
                self.text(sql);
            }
            Kind::Text(text) => {
                self.byte(6);
                self.text_part(text);
            }
            Kind::Unary(op, inner) => {
                self.byte(7);
                self.byte(*op as u8);
                self.expr(inner);
            }
            Kind::Binary(op, left, right) => {
                self.byte(8);
                self.binary(op);
                self.expr(left);
                self.expr(right);
            }
            Kind::Like { value, pattern, escape, negated, grouped } => {
                self.byte(9);
                self.expr(value);
                self.expr(pattern);
                self.optional(*escape, |shape, escape| shape.number(escape as usize));
                self.flag(*negated);
                self.flag(*grouped);
            }
            Kind::Between { value, low, high, negated } => {
                self.byte(10);
                [value, low, high].into_iter().for_each(|expr| self.expr(expr));
                self.flag(*negated);
            }
            Kind::In { value, list, negated } => {
                self.byte(11);
                self.expr(value);
                self.flag(*negated);
                match list {
                    InList::Bind(bind) => {
                        self.byte(0);
                        self.expr(bind);
                    }
                    InList::Exprs(exprs) => {
                        self.byte(1);
                        self.exprs(exprs);
                    }
                    InList::Query(query) => {
                        self.byte(2);
                        self.query(query);
                    }
                }
            }
            Kind::And(parts) => {
                self.byte(12);
                self.exprs(parts);
            }
            Kind::Or(parts) => {
                self.byte(13);
                self.exprs(parts);
            }
            Kind::Tuple(parts) => {
                self.byte(14);
                self.exprs(parts);
            }
            Kind::Label(name, inner) => {
                self.byte(15);
                self.name(name);
                self.expr(inner);
            }
            Kind::Function(function) => {
                self.byte(16);
                self.function(function);
            }
            Kind::Distinct(inner) => {
                self.byte(17);
                self.expr(inner);
            }
            Kind::Filter(function, condition) => {
                self.byte(18);
                self.expr(function);
                self.expr(condition);
            }
            Kind::Over(function, window) => {
                self.byte(19);
                self.expr(function);
                self.exprs(&window.partition_by);
                self.exprs(&window.order_by);
                self.optional(window.frame.as_ref(), |shape, (unit, from, to)| {
                    shape.byte(*unit as u8);
                    shape.frame_end(from);
                    shape.frame_end(to);
                });
            }
            Kind::Case { value, whens, otherwise } => {
                self.byte(20);
                self.optional(value.as_ref(), |shape, value| shape.expr(value));
                self.number(whens.len());
                for (when, then) in whens {
                    self.expr(when);
                    self.expr(then);
                }
                self.optional(otherwise.as_ref(), |shape, otherwise| shape.expr(otherwise));
            }
            Kind::Cast(inner) => {
                self.byte(21);
                self.expr(inner);
            }
            Kind::Coerce(inner) => {
                self.byte(22);
                self.expr(inner);
            }
            Kind::Collate(inner, name) => {
                self.byte(23);
                self.expr(inner);
                self.text(name);
            }
            Kind::Order { by, direction, nulls_first } => {
                self.byte(24);
                self.expr(by);
                self.optional(*direction, |shape, direction| shape.byte(direction as u8));
                self.optional(*nulls_first, Shape::flag);
            }
            Kind::Exists(query) => {
                self.byte(25);
                self.query(query);
            }
            Kind::Scalar(query) => {
                self.byte(26);
                self.query(query);
            }
            Kind::Json { value, path, read } => {
                self.byte(27);
                self.expr(value);
                self.expr(path);
                self.read(*read);
            }
            Kind::Extract(field, inner) => {
                self.byte(28);
                self.text(field);
                self.expr(inner);
            }
            Kind::Group(inner) => {
                self.byte(29);
                self.expr(inner);
            }
            Kind::Pieces(pieces) => {
                self.byte(30);
                self.number(pieces.len());
                for piece in pieces {
                    match piece {
                        CustomPiece::Sql(sql) => {
                            self.byte(0);
                            self.text(sql);
                        }
                        CustomPiece::Expr(expr) => {
                            self.byte(1);
                            self.expr(expr);
                        }
                        CustomPiece::Query(query) => {
                            self.byte(2);
                            self.query(query);
                        }
                        CustomPiece::From(from) => {
                            self.byte(3);
                            self.from(from);
                        }
                    }
                }
            }
            Kind::Missing(message) => {
                self.byte(31);
                self.text(message);
            }
        }
    }

    fn bind(&mut self, bind: &'a Bind, address: usize) {
        self.bind_name(&bind.name);
        self.flag(bind.expanding);
        match &bind.value {
            value @ BindValue::Value(_) => {
                self.byte(0);
                self.values.push((address, value));
            }
            value @ BindValue::List(_) => {
                self.byte(1);
                self.values.push((address, value));
            }
            value @ BindValue::Rows(_) => {
                self.byte(2);
                self.values.push((address, value));
            }
            BindValue::Required => self.byte(3),
            BindValue::Literal(number) => {
                self.byte(4);
                self.number(*number as usize);
            }
            BindValue::LiteralList(number) => {
                self.byte(5);
                self.number(*number as usize);
            }
            BindValue::Callable(number) => {
                self.byte(6);
                self.number(*number as usize);
            }
            // A function is no value that another statement could bring along.
            BindValue::Function(_) => self.is_fixed = true,
        }
    }

    fn binary(&mut self, op: &Binary) {
        self.text(op.symbol());
        // Some are written alike.
        self.byte(match op {
            Binary::TrueDiv => 1,
            Binary::FloorDiv => 2,
            Binary::BitXor => 3,
            Binary::Custom(_) => 4,
            _ => 0,
        });
        if let Binary::Custom(custom) = op {
            self.byte(custom.precedence);
            self.flag(custom.comparison);
        }
    }

    fn frame_end(&mut self, end: &'a FrameEnd) {
        match end {
            FrameEnd::Unbounded => self.byte(0),
            FrameEnd::Current => self.byte(1),
            FrameEnd::Preceding(distance) => {
                self.byte(2);
                self.expr(distance);
            }
            FrameEnd::Following(distance) => {
                self.byte(3);
                self.expr(distance);
            }
        }
    }

    fn read(&mut self, read: JsonRead) {
        match read {
            JsonRead::Json => self.byte(0),
            JsonRead::String => self.byte(1),
            JsonRead::Integer => self.byte(2),
            JsonRead::Float => self.byte(3),
            JsonRead::Boolean => self.byte(4),
            JsonRead::Numeric(precision, scale) => {
                self.byte(5);
                self.number(precision as usize);
                self.number(scale as usize);
            }
        }
    }

    pub(super) fn ty(&mut self, ty: &SqlType) {
        let mut size = |tag: u8, size: Option<u32>| {
            self.byte(tag);
            self.optional(size, |shape, size| shape.number(size as usize));
        };
        match ty {
            SqlType::Null => self.byte(0),
            SqlType::Integer => self.byte(1),
            SqlType::SmallInteger => self.byte(2),
            SqlType::BigInteger => self.byte(3),
            SqlType::Float => self.byte(4),
            SqlType::Double => self.byte(5),
            SqlType::Real => self.byte(6),
            SqlType::Numeric(precision, scale) => {
                size(7, *precision);
                size(0, *scale);
            }
            SqlType::String(length) => size(8, *length),
            SqlType::Text => self.byte(9),
            SqlType::Boolean => self.byte(10),
            SqlType::CheckedBoolean(name) => {
                self.byte(11);
                self.name(name);
            }
            SqlType::Date => self.byte(12),
            SqlType::DateTime => self.byte(13),
            SqlType::Time => self.byte(14),
            SqlType::Interval => self.byte(15),
            SqlType::LargeBinary => self.byte(16),
            SqlType::Json { none_as_null } => self.byte(17 + u8::from(*none_as_null)),
            SqlType::Jsonb { none_as_null } => self.byte(19 + u8::from(*none_as_null)),
            SqlType::Uuid => self.byte(21),
            SqlType::Enum(given) => {
                self.byte(22);
                self.optional(given.name.as_deref(), |shape, name| shape.text(name));
                self.list(&given.values, |shape, value| shape.text(value));
                self.optional(given.length, |shape, length| shape.number(length as usize));
                self.flag(given.create_constraint);
            }
            SqlType::Custom(custom) => {
                self.byte(23);
                self.text(&custom.name);
                self.ty(&custom.implementation);
                self.optional(custom.ddl.as_deref(), |shape, ddl| shape.text(ddl));
            }
            SqlType::Tuple(parts) => {
                self.byte(24);
                self.list(parts, Shape::ty);
            }
        }
    }
}
