//! Expressions that know the type of their value.

use super::ColumnType;
use crate::expr::{
    self as untyped, Binary, BindValue, Direction, FrameUnit, JsonRead, JsonStep, Kind, Node, Place, Window,
};
use crate::schema::From;
use crate::statement::{Exprs, IntoExpr, Select};
use crate::types::SqlType;
use aludel_protocol::Value;
use std::fmt;
use std::marker::PhantomData;

/// An expression whose value is a `T`.
pub struct Expr<T> {
    pub(super) node: untyped::Expr,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Expr<T> {
    fn clone(&self) -> Expr<T> {
        Expr::from_node(self.node.clone())
    }
}

impl<T> fmt::Debug for Expr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}

impl<T> IntoExpr for Expr<T> {
    fn into_expr(self) -> untyped::Expr {
        self.node
    }
}

impl<T> IntoExpr for &Expr<T> {
    fn into_expr(self) -> untyped::Expr {
        self.node.clone()
    }
}

/// What stands on the other side of an operator: a value, or another expression, of type `B` or `Option<B>`.
pub trait Operand<B> {
    /// The operand, as it stands beside `beside`.
    fn operand(self, beside: &untyped::Expr) -> untyped::Expr;
}

impl<B, V: ColumnType<Base = B>> Operand<B> for V {
    fn operand(self, beside: &untyped::Expr) -> untyped::Expr {
        operand_of(self.bind(), V::sql_type(), beside)
    }
}

impl Operand<String> for &str {
    fn operand(self, beside: &untyped::Expr) -> untyped::Expr {
        operand_of(Value::from(self), SqlType::String(None), beside)
    }
}

impl Operand<String> for Option<&str> {
    fn operand(self, beside: &untyped::Expr) -> untyped::Expr {
        operand_of(self.map_or(Value::Null, Value::from), SqlType::String(None), beside)
    }
}

impl<B, T: ColumnType<Base = B>> Operand<B> for Expr<T> {
    fn operand(self, _: &untyped::Expr) -> untyped::Expr {
        self.node
    }
}

impl<B, T: ColumnType<Base = B>> Operand<B> for &Expr<T> {
    fn operand(self, _: &untyped::Expr) -> untyped::Expr {
        self.node.clone()
    }
}

/// NULL, true and false are words of SQL; any other value is a parameter.
fn operand_of(value: Value, ty: SqlType, beside: &untyped::Expr) -> untyped::Expr {
    match value {
        Value::Null => untyped::null(),
        Value::Integer(truth) if ty.is_boolean() => untyped::truth(truth != 0),
        value => untyped::beside_typed(beside, BindValue::Value(value), ty),
    }
}

/// A value as a parameter.
pub fn literal<T: ColumnType>(value: T) -> Expr<T> {
    Expr::from_node(untyped::bind("param", BindValue::Value(value.bind()), T::sql_type()))
}

/// SQL as it is. Never put foreign text into it.
pub fn literal_column<T: ColumnType>(sql: &str) -> Expr<T> {
    Expr::from_node(untyped::literal_column(sql, T::sql_type()))
}

/// A parameter with a name, whose value the call gives.
pub fn bindparam<T: ColumnType>(name: &str) -> Expr<T> {
    Expr::from_node(untyped::bindparam(name, BindValue::Required, T::sql_type(), false))
}

/// A column or label of the statement, by its name: for ORDER BY and GROUP BY.
pub fn name(name: &str) -> Expr<Value> {
    Expr::from_node(Node::new(Kind::Name(name.into()), SqlType::Null))
}

/// `NULL`.
pub fn null<T>() -> Expr<Option<T>> {
    Expr::from_node(untyped::null())
}

/// All of them.
pub fn and_(conditions: impl Exprs) -> Expr<bool> {
    Expr::from_node(untyped::and(conditions.exprs()))
}

/// Any of them.
pub fn or_(conditions: impl Exprs) -> Expr<bool> {
    Expr::from_node(untyped::or(conditions.exprs()))
}

/// The opposite.
pub fn not_(condition: impl IntoExpr) -> Expr<bool> {
    Expr::from_node(untyped::not(&condition.into_expr()))
}

/// Whether a query gives any row.
pub fn exists(query: &Select) -> Expr<bool> {
    Expr::from_node(query.exists())
}

