//! FROM: what a SELECT reads, how its parts are joined, and what it leaves to the statement around it.

use super::{Compiler, Named, Out, Within, compile_error, quoted, table_name};
use crate::expr::{Binary, Expr, Kind, NameKey, Node, and, binary};
use crate::extent::children;
use crate::schema::{Alias, Cte, CteHint, ForeignKey, From, Join, JoinKind, Table};
use crate::statement::{Correlate, JoinStep, Projection, Select};
use aludel_protocol::{Error, ErrorKind, Result};
use std::rc::Rc;

/// What expressions read, apart from queries in them.
pub(super) fn froms_of(expr: &Node, into: &mut Vec<From>) {
    let mut add = |from: &From| {
        if !into.iter().any(|other| other.is(from)) {
            into.push(from.clone());
        }
    };
    match &expr.kind {
        Kind::Column(column) => column.from.iter().for_each(&mut add),
        _ => children(&expr.kind, &mut |child| froms_of(child, into)),
    }
}

fn add(froms: &mut Vec<From>, from: From) {
    if !froms.iter().any(|other| other.is(&from)) {
        froms.push(from);
    }
}

impl Compiler<'_> {
    /// What a SELECT shows behind FROM.
    pub(super) fn display_froms(&mut self, select: &Select) -> Result<Vec<From>> {
        let of_columns = of_columns(&select.columns);
        let mut froms: Vec<From> = Vec::new();
        select.froms.iter().cloned().for_each(|from| add(&mut froms, from));
        for step in &select.joins {
            self.join_step(step, &mut froms, &of_columns)?;
        }
        of_columns.into_iter().for_each(|from| add(&mut froms, from));
        let mut of_conditions = Vec::new();
        select.conditions.iter().for_each(|condition| froms_of(condition, &mut of_conditions));
        of_conditions.into_iter().for_each(|from| add(&mut froms, from));
        // What stands in a join does not stand beside it.
        let mut hidden = Vec::new();
        froms.iter().filter(|from| matches!(from, From::Join(_))).for_each(|from| from.add_leaves(&mut hidden));
        froms.retain(|from| !hidden.iter().any(|leaf| leaf.is(from)));
        self.correlated(select, froms)
    }

    /// Leaves out what the statement around reads.
    fn correlated(&self, select: &Select, froms: Vec<From>) -> Result<Vec<From>> {
        let around: Vec<&From> = match &select.correlate {
            Correlate::Auto => self.scopes.last().into_iter().flatten().collect(),
            _ => self.scopes.iter().flatten().collect(),
        };
        let is_around = |from: &From| around.iter().any(|other| other.is(from));
        let leaves = |from: &From| match &select.correlate {
            Correlate::Auto => froms.len() > 1 && is_around(from),
            Correlate::To(given) => is_around(from) && given.iter().any(|other| other.is(from)),
            Correlate::Except(given) => is_around(from) && !given.iter().any(|other| other.is(from)),
        };
        if around.is_empty() {
            return Ok(froms);
        }
        let kept: Vec<From> = froms.iter().filter(|from| !leaves(from)).cloned().collect();
        if kept.is_empty() && !froms.is_empty() {
            let message = "Select statement returned no FROM clauses due to auto-correlation; specify \
                           correlate(<tables>) to control correlation manually.";
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        Ok(kept)
    }

    /// Puts a join in the place of what it joins to.
    fn join_step(&mut self, step: &JoinStep, froms: &mut Vec<From>, of_columns: &[From]) -> Result<()> {
        let left = match &step.left {
            Some(left) => froms.iter().find(|from| from.any_leaf(&mut |leaf| leaf.is(left))).unwrap_or(left).clone(),
            None if froms.is_empty() => {
                let others = of_columns.iter().filter(|from| !from.is(&step.right));
                left_of(&others.cloned().collect::<Vec<_>>(), step)?
            }
            None => left_of(froms, step)?,
        };
        let on = match &step.on {
            Some(on) => on.clone(),
            None => inferred_on(&left, &step.right)?,
        };
        let join =
            From::Join(Rc::new(Join { left: left.clone(), right: step.right.clone(), on: Some(on), kind: step.kind }));
        match froms.iter_mut().find(|from| from.is(&left)) {
            Some(place) => *place = join,
            None => froms.push(join),
        }
        Ok(())
    }

    /// What stands behind FROM.
    pub(super) fn all_froms(&mut self, froms: &[From], out: &mut Out) -> Result<()> {
        for (at, from) in froms.iter().enumerate() {
            out.push(if at > 0 { ", " } else { "" });
            // SQLite takes all that stands before a FULL JOIN for its left side.
            let apart = at > 0 && is_full(from);
            out.push(if apart { "(" } else { "" });
            self.from(from, out)?;
            out.push(if apart { ")" } else { "" });
        }
        Ok(())
    }

    /// What rows come from, with its name.
    pub(super) fn from(&mut self, from: &From, out: &mut Out) -> Result<()> {
        match from {
            From::Table(table) => out.qualified(table.schema.as_deref(), &table.name),
            From::Alias(alias) => self.alias(alias, from, out)?,
            From::Subquery(subquery) => {
                out.push("(");
                self.apart(|this| this.query(&subquery.query, out, Within::From))?;
                out.push(") AS ");
                self.push_name_of(from, out);
            }
            From::Cte(cte) => {
                let name = self.cte(cte)?;
                out.name(&name);
            }
            From::Join(join) => self.join(join, out)?,
            From::Function(function) => {
                let call = Node::new(Kind::Function(function.function.clone()), crate::types::SqlType::Null);
                // The name of its alias is made before the names of its parameters.
                let name = self.name_of(from);
                self.expr(&call, out)?;
                out.push(" AS ");
                out.push(&name);
            }
            From::Values(values) => {
                // SQLite names no columns behind an alias, but does in WITH.
                let name = self.name_of(from);
                if !self.ctes.iter().any(|cte| *cte.name == *name) {
                    if values.columns.is_empty() || values.rows.is_empty() {
                        return Err(compile_error("values() takes at least one column and one row"));
                    }
                    let columns: Vec<String> = values.columns.iter().map(|column| quoted(column.name.base())).collect();
                    let mut body = Out::default();
                    body.push("VALUES ");
                    for (at, row) in values.rows.iter().enumerate() {
                        if row.len() != columns.len() {
                            let (given, wanted) = (row.len(), columns.len());
                            let message = format!("row {at} of values() has {given} values for {wanted} columns");
                            return Err(Error::new(ErrorKind::Argument, message));
                        }
                        body.push(if at == 0 { "(" } else { ", (" });
                        self.list(row, &mut body)?;
                        body.push(")");
                    }
                    let head = format!("{name}({}) AS (", columns.join(", "));
                    let name = name.as_str().into();
                    self.ctes.push(Named { ctes: Vec::new(), name, head, body, recursive: false });
                }
                out.push(&name);
            }
            From::Text(text) => {
                let expr = Node::new(Kind::Text(text.clone()), crate::types::SqlType::Null);
                self.expr(&expr, out)?;
            }
            From::Excluded(_) => return Err(compile_error("excluded can be read in ON CONFLICT DO UPDATE only")),
        }
        Ok(())
    }

    /// A query in FROM does not know what stands beside it; what is around the statement it means only if it says so.
    fn apart<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let beside = self.scopes.pop();
        self.scopes.push(Vec::new());
        let done = work(self);
        self.scopes.pop();
        self.scopes.extend(beside);
        done
    }

    fn alias(&mut self, alias: &Alias, from: &From, out: &mut Out) -> Result<()> {
        match &alias.of {
            // Another name for something that has one: only the last counts.
            From::Alias(inner) => self.alias_of(&inner.of, out)?,
            other => self.alias_of(other, out)?,
        }
        out.push(" AS ");
        self.push_name_of(from, out);
        Ok(())
    }

    fn alias_of(&mut self, of: &From, out: &mut Out) -> Result<()> {
        match of {
            From::Alias(inner) => self.alias_of(&inner.of, out),
            From::Subquery(subquery) => {
                out.push("(");
                self.apart(|this| this.query(&subquery.query, out, Within::From))?;
                out.push(")");
                Ok(())
            }
            From::Function(function) => {
                let call = Node::new(Kind::Function(function.function.clone()), crate::types::SqlType::Null);
                self.expr(&call, out)
            }
            other => self.from(other, out),
        }
    }

    fn join(&mut self, join: &Join, out: &mut Out) -> Result<()> {
        self.from(&join.left, out)?;
        out.push(match join.kind {
            JoinKind::Inner => " JOIN ",
            JoinKind::Left => " LEFT OUTER JOIN ",
            JoinKind::Full => " FULL OUTER JOIN ",
        });
        if matches!(join.right, From::Join(_)) {
            out.push("(");
            self.from(&join.right, out)?;
            out.push(")");
        } else {
            self.from(&join.right, out)?;
        }
        out.push(" ON ");
        match &join.on {
            Some(on) => self.condition_at(on, 0, out),
            None => self.condition_at(&inferred_on(&join.left, &join.right)?, 0, out),
        }
    }

    /// Writes the name by which columns stand with something.
    pub(super) fn push_name_of(&mut self, from: &From, out: &mut Out) {
        match from {
            From::Table(table) => out.qualified(table.schema.as_deref(), &table.name),
            _ => out.push(&self.name_of(from)),
        }
    }

    /// The name by which columns stand with something, quoted where it has to be.
    pub(super) fn name_of(&mut self, from: &From) -> String {
        if let From::Table(table) = from {
            return table_name(table);
        }
        let name = match (from.given_name(), from) {
            (Some(name), _) => name,
            (None, From::Cte(cte)) => self.names.made_up(&Rc::from("anon"), key_of(cte)),
            (None, _) => self.names.made_up(&base_of(from), NameKey::Object(from.identity() as usize)),
        };
        quoted(&name)
    }

    /// Takes a CTE into WITH, unless it is there; gives its name.
    pub(super) fn cte(&mut self, cte: &Rc<Cte>) -> Result<Rc<str>> {
        let same = |other: &Rc<Cte>| restates(other, cte);
        let mut known = self.nested.iter().flatten().chain(&self.ctes);
        if let Some(named) = known.find(|named| named.ctes.iter().any(same)) {
            return Ok(named.name.clone());
        }
        let name = match &cte.name {
            Some(name) => name.clone(),
            None => self.names.made_up(&Rc::from("anon"), key_of(cte)),
        };
        // One WITH takes both where the statement itself has those that nest.
        let both = self.nested.len() == 1;
        let own = self.nested.last().filter(|_| cte.nesting || both);
        let mut beside = own.into_iter().chain(Some(&self.ctes).filter(|_| !cte.nesting || both)).flatten();
        if let Some(other) = beside.find(|named| named.name == name)
            && !other.ctes.iter().any(|known| restates(cte, known))
        {
            return Err(compile_error(format!("Multiple, unrelated CTEs found with the same name: '{name}'")));
        }
        let columns = if cte.recursive {
            let columns = cte.query.columns();
            let names: Vec<String> = columns.iter().map(|column| quoted(&self.names.resolve(&column.name))).collect();
            format!("({})", names.join(", "))
        } else {
            String::new()
        };
        let hint = match cte.hint {
            Some(CteHint::Materialized) => "MATERIALIZED ",
            Some(CteHint::NotMaterialized) => "NOT MATERIALIZED ",
            None => "",
        };
        let head = format!("{}{columns} AS {hint}(", quoted(&name));
        // While its own query is compiled, its name is known: a recursive one reads itself.
        let (ctes, recursive) = (vec![cte.clone()], cte.recursive);
        let named = Named { ctes, name: name.clone(), head, body: Out::default(), recursive };
        let at = self.beside(cte).map(|beside| {
            beside.push(named);
            beside.len() - 1
        });
        let outer = std::mem::take(&mut self.scopes);
        let mut body = Out::default();
        let done = self.query(&cte.query, &mut body, Within::From);
        self.scopes = outer;
        done?;
        // CTEs that it reads were taken in behind it; they have to stand before.
        if let (Some(at), Some(beside)) = (at, self.beside(cte)) {
            let mut named = beside.remove(at);
            named.body = body;
            beside.push(named);
        }
        Ok(name)
    }

    /// The WITH in which a CTE stands.
    fn beside(&mut self, cte: &Cte) -> Option<&mut Vec<Named>> {
        if cte.nesting { self.nested.last_mut() } else { Some(&mut self.ctes) }
    }
}

