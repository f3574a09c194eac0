//! Expressions: frozen trees that know nothing of the text that they become.
//!
//! Most are made by [`typed`](crate::typed), where columns know the types of their values:
//!
//! ```
//! # use aludel_sql::schema::MetaData;
//! # use aludel_sql::typed::{self, TypedTable, func, literal};
//! # aludel_sql::table! {
//! #     pub struct Users: "users" { id: i64 => primary_key(), name: String => unique(), age: Option<i64>, }
//! # }
//! # aludel_sql::table! {
//! #     pub struct Addresses: "addr" { id: i64 => primary_key(), user_id: i64 => references("users.id"), email: String, }
//! # }
//! # let metadata = MetaData::new();
//! # let (users, addr) = (Users::new(&metadata), Addresses::new(&metadata));
//! use aludel_sql::statement::Statement;
//! use aludel_sql::typed::{and_, case, not_, or_, tuple_in};
//!
//! let age = &users.age;
//! for (expr, sql) in [
//!     (age.between(18, 30), "users.age BETWEEN ? AND ?"),
//!     (age.eq(None::<i64>), "users.age IS NULL"),
//!     (age.in_([1, 2, 3]), "users.age IN (?, ?, ?)"),
//!     (or_((age.lt(1), and_((age.gt(2), not_(age.eq(3)))))), "users.age < ? OR users.age > ? AND users.age != ?"),
//!     (((age + 1) * 2).gt(3), "(users.age + ?) * ? > ?"),
//!     (users.name.contains_plain("50%"), "(users.name LIKE '%' || ? || '%' ESCAPE '/')"),
//!     (tuple_in((&users.id, age), [vec![1.into(), 2.into()]]), "(users.id, users.age) IN (VALUES (?, ?))"),
//!     (case([(age.lt(18), literal(true))], Some(literal(false))), "CASE WHEN (users.age < ?) THEN ? ELSE ? END"),
//! ] {
//!     assert_eq!(Statement::Expr(expr.node().clone()).to_string(), sql);
//! }
//! ```
//!
//! A [`Node`] is what an expression is, with the type of its value; it is shared and never changed. Two nodes are the
//! same expression when they are the same node: columns and anonymous names go by identity, as in SQLAlchemy.

mod build;
pub(crate) mod function;
mod negate;
mod operator;

pub use build::*;
pub use negate::not;
pub use operator::{Binary, CustomOperator, Unary, precedence};

use crate::extent::{Extent, limited};
use crate::schema::{DefaultFn, From};
use crate::statement::Query;
use crate::types::SqlType;
use aludel_protocol::Value;
use std::rc::Rc;

/// An expression.
pub type Expr = Rc<Node>;

/// What an expression is, and the type of its value.
#[derive(Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The type of its value.
    pub ty: SqlType,
    /// How deep and how large it is.
    pub(crate) extent: Extent,
}

/// A name in SQL: one that was given, or one that the compiler makes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// It was given.
    Given(Rc<str>),
    /// The compiler puts a number behind `base`; the same `of` gets the same name.
    MadeUp {
        /// What the name begins with.
        base: Rc<str>,
        /// What is named.
        of: NameKey,
    },
}

/// What a made-up name belongs to, by identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameKey {
    /// An expression, or something that rows come from: its address.
    Object(usize),
    /// A column: the address of what it is a column of, and its name.
    Column(usize, Rc<str>),
}

impl Name {
    /// A name that was given.
    pub fn given(name: &str) -> Name {
        Name::Given(name.into())
    }

    /// The name, or what it begins with.
    pub fn base(&self) -> &Rc<str> {
        match self {
            Name::Given(name) => name,
            Name::MadeUp { base, .. } => base,
        }
    }
}

/// A column of something that rows come from.
#[derive(Clone, Debug)]
pub struct ColumnRef {
    /// What it is a column of; `None` for one that is known by its name only.
    pub from: Option<From>,
    /// Its name in SQL.
    pub name: Name,
    /// Its name for those who use it.
    pub key: Rc<str>,
}

