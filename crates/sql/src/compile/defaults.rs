//! What an INSERT writes beside what it says: defaults, parameters of the call, and the key that its row gets.

use super::dml::unconsumed;
use super::{Compiler, InsertedKey, ResultColumn, Slot, compile_error};
use crate::expr::{Bind, BindName, BindValue, Expr, Kind, Node};
use crate::schema::{Column, Default_};
use crate::statement::{Conflict, ConflictAction, Insert, Projection, Query};
use aludel_protocol::Result;
use std::rc::Rc;

impl Compiler<'_> {
    /// A query that gives the defaults of the columns that it does not give, too.
    pub(super) fn with_defaults<'a>(
        &self,
        insert: &'a Insert,
        columns: &mut Vec<&'a Column>,
        query: &Query,
    ) -> Result<Query> {
        let missing: Vec<(&Column, &Default_)> = insert
            .table
            .columns
            .iter()
            .filter(|column| insert.include_defaults && !columns.iter().any(|given| given.key == column.key))
            .filter_map(|column| Some((column, column.default.as_ref()?)))
            .collect();
        if missing.is_empty() {
            return Ok(query.clone());
        }
        let Query::Select(select) = query else {
            let names: Vec<String> = missing.iter().map(|(column, _)| format!("'{}'", column.key)).collect();
            return Err(compile_error(format!(
                "Can't extend statement for INSERT..FROM SELECT to include additional default-holding column(s) {}.  Convert \
                 the selectable to a subquery() first, or pass include_defaults=False to Insert.from_select() to skip these \
                 columns.",
                names.join(", ")
            )));
        };
        let exprs = missing.iter().map(|(column, default)| match bound(default) {
            Err(expr) => expr.clone(),
            Ok(value) => {
                let name = BindName::Named(column.key.clone());
                Node::new(Kind::Bind(Bind { name, value, expanding: false }), column.ty.clone())
            }
        });
        let mut select = (**select).clone();
        select.columns.extend(exprs.map(Projection::Expr));
        columns.extend(missing.iter().map(|(column, _)| *column));
        Ok(select.query())
    }

    /// The row that an upsert changes may be another than the one that it was given.
    pub(super) fn forget_key(&mut self, insert: &Insert) {
        let is_key = |expr: &Expr| match &expr.kind {
            Kind::Column(column) => insert.table.primary_key().iter().any(|key| key.key == column.key),
            _ => false,
        };
        let changes = |conflict: &&Conflict| matches!(conflict.action, ConflictAction::Update(..));
        for conflict in insert.conflicts.iter().filter(changes) {
            let by_key = !conflict.target.is_empty() && conflict.target.iter().all(is_key);
            for key in &mut self.inserted_key {
                if !by_key || *key == InsertedKey::Rowid {
                    *key = InsertedKey::Unknown;
                }
            }
        }
        self.key_columns =
            insert.table.primary_key().iter().map(|c| ResultColumn { name: c.key.clone(), ty: c.ty.clone() }).collect();
    }
}

/// A default as the value of a parameter, or the expression that it is.
pub(super) fn bound(default: &Default_) -> std::result::Result<BindValue, &Expr> {
    Ok(match default {
        Default_::Expr(expr) => return Err(expr),
        Default_::Value(value) => BindValue::Value(value.clone()),
        Default_::Callable(number) => BindValue::Callable(*number),
        Default_::Function(function) => BindValue::Function(function.clone()),
    })
}

/// The parameters that a call gives an INSERT or UPDATE have to be its: columns, or parameters that have a name.
pub(super) fn check_parameters(keys: Option<&[&str]>, automatic: &[Rc<str>], slots: &[Slot]) -> Result<()> {
    let named = |name: &str| slots.iter().filter(|slot| slot.named && *slot.name == *name).count();
    if let Some(name) = automatic.iter().find(|name| named(name) > 1) {
        return Err(compile_error(format!(
            "bindparam() name '{name}' is reserved for automatic usage in the VALUES or SET clause of this insert/update \
             statement.   Please use a name other than column name when using bindparam() with insert() or update() (for \
             example, 'b_{name}')."
        )));
    }
    let unknown: Vec<&str> = keys.unwrap_or_default().iter().copied().filter(|key| named(key) == 0).collect();
    if unknown.is_empty() { Ok(()) } else { Err(unconsumed(&unknown)) }
}
