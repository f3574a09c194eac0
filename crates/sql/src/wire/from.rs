//! Tables, and everything else that rows come from.

use super::{Decoder, FIRST_FROM, KEPT_TABLES, Object, TABLES, broken};
use crate::expr::{Expr, Kind, Name};
use crate::schema::{
    Check, Column, Computed, ConflictClause, Cte, CteHint, Default_, ForeignKey, ForeignKeyAction, From, FromColumn,
    Index, IndexElement, Join, JoinKind, PrimaryKey, ServerDefault, Subquery, Table, TableConstraint, TableFunction,
    TableOptions, Unique, ValuesClause,
};
use aludel_protocol::{Reader, Result, Value};
use std::rc::Rc;

const CONFLICTS: [ConflictClause; 5] = [
    ConflictClause::Rollback,
    ConflictClause::Abort,
    ConflictClause::Fail,
    ConflictClause::Ignore,
    ConflictClause::Replace,
];
const ACTIONS: [ForeignKeyAction; 5] = [
    ForeignKeyAction::NoAction,
    ForeignKeyAction::Restrict,
    ForeignKeyAction::SetNull,
    ForeignKeyAction::SetDefault,
    ForeignKeyAction::Cascade,
];
pub(super) const JOINS: [JoinKind; 3] = [JoinKind::Inner, JoinKind::Left, JoinKind::Full];

