//! Random queries: what they read, joins, groups, windows, compounds, and queries in expressions.

use super::exprs::{ty, typed};
use super::{Maker, SORTS, Scope, Sort, Source, Term, name_sql, sort_of};
use aludel::Value;
use aludel::sql::expr::*;
use aludel::sql::schema::{Cte, CteHint, From, Join, JoinKind, Table};
use aludel::sql::statement::{Compound, CompoundKind, Query, Select, compound, cte, cte_union, select};
use std::rc::Rc;

/// A query, and the same in SQL. Its columns are called c1, c2, ... there.
pub(super) struct Made {
    pub query: Query,
    pub sql: String,
    /// Whether its rows come in an order that leaves nothing open.
    pub ordered: bool,
}

/// What a query has to be.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Order {
    /// In whatever order.
    Any,
    /// In an order that leaves nothing open.
    Total,
}

/// What stands between two commas of FROM.
struct Item {
    sql: String,
    sources: Vec<Source>,
}

impl Item {
    fn join<const N: usize>(&mut self, word: &str, right: &str, on: &str, sources: [Source; N]) {
        self.sql = format!("({} {word} {right} ON ({on}))", self.sql);
        self.sources.extend(sources);
    }
}

fn names_of(sorts: &[Sort]) -> Vec<String> {
    (1..=sorts.len()).map(|at| format!("c{at}")).collect()
}

/// The columns of something that rows come from, which is called `name` in SQL.
fn columns_of(from: &From, name: &str, names: &[String], sorts: &[Sort]) -> Vec<Term> {
    let exprs = from.column_exprs();
    let columns = exprs.into_iter().zip(names).zip(sorts);
    columns.map(|((expr, column), sort)| Term { expr, sql: format!("{name}.{column}"), sort: *sort }).collect()
}

impl Maker {
    /// A few kinds of columns.
    pub(super) fn sorts(&mut self) -> Vec<Sort> {
        (0..1 + self.random.below(3)).map(|_| self.sort()).collect()
    }

    /// A table, one under another name, a query, or a CTE.
    pub(super) fn source(&mut self, depth: u32) -> Source {
        match self.random.below(10) {
            0..=3 if self.random.chance(2) => {
                let table = self.table();
                let from = From::Table(table.clone());
                let taken = self.plain.iter().any(|other| other.is(&from));
                if taken {
                    return self.aliased_table();
                }
                self.plain.push(from.clone());
                self.table_source(from, &name_sql(&table.name), "")
            }
            8 if depth > 0 => self.query_source(depth - 1),
            9 if depth > 0 => self.cte_source(depth - 1),
            _ => self.aliased_table(),
        }
    }

    fn table(&mut self) -> Rc<Table> {
        let changing = self.changing.clone();
        let is_free = |table: &&Rc<Table>| !changing.as_ref().is_some_and(|other| Rc::ptr_eq(other, table));
        let tables: Vec<Rc<Table>> = self.tables.iter().filter(is_free).cloned().collect();
        self.random.pick(&tables).clone()
    }

    pub(super) fn aliased_table(&mut self) -> Source {
        let table = self.table();
        let given = self.given_name();
        let (of, naive) = (From::Table(table), self.fresh("a"));
        self.table_source(of.alias(given.as_deref()), &naive, " AS ")
    }

    /// The first table under its own name.
    pub(super) fn users(&mut self) -> Source {
        let table = self.tables[0].clone();
        let naive = name_sql(&table.name);
        let from = From::Table(table);
        self.plain.push(from.clone());
        self.table_source(from, &naive, "")
    }

    /// A name that is in nobody's way, or none.
    fn given_name(&mut self) -> Option<String> {
        let base = *self.random.pick(&["x", "Sub", "group", "it's \"", "a b"]);
        self.random.chance(2).then(|| self.fresh(base))
    }

    fn table_source(&mut self, from: From, naive: &str, with: &str) -> Source {
        let Some(table) = from.table().cloned() else { panic!("{from:?} is no table") };
        let (names, sorts): (Vec<String>, Vec<Sort>) =
            table.columns.iter().map(|column| (name_sql(&column.name), sort_of(&column.ty))).unzip();
        let columns = columns_of(&from, naive, &names, &sorts);
        let sql = match with {
            "" => naive.to_owned(),
            with => format!("{}{with}{naive}", name_sql(&table.name)),
        };
        Source { from, sql, columns, table: Some((table, naive.to_owned())) }
    }