/// Where the value of a parameter comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum BindValue {
    /// It stands in the expression.
    Value(Value),
    /// A list, which becomes as many parameters as it has items.
    List(Vec<Value>),
    /// A list of rows, for a tuple.
    Rows(Vec<Vec<Value>>),
    /// It is kept elsewhere, under this number: the expression came without its values.
    Literal(u32),
    /// As [`BindValue::Literal`], a list.
    LiteralList(u32),
    /// The call that executes the statement gives it.
    Required,
    /// A function of the caller's gives it, the default of a column.
    Callable(u32),
    /// A function gives it, the default of a column.
    Function(DefaultFn),
}

/// What a parameter is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindName {
    /// The name that the user gave it.
    Named(Rc<str>),
    /// A name made of this one and a number.
    Anonymous(Rc<str>),
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Bind {
    /// What it is called.
    pub name: BindName,
    /// Where its value comes from.
    pub value: BindValue,
    /// Whether it stands for a list.
    pub expanding: bool,
}

/// How a value of JSON is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonRead {
    /// As JSON.
    Json,
    /// As text.
    String,
    /// As a whole number.
    Integer,
    /// As a number.
    Float,
    /// As a decimal number of this precision and scale.
    Numeric(u32, u32),
    /// As true or false.
    Boolean,
}

/// The order of one term of ORDER BY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `ASC`.
    Ascending,
    /// `DESC`.
    Descending,
}

/// An end of a window's frame.
#[derive(Clone, Debug)]
pub enum FrameEnd {
    /// `UNBOUNDED PRECEDING` at the start, `UNBOUNDED FOLLOWING` at the end.
    Unbounded,
    /// `CURRENT ROW`.
    Current,
    /// This many before.
    Preceding(Expr),
    /// This many behind.
    Following(Expr),
}

/// What the ends of a window's frame count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    /// `ROWS`.
    Rows,
    /// `RANGE`.
    Range,
    /// `GROUPS`.
    Groups,
}

/// What a window function looks at.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// `PARTITION BY`.
    pub partition_by: Vec<Expr>,
    /// `ORDER BY`.
    pub order_by: Vec<Expr>,
    /// The frame.
    pub frame: Option<(FrameUnit, FrameEnd, FrameEnd)>,
}

/// A call of a function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name, as it was written.
    pub name: Rc<str>,
    /// What it is given.
    pub arguments: Vec<Expr>,
    /// The order in which an aggregate takes its rows.
    pub order_by: Vec<Expr>,
}

/// What an expression is.
#[derive(Debug)]
pub enum Kind {
    /// A column.
    Column(ColumnRef),
    /// A column or label of the statement that has this name or key: resolved where it stands.
    Name(Rc<str>),
    /// `NULL`.
    Null,
    /// True or false: `1` or `0`.
    Boolean(bool),
    /// A parameter.
    Bind(Bind),
    /// SQL as it is.
    Literal(Rc<str>),
    /// SQL as it is, with parameters `:name`.
    Text(Rc<crate::statement::TextPart>),
    /// One operand.
    Unary(Unary, Expr),
    /// Two operands.
    Binary(Binary, Expr, Expr),
    /// `LIKE` with an escape character.
    Like {
        /// What is looked at.
        value: Expr,
        /// The pattern.
        pattern: Expr,
        /// The character that takes its meaning from the next.
        escape: Option<char>,
        /// `NOT LIKE`.
        negated: bool,
        /// Whether it is always put in parentheses.
        grouped: bool,
    },
    /// `BETWEEN`.
    Between {
        /// What is looked at.
        value: Expr,
        /// The lower end.
        low: Expr,
        /// The upper end.
        high: Expr,
        /// `NOT BETWEEN`.
        negated: bool,
    },
    /// `IN`.
    In {
        /// What is looked for.
        value: Expr,
        /// Where: a list parameter, a query, or a list of expressions.
        list: InList,
        /// `NOT IN`.
        negated: bool,
    },
    /// `AND`.
    And(Vec<Expr>),
    /// `OR`.
    Or(Vec<Expr>),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// A name for a result column; `None` makes one up.
    Label(Option<Rc<str>>, Expr),
    /// A call.
    Function(Function),
    /// `DISTINCT x`, in an aggregate.
    Distinct(Expr),
    /// `f(x) FILTER (WHERE ...)`.
    Filter(Expr, Expr),
    /// `f(x) OVER (...)`.
    Over(Expr, Window),
    /// `CASE`.
    Case {
        /// What is compared, in the simple form.
        value: Option<Expr>,
        /// Conditions (or values) and results.
        whens: Vec<(Expr, Expr)>,
        /// `ELSE`.
        otherwise: Option<Expr>,
    },
    /// `CAST(x AS type)`: the type is the node's.
    Cast(Expr),
    /// The same SQL under another type: the node's.
    Coerce(Expr),
    /// `x COLLATE "name"`.
    Collate(Expr, Rc<str>),
    /// A term of ORDER BY.
    Order {
        /// What is ordered by.
        by: Expr,
        /// `ASC` or `DESC`.
        direction: Option<Direction>,
        /// `NULLS FIRST` (true) or `NULLS LAST`.
        nulls_first: Option<bool>,
    },
    /// `EXISTS (...)`.
    Exists(Query),
    /// `(SELECT ...)` as a value.
    Scalar(Query),
    /// A part of a value of JSON.
    Json {
        /// The whole.
        value: Expr,
        /// Its path, `$."a"[0]`.
        path: Expr,
        /// How it is read.
        read: JsonRead,
    },
    /// A field of a date or time.
    Extract(Rc<str>, Expr),
    /// `(x)`.
    Group(Expr),
    /// SQL of the caller's, with parts of statements between.
    Pieces(Vec<CustomPiece>),
    /// Something that is not there: compiling it is this error.
    Missing(Rc<str>),
}

