//! How deep and how large expressions and statements are.
//!
//! Whoever compiles them, or only drops them, goes down level by level on the stack, and an expression that is used twice is
//! worked through twice. So each knows its extent when it is made, and what grows beyond the limits becomes
//! [`Kind::Missing`], which holds nothing and is an error when it is compiled.

use crate::expr::{CustomPiece, Expr, FrameEnd, InList, Kind, Node};
use crate::schema::From;
use crate::statement::{Compound, Projection, Query, Select};
use crate::types::SqlType;

/// How deep statements may lie in each other, and expressions in statements: SQLite's own limit for expressions.
pub(crate) const MAX_DEPTH: u32 = 1000;
/// Of how many parts an expression or a statement may be made.
pub(crate) const MAX_SIZE: u32 = 1_000_000;

/// How deep something is, and of how many parts it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    depth: u32,
    size: u32,
}

impl Extent {
    const ONE: Extent = Extent { depth: 1, size: 1 };

    /// With this among its parts.
    fn add(&mut self, part: Extent) {
        self.depth = self.depth.max(part.depth + 1);
        self.size = self.size.saturating_add(part.size);
    }

    /// Why it cannot be, if it is beyond a limit.
    fn excess(self) -> Option<String> {
        if self.depth > MAX_DEPTH {
            Some(format!("the expression is nested more than {MAX_DEPTH} levels deep"))
        } else if self.size > MAX_SIZE {
            Some(format!("the expression has more than {MAX_SIZE} parts"))
        } else {
            None
        }
    }
}

fn missing(message: String) -> Kind {
    Kind::Missing(message.into())
}

/// An expression's extent; one that is beyond a limit is replaced.
pub(crate) fn limited(kind: Kind) -> (Kind, Extent) {
    let mut extent = Extent::ONE;
    children(&kind, &mut |child| extent.add(child.extent));
    match &kind {
        Kind::Column(column) => column.from.iter().for_each(|from| extent.add(of_from(from))),
        Kind::Exists(query) | Kind::Scalar(query) | Kind::In { list: InList::Query(query), .. } => {
            extent.add(of_query(query));
        }
        Kind::Pieces(pieces) => pieces.iter().for_each(|piece| match piece {
            CustomPiece::Query(query) => extent.add(of_query(query)),
            CustomPiece::From(from) => extent.add(of_from(from)),
            CustomPiece::Sql(_) | CustomPiece::Expr(_) => {}
        }),
        _ => {}
    }
    match extent.excess() {
        Some(message) => (missing(message), Extent::ONE),
        None => (kind, extent),
    }
}

fn of_query(query: &Query) -> Extent {
    match query {
        Query::Select(select) => select.extent,
        Query::Compound(compound) => compound.extent,
        Query::Text(_) => Extent::ONE,
    }
}

fn of_from(from: &From) -> Extent {
    let mut extent = Extent::ONE;
    let mut exprs = |exprs: &[Expr]| exprs.iter().for_each(|expr| extent.add(expr.extent));
    match from {
        From::Table(_) | From::Excluded(_) | From::Text(_) => {}
        From::Alias(alias) => extent.add(of_from(&alias.of)),
        From::Subquery(subquery) => extent.add(of_query(&subquery.query)),
        From::Cte(cte) => extent.add(of_query(&cte.query)),
        From::Join(join) => {
            join.on.iter().for_each(|on| exprs(std::slice::from_ref(on)));
            extent.add(of_from(&join.left));
            extent.add(of_from(&join.right));
        }
        From::Function(function) => {
            exprs(&function.function.arguments);
            exprs(&function.function.order_by);
        }
        From::Values(values) => values.rows.iter().for_each(|row| exprs(row)),
    }
    extent
}

/// Why a thing with this among its parts cannot be.
pub(crate) fn excess_around(from: &From) -> Option<String> {
    let mut extent = Extent::ONE;
    extent.add(of_from(from));
    extent.excess()
}

