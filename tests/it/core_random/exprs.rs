//! Random expressions.

use super::{Maker, Sort, Term};
use aludel::Value;
use aludel::sql::expr::*;
use aludel::sql::types::SqlType;

fn term(expr: Expr, sql: String, sort: Sort) -> Term {
    Term { expr, sql, sort }
}

impl Maker {
    /// An expression of this kind.
    pub(super) fn expr(&mut self, sort: Sort, depth: u32) -> Term {
        if depth == 0 || self.random.chance(4) {
            return self.leaf(sort);
        }
        if self.random.chance(10) {
            let (condition, yes, no) =
                (self.condition(depth - 1), self.expr(sort, depth - 1), self.expr(sort, depth - 1));
            return term(
                case(None, vec![(condition.expr, yes.expr)], Some(no.expr)),
                format!("(CASE WHEN ({}) THEN ({}) ELSE ({}) END)", condition.sql, yes.sql, no.sql),
                sort,
            );
        }
        if self.random.chance(12) {
            let (one, other) = (self.expr(sort, depth - 1), self.expr(sort, depth - 1));
            let name = *self.random.pick(&["coalesce", "nullif"]);
            let sql = format!("{name}(({}), ({}))", one.sql, other.sql);
            return term(typed(call(name, [one.expr, other.expr]), sort), sql, sort);
        }
        if depth > 1 && self.random.chance(8) {
            return self.scalar(sort, depth - 2);
        }
        match sort {
            Sort::Whole => self.whole(depth - 1),
            Sort::Real => self.real(depth - 1),
            Sort::Text => self.text(depth - 1),
            Sort::Truth => self.condition(depth),
        }
    }

    /// A column of the statement, one of a statement around it, or a value.
    pub(super) fn leaf(&mut self, sort: Sort) -> Term {
        let columns = |terms: &[Term]| terms.iter().filter(|term| term.sort == sort).cloned().collect::<Vec<_>>();
        if self.scopes.len() > 1 && self.random.chance(4) {
            let out = self.scopes.len() - 2 - self.random.below(self.scopes.len() as u64 - 1) as usize;
            let found = columns(&self.scopes[out].outward);
            if !found.is_empty() {
                return self.random.pick(&found).clone();
            }
        }
        let found = columns(&self.innermost().terms);
        if !found.is_empty() && self.random.below(4) > 0 {
            return self.random.pick(&found).clone();
        }
        self.value(sort)
    }

    fn value(&mut self, sort: Sort) -> Term {
        if self.random.chance(12) {
            return term(type_coerce(&null(), ty(sort)), "NULL".into(), sort);
        }
        match sort {
            Sort::Whole => {
                let value = match self.values.below(40) {
                    0 if self.extremes => i64::MAX,
                    1 if self.extremes => i64::MIN,
                    small => small as i64 % 7 - 3,
                };
                let sql =
                    if value == i64::MIN { "(-9223372036854775807 - 1)".into() } else { format!("({value} + 0)") };
                term(literal(Value::Integer(value)), sql, sort)
            }
            Sort::Real => {
                let value = *self.values.pick(&[0.5, -1.5, 2.0, 1e9, 0.0, -0.25]);
                term(literal(Value::Real(value)), format!("({value:?} + 0.0)"), sort)
            }
            Sort::Text => {
                let value = *self.values.pick(&["", "a", "B%", "it's", "10", "größe", ":id", "?1", "/* --"]);
                term(literal(value.into()), format!("('{}' || '')", value.replace('\'', "''")), sort)
            }
            Sort::Truth => {
                let value = self.random.chance(2);
                term(truth(value), format!("({} + 0)", i64::from(value)), sort)
            }
        }
    }

    fn whole(&mut self, depth: u32) -> Term {
        match self.random.below(9) {
            0..=3 => {
                let (left, right) = (self.expr(Sort::Whole, depth), self.expr(Sort::Whole, depth));
                let (op, sign) = self
                    .random
                    .pick(&[
                        (Binary::Add, "+"),
                        (Binary::Sub, "-"),
                        (Binary::Mul, "*"),
                        (Binary::Mod, "%"),
                        (Binary::BitAnd, "&"),
                        (Binary::BitOr, "|"),
                        (Binary::ShiftLeft, "<<"),
                        (Binary::ShiftRight, ">>"),
                        (Binary::FloorDiv, "/"),
                    ])
                    .clone();
                let sql = format!("({} {sign} {})", left.sql, right.sql);
                term(binary(op, &left.expr, &right.expr), sql, Sort::Whole)
            }
            4 => {
                let (left, right) = (self.expr(Sort::Whole, depth), self.expr(Sort::Whole, depth));
                let sql = format!("((({0}) | ({1})) - (({0}) & ({1})))", left.sql, right.sql);
                term(binary(Binary::BitXor, &left.expr, &right.expr), sql, Sort::Whole)
            }
            5 => {
                let inner = self.expr(Sort::Whole, depth);
                match self.random.chance(2) {
                    true => term(neg(&inner.expr), format!("(-({}))", inner.sql), Sort::Whole),
                    false => term(bitwise_not(&inner.expr), format!("(~({}))", inner.sql), Sort::Whole),
                }
            }
            6 => {
                let inner = self.expr(Sort::Text, depth);
                term(
                    call_typed("length", vec![inner.expr], SqlType::Integer),
                    format!("length({})", inner.sql),
                    Sort::Whole,
                )
            }
            7 => {
                let sort = self.sort();
                let inner = self.expr(sort, depth);
                term(cast(&inner.expr, SqlType::Integer), format!("CAST(({}) AS INTEGER)", inner.sql), Sort::Whole)
            }
            _ => {
                let inner = self.condition(depth);
                let (one, other) = (self.expr(Sort::Whole, depth), self.expr(Sort::Whole, depth));
                term(
                    case(Some(one.expr.clone()), vec![(other.expr, one.expr)], Some(inner.expr)),
                    format!("(CASE ({0}) WHEN ({1}) THEN ({0}) ELSE ({2}) END)", one.sql, other.sql, inner.sql),
                    Sort::Whole,
                )
            }
        }
    }