    /// A query in FROM knows nothing of what is around it.
    fn apart<T>(&mut self, make: impl FnOnce(&mut Maker) -> T) -> T {
        let around = (std::mem::take(&mut self.scopes), std::mem::take(&mut self.plain));
        let made = make(self);
        (self.scopes, self.plain) = around;
        made
    }

    fn query_source(&mut self, depth: u32) -> Source {
        let sorts = self.sorts();
        let made = self.apart(|maker| maker.query(&sorts, depth, Order::Any));
        let (given, naive) = (self.given_name(), self.fresh("s"));
        let from = made.query.subquery(given.as_deref());
        let columns = columns_of(&from, &naive, &names_of(&sorts), &sorts);
        Source { from, sql: format!("({}) AS {naive}", made.sql), columns, table: None }
    }

    /// A CTE, which in the naive text is a query in FROM.
    fn cte_source(&mut self, depth: u32) -> Source {
        if self.random.chance(3) {
            return self.recursive_source();
        }
        let sorts = self.sorts();
        let made = self.apart(|maker| maker.query(&sorts, depth, Order::Any));
        let given = self.given_name();
        let hint = *self.random.pick(&[None, None, Some(CteHint::Materialized), Some(CteHint::NotMaterialized)]);
        let (nesting, name) = (self.random.chance(6), given.map(Rc::from));
        let cte = Cte { query: made.query, name, recursive: false, nesting, hint, restates: None };
        let naive = self.fresh("w");
        let mut from = From::Cte(Rc::new(cte));
        if self.random.chance(3) {
            let name = self.given_name();
            from = from.alias(name.as_deref());
        }
        let columns = columns_of(&from, &naive, &names_of(&sorts), &sorts);
        Source { from, sql: format!("({}) AS {naive}", made.sql), columns, table: None }
    }

    /// Numbers that a recursive CTE counts.
    fn recursive_source(&mut self) -> Source {
        let (start, end, all) = (self.random.below(3) as i64, 2 + self.random.below(4) as i64, self.random.chance(2));
        let given = self.given_name();
        let first = select([label(&literal(Value::Integer(start)), Some("n"))]);
        let first = cte(first.query(), given.as_deref(), true);
        let n = From::Cte(first.clone()).column_exprs().remove(0);
        let next = select([binary(Binary::Add, &n, &literal(Value::Integer(1)))]).filter([binary(
            Binary::Lt,
            &n,
            &literal(Value::Integer(end)),
        )]);
        let from = From::Cte(cte_union(&first, next.query(), all));
        let naive = self.fresh("r");
        let word = if all { "UNION ALL" } else { "UNION" };
        let sql = format!(
            "(WITH RECURSIVE q(c1) AS (SELECT {start} {word} SELECT (q.c1 + 1) FROM q WHERE (q.c1 < {end})) SELECT * FROM q) AS {naive}"
        );
        let columns = columns_of(&from, &naive, &names_of(&[Sort::Whole]), &[Sort::Whole]);
        Source { from, sql, columns, table: None }
    }