impl Select {
    /// The same with its extent; a SELECT of nothing but an error where that is beyond a limit.
    pub(crate) fn limited(mut self) -> Select {
        let mut extent = Extent::ONE;
        for projection in &self.columns {
            match projection {
                Projection::Expr(expr) => extent.add(expr.extent),
                Projection::From(from) => extent.add(of_from(from)),
            }
        }
        for step in &self.joins {
            // Each join holds the one before.
            extent.depth += 1;
            extent.add(of_from(&step.right));
            step.left.iter().for_each(|from| extent.add(of_from(from)));
            step.on.iter().for_each(|on| extent.add(on.extent));
        }
        self.froms.iter().for_each(|from| extent.add(of_from(from)));
        let lists = [&self.conditions, &self.group_by, &self.having, &self.order_by, &self.prefixes, &self.suffixes];
        let ends = self.limit.iter().chain(&self.offset);
        lists.into_iter().flatten().chain(ends).for_each(|expr| extent.add(expr.extent));
        self.ctes.iter().for_each(|cte| extent.add(of_query(&cte.query)));
        self.extent = extent;
        match extent.excess() {
            Some(message) => {
                let columns = vec![Projection::Expr(Node::new(missing(message), SqlType::Null))];
                Select { columns, extent: Extent::ONE, ..Select::default() }
            }
            None => self,
        }
    }
}

impl Compound {
    /// The same with its extent; its parts are gone where that is beyond a limit, and an error is there.
    pub(crate) fn limited(mut self) -> Compound {
        let mut extent = Extent::ONE;
        self.parts.iter().for_each(|part| extent.add(of_query(part)));
        let ends = self.limit.iter().chain(&self.offset);
        self.order_by.iter().chain(ends).for_each(|expr| extent.add(expr.extent));
        self.ctes.iter().for_each(|cte| extent.add(of_query(&cte.query)));
        self.extent = extent;
        if let Some(message) = extent.excess() {
            let select = crate::statement::select(Node::new(missing(message), SqlType::Null));
            self = Compound { parts: vec![select.query()], ctes: Vec::new(), extent: Extent::ONE, ..self };
        }
        self
    }
}

/// Calls `visit` with each expression right below, queries aside.
pub(crate) fn children(kind: &Kind, visit: &mut dyn FnMut(&Expr)) {
    match kind {
        Kind::Column(_) | Kind::Name(_) | Kind::Null | Kind::Boolean(_) | Kind::Bind(_) | Kind::Literal(_) => {}
        Kind::Text(_) | Kind::Exists(_) | Kind::Scalar(_) | Kind::Missing(_) => {}
        Kind::Unary(_, inner) | Kind::Label(_, inner) | Kind::Distinct(inner) | Kind::Cast(inner) => visit(inner),
        Kind::Coerce(inner) | Kind::Collate(inner, _) | Kind::Extract(_, inner) | Kind::Group(inner) => visit(inner),
        Kind::Order { by, .. } => visit(by),
        Kind::Pieces(pieces) => pieces.iter().for_each(|piece| {
            if let CustomPiece::Expr(expr) = piece {
                visit(expr);
            }
        }),
        Kind::Binary(_, left, right) | Kind::Filter(left, right) => {
            visit(left);
            visit(right);
        }
        Kind::Json { value, path, .. } => {
            visit(value);
            visit(path);
        }
        Kind::Like { value, pattern, .. } => {
            visit(value);
            visit(pattern);
        }
        Kind::Between { value, low, high, .. } => [value, low, high].into_iter().for_each(visit),
        Kind::In { value, list, .. } => {
            visit(value);
            match list {
                InList::Exprs(exprs) => exprs.iter().for_each(visit),
                InList::Bind(bind) => visit(bind),
                InList::Query(_) => {}
            }
        }
        Kind::And(parts) | Kind::Or(parts) | Kind::Tuple(parts) => parts.iter().for_each(visit),
        Kind::Function(function) => function.arguments.iter().chain(&function.order_by).for_each(visit),
        Kind::Over(function, window) => {
            visit(function);
            window.partition_by.iter().chain(&window.order_by).for_each(&mut *visit);
            if let Some((_, from, to)) = &window.frame {
                for end in [from, to] {
                    if let FrameEnd::Preceding(distance) | FrameEnd::Following(distance) = end {
                        visit(distance);
                    }
                }
            }
        }
        Kind::Case { value, whens, otherwise } => {
            value.iter().for_each(&mut *visit);
            for (when, then) in whens {
                visit(when);
                visit(then);
            }
            otherwise.iter().for_each(visit);
        }
    }
}