    fn real(&mut self, depth: u32) -> Term {
        let sort = if self.random.chance(2) { Sort::Whole } else { Sort::Real };
        let (left, right) = (self.expr(Sort::Real, depth), self.expr(sort, depth));
        match self.random.below(7) {
            0..=2 => {
                let (op, sign) =
                    self.random.pick(&[(Binary::Add, "+"), (Binary::Sub, "-"), (Binary::Mul, "*")]).clone();
                let sql = format!("({} {sign} {})", left.sql, right.sql);
                term(binary(op, &left.expr, &right.expr), sql, Sort::Real)
            }
            3 => {
                let sql = format!("(({}) / (({}) + 0.0))", right.sql, left.sql);
                term(binary(Binary::TrueDiv, &right.expr, &left.expr), sql, Sort::Real)
            }
            4 => {
                let sql = format!("floor(({}) / ({}))", left.sql, right.sql);
                term(binary(Binary::FloorDiv, &left.expr, &right.expr), sql, Sort::Real)
            }
            5 => term(neg(&left.expr), format!("(-({}))", left.sql), Sort::Real),
            _ => {
                let sql = format!("(({}) / (({}) + 0.0))", left.sql, right.sql);
                term(binary(Binary::TrueDiv, &left.expr, &right.expr), sql, Sort::Real)
            }
        }
    }

    fn text(&mut self, depth: u32) -> Term {
        match self.random.below(5) {
            0..=2 => {
                let (left, right) = (self.expr(Sort::Text, depth), self.expr(Sort::Text, depth));
                // Texts are joined by `+` as well.
                let op = if self.random.chance(2) { Binary::Concat } else { Binary::Add };
                term(binary(op, &left.expr, &right.expr), format!("({} || {})", left.sql, right.sql), Sort::Text)
            }
            3 => {
                let inner = self.expr(Sort::Whole, depth);
                let sql = format!("CAST(({}) AS VARCHAR)", inner.sql);
                term(cast(&inner.expr, SqlType::String(None)), sql, Sort::Text)
            }
            _ => {
                let inner = self.expr(Sort::Text, depth);
                let name = *self.random.pick(&["upper", "lower"]);
                term(typed(call(name, [inner.expr]), Sort::Text), format!("{name}({})", inner.sql), Sort::Text)
            }
        }
    }

    /// An expression that is true, false or unknown.
    pub(super) fn condition(&mut self, depth: u32) -> Term {
        if depth == 0 {
            let sort = self.sort();
            let (left, right) = (self.leaf(sort), self.leaf(sort));
            return term(
                binary(Binary::Lt, &left.expr, &right.expr),
                format!("({} < {})", left.sql, right.sql),
                Sort::Truth,
            );
        }
        let depth = depth - 1;
        let (expr, sql) = match self.random.below(14) {
            0..=2 => self.comparison(depth),
            3 => {
                let (left, right) = (self.condition(depth), self.condition(depth));
                // A condition is a number, too, and may be compared.
                (binary(Binary::Eq, &left.expr, &right.expr), format!("({} = {})", left.sql, right.sql))
            }
            4 | 5 => {
                let parts: Vec<Term> = (0..2 + self.random.below(2)).map(|_| self.condition(depth)).collect();
                let sqls =
                    |by: &str| format!("({})", parts.iter().map(|p| p.sql.as_str()).collect::<Vec<_>>().join(by));
                let exprs = parts.iter().map(|part| part.expr.clone());
                if self.random.chance(2) { (and(exprs), sqls(" AND ")) } else { (or(exprs), sqls(" OR ")) }
            }
            6 => {
                let inner = self.condition(depth);
                (not(&inner.expr), format!("(NOT ({}))", inner.sql))
            }
            7 => {
                let sort = self.sort();
                let [value, low, high] = [(); 3].map(|()| self.expr(sort, depth));
                (
                    between(&value.expr, &low.expr, &high.expr),
                    format!("(({}) BETWEEN ({}) AND ({}))", value.sql, low.sql, high.sql),
                )
            }
            8 => self.in_values(depth),
            9 => self.like(depth),
            10 => {
                let inner = self.leaf(Sort::Truth);
                (inner.expr, inner.sql)
            }
            11 => {
                let sort = self.sort();
                let inner = self.expr(sort, depth);
                let op = if self.random.chance(2) { Binary::Eq } else { Binary::Ne };
                let word = if op == Binary::Eq { "IS NULL" } else { "IS NOT NULL" };
                (binary(op, &inner.expr, &null()), format!("(({}) {word})", inner.sql))
            }
            _ if depth > 0 => return self.query_condition(depth - 1),
            _ => self.comparison(depth),
        };
        term(expr, sql, Sort::Truth)
    }

