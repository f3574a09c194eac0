//! The constraint that an error is about.

/// Which kind of constraint was violated (SQLite's extended codes of `SQLITE_CONSTRAINT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum ConstraintKind {
    /// `CHECK`.
    Check = 1,
    /// `FOREIGN KEY`.
    ForeignKey = 2,
    /// `NOT NULL`.
    NotNull = 3,
    /// `PRIMARY KEY`, rowids included.
    PrimaryKey = 4,
    /// `UNIQUE`.
    Unique = 5,
    /// A trigger's `RAISE`.
    Trigger = 6,
    /// The type of a STRICT table's column.
    DataType = 7,
    /// Any other.
    Other = 8,
}

impl ConstraintKind {
    /// Every kind.
    pub const ALL: [ConstraintKind; 8] = [
        ConstraintKind::Check,
        ConstraintKind::ForeignKey,
        ConstraintKind::NotNull,
        ConstraintKind::PrimaryKey,
        ConstraintKind::Unique,
        ConstraintKind::Trigger,
        ConstraintKind::DataType,
        ConstraintKind::Other,
    ];

    /// The word that JavaScript sees in `error.constraint.kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            ConstraintKind::Check => "check",
            ConstraintKind::ForeignKey => "foreignKey",
            ConstraintKind::NotNull => "notNull",
            ConstraintKind::PrimaryKey => "primaryKey",
            ConstraintKind::Unique => "unique",
            ConstraintKind::Trigger => "trigger",
            ConstraintKind::DataType => "dataType",
            ConstraintKind::Other => "other",
        }
    }
}

/// The constraint that an [`ErrorKind::Integrity`](crate::ErrorKind::Integrity) error is about, as far as SQLite names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// What kind it is.
    pub kind: ConstraintKind,
    /// The name of a CHECK constraint or index, or the message of a trigger.
    pub name: Option<String>,
    /// The table, where SQLite names it.
    pub table: Option<String>,
    /// The columns, where SQLite names them, in its order.
    pub columns: Vec<String>,
}