/// Whether a CTE is this one, or goes on with it.
fn restates(cte: &Rc<Cte>, other: &Rc<Cte>) -> bool {
    std::iter::successors(Some(cte), |cte| cte.restates.as_ref()).any(|cte| Rc::ptr_eq(cte, other))
}

/// What the name of a CTE without one belongs to: a recursive one has that of its start.
fn key_of(cte: &Rc<Cte>) -> NameKey {
    let first = std::iter::successors(Some(cte), |cte| cte.restates.as_ref()).last().unwrap_or(cte);
    NameKey::Object(Rc::as_ptr(first) as usize)
}

fn is_full(from: &From) -> bool {
    matches!(from, From::Join(join) if join.kind == JoinKind::Full || is_full(&join.left))
}

fn base_of(from: &From) -> Rc<str> {
    match from {
        From::Alias(alias) => alias.of.given_name().unwrap_or_else(|| base_of(&alias.of)),
        _ => Rc::from("anon"),
    }
}

/// What a join goes out from, as these columns tell.
pub(crate) fn join_start(columns: &[Projection], step: &JoinStep) -> Option<From> {
    let mut froms = of_columns(columns);
    froms.retain(|from| !from.is(&step.right));
    left_of(&froms, step).ok()
}

/// What columns are columns of.
fn of_columns(columns: &[Projection]) -> Vec<From> {
    let mut froms = Vec::new();
    for projection in columns {
        match projection {
            Projection::From(from) => add(&mut froms, from.clone()),
            Projection::Expr(expr) => froms_of(expr, &mut froms),
        }
    }
    froms
}

