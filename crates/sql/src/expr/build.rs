//! How expressions are put together: each of these is one of SQLAlchemy's operators or functions.

use super::{
    Binary, Bind, BindName, BindValue, CustomPiece, Direction, Expr, FrameEnd, FrameUnit, Function, InList, JsonRead,
    Kind, Node, Unary, Window,
};
use crate::expr::function::known;
use crate::schema::From;
use crate::statement::Query;
use crate::types::{Family, SqlType};
use aludel_protocol::Value;
use std::rc::Rc;

fn boolean(kind: Kind) -> Expr {
    Node::new(kind, SqlType::Boolean)
}

/// The type that a value has by itself.
pub fn type_of_value(value: &Value) -> SqlType {
    match value {
        Value::Null => SqlType::Null,
        Value::Integer(_) => SqlType::Integer,
        Value::Real(_) => SqlType::Float,
        Value::Text(_) => SqlType::String(None),
        Value::Blob(_) => SqlType::LargeBinary,
    }
}

/// `NULL`.
pub fn null() -> Expr {
    Node::new(Kind::Null, SqlType::Null)
}

/// `1` or `0`.
pub fn truth(value: bool) -> Expr {
    boolean(Kind::Boolean(value))
}

/// SQL as it is.
pub fn literal_column(sql: &str, ty: SqlType) -> Expr {
    Node::new(Kind::Literal(sql.into()), ty)
}

/// A value as a parameter.
pub fn literal(value: Value) -> Expr {
    let ty = type_of_value(&value);
    bind("param", BindValue::Value(value), ty)
}

/// A parameter with a name made of `base`.
pub fn bind(base: &str, value: BindValue, ty: SqlType) -> Expr {
    let expanding = matches!(value, BindValue::List(_) | BindValue::Rows(_) | BindValue::LiteralList(_));
    Node::new(Kind::Bind(Bind { name: BindName::Anonymous(base.into()), value, expanding }), ty)
}

/// A parameter with a name of the user's.
pub fn bindparam(name: &str, value: BindValue, ty: SqlType, expanding: bool) -> Expr {
    Node::new(Kind::Bind(Bind { name: BindName::Named(name.into()), value, expanding }), ty)
}

/// A value that stands beside an expression: a parameter that is called after it and has its type, if that fits.
pub fn beside(expr: &Expr, value: BindValue) -> Expr {
    let own = match &value {
        BindValue::Value(value) => type_of_value(value),
        _ => SqlType::Null,
    };
    beside_typed(expr, value, own)
}

/// As [`beside`], for a value of which only the type is known here.
pub fn beside_typed(expr: &Expr, value: BindValue, own: SqlType) -> Expr {
    let fits = own.is_null() || expr.ty.is_null() || own.family() == expr.ty.family() || is_wider(&expr.ty, &own);
    bind(&expr.bind_base(), value, if fits { expr.ty.clone() } else { own })
}

/// A pattern, or another text that is looked for in an expression or put beside it: it is a text, whatever texts the
/// expression takes itself. Only a type of the user's that is made of texts converts it.
pub fn pattern_beside(expr: &Expr, value: BindValue, own: SqlType) -> Expr {
    let is_text = own.is_null() || own.family() == Family::String;
    match expr.ty.implementation() {
        SqlType::Null | SqlType::String(_) | SqlType::Text => beside_typed(expr, value, own),
        _ if is_text => bind(&expr.bind_base(), value, SqlType::String(None)),
        _ => beside_typed(expr, value, own),
    }
}

/// The same as a text, for what looks at the type of what it stands beside.
pub(crate) fn as_text(expr: &Expr) -> Expr {
    match (expr.ty.implementation(), &expr.kind) {
        (SqlType::Null | SqlType::String(_) | SqlType::Text, _) => expr.clone(),
        (_, Kind::Column(column)) => Node::new(Kind::Column(column.clone()), SqlType::String(None)),
        _ => type_coerce(expr, SqlType::String(None)),
    }
}

/// Whether values of type `value` are stored in columns of type `column` as a matter of course.
fn is_wider(column: &SqlType, value: &SqlType) -> bool {
    match (column.family(), value.family()) {
        (Family::Float | Family::Numeric, Family::Integer | Family::Float) => true,
        (Family::Temporal | Family::Json | Family::Boolean, _) => true,
        _ => matches!(column, SqlType::Custom(_)),
    }
}

