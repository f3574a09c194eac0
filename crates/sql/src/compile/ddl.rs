//! CREATE and DROP.

use super::{Compiler, Out, Within, compile_error, qualified, quoted, string_literal, table_name};
use crate::expr::{Expr, Kind};
use crate::schema::naming::Named;
use crate::schema::{
    Check, Column, ConflictClause, ForeignKey, Index, IndexElement, NamingConvention, PrimaryKey, ServerDefault, Table,
    TableConstraint, Unique,
};
use crate::statement::{Ddl, DropWhat};
use crate::types::SqlType;
use aludel_protocol::{Error, ErrorKind, Result};
use std::rc::Rc;

impl Compiler<'_> {
    /// CREATE or DROP. Values stand in it as literals: SQLite keeps its text.
    pub(super) fn ddl(&mut self, ddl: &Ddl, out: &mut Out) -> Result<()> {
        self.options.literal_binds = true;
        match ddl {
            Ddl::CreateTable { table, naming, if_not_exists } => self.create_table(table, naming, *if_not_exists, out),
            Ddl::CreateTableAs { schema, name, query, temporary, if_not_exists } => {
                let what = if *temporary { "TEMPORARY TABLE" } else { "TABLE" };
                self.create_as(what, schema.as_deref(), name, *if_not_exists, out);
                self.query(query, out, Within::Value)
            }
            Ddl::CreateView { schema, name, query, temporary, if_not_exists } => {
                let what = if *temporary { "TEMPORARY VIEW" } else { "VIEW" };
                self.create_as(what, schema.as_deref(), name, *if_not_exists, out);
                self.query(query, out, Within::Value)
            }
            Ddl::CreateIndex { table, index, naming, if_not_exists } => {
                self.create_index(table, index, naming, *if_not_exists, out)
            }
            Ddl::Drop { what, schema, name, if_exists } => {
                let what = match what {
                    DropWhat::Table => "TABLE",
                    DropWhat::Index => "INDEX",
                    DropWhat::View => "VIEW",
                };
                let exists = if *if_exists { "IF EXISTS " } else { "" };
                out.push(&format!("DROP {what} {exists}{}", qualified(schema.as_deref(), name)));
                Ok(())
            }
        }
    }

    fn create_as(&mut self, what: &str, schema: Option<&str>, name: &str, if_not_exists: bool, out: &mut Out) {
        let exists = if if_not_exists { "IF NOT EXISTS " } else { "" };
        out.push(&format!("CREATE {what} {exists}{} AS ", qualified(schema, name)));
    }

    fn create_table(
        &mut self,
        table: &Table,
        naming: &NamingConvention,
        if_not_exists: bool,
        out: &mut Out,
    ) -> Result<()> {
        out.push("CREATE ");
        for prefix in &table.options.prefixes {
            out.push(prefix);
            out.push(" ");
        }
        out.push("TABLE ");
        if if_not_exists {
            out.push("IF NOT EXISTS ");
        }
        out.push(&table_name(table));
        out.push(" (\n");
        let outer = std::mem::replace(&mut self.qualify, false);
        let done = self.table_body(table, naming, out);
        self.qualify = outer;
        done?;
        out.push("\n)");
        let options: Vec<&str> = [(table.options.without_rowid, "WITHOUT ROWID"), (table.options.strict, "STRICT")]
            .into_iter()
            .filter_map(|(on, word)| on.then_some(word))
            .collect();
        if !options.is_empty() {
            out.push("\n ");
            out.push(&options.join(",\n "));
        }
        Ok(())
    }

    fn table_body(&mut self, table: &Table, naming: &NamingConvention, out: &mut Out) -> Result<()> {
        let mut first = true;
        let mut next = |out: &mut Out| {
            out.push(if std::mem::take(&mut first) { "\t" } else { ", \n\t" });
        };
        let autoincrement = autoincrement(table)?;
        for column in &table.columns {
            next(out);
            if table.options.strict {
                check_strict(table, column)?;
            }
            self.column(column, autoincrement == Some(&column.name), out)?;
            if let Some(key) = table.descending_key().filter(|key| key.columns.first() == Some(&column.name)) {
                let name = constraint_name(table, naming, &TableConstraint::PrimaryKey(key.clone()));
                name.iter().for_each(|name| out.push(&format!(" CONSTRAINT {}", quoted(name))));
                out.push(" PRIMARY KEY DESC");
                on_conflict(key.on_conflict, out);
            }
        }
        for constraint in
            constraints(table, autoincrement.is_some()).iter().filter(|constraint| stays(table, constraint))
        {
            next(out);
            self.constraint(table, naming, constraint, out)?;
        }
        Ok(())
    }

    fn column(&mut self, column: &Column, autoincrement: bool, out: &mut Out) -> Result<()> {
        out.push(&quoted(&column.name));
        let ddl = column.ty.ddl();
        if !ddl.is_empty() {
            out.push(" ");
            out.push(&ddl);
        }
        if let Some(default) = &column.server_default {
            out.push(" DEFAULT ");
            self.server_default(default, out)?;
        }
        if !column.nullable {
            out.push(" NOT NULL");
            on_conflict(column.on_conflict_not_null, out);
        }
        if autoincrement {
            out.push(" PRIMARY KEY");
            on_conflict(column.on_conflict_primary_key, out);
            out.push(" AUTOINCREMENT");
        }
        for check in &column.checks {
            out.push(" ");
            if let Some(name) = &check.name {
                out.push(&format!("CONSTRAINT {} ", quoted(name)));
            }
            out.push("CHECK (");
            self.condition_at(&check.condition, 0, out)?;
            out.push(")");
        }
        if let Some(computed) = &column.computed {
            out.push(" GENERATED ALWAYS AS (");
            match &computed.sql {
                ServerDefault::Value(sql) | ServerDefault::Sql(sql) => out.push(sql),
                ServerDefault::Expr(expr) => self.expr(expr, out)?,
            }
            out.push(")");
            out.push(match computed.persisted {
                Some(true) => " STORED",
                Some(false) => " VIRTUAL",
                None => "",
            });
        }
        Ok(())
    }

    fn server_default(&mut self, default: &ServerDefault, out: &mut Out) -> Result<()> {
        match default {
            ServerDefault::Value(text) => out.push(&string_literal(text)),
            // SQLite takes a plain word, a number or a string as it is, and anything else in parentheses.
            ServerDefault::Sql(sql) => {
                let plain = is_literal(sql);
                out.push(&if plain { sql.clone() } else { format!("({sql})") });
            }
            ServerDefault::Expr(expr) => {
                let mut inner = Out::default();
                self.expr(expr, &mut inner)?;
                let plain = is_literal(inner.sql());
                out.push(&if plain { inner.sql().to_owned() } else { format!("({})", inner.sql()) });
            }
        }
        Ok(())
    }

    fn constraint(
        &mut self,
        table: &Table,
        naming: &NamingConvention,
        constraint: &TableConstraint,
        out: &mut Out,
    ) -> Result<()> {
        if let Some(name) = constraint_name(table, naming, constraint) {
            out.push(&format!("CONSTRAINT {} ", quoted(&name)));
        }
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                out.push(&format!("PRIMARY KEY ({})", ordered_names(&key.columns, &key.orders)));
                on_conflict(key.on_conflict, out);
            }
            TableConstraint::Unique(unique) => {
                out.push(&format!("UNIQUE ({})", ordered_names(&unique.columns, &unique.orders)));
                on_conflict(unique.on_conflict, out);
            }
            TableConstraint::ForeignKey(key) => foreign_key(key, out),
            TableConstraint::Check(check) => {
                out.push("CHECK (");
                self.condition_at(&check.condition, 0, out)?;
                out.push(")");
                on_conflict(check.on_conflict, out);
            }
        }
        Ok(())
    }

    fn create_index(
        &mut self,
        table: &Table,
        index: &Index,
        naming: &NamingConvention,
        if_not_exists: bool,
        out: &mut Out,
    ) -> Result<()> {
        let Some(name) = index_name(table, index, naming) else {
            let message = format!("an index of '{}' has no name, and the naming convention makes none", table.name);
            return Err(compile_error(message));
        };
        let unique = if index.unique { "UNIQUE " } else { "" };
        let exists = if if_not_exists { "IF NOT EXISTS " } else { "" };
        let name = qualified(table.schema.as_deref(), &name);
        out.push(&format!("CREATE {unique}INDEX {exists}{name} ON {} (", quoted(&table.name)));
        let outer = std::mem::replace(&mut self.qualify, false);
        let mut done = Ok(());
        for (at, element) in index.elements.iter().enumerate() {
            out.push(if at > 0 { ", " } else { "" });
            match element {
                IndexElement::Column(column) => out.push(&quoted(column)),
                IndexElement::Expr(expr) => done = done.and(self.expr(expr, out)),
            }
        }
        out.push(")");
        if let Some(condition) = &index.condition {
            out.push(" WHERE ");
            done = done.and(self.condition_at(condition, 0, out));
        }
        self.qualify = outer;
        done
    }
}