/// `(a, b) IN (VALUES ...)`: whether these expressions together are one of the rows.
pub fn tuple_in(exprs: impl Exprs, rows: impl IntoIterator<Item = Vec<Value>>) -> Expr<bool> {
    let tuple = untyped::tuple(exprs.exprs());
    Expr::from_node(untyped::in_list(&tuple, BindValue::Rows(rows.into_iter().collect())))
}

/// `CASE WHEN condition THEN result ... ELSE otherwise END`
pub fn case<T: ColumnType>(
    whens: impl IntoIterator<Item = (Expr<bool>, Expr<T>)>,
    otherwise: Option<Expr<T>>,
) -> Expr<T> {
    let whens = whens.into_iter().map(|(when, then)| (when.node, then.node)).collect();
    Expr::from_node(untyped::case(None, whens, otherwise.map(|otherwise| otherwise.node)))
}

impl<T> Expr<T> {
    /// The expression, which is believed to have this type.
    pub fn from_node(node: untyped::Expr) -> Expr<T> {
        Expr { node, of: PhantomData }
    }

    /// The expression.
    pub fn node(&self) -> &untyped::Expr {
        &self.node
    }

    /// `AS name`
    pub fn label(&self, name: &str) -> Expr<T> {
        Expr::from_node(untyped::label(&self.node, Some(name)))
    }

    /// `ASC`
    pub fn asc(&self) -> Expr<T> {
        Expr::from_node(untyped::ordered(&self.node, Direction::Ascending))
    }

    /// `DESC`
    pub fn desc(&self) -> Expr<T> {
        Expr::from_node(untyped::ordered(&self.node, Direction::Descending))
    }

    /// `NULLS FIRST`
    pub fn nulls_first(&self) -> Expr<T> {
        Expr::from_node(untyped::nulls(&self.node, true))
    }

    /// `NULLS LAST`
    pub fn nulls_last(&self) -> Expr<T> {
        Expr::from_node(untyped::nulls(&self.node, false))
    }

    /// `DISTINCT x`, in an aggregate.
    pub fn distinct(&self) -> Expr<T> {
        Expr::from_node(untyped::distinct(&self.node))
    }

    /// `COLLATE "name"`
    pub fn collate(&self, name: &str) -> Expr<T> {
        Expr::from_node(untyped::collate(&self.node, name))
    }

    /// `CAST(x AS type)`
    pub fn cast<U: ColumnType>(&self) -> Expr<U> {
        Expr::from_node(untyped::cast(&self.node, U::sql_type()))
    }

    /// `CAST(x AS type)`, to a type with a length or a precision.
    pub fn cast_as<U>(&self, ty: SqlType) -> Expr<U> {
        Expr::from_node(untyped::cast(&self.node, ty))
    }

    /// The same SQL, as another type here.
    pub fn type_coerce<U: ColumnType>(&self) -> Expr<U> {
        Expr::from_node(untyped::type_coerce(&self.node, U::sql_type()))
    }

    /// A field of a date or time: `year`, `month`, `day`, `hour`, `minute`, `second`, `doy`, `dow`, `week`, `epoch`.
    pub fn extract(&self, field: &str) -> Expr<i64> {
        Expr::from_node(untyped::extract(field, &self.node))
    }

    /// `f(x) OVER (...)`
    pub fn over(&self, partition_by: impl Exprs, order_by: impl Exprs) -> Expr<T> {
        self.over_window(Window { partition_by: partition_by.exprs(), order_by: order_by.exprs(), frame: None })
    }

    /// `f(x) OVER (...)` with a frame; an end is a distance from the current row, or `None` for all on that side.
    pub fn over_frame(
        &self,
        partition_by: impl Exprs,
        order_by: impl Exprs,
        unit: FrameUnit,
        ends: (Option<i64>, Option<i64>),
    ) -> Expr<T> {
        let frame = Some(untyped::frame(unit, ends.0, ends.1));
        self.over_window(Window { partition_by: partition_by.exprs(), order_by: order_by.exprs(), frame })
    }

    fn over_window(&self, window: Window) -> Expr<T> {
        Expr::from_node(untyped::over(&self.node, window))
    }

    /// `f(x) FILTER (WHERE ...)`
    pub fn filter(&self, conditions: impl Exprs) -> Expr<T> {
        Expr::from_node(untyped::filter(&self.node, &untyped::and(conditions.exprs())))
    }

    /// `f(x ORDER BY ...)`: the order in which an aggregate takes its rows.
    pub fn aggregate_order_by(&self, order_by: impl Exprs) -> Expr<T> {
        Expr::from_node(untyped::aggregate_order_by(&self.node, order_by.exprs()))
    }