impl Decoder<'_> {
    pub(super) fn rows_record(&mut self, tag: u8) -> Result<Object> {
        let from = match tag - FIRST_FROM {
            0x00 => return Ok(Object::Table(Rc::new(self.read_table()?))),
            0x01 => {
                let of = self.from()?;
                let name = self.optional(Self::name)?;
                of.alias(name.as_deref())
            }
            0x02 => {
                let query = self.query()?;
                From::Subquery(Rc::new(Subquery { query, name: self.optional(Self::name)? }))
            }
            0x03 => return Ok(Object::Cte(Rc::new(self.read_cte()?))),
            0x04 => {
                let (left, right) = (self.from()?, self.from()?);
                let on = self.optional(Self::expr)?;
                let kind = self.must("join", &JOINS)?;
                From::Join(Rc::new(Join { left, right, on, kind }))
            }
            0x05 => {
                let call = self.expr()?;
                let columns = self.list(Self::rows_column)?;
                let name = self.optional(Self::name)?;
                let Kind::Function(function) = &call.kind else { return Err(broken("a function is due")) };
                From::Function(Rc::new(TableFunction { function: function.clone(), columns, name }))
            }
            0x06 => {
                let columns = self.list(Self::rows_column)?;
                let name = self.optional(Self::name)?;
                let rows = self.list(|d| d.list(Self::expr))?;
                From::Values(Rc::new(ValuesClause { columns, name, rows }))
            }
            0x07 => From::Excluded(self.table()?),
            0x09 => return Ok(Object::Table(self.same_table()?)),
            0x08 => return Ok(Object::Index(Rc::new(self.read_index()?))),
            other => return Err(broken(format!("record of rows {other:#x}"))),
        };
        Ok(Object::From(from))
    }

    pub(super) fn rows_column(&mut self) -> Result<FromColumn> {
        let key = self.name()?;
        Ok(FromColumn { name: Name::Given(key.clone()), key, ty: self.sql_type()? })
    }

    /// A table whose record is the same in every statement: it names no object, and nothing that is kept aside. Its length
    /// stands before it.
    fn same_table(&mut self) -> Result<Rc<Table>> {
        let length = self.input.u32()? as usize;
        let bytes = self.input.raw(length)?;
        let known = |tables: &Vec<(Box<[u8]>, Rc<Table>)>| {
            tables.iter().find(|(known, _)| **known == *bytes).map(|(_, table)| table.clone())
        };
        if let Some(table) = TABLES.with_borrow(known) {
            return Ok(table);
        }
        let mut alone = Decoder { input: Reader::new(bytes), objects: Vec::new(), deepest: 0 };
        let table = Rc::new(alone.read_table()?);
        alone.input.end()?;
        TABLES.with_borrow_mut(|tables| {
            if tables.len() >= KEPT_TABLES {
                tables.remove(0);
            }
            tables.push((bytes.into(), table.clone()));
        });
        Ok(table)
    }

    fn read_table(&mut self) -> Result<Table> {
        let name = self.name()?;
        let schema = self.optional(Self::name)?;
        let columns = self.list(Self::read_column)?;
        let constraints = self.list(Self::constraint)?;
        let indexes = self.list(Self::index)?;
        let options = TableOptions {
            without_rowid: self.input.flag()?,
            strict: self.input.flag()?,
            autoincrement: self.input.flag()?,
            prefixes: self.list(|d| d.text().map(str::to_owned))?,
        };
        Ok(Table { name, schema, columns, constraints, indexes, options })
    }

    fn read_column(&mut self) -> Result<Column> {
        Ok(Column {
            name: self.name()?,
            key: self.name()?,
            ty: self.sql_type()?,
            nullable: self.input.flag()?,
            primary_key: self.input.flag()?,
            autoincrement: self.choice("autoincrement", &[true, false])?,
            default: self.optional(Self::default_value)?,
            onupdate: self.optional(Self::default_value)?,
            server_default: self.optional(Self::server_default)?,
            computed: self.optional(|d| {
                let sql = d.server_default()?;
                Ok(Computed { sql, persisted: d.choice("persisted", &[true, false])? })
            })?,
            foreign_keys: self.list(Self::foreign_key)?,
            unique: self.input.flag()?,
            index: self.input.flag()?,
            checks: self.list(Self::check)?,
            on_conflict_not_null: self.choice("conflict clause", &CONFLICTS)?,
            on_conflict_primary_key: self.choice("conflict clause", &CONFLICTS)?,
            on_conflict_unique: self.choice("conflict clause", &CONFLICTS)?,
        })
    }

    fn default_value(&mut self) -> Result<Default_> {
        Ok(match self.input.u8()? {
            0 => Default_::Value(Value::Null),
            1 => Default_::Expr(self.expr()?),
            2 => Default_::Callable(self.input.u32()?),
            other => return Err(broken(format!("default {other}"))),
        })
    }

    fn server_default(&mut self) -> Result<ServerDefault> {
        Ok(match self.input.u8()? {
            0 => ServerDefault::Value(self.text()?.to_owned()),
            1 => ServerDefault::Sql(self.text()?.to_owned()),
            2 => ServerDefault::Expr(self.expr()?),
            other => return Err(broken(format!("server default {other}"))),
        })
    }

    fn foreign_key(&mut self) -> Result<ForeignKey> {
        Ok(ForeignKey {
            name: self.optional(Self::name)?,
            columns: self.list(Self::name)?,
            schema: self.optional(Self::name)?,
            table: self.name()?,
            referred: self.list(Self::name)?,
            on_delete: self.choice("action", &ACTIONS)?,
            on_update: self.choice("action", &ACTIONS)?,
            deferrable: self.choice("deferrable", &[true, false])?,
            initially_deferred: self.choice("initially", &[true, false])?,
            matching: self.optional(|d| d.text().map(str::to_owned))?,
        })
    }

    fn check(&mut self) -> Result<Check> {
        let name = self.optional(Self::name)?;
        let condition: Expr = self.expr()?;
        Ok(Check { name, condition, on_conflict: self.choice("conflict clause", &CONFLICTS)? })
    }

    fn constraint(&mut self) -> Result<TableConstraint> {
        Ok(match self.input.u8()? {
            0 => TableConstraint::PrimaryKey(self.key()?),
            1 => TableConstraint::ForeignKey(self.foreign_key()?),
            2 => {
                let PrimaryKey { name, columns, orders, on_conflict } = self.key()?;
                TableConstraint::Unique(Unique { name, columns, orders, on_conflict })
            }
            3 => TableConstraint::Check(self.check()?),
            4 => {
                let key = self.key()?;
                TableConstraint::PrimaryKey(PrimaryKey { orders: self.list(Self::name)?, ..key })
            }
            5 => {
                let PrimaryKey { name, columns, on_conflict, .. } = self.key()?;
                TableConstraint::Unique(Unique { name, columns, orders: self.list(Self::name)?, on_conflict })
            }
            other => return Err(broken(format!("constraint {other}"))),
        })
    }

    fn key(&mut self) -> Result<PrimaryKey> {
        Ok(PrimaryKey {
            name: self.optional(Self::name)?,
            columns: self.list(Self::name)?,
            orders: Vec::new(),
            on_conflict: self.choice("conflict clause", &CONFLICTS)?,
        })
    }

    fn read_index(&mut self) -> Result<Index> {
        Ok(Index {
            name: self.optional(Self::name)?,
            elements: self.list(|d| {
                Ok(if d.input.flag()? { IndexElement::Expr(d.expr()?) } else { IndexElement::Column(d.name()?) })
            })?,
            unique: self.input.flag()?,
            condition: self.optional(Self::expr)?,
        })
    }

    fn read_cte(&mut self) -> Result<Cte> {
        Ok(Cte {
            query: self.query()?,
            name: self.optional(Self::name)?,
            recursive: self.input.flag()?,
            nesting: self.input.flag()?,
            hint: self.choice("hint", &[CteHint::Materialized, CteHint::NotMaterialized])?,
            restates: self.optional(Self::cte)?,
        })
    }
}