/// The name of an index: its own, or one by the convention.
pub(crate) fn index_name(table: &Table, index: &Index, naming: &NamingConvention) -> Option<String> {
    let columns = index.elements.iter().map(|element| match element {
        IndexElement::Column(name) => name.clone(),
        IndexElement::Expr(expr) => match &expr.kind {
            Kind::Column(column) => column.name.base().clone(),
            _ => Rc::from("expr"),
        },
    });
    let named = Named {
        table,
        columns: columns.collect(),
        referred_table: None,
        referred_columns: Vec::new(),
        given: index.name.clone(),
    };
    naming.name("ix", &named)
}

fn constraint_name(table: &Table, naming: &NamingConvention, constraint: &TableConstraint) -> Option<String> {
    let (given, columns, referred) = match constraint {
        TableConstraint::PrimaryKey(key) => (&key.name, key.columns.clone(), None),
        TableConstraint::Unique(unique) => (&unique.name, unique.columns.clone(), None),
        TableConstraint::Check(check) => (&check.name, Vec::new(), None),
        TableConstraint::ForeignKey(key) => (&key.name, key.columns.clone(), Some(key)),
    };
    let named = Named {
        table,
        columns,
        referred_table: referred.map(|key| key.table.clone()),
        referred_columns: referred.map(|key| key.referred.clone()).unwrap_or_default(),
        given: given.clone(),
    };
    naming.name(constraint.kind(), &named)
}

