//! Statements.

use super::from::JOINS;
use super::{Decoder, FIRST_STATEMENT, Object, broken};
use crate::expr::{Bind, BindName, BindValue, Expr};
use crate::extent::Extent;
use crate::schema::NamingConvention;
use crate::statement::{
    Compound, CompoundKind, Conflict, ConflictAction, Correlate, Ddl, Delete, DropWhat, Insert, InsertSource, JoinStep,
    LabelStyle, Projection, Query, Select, Setting, Statement, TextPart, TextSelect, Update,
};
use aludel_protocol::Result;
use std::rc::Rc;

impl Decoder<'_> {
    pub(super) fn statement_record(&mut self, tag: u8) -> Result<Object> {
        let statement = match tag - FIRST_STATEMENT {
            0x00 => return Ok(Object::Query(Query::Select(Rc::new(self.select()?.limited())))),
            0x01 => return Ok(Object::Query(Query::Compound(Rc::new(self.compound()?.limited())))),
            0x02 => return Ok(Object::Text(Rc::new(self.text_of()?))),
            0x03 => {
                let text = self.text_part()?;
                let columns = self.list(Self::rows_column)?;
                return Ok(Object::Query(Query::Text(Rc::new(TextSelect { text, columns }))));
            }
            0x04 => Statement::Insert(Rc::new(self.insert()?)),
            0x05 => Statement::Update(Rc::new(Update {
                table: self.from()?,
                settings: self.settings()?,
                ordered: self.input.flag()?,
                conditions: self.list(Self::expr)?,
                prefixes: self.list(Self::expr)?,
                returning: self.list(Self::projection)?,
                ctes: self.list(Self::cte)?,
            })),
            0x06 => Statement::Delete(Rc::new(Delete {
                table: self.from()?,
                conditions: self.list(Self::expr)?,
                prefixes: self.list(Self::expr)?,
                returning: self.list(Self::projection)?,
                ctes: self.list(Self::cte)?,
            })),
            0x07 => Statement::Ddl(Rc::new(self.ddl()?)),
            other => return Err(broken(format!("record of a statement {other:#x}"))),
        };
        Ok(Object::Statement(statement))
    }

    fn projection(&mut self) -> Result<Projection> {
        Ok(if self.input.flag()? { Projection::From(self.from()?) } else { Projection::Expr(self.expr()?) })
    }

    fn select(&mut self) -> Result<Select> {
        let mut select = self.select_alone()?;
        // The columns that it had when it was joined, where these are others.
        let joined = self.list(Self::projection)?;
        if !joined.is_empty()
            && select.froms.is_empty()
            && let Some(first) = select.joins.first_mut()
            && first.left.is_none()
        {
            first.left = crate::compile::join_start(&joined, first);
        }
        Ok(select)
    }

    fn select_alone(&mut self) -> Result<Select> {
        Ok(Select {
            columns: self.list(Self::projection)?,
            froms: self.list(Self::from)?,
            joins: self.list(|d| {
                Ok(JoinStep {
                    left: d.optional(Self::from)?,
                    right: d.from()?,
                    on: d.optional(Self::expr)?,
                    kind: d.must("join", &JOINS)?,
                })
            })?,
            conditions: self.list(Self::expr)?,
            group_by: self.list(Self::expr)?,
            having: self.list(Self::expr)?,
            order_by: self.list(Self::expr)?,
            limit: self.optional(Self::expr)?,
            offset: self.optional(Self::expr)?,
            distinct: self.input.flag()?,
            prefixes: self.list(Self::expr)?,
            suffixes: self.list(Self::expr)?,
            correlate: match self.input.u8()? {
                0 => Correlate::Auto,
                1 => Correlate::To(self.list(Self::from)?),
                2 => Correlate::Except(self.list(Self::from)?),
                other => return Err(broken(format!("correlation {other}"))),
            },
            label_style: self
                .choice("label style", &[LabelStyle::TableNamePlusColumn, LabelStyle::None])?
                .unwrap_or_default(),
            ctes: self.list(Self::cte)?,
            extent: Extent::default(),
        })
    }

    fn compound(&mut self) -> Result<Compound> {
        let kinds = [CompoundKind::Union, CompoundKind::UnionAll, CompoundKind::Intersect, CompoundKind::Except];
        Ok(Compound {
            kind: self.must("compound", &kinds)?,
            parts: self.list(Self::query)?,
            order_by: self.list(Self::expr)?,
            limit: self.optional(Self::expr)?,
            offset: self.optional(Self::expr)?,
            ctes: self.list(Self::cte)?,
            extent: Extent::default(),
        })
    }

    fn text_of(&mut self) -> Result<TextPart> {
        let sql = self.text()?;
        let binds = self.list(|d| {
            let name = d.name()?;
            let ty = d.sql_type()?;
            let expanding = d.input.flag()?;
            let value = match (d.optional(|d| d.input.u32())?, expanding) {
                (None, _) => BindValue::Required,
                (Some(literal), false) => BindValue::Literal(literal),
                (Some(literal), true) => BindValue::LiteralList(literal),
            };
            Ok((Bind { name: BindName::Named(name), value, expanding }, ty))
        })?;
        TextPart::new(sql, binds)
    }

    fn settings(&mut self) -> Result<Vec<Setting>> {
        self.list(|d| {
            let column = d.name()?;
            let value: Expr = d.expr()?;
            Ok(Setting { column, value })
        })
    }

    fn insert(&mut self) -> Result<Insert> {
        let table = self.table()?;
        let source = match self.input.u8()? {
            0 => InsertSource::Parameters,
            1 => InsertSource::Values(self.settings()?),
            2 => InsertSource::Rows(self.list(Self::settings)?),
            3 => InsertSource::Select(self.list(Self::name)?, self.query()?),
            other => return Err(broken(format!("rows to insert {other}"))),
        };
        Ok(Insert {
            table,
            source,
            prefixes: self.list(Self::expr)?,
            conflicts: self.list(|d| {
                let target = d.list(Self::expr)?;
                let target_condition = d.optional(Self::expr)?;
                let action = match d.input.u8()? {
                    0 => ConflictAction::Nothing,
                    1 => ConflictAction::Update(d.settings()?, d.list(Self::expr)?),
                    other => return Err(broken(format!("action {other}"))),
                };
                Ok(Conflict { target, target_condition, action })
            })?,
            returning: self.list(Self::projection)?,
            include_defaults: self.input.flag()?,
            ctes: self.list(Self::cte)?,
        })
    }

    fn naming(&mut self) -> Result<NamingConvention> {
        let templates = self.optional(|d| d.list(|d| Ok((d.text()?.to_owned(), d.text()?.to_owned()))))?;
        Ok(templates.map(NamingConvention::new).unwrap_or_default())
    }

    fn ddl(&mut self) -> Result<Ddl> {
        Ok(match self.input.u8()? {
            0 => {
                let table = self.table()?;
                let naming = self.naming()?;
                Ddl::CreateTable { table, naming, if_not_exists: self.input.flag()? }
            }
            kind @ (1 | 2) => {
                let schema = self.optional(Self::name)?;
                let name = self.name()?;
                let query = self.query()?;
                let (temporary, if_not_exists) = (self.input.flag()?, self.input.flag()?);
                match kind {
                    1 => Ddl::CreateTableAs { schema, name, query, temporary, if_not_exists },
                    _ => Ddl::CreateView { schema, name, query, temporary, if_not_exists },
                }
            }
            3 => {
                let (table, index) = (self.table()?, self.index()?);
                let naming = self.naming()?;
                Ddl::CreateIndex { table, index, naming, if_not_exists: self.input.flag()? }
            }
            4 => {
                let what = self.must("kind of object", &[DropWhat::Table, DropWhat::Index, DropWhat::View])?;
                let schema = self.optional(Self::name)?;
                let name = self.name()?;
                Ddl::Drop { what, schema, name, if_exists: self.input.flag()? }
            }
            other => return Err(broken(format!("DDL {other}"))),
        })
    }
}