/// What is joined to: the only candidate that foreign keys or the condition tie to the right side.
fn left_of(candidates: &[From], step: &JoinStep) -> Result<From> {
    let fits: Vec<&From> = match &step.on {
        Some(on) => {
            let mut used = Vec::new();
            froms_of(on, &mut used);
            let uses = |from: &&From| from.any_leaf(&mut |leaf| used.iter().any(|other| other.is(leaf)));
            let fits: Vec<&From> = candidates.iter().filter(uses).collect();
            if fits.is_empty() { candidates.iter().take(1).collect() } else { fits }
        }
        None if candidates.len() == 1 => candidates.iter().collect(),
        None => candidates.iter().filter(|from| !ties(from, &step.right).is_empty()).collect(),
    };
    match fits[..] {
        [left] => Ok(left.clone()),
        [] if candidates.is_empty() => {
            let message = "No entities to join from; please use select_from() to establish the left side of this join";
            Err(Error::new(ErrorKind::InvalidRequest, message))
        }
        [] => {
            let message = "Can't determine which FROM clause to join from; there are no foreign keys that tell. Give an ON clause.";
            Err(Error::new(ErrorKind::InvalidRequest, message))
        }
        _ => {
            let message = "Can't determine which FROM clause to join from, there are multiple FROMS which can join to \
                           this entity. Please use the .select_from() method to establish an explicit left side, as \
                           well as providing an explicit ON clause if not present already to help resolve the ambiguity.";
            Err(Error::new(ErrorKind::InvalidRequest, message))
        }
    }
}