/// `left op right`. Comparisons with NULL become IS and IS NOT.
pub fn binary(op: Binary, left: &Expr, right: &Expr) -> Expr {
    let op = match (&op, &right.kind) {
        (Binary::Eq, Kind::Null) => Binary::Is,
        (Binary::Ne, Kind::Null) => Binary::IsNot,
        _ => op,
    };
    // `+` joins texts.
    let op = if op == Binary::Add && left.ty.family() == Family::String { Binary::Concat } else { op };
    let (left, right) = (typed_beside(left, right), typed_beside(right, left));
    let ty = op.result_type(&left.ty, &right.ty);
    Node::new(Kind::Binary(op, left, right), ty)
}

/// A parameter that has a name and no type takes the type of what it stands beside.
pub(crate) fn typed_beside(expr: &Expr, other: &Expr) -> Expr {
    match &expr.kind {
        Kind::Bind(bind) if expr.ty.is_null() && !other.ty.is_null() && matches!(bind.name, BindName::Named(_)) => {
            Node::new(Kind::Bind(bind.clone()), other.ty.clone())
        }
        _ => expr.clone(),
    }
}

/// `-x`
pub fn neg(expr: &Expr) -> Expr {
    Node::new(Kind::Unary(Unary::Neg, expr.clone()), expr.ty.clone())
}

/// `~x`
pub fn bitwise_not(expr: &Expr) -> Expr {
    Node::new(Kind::Unary(Unary::BitNot, expr.clone()), SqlType::Integer)
}

/// All of them: what is true falls away, what is false decides. Of nothing it is true.
pub fn and(parts: impl IntoIterator<Item = Expr>) -> Expr {
    logic(true, parts)
}

/// Any of them: what is false falls away, what is true decides. Of nothing it is true, as in SQLAlchemy.
pub fn or(parts: impl IntoIterator<Item = Expr>) -> Expr {
    logic(false, parts)
}

fn logic(all: bool, parts: impl IntoIterator<Item = Expr>) -> Expr {
    let (mut kept, mut neutral) = (Vec::new(), None);
    for part in parts {
        match &part.kind {
            Kind::Boolean(value) if *value == all => neutral = Some(part),
            Kind::Boolean(_) => return part,
            Kind::And(inner) if all => kept.extend(inner.iter().cloned()),
            Kind::Or(inner) if !all => kept.extend(inner.iter().cloned()),
            _ => kept.push(part),
        }
    }
    match (kept.len(), neutral) {
        (0, neutral) => neutral.unwrap_or_else(|| truth(true)),
        (1, _) => kept.swap_remove(0),
        _ if all => boolean(Kind::And(kept)),
        _ => boolean(Kind::Or(kept)),
    }
}

/// `value IN (...)`: a list of values.
pub fn in_list(value: &Expr, list: BindValue) -> Expr {
    let bind = match &value.kind {
        Kind::Tuple(_) => bind("param", list, value.ty.clone()),
        _ => bind(&value.bind_base(), list, value.ty.clone()),
    };
    boolean(Kind::In { value: value.clone(), list: InList::Bind(bind), negated: false })
}

/// `value IN (...)`: a list parameter, expressions, or a query.
pub fn in_(value: &Expr, list: InList) -> Expr {
    let list = match list {
        InList::Bind(bind) => InList::Bind(typed_beside(&bind, value)),
        other => other,
    };
    boolean(Kind::In { value: value.clone(), list, negated: false })
}

/// `value BETWEEN low AND high`.
pub fn between(value: &Expr, low: &Expr, high: &Expr) -> Expr {
    let (low, high) = (typed_beside(low, value), typed_beside(high, value));
    boolean(Kind::Between { value: value.clone(), low, high, negated: false })
}

/// `value LIKE pattern`.
pub fn like(value: &Expr, pattern: &Expr, escape: Option<char>) -> Expr {
    let (value, pattern) = (value.clone(), pattern.clone());
    boolean(Kind::Like { value, pattern, escape, negated: false, grouped: false })
}

/// `lower(value) LIKE lower(pattern)`.
pub fn ilike(value: &Expr, pattern: &Expr, escape: Option<char>) -> Expr {
    like(&lower(value), &lower(pattern), escape)
}