    /// Up to this many sources, joined or side by side: what reads them, and the naive FROM. The new scope is the innermost.
    pub(super) fn sources(&mut self, most: u64, depth: u32) -> (Select, String) {
        let first = self.source(depth);
        self.scopes.push(Scope::default());
        self.enter(&first);
        let mut query = select(()).select_from(first.from.clone());
        let mut items = vec![Item { sql: first.sql.clone(), sources: vec![first] }];
        let count = 1 + self.random.below(most);
        for at in 1..count {
            let right = self.source(depth);
            self.enter(&right);
            let keyed =
                |item: &Item| item.sources.iter().filter_map(|left| foreign_key(left, &right)).collect::<Vec<_>>();
            // Two that refer to each other leave it open how they are joined.
            let keys: Vec<(usize, String)> = items
                .iter()
                .enumerate()
                .flat_map(|(at, item)| keyed(item).into_iter().map(move |on| (at, on)))
                .collect();
            let last = items.len() - 1;
            // What a join goes out from is looked for in all that stands in FROM, also what is said later.
            let last_one = at + 1 == count;
            let (kind, word) = *self.random.pick(&[
                (JoinKind::Inner, "JOIN"),
                (JoinKind::Left, "LEFT JOIN"),
                (JoinKind::Full, "FULL JOIN"),
            ]);
            match (self.random.below(6), &keys[..]) {
                (0, _) => {
                    query = query.select_from(right.from.clone());
                    items.push(Item { sql: right.sql.clone(), sources: vec![right] });
                }
                (1 | 2, [(at, on)]) => {
                    query = match last_one {
                        true => query.join_as(right.from.clone(), None, kind),
                        false => query.join_from_as(items[*at].sources[0].from.clone(), right.from.clone(), None, kind),
                    };
                    items[*at].join(word, &right.sql, on, [right.clone()]);
                }
                (3, _) => {
                    let inner = self.source(depth);
                    self.enter(&inner);
                    let inside = self.on(&[&[right.clone(), inner.clone()]]);
                    let outside = self.on(&[&items[last].sources, &[right.clone(), inner.clone()]]);
                    let (left, on) = (right.from.clone(), Some(inside.expr));
                    let join = From::Join(Rc::new(Join { left, right: inner.from.clone(), on, kind: JoinKind::Inner }));
                    let nested = format!("({} JOIN {} ON ({}))", right.sql, inner.sql, inside.sql);
                    let left = items[last].sources[0].from.clone();
                    query = query.join_from_as(left, join, Some(outside.expr), kind);
                    items[last].join(word, &nested, &outside.sql, [right, inner]);
                }
                _ => {
                    let on = self.on(&[&items[last].sources, std::slice::from_ref(&right)]);
                    let left = items[last].sources[0].from.clone();
                    query = query.join_from_as(left, right.from.clone(), Some(on.expr), kind);
                    items[last].join(word, &right.sql, &on.sql, [right.clone()]);
                }
            }
        }
        (query, items.into_iter().map(|item| item.sql).collect::<Vec<_>>().join(" CROSS JOIN "))
    }

    /// A condition on the columns of these alone.
    fn on(&mut self, sources: &[&[Source]]) -> Term {
        let terms: Vec<Term> = sources.iter().copied().flatten().flat_map(|source| source.columns.clone()).collect();
        let Some(scope) = self.scopes.last_mut() else { panic!("no scope") };
        let all = std::mem::replace(&mut scope.terms, terms.clone());
        let outward = std::mem::replace(&mut scope.outward, terms);
        let on = self.condition(2);
        if let Some(scope) = self.scopes.last_mut() {
            (scope.terms, scope.outward) = (all, outward);
        }
        on
    }

