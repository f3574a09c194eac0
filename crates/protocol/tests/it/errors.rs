//! The table of errors is sound: JavaScript builds its classes from it.

use aludel_protocol::{Constraint, ConstraintKind, Error, ErrorKind, StorageReason};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_kind_has_a_class_and_a_tag_of_its_own() {
    let classes: BTreeSet<&str> = ErrorKind::ALL.iter().map(|kind| kind.class()).collect();
    let tags: BTreeSet<u8> = ErrorKind::ALL.iter().map(|kind| *kind as u8).collect();
    assert_eq!(classes.len(), ErrorKind::ALL.len());
    assert_eq!(tags.len(), ErrorKind::ALL.len());
    for kind in ErrorKind::ALL {
        assert_eq!(ErrorKind::from_tag(*kind as u8), Some(*kind));
    }
    let unknown = (0..=u8::MAX).filter(|tag| !tags.contains(tag));
    assert!(unknown.into_iter().all(|tag| ErrorKind::from_tag(tag).is_none()));
}

/// Every class with its parent; the root has none.
fn parents() -> BTreeMap<&'static str, Option<&'static str>> {
    let mut parents: BTreeMap<_, _> = ErrorKind::GROUPS.iter().copied().collect();
    for kind in ErrorKind::ALL {
        assert_eq!(parents.insert(kind.class(), Some(kind.parent())), None, "{} is a group as well", kind.class());
    }
    parents
}

#[test]
fn every_class_descends_from_sqlalchemy_error() {
    let parents = parents();
    for class in parents.keys() {
        let mut line = vec![*class];
        while let Some(parent) = parents[line[line.len() - 1]] {
            assert!(parents.contains_key(parent), "{parent}, parent of {line:?}, does not exist");
            assert!(!line.contains(&parent), "{line:?} is a circle");
            line.push(parent);
        }
        assert_eq!(line.last(), Some(&"SQLAlchemyError"));
    }
}

#[test]
fn the_tree_is_that_of_sqlalchemy() {
    let parents = parents();
    for (class, parent) in [
        ("StatementError", "SQLAlchemyError"),
        ("DBAPIError", "StatementError"),
        ("InterfaceError", "DBAPIError"),
        ("DatabaseError", "DBAPIError"),
        ("IntegrityError", "DatabaseError"),
        ("OperationalError", "DatabaseError"),
        ("PendingRollbackError", "InvalidRequestError"),
        ("NoResultFound", "InvalidRequestError"),
        ("ObjectNotExecutableError", "ArgumentError"),
    ] {
        assert_eq!(parents[class], Some(parent), "{class}");
    }
    let codes: BTreeMap<_, _> = ErrorKind::ALL.iter().filter_map(|kind| Some((kind.class(), kind.code()?))).collect();
    for (class, code) in [
        ("CompileError", "l7de"),
        ("TimeoutError", "3o7r"),
        ("PendingRollbackError", "8s2b"),
        ("InterfaceError", "rvf5"),
        ("DataError", "9h9h"),
        ("OperationalError", "e3q8"),
        ("IntegrityError", "gkpj"),
        ("InternalError", "2j85"),
        ("ProgrammingError", "f405"),
        ("NotSupportedError", "tw8g"),
    ] {
        assert_eq!(codes[class], code, "{class}");
    }
}

#[test]
fn reasons_and_constraints_have_words_of_their_own() {
    let reasons: BTreeSet<&str> = StorageReason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(reasons.len(), StorageReason::ALL.len());
    let kinds: BTreeSet<&str> = ConstraintKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds.len(), ConstraintKind::ALL.len());
}

#[test]
fn only_a_database_in_use_is_worth_another_try() {
    for reason in StorageReason::ALL {
        let error = Error::storage(reason, "x");
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Storage, Some(reason)));
        assert_eq!(error.retryable(), matches!(reason, StorageReason::InUse | StorageReason::OtherVersion));
    }
}

#[test]
fn an_error_shows_its_statement_and_parameters_and_leads_to_its_cause() {
    let constraint = Constraint {
        kind: ConstraintKind::Unique,
        name: None,
        table: Some("users".into()),
        columns: vec!["name".into()],
    };
    let error = Error::new(ErrorKind::Integrity, "UNIQUE constraint failed: users.name")
        .with_statement("INSERT INTO users (name) VALUES (?)")
        .with_parameters("('Dan')")
        .with_constraint(constraint.clone())
        .with_cause(Error::new(ErrorKind::Internal, "behind it"));
    assert_eq!(
        error.to_string(),
        "UNIQUE constraint failed: users.name\n[SQL: INSERT INTO users (name) VALUES (?)]\n[parameters: ('Dan')]"
    );
    assert_eq!(error.constraint(), Some(&constraint));
    assert_eq!(std::error::Error::source(&error).map(ToString::to_string).as_deref(), Some("behind it"));
    assert_eq!((error.code(), error.retryable(), error.sqlite_code()), (Some("gkpj"), false, 0));
}

#[test]
fn errors_may_cross_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Error>();
}

#[test]
fn the_documentation_has_every_kind_and_every_reason() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ERRORS.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect();
    let row = |name: &str| rows.iter().find(|row| row[1] == name).unwrap_or_else(|| panic!("{name} is not documented"));
    for kind in ErrorKind::ALL {
        let retryable = match (kind, kind.retryable()) {
            (ErrorKind::Storage, _) => "by reason",
            (_, true) => "yes",
            (_, false) => "no",
        };
        let expected = [kind.class(), kind.parent(), &format!("{kind:?}"), kind.code().unwrap_or("-"), retryable];
        assert_eq!(row(kind.class())[1..6], expected);
    }
    for (class, parent) in ErrorKind::GROUPS {
        assert_eq!(row(class)[1..4], [*class, parent.unwrap_or("Error"), "-"]);
    }
    for reason in StorageReason::ALL {
        let retryable = if Error::storage(reason, "").retryable() { "yes" } else { "no" };
        assert_eq!(row(reason.as_str())[1..4], [reason.as_str(), &format!("{reason:?}"), retryable]);
    }
    for kind in ConstraintKind::ALL {
        assert!(text.contains(&format!("`{}`", kind.as_str())), "{kind:?} is not documented");
    }
}