/// All constraints behind the columns, in SQLAlchemy's order: the primary key, then the table's own and the columns'.
fn constraints(table: &Table, autoincrement: bool) -> Vec<TableConstraint> {
    let mut all = Vec::new();
    let own_key = table.constraints.iter().find_map(|constraint| match constraint {
        TableConstraint::PrimaryKey(key) => Some(key.clone()),
        _ => None,
    });
    let columns = table.primary_key();
    if !autoincrement && !columns.is_empty() && table.descending_key().is_none() {
        let conflict = match columns[..] {
            [column] => column.on_conflict_primary_key,
            _ => None,
        };
        all.push(TableConstraint::PrimaryKey(own_key.unwrap_or_else(|| PrimaryKey {
            name: None,
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            orders: Vec::new(),
            on_conflict: conflict,
        })));
    }
    for column in &table.columns {
        for key in &column.foreign_keys {
            let columns = vec![column.name.clone()];
            all.push(TableConstraint::ForeignKey(ForeignKey { columns, ..key.clone() }));
        }
    }
    for column in table.columns.iter().filter(|column| column.unique && !column.index) {
        let columns = vec![column.name.clone()];
        all.push(TableConstraint::Unique(Unique {
            name: None,
            columns,
            orders: Vec::new(),
            on_conflict: column.on_conflict_unique,
        }));
    }
    for column in &table.columns {
        let (values, name) = match guarded(&column.ty) {
            SqlType::Enum(given) if given.create_constraint => {
                let values = given.values.iter().map(|value| string_literal(value)).collect::<Vec<_>>().join(", ");
                (values, given.name.as_deref().map(Rc::from))
            }
            SqlType::CheckedBoolean(name) => ("0, 1".to_owned(), name.clone()),
            _ => continue,
        };
        let sql = format!("{} IN ({values})", quoted(&column.name));
        let condition: Expr = crate::expr::literal_column(&sql, SqlType::Null);
        all.push(TableConstraint::Check(Check { name, condition, on_conflict: None }));
    }
    let rest = table.constraints.iter().filter(|constraint| !matches!(constraint, TableConstraint::PrimaryKey(_)));
    all.extend(rest.cloned());
    all
}

