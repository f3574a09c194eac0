//! Arithmetic, as methods and as Rust's operators: `&users.age + 1`.

use super::{Column, ColumnType, Expr, Operand, not_};
use crate::expr::{self as untyped, Binary};
use std::ops::{Add, BitAnd, BitOr, Mul, Neg, Not, Rem, Sub};

impl<T: ColumnType> Expr<T> {
    /// A division that keeps what is behind the point: `a / (b + 0.0)`.
    pub fn true_div(&self, other: impl Operand<T::Base>) -> Expr<Option<f64>> {
        self.binary(Binary::TrueDiv, other)
    }

    /// A division without what is behind the point.
    pub fn floor_div(&self, other: impl Operand<T::Base>) -> Expr<Option<T>> {
        self.binary(Binary::FloorDiv, other)
    }

    /// `&`
    pub fn bitwise_and(&self, other: impl Operand<T::Base>) -> Expr<T> {
        self.binary(Binary::BitAnd, other)
    }

    /// `|`
    pub fn bitwise_or(&self, other: impl Operand<T::Base>) -> Expr<T> {
        self.binary(Binary::BitOr, other)
    }

    /// Exclusive or.
    pub fn bitwise_xor(&self, other: impl Operand<T::Base>) -> Expr<T> {
        self.binary(Binary::BitXor, other)
    }

    /// `~x`
    pub fn bitwise_not(&self) -> Expr<T> {
        Expr::from_node(untyped::bitwise_not(&self.node))
    }

    /// `<<`
    pub fn bitwise_lshift(&self, other: impl Operand<T::Base>) -> Expr<T> {
        self.binary(Binary::ShiftLeft, other)
    }

    /// `>>`
    pub fn bitwise_rshift(&self, other: impl Operand<T::Base>) -> Expr<T> {
        self.binary(Binary::ShiftRight, other)
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        operators!(@impl $trait $method $op, Expr<T>);
        operators!(@impl $trait $method $op, &Expr<T>);
        operators!(@impl $trait $method $op, &Column<T>);
    )*};
    (@impl $trait:ident $method:ident $op:ident, $self:ty) => {
        impl<T: ColumnType, O: Operand<T::Base>> $trait<O> for $self {
            type Output = Expr<T>;

            fn $method(self, other: O) -> Expr<T> {
                self.binary(Binary::$op, other)
            }
        }
    };
}

operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    Rem rem Mod;
}

macro_rules! prefixes {
    ($($self:ty),*) => {$(
        impl<T: ColumnType> Neg for $self {
            type Output = Expr<T>;

            fn neg(self) -> Expr<T> {
                Expr::from_node(untyped::neg(&self.node))
            }
        }
    )*};
}

prefixes!(Expr<T>, &Expr<T>, &Column<T>);

impl BitAnd for Expr<bool> {
    type Output = Expr<bool>;

    fn bitand(self, other: Expr<bool>) -> Expr<bool> {
        super::and_((self, other))
    }
}

impl BitOr for Expr<bool> {
    type Output = Expr<bool>;

    fn bitor(self, other: Expr<bool>) -> Expr<bool> {
        super::or_((self, other))
    }
}

impl Not for Expr<bool> {
    type Output = Expr<bool>;

    fn not(self) -> Expr<bool> {
        not_(self)
    }
}
