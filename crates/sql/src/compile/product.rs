//! The warning of a product of all rows with all rows.

use super::Compiler;
use super::froms::froms_of;
use crate::expr::{Expr, Kind, Node};
use crate::extent::children;
use crate::schema::From;
use crate::statement::Select;

impl Compiler<'_> {
    /// Warns of a product of all rows with all rows, which is hardly ever meant.
    pub(super) fn check_product(&mut self, select: &Select, froms: &[From]) {
        self.check_product_of("SELECT", &select.conditions, froms);
    }

    /// As [`Self::check_product`], for any statement that reads these under these conditions.
    pub(super) fn check_product_of(&mut self, verb: &str, conditions: &[Expr], froms: &[From]) {
        // What is joined is meant to be, whatever the condition.
        if froms.len() < 2 {
            return;
        }
        let leaves: Vec<From> = froms.iter().flat_map(From::leaves).collect();
        // Functions of rows and texts are joined to others by what they are given.
        if leaves.len() < 2 || leaves.iter().any(is_open) {
            return;
        }
        let mut edges: Vec<Vec<From>> = Vec::new();
        let mut collect = |expr: &Expr| edges_of(expr, &mut edges);
        conditions.iter().for_each(&mut collect);
        froms.iter().for_each(|from| join_edges(from, &mut edges));
        let mut reached = vec![leaves[0].clone()];
        loop {
            let next = leaves.iter().find(|leaf| {
                !reached.iter().any(|other| other.is(leaf))
                    && edges.iter().any(|edge| {
                        edge.iter().any(|end| end.is(leaf)) && edge.iter().any(|end| reached.iter().any(|r| r.is(end)))
                    })
            });
            match next {
                Some(leaf) => reached.push(leaf.clone()),
                None => break,
            }
        }
        let lonely: Vec<String> = leaves
            .iter()
            .filter(|leaf| !reached.iter().any(|other| other.is(leaf)))
            .map(|leaf| format!("\"{}\"", self.name_of(leaf).trim_matches('"')))
            .collect();
        if lonely.is_empty() {
            return;
        }
        let start = self.name_of(&reached[0]);
        self.warnings.push(format!(
            "{verb} statement has a cartesian product between FROM element(s) {} and FROM element \"{}\".  Apply join \
             condition(s) between each element to resolve.",
            lonely.join(", "),
            start.trim_matches('"')
        ));
    }
}

/// Whether nobody knows what ties it to others.
fn is_open(leaf: &From) -> bool {
    match leaf {
        From::Function(_) | From::Text(_) => true,
        From::Alias(alias) => is_open(&alias.of),
        _ => false,
    }
}

/// Each comparison ties what it reads together.
fn edges_of(expr: &Node, into: &mut Vec<Vec<From>>) {
    match &expr.kind {
        Kind::And(_) | Kind::Or(_) | Kind::Unary(..) | Kind::Group(_) => {
            children(&expr.kind, &mut |child| edges_of(child, into))
        }
        _ => {
            let mut froms = Vec::new();
            froms_of(expr, &mut froms);
            into.push(froms);
        }
    }
}

fn join_edges(from: &From, into: &mut Vec<Vec<From>>) {
    if let From::Join(join) = from {
        // Whatever its condition, a join is meant.
        into.push(from.leaves());
        join_edges(&join.left, into);
        join_edges(&join.right, into);
    }
}