/// The type that may bring a CHECK constraint along, also below types of the user's.
fn guarded(ty: &SqlType) -> &SqlType {
    match ty {
        SqlType::Custom(custom) => guarded(&custom.implementation),
        other => other,
    }
}

/// The column behind which AUTOINCREMENT stands.
fn autoincrement(table: &Table) -> Result<Option<&Rc<str>>> {
    if !table.options.autoincrement {
        return Ok(None);
    }
    match table.primary_key()[..] {
        [column] if column.ty.words() == "INTEGER" && column.foreign_keys.is_empty() => {
            Ok(table.columns.iter().find(|other| other.name == column.name).map(|column| &column.name))
        }
        [_] => Err(compile_error("Autoincrement is only available on INTEGER PRIMARY KEY without a foreign key")),
        _ => Err(compile_error("SQLite does not support autoincrement for composite primary keys")),
    }
}

fn check_strict(table: &Table, column: &Column) -> Result<()> {
    let ddl = column.ty.words();
    if ["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"].contains(&ddl.as_str()) {
        return Ok(());
    }
    let message = format!(
        "the table '{}' is STRICT, where columns are INTEGER, REAL, TEXT, BLOB or ANY; '{}' is {}",
        table.name,
        column.name,
        if ddl.is_empty() { "without a type" } else { &ddl }
    );
    Err(Error::new(ErrorKind::Compile, message))
}

/// SQLite's foreign keys never leave their database: as in SQLAlchemy, one that would is for joins only.
fn stays(table: &Table, constraint: &TableConstraint) -> bool {
    let database = |schema: &Option<Rc<str>>| schema.clone().filter(|name| &**name != "main");
    match constraint {
        TableConstraint::ForeignKey(key) => database(&key.schema) == database(&table.schema),
        TableConstraint::PrimaryKey(_) | TableConstraint::Unique(_) | TableConstraint::Check(_) => true,
    }
}

fn foreign_key(key: &ForeignKey, out: &mut Out) {
    out.push(&format!("FOREIGN KEY({}) REFERENCES {}", names(&key.columns), quoted(&key.table)));
    // Without columns it is the other table's primary key.
    if !key.referred.is_empty() {
        out.push(&format!(" ({})", names(&key.referred)));
    }
    if let Some(matching) = &key.matching {
        out.push(&format!(" MATCH {matching}"));
    }
    if let Some(action) = key.on_delete {
        out.push(&format!(" ON DELETE {}", action.as_str()));
    }
    if let Some(action) = key.on_update {
        out.push(&format!(" ON UPDATE {}", action.as_str()));
    }
    match key.deferrable {
        Some(true) => out.push(" DEFERRABLE"),
        Some(false) => out.push(" NOT DEFERRABLE"),
        None => {}
    }
    match key.initially_deferred {
        Some(true) => out.push(" INITIALLY DEFERRED"),
        Some(false) => out.push(" INITIALLY IMMEDIATE"),
        None => {}
    }
}

fn ordered_names(columns: &[Rc<str>], orders: &[Rc<str>]) -> String {
    let order = |at: usize| orders.get(at).filter(|order| !order.is_empty()).map_or(String::new(), |o| format!(" {o}"));
    let names = columns.iter().enumerate().map(|(at, name)| quoted(name) + &order(at));
    names.collect::<Vec<_>>().join(", ")
}

fn names(columns: &[Rc<str>]) -> String {
    columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

fn on_conflict(clause: Option<ConflictClause>, out: &mut Out) {
    if let Some(clause) = clause {
        out.push(&format!(" ON CONFLICT {}", clause.as_str()));
    }
}

/// Whether it is one word, one number or one string.
fn is_literal(sql: &str) -> bool {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let string = sql.len() >= 2 && sql.starts_with('\'') && sql.ends_with('\'') && {
        let inner = &sql[1..sql.len() - 1];
        !inner.replace("''", "").contains('\'')
    };
    let number = sql.strip_prefix(['-', '+']).unwrap_or(sql);
    let number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    word(sql) || string || number
}