    /// A part of a value of JSON, as JSON.
    pub fn item<U: ColumnType>(&self, path: &[JsonStep]) -> Expr<U> {
        let value = BindValue::Value(Value::Text(untyped::json_path(path)));
        let item = untyped::json_item(&self.node, value);
        let read = match U::sql_type() {
            SqlType::Integer | SqlType::SmallInteger | SqlType::BigInteger => JsonRead::Integer,
            SqlType::Float | SqlType::Double | SqlType::Real => JsonRead::Float,
            SqlType::String(_) | SqlType::Text => JsonRead::String,
            SqlType::Boolean => JsonRead::Boolean,
            _ => JsonRead::Json,
        };
        Expr::from_node(untyped::json_read(&item, read))
    }

    /// `IN (SELECT ...)`
    pub fn in_query(&self, query: &Select) -> Expr<bool> {
        Expr::from_node(untyped::in_(&self.node, untyped::InList::Query(query.query())))
    }

    /// `NOT IN (SELECT ...)`
    pub fn not_in_query(&self, query: &Select) -> Expr<bool> {
        not_(self.in_query(query))
    }

    /// Rows that a function of rows gives, with these columns.
    pub fn table_valued(&self, columns: &[&str], name: Option<&str>) -> From {
        crate::schema::table_valued(&self.node, columns, name)
    }
}

impl<T: ColumnType> Expr<T> {
    pub(super) fn binary<R>(&self, op: Binary, other: impl Operand<T::Base>) -> Expr<R> {
        let other = match op.takes_pattern(&self.node.ty) {
            true => other.operand(&untyped::as_text(&self.node)),
            false => other.operand(&self.node),
        };
        Expr::from_node(untyped::binary(op, &self.node, &other))
    }

    /// `=`; with `None` `IS NULL`.
    pub fn eq(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::Eq, other)
    }

    /// `!=`; with `None` `IS NOT NULL`.
    pub fn ne(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::Ne, other)
    }

    /// `<`
    pub fn lt(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::Lt, other)
    }

    /// `<=`
    pub fn le(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::Le, other)
    }

    /// `>`
    pub fn gt(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::Gt, other)
    }

    /// `>=`
    pub fn ge(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::Ge, other)
    }

    /// `IS`: equal, where NULL equals NULL.
    pub fn is(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::Is, other)
    }

    /// `IS NOT`
    pub fn is_not(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.binary(Binary::IsNot, other)
    }

    /// Different, where NULL is no different from NULL.
    pub fn is_distinct_from(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.is_not(other)
    }

    /// Not different, where NULL is no different from NULL.
    pub fn is_not_distinct_from(&self, other: impl Operand<T::Base>) -> Expr<bool> {
        self.is(other)
    }

    /// `IN`: a list of values of any length.
    pub fn in_<V: ColumnType<Base = T::Base>>(&self, values: impl IntoIterator<Item = V>) -> Expr<bool> {
        let values = values.into_iter().map(ColumnType::bind).collect();
        Expr::from_node(untyped::in_list(&self.node, BindValue::List(values)))
    }

    /// `NOT IN`
    pub fn not_in<V: ColumnType<Base = T::Base>>(&self, values: impl IntoIterator<Item = V>) -> Expr<bool> {
        not_(self.in_(values))
    }

    /// `BETWEEN`, both ends included.
    pub fn between(&self, low: impl Operand<T::Base>, high: impl Operand<T::Base>) -> Expr<bool> {
        let (low, high) = (low.operand(&self.node), high.operand(&self.node));
        Expr::from_node(untyped::between(&self.node, &low, &high))
    }

    /// Any other operator; it binds as tightly as `=`.
    pub fn op<R: ColumnType, B>(&self, symbol: &str, other: impl Operand<B>) -> Expr<R> {
        let op = untyped::CustomOperator::new(symbol, untyped::precedence::EQUALITY, R::sql_type().is_boolean());
        let other = other.operand(&self.node);
        Expr::from_node(Node::new(Kind::Binary(Binary::Custom(op.into()), self.node.clone(), other), R::sql_type()))
    }
}

/// How a text is looked for.
fn looks_like<T: ColumnType<Base = String>>(
    value: &Expr<T>,
    text: impl Operand<String>,
    place: Place,
    fold_case: bool,
) -> Expr<bool> {
    let text = text.operand(&untyped::as_text(&value.node));
    Expr::from_node(untyped::looks_like(&value.node, &text, place, None, fold_case))
}