/// The conditions that foreign keys make between two sides, a list for each foreign key.
fn ties(left: &From, right: &From) -> Vec<Vec<(Expr, Expr)>> {
    let mut ties = Vec::new();
    for l in left.leaves() {
        for r in right.leaves() {
            let (Some(left_table), Some(right_table)) = (l.table(), r.table()) else { continue };
            keys_between(&r, right_table, &l, left_table, &mut ties);
            if !Rc::ptr_eq(left_table, right_table) {
                keys_between(&l, left_table, &r, right_table, &mut ties);
            }
        }
    }
    ties
}

/// The foreign keys of `child` that refer to `parent`.
fn keys_between(child: &From, table: &Table, parent: &From, parent_table: &Table, into: &mut Vec<Vec<(Expr, Expr)>>) {
    let refers = |key: &&ForeignKey| key.table == parent_table.name && key.schema == parent_table.schema;
    let mut push = |columns: &[Rc<str>], key: &ForeignKey| {
        let pairs = key.referred.iter().zip(columns).filter_map(|(referred, own)| {
            let find = |from: &From, name: &Rc<str>| {
                let column = from.table()?.columns.iter().find(|column| column.name == *name)?;
                from.column(&column.key)
            };
            Some((find(parent, referred)?, find(child, own)?))
        });
        into.push(pairs.collect());
    };
    for column in &table.columns {
        column.foreign_keys.iter().filter(refers).for_each(|key| push(std::slice::from_ref(&column.name), key));
    }
    for constraint in &table.constraints {
        if let crate::schema::TableConstraint::ForeignKey(key) = constraint
            && refers(&key)
        {
            push(&key.columns, key);
        }
    }
}

/// ON as foreign keys tell.
fn inferred_on(left: &From, right: &From) -> Result<Expr> {
    let ties = ties(left, right);
    let names = || {
        let name = |from: &From| from.given_name().map_or("a subquery".to_owned(), |name| name.to_string());
        let left: Vec<String> = left.leaves().iter().map(name).collect();
        (left.join(", "), right.leaves().iter().map(name).collect::<Vec<_>>().join(", "))
    };
    match &ties[..] {
        [pairs] => Ok(and(pairs.iter().map(|(parent, child)| binary(Binary::Eq, parent, child)))),
        [] => {
            let (left, right) = names();
            let message = format!("Can't find any foreign key relationships between '{left}' and '{right}'.");
            Err(Error::new(ErrorKind::NoForeignKeys, message))
        }
        _ => {
            let (left, right) = names();
            let message = format!(
                "Can't determine join between '{left}' and '{right}'; tables have more than one foreign key constraint \
                 relationship between them. Please specify the 'onclause' of this join explicitly."
            );
            Err(Error::new(ErrorKind::AmbiguousForeignKeys, message))
        }
    }
}
