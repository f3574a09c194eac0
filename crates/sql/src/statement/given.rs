//! What the methods of statements take: one thing, a tuple, an array or a `Vec` of things.

use super::{Projection, Setting};
use crate::expr::Expr;
use crate::schema::{From, Table};
use std::rc::Rc;

/// Something that is an expression.
pub trait IntoExpr {
    /// The expression.
    fn into_expr(self) -> Expr;
}

/// Expressions: one, or several.
pub trait Exprs {
    /// The expressions, in their order.
    fn exprs(self) -> Vec<Expr>;
}

/// Something that can stand in a list of columns.
pub trait IntoProjection {
    /// The term of the list.
    fn into_projection(self) -> Projection;
}

/// A list of columns: one term, or several.
pub trait Projections {
    /// The terms, in their order.
    fn projections(self) -> Vec<Projection>;
}

/// Columns and what they are set to: one pair, or several.
pub trait Settings {
    /// The pairs, in their order.
    fn settings(self) -> Vec<Setting>;
}

impl IntoExpr for Expr {
    fn into_expr(self) -> Expr {
        self
    }
}

impl IntoExpr for &Expr {
    fn into_expr(self) -> Expr {
        self.clone()
    }
}

impl<E: IntoExpr> IntoProjection for E {
    fn into_projection(self) -> Projection {
        Projection::Expr(self.into_expr())
    }
}

impl IntoProjection for Projection {
    fn into_projection(self) -> Projection {
        self
    }
}

impl IntoProjection for From {
    fn into_projection(self) -> Projection {
        Projection::From(self)
    }
}

impl IntoProjection for &From {
    fn into_projection(self) -> Projection {
        Projection::From(self.clone())
    }
}

impl IntoProjection for Rc<Table> {
    fn into_projection(self) -> Projection {
        Projection::From(From::Table(self))
    }
}

/// One list trait over one item trait: singly, in arrays, in a `Vec`, in tuples.
macro_rules! lists {
    ($list:ident, $method:ident, $item:ident, $into:ident, $out:ty) => {
        impl<T: $item> $list for T {
            fn $method(self) -> Vec<$out> {
                vec![self.$into()]
            }
        }

        impl<T: $item, const N: usize> $list for [T; N] {
            fn $method(self) -> Vec<$out> {
                self.into_iter().map($item::$into).collect()
            }
        }

        impl<T: $item> $list for Vec<T> {
            fn $method(self) -> Vec<$out> {
                self.into_iter().map($item::$into).collect()
            }
        }

        impl $list for () {
            fn $method(self) -> Vec<$out> {
                Vec::new()
            }
        }

        lists!(@tuples $list, $method, $item, $into, $out, A B C D E F G H I J K L M N O P);
    };
    (@tuples $list:ident, $method:ident, $item:ident, $into:ident, $out:ty,) => {};
    (@tuples $list:ident, $method:ident, $item:ident, $into:ident, $out:ty, $first:ident $($rest:ident)*) => {
        impl<$first: $item, $($rest: $item),*> $list for ($first, $($rest,)*) {
            fn $method(self) -> Vec<$out> {
                #[expect(non_snake_case, reason = "variables are called as their types")]
                let ($first, $($rest,)*) = self;
                vec![$first.$into(), $($rest.$into()),*]
            }
        }

        lists!(@tuples $list, $method, $item, $into, $out, $($rest)*);
    };
}

/// One pair.
pub trait IntoSetting {
    /// The pair.
    fn into_setting(self) -> Setting;
}

impl IntoSetting for Setting {
    fn into_setting(self) -> Setting {
        self
    }
}

lists!(Exprs, exprs, IntoExpr, into_expr, Expr);
lists!(Projections, projections, IntoProjection, into_projection, Projection);
lists!(Settings, settings, IntoSetting, into_setting, Setting);