/// A piece of SQL of the caller's.
#[derive(Debug)]
pub enum CustomPiece {
    /// SQL as it is.
    Sql(Rc<str>),
    /// An expression.
    Expr(Expr),
    /// A query, without parentheses.
    Query(Query),
    /// Something that rows come from, as it stands in FROM.
    From(From),
}

/// What `IN` looks through.
#[derive(Debug)]
pub enum InList {
    /// A parameter that is a list.
    Bind(Expr),
    /// Expressions.
    Exprs(Vec<Expr>),
    /// A query.
    Query(Query),
}

impl Node {
    /// A shared node. One that is nested too deep, or too large, is an error when it is compiled.
    pub fn new(kind: Kind, ty: SqlType) -> Expr {
        let (kind, extent) = limited(kind);
        Rc::new(Node { kind, ty, extent })
    }

    /// The name that a result column of this expression has by itself: that of a column or label, also in a cast.
    pub fn natural_name(&self) -> Option<Name> {
        match &self.kind {
            Kind::Column(column) => Some(column.name.clone()),
            Kind::Label(Some(name), _) | Kind::Literal(name) => Some(Name::Given(name.clone())),
            Kind::Cast(inner) | Kind::Coerce(inner) => inner.natural_name().filter(|_| !inner.is_literal()),
            _ => None,
        }
    }

    /// Whether it is SQL as it is.
    pub fn is_literal(&self) -> bool {
        matches!(self.kind, Kind::Literal(_))
    }

    /// What tells it from others: a column is itself wherever it was taken from.
    pub fn identity(&self) -> NameKey {
        match &self.kind {
            Kind::Column(ColumnRef { from: Some(from), name, .. }) => {
                NameKey::Column(from.identity() as usize, name.base().clone())
            }
            _ => NameKey::Object(std::ptr::from_ref(self) as usize),
        }
    }

    /// What parameters that are compared with this are called after.
    pub fn bind_base(&self) -> Rc<str> {
        match &self.kind {
            Kind::Column(column) => column.key.clone(),
            Kind::Label(Some(name), _) => name.clone(),
            Kind::Function(function) => function.name.clone(),
            Kind::Group(inner) => inner.bind_base(),
            _ => Rc::from("param"),
        }
    }

    /// What it is without parentheses around it.
    pub fn ungrouped(&self) -> &Node {
        match &self.kind {
            Kind::Group(inner) => inner.ungrouped(),
            _ => self,
        }
    }
}
