//! What an inspector tells of many tables at once.

use super::{
    Inspector, ObjectKind, ReflectedCheck, ReflectedColumn, ReflectedIndex, ReflectedOptions, ReflectedPrimaryKey,
    ReflectedTable, ReflectedUnique,
};
use crate::schema::ForeignKey;
use std::collections::BTreeMap;

/// What kinds of things the methods for many tables tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kinds {
    /// Tables.
    #[default]
    Table,
    /// Views.
    View,
    /// Both.
    Any,
}

/// Which tables the methods for many tables tell of: all of `main`, unless it says otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct MultiOptions<'a> {
    /// The database, if not `main`.
    pub schema: Option<&'a str>,
    /// Only these.
    pub filter_names: Option<&'a [&'a str]>,
    /// Tables, views or both.
    pub kind: Kinds,
}

/// What is told of each table, by its name.
pub type Multi<T> = BTreeMap<String, T>;

impl Inspector {
    fn multi<'s, T>(
        &'s self,
        options: MultiOptions<'_>,
        one: impl Fn(&'s ReflectedTable, Option<&str>) -> T,
    ) -> Multi<T> {
        let is_wanted = |table: &&ReflectedTable| {
            let of_kind = match options.kind {
                Kinds::Table => table.kind != ObjectKind::View,
                Kinds::View => table.kind == ObjectKind::View,
                Kinds::Any => true,
            };
            of_kind
                && options
                    .filter_names
                    .is_none_or(|names| names.iter().any(|name| table.name.eq_ignore_ascii_case(name)))
        };
        let tables = self.tables(options.schema).filter(is_wanted);
        tables.map(|table| (table.name.clone(), one(table, options.schema))).collect()
    }

    /// [`Inspector::get_columns`] of many tables.
    pub fn get_multi_columns(&self, options: MultiOptions<'_>) -> Multi<&[ReflectedColumn]> {
        self.multi(options, |table, _| &table.columns[..])
    }

    /// [`Inspector::get_pk_constraint`] of many tables.
    pub fn get_multi_pk_constraint(&self, options: MultiOptions<'_>) -> Multi<ReflectedPrimaryKey> {
        self.multi(options, |table, _| table.primary_key())
    }

    /// [`Inspector::get_foreign_keys`] of many tables.
    pub fn get_multi_foreign_keys(&self, options: MultiOptions<'_>) -> Multi<Vec<ForeignKey>> {
        self.multi(options, |table, schema| {
            let schema = schema.map(std::rc::Rc::from);
            table.foreign_keys().map(|key| ForeignKey { schema: schema.clone(), ..key.clone() }).collect()
        })
    }

    /// [`Inspector::get_indexes`] of many tables.
    pub fn get_multi_indexes(&self, options: MultiOptions<'_>) -> Multi<Vec<&ReflectedIndex>> {
        self.multi(options, |table, _| table.indexes.iter().filter(|index| !index.is_auto).collect())
    }

    /// [`Inspector::get_unique_constraints`] of many tables.
    pub fn get_multi_unique_constraints(&self, options: MultiOptions<'_>) -> Multi<Vec<ReflectedUnique>> {
        self.multi(options, |table, _| table.unique_constraints())
    }

    /// [`Inspector::get_check_constraints`] of many tables.
    pub fn get_multi_check_constraints(&self, options: MultiOptions<'_>) -> Multi<Vec<ReflectedCheck>> {
        self.multi(options, |table, _| table.check_constraints())
    }

    /// [`Inspector::get_table_options`] of many tables.
    pub fn get_multi_table_options(&self, options: MultiOptions<'_>) -> Multi<ReflectedOptions> {
        self.multi(options, |table, _| table.options.clone())
    }
}