/// Where the text that is looked for stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the start.
    Start,
    /// Anywhere.
    Anywhere,
    /// At the end.
    End,
}

/// Whether a text starts with, contains or ends with another.
pub fn looks_like(value: &Expr, part: &Expr, place: Place, escape: Option<char>, fold_case: bool) -> Expr {
    let (value, part) = if fold_case { (lower(value), lower(part)) } else { (value.clone(), part.clone()) };
    let any = || literal_column("'%'", SqlType::String(None));
    let pattern = match place {
        Place::Start => binary(Binary::Concat, &part, &any()),
        Place::End => binary(Binary::Concat, &any(), &part),
        Place::Anywhere => binary(Binary::Concat, &binary(Binary::Concat, &any(), &part), &any()),
    };
    boolean(Kind::Like { value, pattern, escape, negated: false, grouped: true })
}

/// A text in which the characters that LIKE knows mean themselves.
pub fn autoescape(text: &str, escape: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == escape || c == '%' || c == '_' {
            out.push(escape);
        }
        out.push(c);
    }
    out
}

fn lower(expr: &Expr) -> Expr {
    call("lower", [expr.clone()])
}

/// A call of a function; the type is that of a function that is known, else unknown.
pub fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    let arguments: Vec<Expr> = arguments.into_iter().collect();
    let ty = known(name).map_or(SqlType::Null, |function| function.result_type(&arguments));
    call_typed(name, arguments, ty)
}

/// A call of a function that gives this type.
pub fn call_typed(name: &str, arguments: Vec<Expr>, ty: SqlType) -> Expr {
    Node::new(Kind::Function(Function { name: name.into(), arguments, order_by: Vec::new() }), ty)
}

/// `expr AS name`; a name is made up where none is given.
pub fn label(expr: &Expr, name: Option<&str>) -> Expr {
    let inner = match &expr.kind {
        Kind::Label(_, inner) => inner,
        _ => expr,
    };
    Node::new(Kind::Label(name.map(Rc::from), inner.clone()), expr.ty.clone())
}

/// `CAST(expr AS type)`.
pub fn cast(expr: &Expr, ty: SqlType) -> Expr {
    Node::new(Kind::Cast(expr.clone()), ty)
}

/// The same SQL as another type.
pub fn type_coerce(expr: &Expr, ty: SqlType) -> Expr {
    Node::new(Kind::Coerce(expr.clone()), ty)
}

/// `expr COLLATE "name"`.
pub fn collate(expr: &Expr, name: &str) -> Expr {
    Node::new(Kind::Collate(expr.clone(), name.into()), expr.ty.clone())
}

/// `expr ASC` or `expr DESC`.
pub fn ordered(expr: &Expr, direction: Direction) -> Expr {
    order(expr, Some(direction), None)
}

/// `expr NULLS FIRST` (true) or `expr NULLS LAST`.
pub fn nulls(expr: &Expr, first: bool) -> Expr {
    order(expr, None, Some(first))
}

fn order(expr: &Expr, direction: Option<Direction>, nulls_first: Option<bool>) -> Expr {
    let (by, direction, nulls_first) = match &expr.kind {
        Kind::Order { by, direction: was, nulls_first: nulls } => {
            (by.clone(), direction.or(*was), nulls_first.or(*nulls))
        }
        _ => (expr.clone(), direction, nulls_first),
    };
    Node::new(Kind::Order { by, direction, nulls_first }, expr.ty.clone())
}

/// `DISTINCT expr`, in an aggregate.
pub fn distinct(expr: &Expr) -> Expr {
    Node::new(Kind::Distinct(expr.clone()), expr.ty.clone())
}

/// `CASE WHEN condition THEN result ... ELSE otherwise END`, or `CASE value WHEN ...`.
pub fn case(value: Option<Expr>, whens: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    let results = whens.iter().map(|(_, result)| result).chain(&otherwise);
    let ty = results.map(|result| result.ty.clone()).find(|ty| !ty.is_null()).unwrap_or_default();
    Node::new(Kind::Case { value, whens, otherwise }, ty)
}

/// `function OVER (window)`.
pub fn over(function: &Expr, window: Window) -> Expr {
    Node::new(Kind::Over(function.clone(), window), function.ty.clone())
}