    pub(super) fn enter(&mut self, source: &Source) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.terms.extend(source.columns.iter().cloned());
            scope.outward.extend(source.columns.iter().cloned());
            scope.froms.push(source.from.clone());
        }
    }

    /// A query that gives columns of these kinds.
    pub(super) fn query(&mut self, sorts: &[Sort], depth: u32, order: Order) -> Made {
        if depth > 0 && self.random.chance(5) {
            self.compound(sorts, depth - 1, order)
        } else {
            self.select(sorts, depth, order)
        }
    }

    fn select(&mut self, sorts: &[Sort], depth: u32, order: Order) -> Made {
        let most = if self.scopes.is_empty() { 3 } else { 2 };
        let (mut query, from) = self.sources(most, depth);
        let mut tail = String::new();
        let conditions: Vec<Term> = (0..self.random.below(3)).map(|_| self.condition(1 + depth)).collect();
        if !conditions.is_empty() {
            query = query.filter(conditions.iter().map(|c| c.expr.clone()).collect::<Vec<_>>());
            tail += &format!(" WHERE {}", all(&conditions));
        }
        if self.random.chance(4) {
            self.group(&mut query, &mut tail, depth);
        }
        let grouped = tail.contains(" GROUP BY ");
        let mut terms: Vec<Term> = sorts.iter().map(|sort| self.output(*sort, depth, grouped)).collect();
        let distinct = self.random.chance(5);
        self.merges |= distinct;
        let labels: Vec<Option<&str>> = terms.iter().map(|_| self.label()).collect();
        let sql: Vec<String> = terms.iter().zip(1..).map(|(term, at)| format!("({}) AS c{at}", term.sql)).collect();
        for (term, label_) in terms.iter_mut().zip(&labels) {
            match label_ {
                Some("") => term.expr = label(&term.expr, None),
                Some(name) => term.expr = label(&term.expr, Some(name)),
                None => {}
            }
        }
        query = query.add_columns(terms.iter().map(|term| term.expr.clone()).collect::<Vec<_>>());
        if distinct {
            query = query.distinct();
        }
        let mut sql = format!("SELECT {}{} FROM {from}{tail}", if distinct { "DISTINCT " } else { "" }, sql.join(", "));
        let total = order == Order::Total || self.random.chance(3);
        if total {
            let mut by: Vec<(Expr, String)> = Vec::new();
            if !distinct && self.random.chance(2) {
                let sort = self.sort();
                let more = self.expr(sort, depth.min(1));
                by.push((more.expr, format!("({} + 0)", more.sql)));
                if sort == Sort::Text {
                    by[0].1 = format!("({} || '')", more.sql);
                }
            }
            for (at, term) in terms.iter().enumerate() {
                by.push((term.expr.clone(), (at + 1).to_string()));
            }
            let (exprs, sqls) = self.directions(by);
            query = query.order_by(exprs);
            sql += &format!(" ORDER BY {sqls}");
            if self.random.chance(3) {
                let (limit, offset) = (self.random.below(6) as i64, self.random.below(3) as i64);
                (query, sql) = match self.random.below(4) {
                    0 => (query.limit(limit), format!("{sql} LIMIT {limit}")),
                    1 => (query.offset(offset), format!("{sql} LIMIT -1 OFFSET {offset}")),
                    2 => (query.slice(offset, offset + limit), format!("{sql} LIMIT {limit} OFFSET {offset}")),
                    _ => (query.limit(limit).offset(offset), format!("{sql} LIMIT {limit} OFFSET {offset}")),
                };
            }
        }
        self.scopes.pop();
        // Those right around it are meant without a word; with those further out it has to be said.
        let around: Vec<From> = self.scopes.iter().flat_map(|scope| scope.froms.clone()).collect();
        if self.scopes.len() > 1 || self.random.chance(4) {
            query = query.correlate(around);
        }
        Made { query: query.query(), sql, ordered: total }
    }

    /// A label, `""` for one that is made up, or none.
    fn label(&mut self) -> Option<&'static str> {
        *self.random.pick(&[
            None,
            None,
            Some(""),
            Some("l"),
            Some("name"),
            Some("age"),
            Some("select"),
            Some("L m"),
            Some("id"),
        ])
    }

    /// Terms of ORDER BY, each in some direction, with NULLs somewhere.
    fn directions(&mut self, by: Vec<(Expr, String)>) -> (Vec<Expr>, String) {
        let mut terms = Vec::new();
        let mut sqls = Vec::new();
        for (mut expr, mut sql) in by {
            match self.random.below(3) {
                0 => (expr, sql) = (ordered(&expr, Direction::Descending), sql + " DESC"),
                1 => (expr, sql) = (ordered(&expr, Direction::Ascending), sql + " ASC"),
                _ => {}
            }
            match self.random.below(4) {
                0 => (expr, sql) = (nulls(&expr, true), sql + " NULLS FIRST"),
                1 => (expr, sql) = (nulls(&expr, false), sql + " NULLS LAST"),
                _ => {}
            }
            terms.push(expr);
            sqls.push(sql);
        }
        (terms, sqls.join(", "))
    }

    /// GROUP BY and HAVING; from then on only what they leave can be named.
    fn group(&mut self, query: &mut Select, tail: &mut String, depth: u32) {
        let mut keys: Vec<Term> = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            let sort = self.sort();
            let columns: Vec<Term> = self.innermost().terms.iter().filter(|t| t.sort == sort).cloned().collect();
            let key = match columns.is_empty() || self.random.chance(3) {
                true => self.expr(sort, 1),
                false => self.random.pick(&columns).clone(),
            };
            let name = *self.random.pick(&["l", "name", "age"]);
            let expr = if self.random.chance(3) { label(&key.expr, Some(name)) } else { key.expr };
            keys.push(Term { expr, ..key });
        }
        self.merges = true;
        *query = query.group_by(keys.iter().map(|key| key.expr.clone()).collect::<Vec<_>>());
        let plain = |key: &Term| match key.sort {
            Sort::Text => format!("({} || '')", key.sql),
            _ => format!("({} + 0)", key.sql),
        };
        *tail += &format!(" GROUP BY {}", keys.iter().map(plain).collect::<Vec<_>>().join(", "));
        let mut left: Vec<Term> = keys.iter().map(|key| Term { sql: plain(key), ..key.clone() }).collect();
        for sort in SORTS {
            left.push(self.aggregate(sort, depth.min(1)));
        }
        if let Some(scope) = self.scopes.last_mut() {
            let columns: Vec<String> = scope.outward.iter().map(|column| column.sql.clone()).collect();
            scope.outward = keys.into_iter().filter(|key| columns.contains(&key.sql)).collect();
            scope.terms = left;
        }
        if self.random.chance(2) {
            let having = self.condition(2);
            *query = query.having([having.expr]);
            *tail += &format!(" HAVING ({})", having.sql);
        }
    }

    /// An aggregate over columns of the statement itself.
    fn aggregate(&mut self, sort: Sort, depth: u32) -> Term {
        let around: Vec<Scope> = self.scopes.drain(..self.scopes.len() - 1).collect();
        let inner = self.expr(sort, depth);
        let (mut expr, mut sql) = match (sort, self.random.below(4)) {
            (Sort::Whole, 0) => (call("count", []), "count(*)".to_owned()),
            (Sort::Whole, 1) => (call("count", [distinct(&inner.expr)]), format!("count(DISTINCT ({}))", inner.sql)),
            (Sort::Whole, 2) => (call("sum", [inner.expr]), format!("sum({})", inner.sql)),
            (Sort::Real, 2) => (call("total", [inner.expr]), format!("total({})", inner.sql)),
            (_, 3) => (call("min", [inner.expr]), format!("min({})", inner.sql)),
            _ => (call("max", [inner.expr]), format!("max({})", inner.sql)),
        };
        if self.random.chance(4) {
            let condition = self.condition(1);
            (expr, sql) = (filter(&expr, &condition.expr), format!("{sql} FILTER (WHERE ({}))", condition.sql));
        }
        self.scopes.splice(0..0, around);
        Term { expr: typed(expr, sort), sql: format!("({sql})"), sort }
    }

    /// A column of a result.
    fn output(&mut self, sort: Sort, depth: u32, grouped: bool) -> Term {
        if !grouped && self.random.chance(8) {
            return self.window(sort);
        }
        self.expr(sort, 1 + depth)
    }

    /// A window function that takes rows that its order does not tell apart together.
    fn window(&mut self, sort: Sort) -> Term {
        let inner = self.expr(sort, 1);
        let (call, sql) = match (sort, self.random.below(3)) {
            (Sort::Whole, 0) => (call("rank", []), "rank()".to_owned()),
            (Sort::Whole, 1) => (call("count", [inner.expr]), format!("count({})", inner.sql)),
            (_, 2) => (call("min", [inner.expr]), format!("min({})", inner.sql)),
            _ => (call("max", [inner.expr]), format!("max({})", inner.sql)),
        };
        let mut window = Window::default();
        let mut parts = Vec::new();
        if self.random.chance(2) {
            let sort = self.sort();
            let by = self.expr(sort, 1);
            parts.push(format!("PARTITION BY ({})", by.sql));
            window.partition_by.push(by.expr);
        }
        if self.random.below(3) > 0 {
            let sort = self.sort();
            let by = self.expr(sort, 1);
            let (exprs, sql) = self.directions(vec![(by.expr, format!("({})", by.sql))]);
            parts.push(format!("ORDER BY {sql}"));
            window.order_by = exprs;
            if self.random.chance(3) {
                window.frame = Some(frame(FrameUnit::Groups, Some(-1), Some(0)));
                parts.push("GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW".into());
            } else if self.random.chance(3) {
                window.frame = Some(frame(FrameUnit::Range, None, None));
                parts.push("RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING".into());
            }
        }
        self.merges = true;
        Term { expr: typed(over(&call, window), sort), sql: format!("({sql} OVER ({}))", parts.join(" ")), sort }
    }

    fn compound(&mut self, sorts: &[Sort], depth: u32, order: Order) -> Made {
        let (kind, word) = *self.random.pick(&[
            (CompoundKind::Union, "UNION"),
            (CompoundKind::UnionAll, "UNION ALL"),
            (CompoundKind::Intersect, "INTERSECT"),
            (CompoundKind::Except, "EXCEPT"),
        ]);
        self.merges = true;
        let parts: Vec<Made> = (0..2 + self.random.below(2)).map(|_| self.query(sorts, depth, Order::Any)).collect();
        let sql: Vec<String> = parts.iter().map(|part| format!("SELECT * FROM ({})", part.sql)).collect();
        let mut sql = format!("SELECT * FROM ({})", sql.join(&format!(" {word} ")));
        // The columns are called as those of the first part.
        let names: Vec<String> = names_of(sorts);
        let renamed: Vec<String> = names.iter().map(|name| format!("{name} AS {name}")).collect();
        sql = format!("SELECT {} FROM ({sql})", renamed.join(", "));
        let mut whole: Compound = compound(kind, parts.into_iter().map(|part| part.query));
        let total = order == Order::Total;
        if total {
            let columns = whole.query().columns();
            // What is called like another, or by a made-up name, is ordered by its position.
            let by = columns.iter().zip(1..).map(|(column, at): (_, usize)| {
                let named = matches!(column.name, Name::Given(_))
                    && columns.iter().filter(|other| other.key == column.key).count() == 1;
                let by = match named {
                    true => Node::new(Kind::Name(column.key.clone()), ty(sorts[at - 1])),
                    false => literal_column(&at.to_string(), ty(sorts[at - 1])),
                };
                (by, at.to_string())
            });
            let (exprs, sqls) = self.directions(by.collect());
            whole = whole.order_by(exprs);
            sql += &format!(" ORDER BY {sqls}");
            if self.random.chance(3) {
                let limit = self.random.below(6) as i64;
                (whole, sql) = (whole.limit(limit), format!("{sql} LIMIT {limit}"));
            }
        }
        Made { query: whole.query(), sql, ordered: total }
    }

    /// A query as a value: the first in a total order, or an aggregate.
    pub(super) fn scalar(&mut self, sort: Sort, depth: u32) -> Term {
        if self.random.chance(2) {
            let (query, from) = self.sources(2, 0);
            let mut sql = from;
            let condition = self.condition(1 + depth);
            let value = self.aggregate(sort, 1);
            let mut query = query.filter([condition.expr]).add_columns([value.expr]);
            sql = format!("SELECT {} FROM {sql} WHERE ({})", value.sql, condition.sql);
            self.scopes.pop();
            let around: Vec<From> = self.scopes.iter().flat_map(|scope| scope.froms.clone()).collect();
            if self.scopes.len() > 1 {
                query = query.correlate(around);
            }
            return Term { expr: query.scalar_subquery(), sql: format!("({sql})"), sort };
        }
        let made = self.query(&[sort], depth.min(1), Order::Total);
        Term { expr: scalar(made.query), sql: format!("(SELECT * FROM ({}) LIMIT 1)", made.sql), sort }
    }

    /// EXISTS, and IN with a query.
    pub(super) fn query_condition(&mut self, depth: u32) -> Term {
        let (expr, sql) = match self.random.below(4) {
            0 | 1 => {
                let sorts = self.sorts();
                let made = self.query(&sorts, depth.min(1), Order::Any);
                (exists(made.query), format!("(EXISTS ({}))", made.sql))
            }
            2 => {
                let (one, other) = (self.sort(), self.sort());
                let (left, right) = (self.expr(one, 1), self.expr(other, 1));
                let made = self.query(&[one, other], depth.min(1), Order::Any);
                let sql = format!("((({}), ({})) IN ({}))", left.sql, right.sql, made.sql);
                (in_(&tuple(vec![left.expr, right.expr]), InList::Query(made.query)), sql)
            }
            _ => {
                let sort = self.sort();
                let value = self.expr(sort, 1);
                let made = self.query(&[sort], depth.min(1), Order::Any);
                (in_(&value.expr, InList::Query(made.query)), format!("(({}) IN ({}))", value.sql, made.sql))
            }
        };
        Term { expr, sql, sort: Sort::Truth }
    }
}

/// All of them.
pub(super) fn all(conditions: &[Term]) -> String {
    let conditions: Vec<String> = conditions.iter().map(|condition| format!("({})", condition.sql)).collect();
    conditions.join(" AND ")
}

/// How two tables are joined if nobody says it: by the key that one of them has to the other.
fn foreign_key(left: &Source, right: &Source) -> Option<String> {
    let refers = |from: &Source, to: &Source| {
        let ((table, name), (other, other_name)) = (from.table.as_ref()?, to.table.as_ref()?);
        let column = table.columns.iter().find(|c| c.foreign_keys.iter().any(|key| key.table == other.name))?;
        Some(format!("{name}.{} = {other_name}.id", column.name))
    };
    refers(left, right).or_else(|| refers(right, left))
}
