//! The tables of the gallery.

use aludel_sql::expr::Expr;
use aludel_sql::schema::{Column, ForeignKey, ForeignKeyAction, From, Table};
use aludel_sql::types::SqlType;
use std::rc::Rc;

pub struct Tables {
    pub users: Rc<Table>,
    pub addr: Rc<Table>,
}

impl Tables {
    pub fn new() -> Tables {
        let users = Table::new(
            "users",
            vec![
                Column::new("id", SqlType::Integer).primary_key(),
                Column::new("name", SqlType::String(Some(50))).not_null(),
                Column::new("age", SqlType::Integer),
                Column::new("score", SqlType::Float),
                Column::new("meta", SqlType::JSON),
                Column::new("dt", SqlType::DateTime),
                Column::new("flag", SqlType::Boolean),
                Column::new("n", SqlType::Numeric(Some(10), Some(2))),
                Column::new("select", SqlType::String(None)),
            ],
        );
        let key = ForeignKey {
            table: "users".into(),
            referred: vec!["id".into()],
            on_delete: Some(ForeignKeyAction::Cascade),
            ..ForeignKey::default()
        };
        let addr = Table::new(
            "addr",
            vec![
                Column::new("id", SqlType::Integer).primary_key(),
                Column { foreign_keys: vec![key], ..Column::new("user_id", SqlType::Integer) },
                Column { unique: true, ..Column::new("email", SqlType::String(None)) },
            ],
        );
        Tables { users: Rc::new(users), addr: Rc::new(addr) }
    }

    pub fn u(&self, key: &str) -> Expr {
        From::Table(self.users.clone()).column(key).unwrap()
    }

    pub fn a(&self, key: &str) -> Expr {
        From::Table(self.addr.clone()).column(key).unwrap()
    }
}