    fn comparison(&mut self, depth: u32) -> (Expr, String) {
        let sort = self.sort();
        let (mut left, right) = (self.expr(sort, depth), self.expr(sort, depth));
        if sort == Sort::Text && self.random.chance(3) {
            left = term(collate(&left.expr, "NOCASE"), format!("({}) COLLATE \"NOCASE\"", left.sql), sort);
        }
        let (op, sign) = self
            .random
            .pick(&[
                (Binary::Eq, "="),
                (Binary::Ne, "!="),
                (Binary::Le, "<="),
                (Binary::Gt, ">"),
                (Binary::Ge, ">="),
                (Binary::Is, "IS"),
                (Binary::IsNot, "IS NOT"),
            ])
            .clone();
        (binary(op, &left.expr, &right.expr), format!("(({}) {sign} ({}))", left.sql, right.sql))
    }

    fn in_values(&mut self, depth: u32) -> (Expr, String) {
        if self.random.chance(3) {
            let (one, other) = (self.expr(Sort::Whole, depth), self.expr(Sort::Text, depth));
            let rows: Vec<(i64, &str)> = (0..self.values.below(3))
                .map(|_| (self.values.below(9) as i64, *self.values.pick(&["", "Dan", "it's"])))
                .collect();
            let sql: Vec<String> = rows.iter().map(|(n, t)| format!("({n}, '{}')", t.replace('\'', "''"))).collect();
            let sql = match sql.is_empty() {
                true => "SELECT 1, 1 WHERE 0".to_owned(),
                false => format!("VALUES {}", sql.join(", ")),
            };
            let sql = format!("((({}), ({})) IN ({sql}))", one.sql, other.sql);
            let rows = rows.into_iter().map(|(n, t)| vec![Value::Integer(n), t.into()]).collect();
            return (in_list(&tuple(vec![one.expr, other.expr]), BindValue::Rows(rows)), sql);
        }
        let value = self.expr(Sort::Whole, depth);
        let mut list: Vec<Value> =
            (0..self.values.below(4)).map(|_| Value::Integer(self.values.below(40) as i64)).collect();
        if self.values.chance(6) {
            list.push(Value::Null);
        }
        let sqls: Vec<String> = list
            .iter()
            .map(|value| match value {
                Value::Integer(value) => value.to_string(),
                _ => "NULL".into(),
            })
            .collect();
        (in_list(&value.expr, BindValue::List(list)), format!("(({}) IN ({}))", value.sql, sqls.join(", ")))
    }

    fn like(&mut self, depth: u32) -> (Expr, String) {
        let (value, part) = (self.expr(Sort::Text, depth), self.expr(Sort::Text, depth));
        match self.random.below(5) {
            0 => (like(&value.expr, &part.expr, None), format!("(({}) LIKE ({}))", value.sql, part.sql)),
            1 => (
                looks_like(&value.expr, &part.expr, Place::Anywhere, None, false),
                format!("(({}) LIKE ('%' || ({}) || '%'))", value.sql, part.sql),
            ),
            2 => (ilike(&value.expr, &part.expr, None), format!("(lower({}) LIKE lower({}))", value.sql, part.sql)),
            3 => (binary(Binary::Glob, &value.expr, &part.expr), format!("(({}) GLOB ({}))", value.sql, part.sql)),
            _ => (
                looks_like(&value.expr, &part.expr, Place::Start, Some('/'), true),
                format!("(lower({}) LIKE (lower({}) || '%') ESCAPE '/')", value.sql, part.sql),
            ),
        }
    }
}

/// Says the type that a function did not tell.
pub(super) fn typed(expr: Expr, sort: Sort) -> Expr {
    if expr.ty.is_null() { type_coerce(&expr, ty(sort)) } else { expr }
}

/// The type of expressions of a kind.
pub(super) fn ty(sort: Sort) -> SqlType {
    match sort {
        Sort::Whole => SqlType::Integer,
        Sort::Real => SqlType::Float,
        Sort::Text => SqlType::String(None),
        Sort::Truth => SqlType::Boolean,
    }
}
