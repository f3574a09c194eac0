//! Names that are made up, and names of result columns.

use crate::expr::{Expr, Kind, Name, NameKey};
use crate::statement::LabelStyle;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The names that a statement makes up: a base and a number, counted by base.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: BTreeMap<(NameKey, Rc<str>), Rc<str>>,
    counts: BTreeMap<Rc<str>, u32>,
    /// Where names are put together.
    text: String,
}

impl Names {
    /// The name.
    pub(crate) fn resolve(&mut self, name: &Name) -> Rc<str> {
        match name {
            Name::Given(name) => name.clone(),
            Name::MadeUp { base, of } => self.made_up(base, of.clone()),
        }
    }

    /// The name of `of` that begins with `base`.
    pub(crate) fn made_up(&mut self, base: &Rc<str>, of: NameKey) -> Rc<str> {
        if let Some(name) = self.known.get(&(of.clone(), base.clone())) {
            return name.clone();
        }
        let name = self.next(base);
        self.known.insert((of, base.clone()), name.clone());
        name
    }

    /// Forgets the names of an object that is gone: another may get its address.
    pub(crate) fn drop_key(&mut self, of: &NameKey) {
        self.known.retain(|(key, _), _| key != of);
    }

    /// A name that nothing else gets.
    pub(crate) fn next(&mut self, base: &Rc<str>) -> Rc<str> {
        let count = self.counts.entry(base.clone()).or_default();
        *count += 1;
        self.text.clear();
        self.text.push_str(base);
        self.text.push('_');
        push_number(&mut self.text, *count);
        self.text.as_str().into()
    }
}

/// Writes a number, without what formatting costs.
fn push_number(out: &mut String, number: u32) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// What an expression without a name of its own is called after.
fn anonymous_base(expr: &Expr) -> Rc<str> {
    match &expr.kind {
        Kind::Function(function) => function.name.clone(),
        _ => Rc::from("anon"),
    }
}

/// The names of result columns.
pub(crate) fn labels(style: LabelStyle, exprs: &[Expr]) -> Vec<Name> {
    let mut taken: Vec<(Name, NameKey)> = Vec::new();
    let mut repeated = 0;
    let mut names = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let identity = expr.identity();
        let own = own_label(style, expr);
        let before = taken.iter().find(|(name, _)| *name == own).filter(|_| style != LabelStyle::None);
        let name = match before.map(|(_, other)| *other == identity) {
            None => own,
            // The same once more: never referred to by name.
            Some(true) => {
                repeated += 1;
                names.push(Name::given(&format!("{}__{repeated}", own.base())));
                continue;
            }
            Some(false) => Name::MadeUp { base: own.base().clone(), of: identity.clone() },
        };
        if taken.iter().any(|(other, of)| *other == name && *of == identity) {
            repeated += 1;
            names.push(Name::given(&format!("{}__{repeated}", name.base())));
            continue;
        }
        taken.push((name.clone(), identity));
        names.push(name);
    }
    names
}

fn own_label(style: LabelStyle, expr: &Expr) -> Name {
    if style == LabelStyle::TableNamePlusColumn
        && let Kind::Column(column) = &expr.kind
        && let Some(table) = column.from.as_ref().and_then(|from| from.given_name())
        && let Name::Given(name) = &column.name
    {
        return Name::given(&format!("{table}_{name}"));
    }
    expr.natural_name().unwrap_or_else(|| Name::MadeUp { base: anonymous_base(expr), of: expr.identity() })
}
