//! Names that are made up for constraints and indexes.

use super::{Table, TableConstraint};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Templates for the names of constraints and indexes, by SQLAlchemy's tokens: `%(table_name)s`,
/// `%(column_0_name)s`, `%(column_0_label)s`, `%(column_0N_name)s`, `%(column_0_N_name)s`, `%(referred_table_name)s`,
/// `%(referred_column_0_name)s`, `%(constraint_name)s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamingConvention(BTreeMap<String, String>);

impl Default for NamingConvention {
    /// SQLAlchemy's: indexes are called `ix_` and their columns, and constraints have no names.
    fn default() -> NamingConvention {
        NamingConvention::new([("ix", "ix_%(column_0_label)s")])
    }
}

/// What a name is made of.
pub(crate) struct Named<'a> {
    pub table: &'a Table,
    pub columns: Vec<Rc<str>>,
    pub referred_table: Option<Rc<str>>,
    pub referred_columns: Vec<Rc<str>>,
    pub given: Option<Rc<str>>,
}

impl NamingConvention {
    /// Templates by kind: `ix`, `uq`, `ck`, `fk`, `pk`.
    pub fn new<K: Into<String>, V: Into<String>>(templates: impl IntoIterator<Item = (K, V)>) -> NamingConvention {
        NamingConvention(templates.into_iter().map(|(kind, template)| (kind.into(), template.into())).collect())
    }

    /// The name of something of this kind; `None` where there is neither a name nor a template.
    pub(crate) fn name(&self, kind: &str, named: &Named<'_>) -> Option<String> {
        let Some(template) = self.0.get(kind) else { return named.given.as_deref().map(str::to_owned) };
        // A name that was given is a part of one that is made, or stands for itself.
        if let Some(given) = &named.given
            && !template.contains("%(constraint_name)s")
        {
            return Some(given.to_string());
        }
        if named.given.is_none() && template.contains("%(constraint_name)s") {
            return None;
        }
        Some(fill(template, named))
    }
}

fn fill(template: &str, named: &Named<'_>) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, behind)) = rest.split_once("%(") {
        out.push_str(before);
        let Some((token, behind)) = behind.split_once(")s") else {
            out.push_str("%(");
            rest = behind;
            continue;
        };
        out.push_str(&value(token, named));
        rest = behind;
    }
    out + rest
}

fn value(token: &str, named: &Named<'_>) -> String {
    let table = &*named.table.name;
    match token {
        "table_name" => return table.to_owned(),
        "referred_table_name" => return named.referred_table.as_deref().unwrap_or_default().to_owned(),
        "constraint_name" => return named.given.as_deref().unwrap_or_default().to_owned(),
        _ => {}
    }
    let (columns, token) = match token.strip_prefix("referred_") {
        Some(token) => (&named.referred_columns, token),
        None => (&named.columns, token),
    };
    let schema = named.table.schema.as_deref().map_or(String::new(), |schema| format!("{schema}_"));
    let label = |name: &str| format!("{schema}{table}_{name}");
    let Some(token) = token.strip_prefix("column_") else { return String::new() };
    let (which, what) = token.split_once('_').unwrap_or((token, ""));
    let show = |name: &Rc<str>| if what.ends_with("label") { label(name) } else { name.to_string() };
    match which {
        "0N" => columns.iter().map(show).collect(),
        "0" if what.starts_with("N_") => columns.iter().map(show).collect::<Vec<_>>().join("_"),
        number => {
            let at = number.parse::<usize>().ok();
            at.and_then(|at| columns.get(at)).map(show).unwrap_or_default()
        }
    }
}

impl TableConstraint {
    /// The kind that templates know it by.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            TableConstraint::PrimaryKey(_) => "pk",
            TableConstraint::ForeignKey(_) => "fk",
            TableConstraint::Unique(_) => "uq",
            TableConstraint::Check(_) => "ck",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Column;
    use crate::types::SqlType;

    #[test]
    fn names_are_made_of_templates() {
        let table = Table::new("users", vec![Column::new("a", SqlType::Integer)]);
        let name = |template: &str, given: Option<&str>| {
            let columns = vec!["a".into(), "b".into()];
            let referred_columns = vec!["id".into()];
            let given = given.map(Rc::from);
            let named = Named { table: &table, columns, referred_table: Some("t2".into()), referred_columns, given };
            NamingConvention::new([("ck", template)]).name("ck", &named)
        };
        for (template, given, expected) in [
            ("ck_%(table_name)s_%(constraint_name)s", Some("pos"), Some("ck_users_pos")),
            ("ck_%(table_name)s_%(constraint_name)s", None, None),
            ("uq_%(table_name)s_%(column_0_name)s", None, Some("uq_users_a")),
            ("uq_%(table_name)s_%(column_0_name)s", Some("mine"), Some("mine")),
            ("%(column_0_label)s", None, Some("users_a")),
            ("%(column_0N_name)s-%(column_0_N_name)s", None, Some("ab-a_b")),
            ("%(column_1_name)s%(column_7_name)s", None, Some("b")),
            ("fk_%(referred_table_name)s_%(referred_column_0_name)s", None, Some("fk_t2_id")),
            ("%(unknown)s%(", None, Some("%(")),
        ] {
            assert_eq!(name(template, given).as_deref(), expected, "{template}");
        }
        let attached = Table { schema: Some("aux".into()), ..table };
        let named = Named {
            table: &attached,
            columns: vec!["a".into()],
            referred_table: None,
            referred_columns: Vec::new(),
            given: None,
        };
        assert_eq!(NamingConvention::default().name("ix", &named).as_deref(), Some("ix_aux_users_a"));
    }
}