/// A window's frame from SQLAlchemy's pair: `None` is unbounded, 0 the current row, negative before, positive behind.
pub fn frame(unit: FrameUnit, from: Option<i64>, to: Option<i64>) -> (FrameUnit, FrameEnd, FrameEnd) {
    let end = |distance: Option<i64>| match distance {
        None => FrameEnd::Unbounded,
        Some(0) => FrameEnd::Current,
        Some(distance) if distance < 0 => FrameEnd::Preceding(literal(Value::Integer(distance.saturating_neg()))),
        Some(distance) => FrameEnd::Following(literal(Value::Integer(distance))),
    };
    (unit, end(from), end(to))
}

/// `aggregate FILTER (WHERE condition)`.
pub fn filter(aggregate: &Expr, condition: &Expr) -> Expr {
    Node::new(Kind::Filter(aggregate.clone(), condition.clone()), aggregate.ty.clone())
}

/// `EXISTS (query)`.
pub fn exists(query: Query) -> Expr {
    boolean(Kind::Exists(query))
}

/// `(query)` as a value.
pub fn scalar(query: Query) -> Expr {
    let ty = query.scalar_type();
    Node::new(Kind::Scalar(query), ty)
}

/// SQL of the caller's, with parts of statements between.
pub fn pieces(pieces: Vec<CustomPiece>, ty: SqlType) -> Expr {
    Node::new(Kind::Pieces(pieces), ty)
}

/// `(a, b)`.
pub fn tuple(exprs: Vec<Expr>) -> Expr {
    let types = exprs.iter().map(|expr| expr.ty.clone()).collect();
    Node::new(Kind::Tuple(exprs), SqlType::Tuple(types))
}

/// `(expr)`.
pub fn group(expr: &Expr) -> Expr {
    Node::new(Kind::Group(expr.clone()), expr.ty.clone())
}

/// A step of a path into JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonStep {
    /// A member of an object.
    Key(String),
    /// An item of an array; negative counts from the end.
    Index(i64),
}

/// A path into JSON as SQLite reads it: `$."a"[0]`.
pub fn json_path(steps: &[JsonStep]) -> String {
    let mut path = String::from("$");
    for step in steps {
        match step {
            JsonStep::Key(key) => path.push_str(&format!(".\"{key}\"")),
            JsonStep::Index(index) if *index < 0 => path.push_str(&format!("[#{index}]")),
            JsonStep::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// A part of a value of JSON, as JSON.
pub fn json_item(value: &Expr, path: BindValue) -> Expr {
    let path = bind(&value.bind_base(), path, SqlType::String(None));
    json(value, &path, JsonRead::Json)
}

/// The same part, read otherwise.
pub fn json_read(item: &Expr, read: JsonRead) -> Expr {
    match &item.kind {
        Kind::Json { value, path, .. } => json(value, path, read),
        _ => item.clone(),
    }
}

fn json(value: &Expr, path: &Expr, read: JsonRead) -> Expr {
    let ty = match read {
        JsonRead::Json => SqlType::JSON,
        JsonRead::String => SqlType::String(None),
        JsonRead::Integer => SqlType::Integer,
        JsonRead::Float => SqlType::Float,
        JsonRead::Numeric(precision, scale) => SqlType::Numeric(Some(precision), Some(scale)),
        JsonRead::Boolean => SqlType::Boolean,
    };
    Node::new(Kind::Json { value: value.clone(), path: path.clone(), read }, ty)
}

/// A field of a date or time, as a whole number.
pub fn extract(field: &str, expr: &Expr) -> Expr {
    Node::new(Kind::Extract(field.into(), expr.clone()), SqlType::Integer)
}

/// `function(x ORDER BY ...)`: the order in which an aggregate takes its rows.
pub fn aggregate_order_by(call: &Expr, order_by: Vec<Expr>) -> Expr {
    match &call.kind {
        Kind::Function(function) => {
            Node::new(Kind::Function(Function { order_by, ..function.clone() }), call.ty.clone())
        }
        _ => call.clone(),
    }
}

/// A column that is not there: what uses it is an error when it is compiled.
pub fn missing_column(from: &From, key: &str) -> Expr {
    let name = from.given_name().unwrap_or_else(|| Rc::from("a subquery"));
    Node::new(Kind::Missing(format!("{name} has no column '{key}'").into()), SqlType::Null)
}
