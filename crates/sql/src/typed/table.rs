//! Tables as structs of columns.

use crate::schema::{From, NamingConvention, Table};
use crate::statement::{Ddl, Delete, DropWhat, Insert, Select, Statement, Update, delete, insert, select, update};
use std::rc::Rc;

/// A struct of columns that [`table!`](crate::table) has made.
pub trait TypedTable: Sized {
    /// The struct with the columns of this: the table, or an alias of it.
    fn of(from: From) -> Self;

    /// What its columns are columns of.
    fn from(&self) -> &From;

    /// The table, under whatever name.
    fn table(&self) -> &Rc<Table>;

    /// The same table under another name; one is made up where none is given.
    fn alias(&self, name: Option<&str>) -> Self {
        Self::of(self.from().alias(name))
    }

    /// SELECT of all columns.
    fn select(&self) -> Select {
        select(self.from())
    }

    /// INSERT into the table.
    fn insert(&self) -> Insert {
        insert(self.table())
    }

    /// UPDATE of the table.
    fn update(&self) -> Update {
        update(self.from().clone())
    }

    /// DELETE from the table.
    fn delete(&self) -> Delete {
        delete(self.from().clone())
    }

    /// `CREATE TABLE IF NOT EXISTS`
    fn create(&self) -> Statement {
        let (table, naming) = (self.table().clone(), NamingConvention::default());
        Statement::Ddl(Rc::new(Ddl::CreateTable { table, naming, if_not_exists: true }))
    }

    /// `DROP TABLE`
    fn drop_table(&self) -> Statement {
        let (schema, name) = (self.table().schema.clone(), self.table().name.clone());
        Statement::Ddl(Rc::new(Ddl::Drop { what: DropWhat::Table, schema, name, if_exists: false }))
    }
}

/// The name of a column from that of a field: `r#type` is `type`.
#[doc(hidden)]
pub fn column_name(field: &'static str) -> &'static str {
    field.trim_start_matches("r#")
}

/// Declares a table as a struct of typed columns.
///
/// A column whose type is an `Option` may be NULL. What stands behind `=>` are methods of
/// [`schema::Column`](crate::schema::Column).
///
/// ```
/// use aludel_sql::schema::MetaData;
/// use aludel_sql::typed::TypedTable;
///
/// aludel_sql::table! {
///     /// Where people get their mail.
///     pub struct Addresses: "addresses" {
///         id: i64 => primary_key(),
///         user_id: i64 => references("users.id"),
///         email: Option<String> => unique().named("e_mail"),
///     }
/// }
///
/// let metadata = MetaData::new();
/// let addresses = Addresses::new(&metadata);
/// assert_eq!(addresses.delete().filter(addresses.id.eq(1)).to_string(), "DELETE FROM addresses WHERE addresses.id = ?");
/// ```
#[macro_export]
macro_rules! table {
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident: $table:literal {
            $($(#[$field_meta:meta])* $field:ident: $type:ty $(=> $($method:ident($($argument:expr),* $(,)?)).+)?),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            from: $crate::schema::From,
            $($(#[$field_meta])* #[allow(missing_docs, reason = "it is called as its column")] pub $field: $crate::typed::Column<$type>,)*
        }

        impl $name {
            /// The table, as a part of these metadata.
            #[allow(dead_code)]
            $vis fn new(metadata: &$crate::schema::MetaData) -> $name {
                $name::with(metadata, |table| table)
            }

            /// As `new`, for a table with more to it than columns.
            #[allow(dead_code)]
            $vis fn with(
                metadata: &$crate::schema::MetaData,
                change: impl FnOnce($crate::schema::Table) -> $crate::schema::Table,
            ) -> $name {
                let columns = vec![$(
                    $crate::schema::Column::of::<$type>($crate::typed::column_name(stringify!($field)))$($(.$method($($argument),*))+)?
                ),*];
                let table = metadata.add(change($crate::schema::Table::new($table, columns)));
                $crate::typed::TypedTable::of($crate::schema::From::Table(table))
            }
        }

        impl $crate::typed::TypedTable for $name {
            fn of(from: $crate::schema::From) -> $name {
                $name {
                    $($field: $crate::typed::Column::new(&from, $crate::typed::column_name(stringify!($field))),)*
                    from,
                }
            }

            fn from(&self) -> &$crate::schema::From {
                &self.from
            }

            fn table(&self) -> &::std::rc::Rc<$crate::schema::Table> {
                match self.from.table() {
                    Some(table) => table,
                    None => ::std::unreachable!("it is made of a table only"),
                }
            }
        }

        impl ::std::convert::From<&$name> for $crate::schema::From {
            fn from(table: &$name) -> $crate::schema::From {
                table.from.clone()
            }
        }

        impl $crate::statement::IntoProjection for &$name {
            fn into_projection(self) -> $crate::statement::Projection {
                $crate::statement::Projection::From(self.from.clone())
            }
        }
    };
}