/// The same for a text in which `%` and `_` mean themselves.
fn looks_like_plain<T: ColumnType<Base = String>>(value: &Expr<T>, text: &str, place: Place) -> Expr<bool> {
    let text = untyped::autoescape(text, '/').as_str().operand(&untyped::as_text(&value.node));
    Expr::from_node(untyped::looks_like(&value.node, &text, place, Some('/'), false))
}

impl<T: ColumnType<Base = String>> Expr<T> {
    /// `LIKE`
    pub fn like(&self, pattern: impl Operand<String>) -> Expr<bool> {
        Expr::from_node(untyped::like(&self.node, &pattern.operand(&untyped::as_text(&self.node)), None))
    }

    /// `LIKE ... ESCAPE ...`
    pub fn like_escape(&self, pattern: impl Operand<String>, escape: char) -> Expr<bool> {
        Expr::from_node(untyped::like(&self.node, &pattern.operand(&untyped::as_text(&self.node)), Some(escape)))
    }

    /// `LIKE` that does not tell capital letters from small ones (ASCII only).
    pub fn ilike(&self, pattern: impl Operand<String>) -> Expr<bool> {
        Expr::from_node(untyped::ilike(&self.node, &pattern.operand(&untyped::as_text(&self.node)), None))
    }

    /// Whether it starts with a text, in which `%` and `_` are patterns.
    pub fn starts_with(&self, text: impl Operand<String>) -> Expr<bool> {
        looks_like(self, text, Place::Start, false)
    }

    /// Whether it contains a text, in which `%` and `_` are patterns.
    pub fn contains(&self, text: impl Operand<String>) -> Expr<bool> {
        looks_like(self, text, Place::Anywhere, false)
    }

    /// Whether it ends with a text, in which `%` and `_` are patterns.
    pub fn ends_with(&self, text: impl Operand<String>) -> Expr<bool> {
        looks_like(self, text, Place::End, false)
    }

    /// As [`Expr::starts_with`], without regard to capital letters.
    pub fn istarts_with(&self, text: impl Operand<String>) -> Expr<bool> {
        looks_like(self, text, Place::Start, true)
    }

    /// As [`Expr::contains`], without regard to capital letters.
    pub fn icontains(&self, text: impl Operand<String>) -> Expr<bool> {
        looks_like(self, text, Place::Anywhere, true)
    }

    /// As [`Expr::ends_with`], without regard to capital letters.
    pub fn iends_with(&self, text: impl Operand<String>) -> Expr<bool> {
        looks_like(self, text, Place::End, true)
    }

    /// As [`Expr::starts_with`], where `%` and `_` mean themselves (autoescape).
    pub fn starts_with_plain(&self, text: &str) -> Expr<bool> {
        looks_like_plain(self, text, Place::Start)
    }

    /// As [`Expr::contains`], where `%` and `_` mean themselves (autoescape).
    pub fn contains_plain(&self, text: &str) -> Expr<bool> {
        looks_like_plain(self, text, Place::Anywhere)
    }

    /// As [`Expr::ends_with`], where `%` and `_` mean themselves (autoescape).
    pub fn ends_with_plain(&self, text: &str) -> Expr<bool> {
        looks_like_plain(self, text, Place::End)
    }

    /// `REGEXP`
    pub fn regexp_match(&self, pattern: impl Operand<String>) -> Expr<bool> {
        self.binary(Binary::Regexp, Pattern(pattern))
    }

    /// `MATCH`: full-text search.
    pub fn match_(&self, pattern: impl Operand<String>) -> Expr<bool> {
        self.binary(Binary::Match, Pattern(pattern))
    }

    /// `GLOB`
    pub fn glob(&self, pattern: impl Operand<String>) -> Expr<bool> {
        self.binary(Binary::Glob, Pattern(pattern))
    }

    /// `||`
    pub fn concat(&self, other: impl Operand<String>) -> Expr<T> {
        self.binary(Binary::Concat, Pattern(other))
    }
}

/// A text that is looked for. (The compiler does not see that `T::Base` is `String` where it was said once.)
struct Pattern<O>(O);

impl<O: Operand<String>> Operand<String> for Pattern<O> {
    fn operand(self, beside: &untyped::Expr) -> untyped::Expr {
        self.0.operand(&untyped::as_text(beside))
    }
}
