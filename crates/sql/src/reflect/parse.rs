//! What a CREATE TABLE says beyond what SQLite's pragmas tell: names, clauses and expressions, by SQLite's own grammar.

use crate::compile::always_quoted;
use crate::schema::{ConflictClause, ForeignKey, ForeignKeyAction};
use crate::token::{Token, TokenKind, tokens};
use std::rc::Rc;

/// A CREATE TABLE, or CREATE VIRTUAL TABLE.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Created {
    pub columns: Vec<Declared>,
    /// All constraints but NOT NULL, in the order in which they stand.
    pub constraints: Vec<Constraint>,
    pub without_rowid: bool,
    pub strict: bool,
    pub is_virtual: bool,
}

/// A column in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Declared {
    pub name: String,
    pub collation: Option<String>,
    pub not_null: Option<ConflictClause>,
    /// The expression, and whether it is STORED.
    pub computed: Option<(String, bool)>,
}

/// A constraint in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constraint {
    pub name: Option<Rc<str>>,
    /// Whether it stands behind a column.
    pub inline: bool,
    /// The columns that it is about; none for a CHECK of the table.
    pub columns: Vec<Rc<str>>,
    /// What stands behind each of them; empty where nothing does.
    pub orders: Vec<Rc<str>>,
    pub on_conflict: Option<ConflictClause>,
    pub kind: Kind,
}

/// What kind of constraint it is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    PrimaryKey { autoincrement: bool },
    Unique,
    ForeignKey(ForeignKey),
    Check(String),
}

/// A CREATE INDEX.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CreatedIndex {
    /// What it is over, without ASC and DESC.
    pub elements: Vec<String>,
    pub condition: Option<String>,
}

/// The tokens of a text, without blanks.
struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
}

/// The name that a token stands for.
pub(super) fn unquoted(token: Token<'_>) -> String {
    let text = token.text;
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    match text.as_bytes().first() {
        Some(b'[') => inner.to_owned(),
        Some(b'"') => inner.replace("\"\"", "\""),
        Some(b'`') => inner.replace("``", "`"),
        Some(b'\'') => inner.replace("''", "'"),
        _ => text.to_owned(),
    }
}

impl<'a> Cursor<'a> {
    fn new(sql: &'a str) -> Cursor<'a> {
        Cursor { sql, tokens: tokens(sql).filter(|token| !token.is_blank()).collect(), at: 0 }
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn is_at(&self, at: usize, word: &str) -> bool {
        let token = self.tokens.get(at);
        token.is_some_and(|token| token.kind != TokenKind::QuotedName && token.text.eq_ignore_ascii_case(word))
    }

    fn is(&self, word: &str) -> bool {
        self.is_at(self.at, word)
    }

    /// Steps over these words, if they all stand here.
    fn eat(&mut self, words: &str) -> bool {
        let count = words.split(' ').count();
        let found = words.split(' ').enumerate().all(|(i, word)| self.is_at(self.at + i, word));
        self.at += if found { count } else { 0 };
        found
    }

    fn name(&mut self) -> String {
        let name = self.peek().map(unquoted).unwrap_or_default();
        self.at += 1;
        name
    }

    /// Steps over what stands in parentheses here and gives its text and its tokens' range.
    fn parens(&mut self) -> Option<(&'a str, std::ops::Range<usize>)> {
        if !self.is("(") {
            return None;
        }
        let (open, mut depth) = (self.at, 0);
        while let Some(token) = self.peek() {
            depth += i32::from(token.text == "(") - i32::from(token.text == ")");
            self.at += 1;
            if depth == 0 {
                let inside = open + 1..self.at - 1;
                // Without comments at its ends: one that ends with its line would take in what follows.
                return Some((self.text(inside.clone()), inside));
            }
        }
        None
    }

    /// The first name of each item of a list in parentheses.
    fn list(&mut self) -> Vec<Rc<str>> {
        let items = self.parens().map(|(_, range)| self.items(range)).unwrap_or_default();
        items.iter().filter_map(|item| self.tokens.get(item.start)).map(|token| unquoted(*token).into()).collect()
    }

    /// What stands behind the names of a list in parentheses, if anything does: collations and DESC.
    fn orders(&self, range: std::ops::Range<usize>) -> Vec<Rc<str>> {
        let order = |item: std::ops::Range<usize>| -> Rc<str> {
            let mut words = Vec::new();
            for at in item.start + 1..item.end {
                if self.is_at(at, "DESC") {
                    words.push("DESC".to_owned());
                } else if self.is_at(at - 1, "COLLATE") {
                    words.push(format!("COLLATE {}", always_quoted(&unquoted(self.tokens[at]))));
                }
            }
            words.join(" ").into()
        };
        let orders: Vec<Rc<str>> = self.items(range).into_iter().map(order).collect();
        if orders.iter().all(|order| order.is_empty()) { Vec::new() } else { orders }
    }

    /// The items between commas.
    fn items(&self, range: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
        let (mut items, mut depth, mut start) = (Vec::new(), 0, range.start);
        for at in range.clone() {
            match self.tokens[at].text {
                "(" => depth += 1,
                ")" => depth -= 1,
                "," if depth == 0 => {
                    items.push(start..at);
                    start = at + 1;
                }
                _ => {}
            }
        }
        items.push(start..range.end);
        items
    }

    /// The text of a range of tokens.
    fn text(&self, range: std::ops::Range<usize>) -> &'a str {
        match (self.tokens.get(range.start), range.end.checked_sub(1).and_then(|last| self.tokens.get(last))) {
            (Some(first), Some(last)) => self.sql.get(first.start..last.end()).unwrap_or_default(),
            _ => "",
        }
    }

    fn on_conflict(&mut self) -> Option<ConflictClause> {
        use ConflictClause::*;
        if !self.eat("ON CONFLICT") {
            return None;
        }
        let word = self.name();
        [Rollback, Abort, Fail, Ignore, Replace].into_iter().find(|clause| word.eq_ignore_ascii_case(clause.as_str()))
    }

    fn action(&mut self) -> Option<ForeignKeyAction> {
        use ForeignKeyAction::*;
        [NoAction, Restrict, SetNull, SetDefault, Cascade].into_iter().find(|action| self.eat(action.as_str()))
    }

    fn references(&mut self) -> ForeignKey {
        let mut key = ForeignKey { table: self.name().into(), referred: self.list(), ..ForeignKey::default() };
        loop {
            if self.eat("ON DELETE") {
                key.on_delete = self.action();
            } else if self.eat("ON UPDATE") {
                key.on_update = self.action();
            } else if self.eat("MATCH") {
                key.matching = Some(self.name());
            } else if !self.deferrable(&mut key) {
                return key;
            }
        }
    }

    fn deferrable(&mut self, key: &mut ForeignKey) -> bool {
        let not = self.eat("NOT DEFERRABLE");
        if !not && !self.eat("DEFERRABLE") {
            return false;
        }
        key.deferrable = Some(!not);
        if self.eat("INITIALLY DEFERRED") {
            key.initially_deferred = Some(true);
        } else if self.eat("INITIALLY IMMEDIATE") {
            key.initially_deferred = Some(false);
        }
        true
    }

    /// A constraint, whatever stands before it.
    fn constraint(&mut self, created: &mut Created, column: Option<usize>) -> bool {
        let before = self.at;
        let mut name = None;
        while self.eat("CONSTRAINT") {
            name = Some(Rc::from(self.name()));
        }
        let own: Vec<Rc<str>> =
            column.and_then(|at| created.columns.get(at)).iter().map(|c| c.name.as_str().into()).collect();
        let (mut columns, mut inline, mut orders) = (own, column.is_some(), Vec::new());
        let mut listed = |cursor: &mut Cursor<'_>, columns: &mut Vec<Rc<str>>, inline: &mut bool| {
            if cursor.is("(") {
                *inline = false;
                let open = cursor.at;
                *columns = cursor.list();
                orders = cursor.orders(open + 1..cursor.at.saturating_sub(1).max(open + 1));
            }
        };
        let kind = if self.eat("PRIMARY KEY") {
            // The word stands within the parentheses of a table's key.
            let open = self.at;
            listed(self, &mut columns, &mut inline);
            let inside = (open..self.at).any(|at| self.is_at(at, "AUTOINCREMENT"));
            if !self.eat("ASC") && self.eat("DESC") {
                orders = vec!["DESC".into()];
            }
            Kind::PrimaryKey { autoincrement: inside }
        } else if self.eat("UNIQUE") {
            listed(self, &mut columns, &mut inline);
            Kind::Unique
        } else if self.eat("CHECK") {
            if !inline {
                columns.clear();
            }
            Kind::Check(self.parens().map(|(text, _)| text.to_owned()).unwrap_or_default())
        } else if self.eat("FOREIGN KEY") {
            (inline, columns) = (false, self.list());
            self.eat("REFERENCES");
            Kind::ForeignKey(self.references())
        } else if self.eat("REFERENCES") {
            Kind::ForeignKey(self.references())
        } else {
            // A name of NOT NULL, DEFAULT and the like is kept by nobody.
            self.at = if name.is_some() { self.at } else { before };
            return name.is_some();
        };
        let on_conflict = self.on_conflict();
        let kind = match kind {
            Kind::PrimaryKey { autoincrement } => {
                Kind::PrimaryKey { autoincrement: self.eat("AUTOINCREMENT") || autoincrement }
            }
            other => other,
        };
        created.constraints.push(Constraint { name, inline, columns, orders, on_conflict, kind });
        true
    }

    fn column(&mut self, created: &mut Created) {
        created.columns.push(Declared { name: self.name(), ..Declared::default() });
        let at = created.columns.len() - 1;
        while self.peek().is_some() && !self.is(",") && !self.is(")") {
            if !self.constraint(created, Some(at))
                && let Some(column) = created.columns.get_mut(at)
            {
                let key = created.constraints.last_mut().map(|last| &mut last.kind);
                self.clause(column, key);
            }
        }
    }

    /// A word of the type, or a clause that is no constraint.
    fn clause(&mut self, column: &mut Declared, before: Option<&mut Kind>) {
        if let Some(Kind::ForeignKey(key)) = before
            && self.deferrable(key)
        {
        } else if self.eat("NOT NULL") {
            column.not_null = self.on_conflict();
        } else if self.eat("NULL") {
            self.on_conflict();
        } else if self.eat("COLLATE") {
            column.collation = Some(self.name());
        } else if self.eat("DEFAULT") {
            let _ = self.eat("+") || self.eat("-");
            if self.parens().is_none() {
                self.at += 1;
            }
        } else if self.eat("AS") {
            let sql = self.parens().map(|(text, _)| text.to_owned()).unwrap_or_default();
            let stored = self.eat("STORED");
            column.computed = Some((sql, stored));
        } else if self.parens().is_none() {
            self.at += 1;
        }
    }
}

/// Reads a CREATE TABLE; what is none gives nothing.
pub(super) fn create_table(sql: &str) -> Created {
    let mut cursor = Cursor::new(sql);
    let mut created = Created::default();
    cursor.eat("CREATE");
    let _ = cursor.eat("TEMP") || cursor.eat("TEMPORARY");
    created.is_virtual = cursor.eat("VIRTUAL");
    if !cursor.eat("TABLE") || created.is_virtual {
        return created;
    }
    cursor.eat("IF NOT EXISTS");
    cursor.name();
    if cursor.eat(".") {
        cursor.name();
    }
    if !cursor.eat("(") {
        return created;
    }
    while cursor.peek().is_some() && !cursor.is(")") {
        let starts = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        if cursor.is(",") {
            cursor.at += 1;
        } else if !starts.iter().any(|word| cursor.is(word)) {
            cursor.column(&mut created);
        } else if !cursor.constraint(&mut created, None) {
            cursor.at += 1;
        }
    }
    cursor.at += 1;
    while cursor.peek().is_some() {
        match () {
            () if cursor.eat("WITHOUT ROWID") => created.without_rowid = true,
            () if cursor.eat("STRICT") => created.strict = true,
            () => cursor.at += 1,
        }
    }
    created
}

/// Reads a CREATE INDEX.
pub(super) fn create_index(sql: &str) -> CreatedIndex {
    let mut cursor = Cursor::new(sql);
    while cursor.peek().is_some() && !cursor.is("(") {
        cursor.at += 1;
    }
    let Some((_, range)) = cursor.parens() else { return CreatedIndex::default() };
    let elements = cursor.items(range).into_iter().map(|item| {
        let ordered = item.end > item.start + 1 && ["ASC", "DESC"].iter().any(|word| cursor.is_at(item.end - 1, word));
        cursor.text(item.start..item.end - usize::from(ordered)).to_owned()
    });
    let elements = elements.collect();
    let condition = cursor.eat("WHERE").then(|| cursor.text(cursor.at..cursor.tokens.len()).to_owned());
    CreatedIndex { elements, condition }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_found_wherever_sqlite_lets_them_stand() {
        let created = create_table(
            "CREATE TEMP TABLE IF NOT EXISTS main.\"t\" ('a b' UNSIGNED BIG INT(10) NOT NULL ON CONFLICT FAIL \
             CONSTRAINT c1 CONSTRAINT c2 UNIQUE ON CONFLICT IGNORE COLLATE \"no case\" DEFAULT -5 CHECK (a > ')'), \
             b GENERATED ALWAYS AS ((1)) STORED REFERENCES [x y] ON DELETE SET NULL MATCH full NOT DEFERRABLE, \
             c AS (2) FOREIGN KEY (b, \"a b\" ) REFERENCES p CONSTRAINT last PRIMARY KEY (c COLLATE x DESC AUTOINCREMENT) \
             ON CONFLICT ROLLBACK) STRICT, WITHOUT ROWID",
        );
        assert!(created.strict && created.without_rowid && !created.is_virtual);
        let names: Vec<&str> = created.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["a b", "b", "c"]);
        assert_eq!(created.columns[0].not_null, Some(ConflictClause::Fail));
        assert_eq!(created.columns[0].collation.as_deref(), Some("no case"));
        assert_eq!(created.columns[1].computed, Some(("(1)".to_owned(), true)));
        assert_eq!(created.columns[2].computed, Some(("2".to_owned(), false)));
        let shown: Vec<String> = created
            .constraints
            .iter()
            .map(|c| format!("{:?} {} {:?} {:?}", c.name.as_deref(), c.inline, c.columns, c.on_conflict))
            .collect();
        assert_eq!(
            shown,
            [
                "Some(\"c2\") true [\"a b\"] Some(Ignore)",
                "None true [\"a b\"] None",
                "None true [\"b\"] None",
                "None false [\"b\", \"a b\"] None",
                "Some(\"last\") false [\"c\"] Some(Rollback)",
            ]
        );
        let Kind::ForeignKey(key) = &created.constraints[2].kind else { panic!("{created:?}") };
        assert_eq!((&*key.table, key.on_delete), ("x y", Some(ForeignKeyAction::SetNull)));
        assert_eq!((key.matching.as_deref(), key.deferrable), (Some("full"), Some(false)));
        assert_eq!(created.constraints[4].kind, Kind::PrimaryKey { autoincrement: true });
    }

    #[test]
    fn texts_that_are_cut_off_anywhere_are_read_to_their_end() {
        let table = "CREATE TABLE t (a INT DEFAULT (1) CHECK (a IN ('x')) REFERENCES p (x), FOREIGN KEY (a) REFERENCES p (a), \
                     FOREIGN x, CONSTRAINT c UNIQUE (a, b) ON CONFLICT ABORT) STRICT";
        let index = "CREATE INDEX i ON t (a DESC, lower(b) || ')') WHERE a > 'b'";
        for (text, at) in [table, index].iter().flat_map(|text| (0..text.len()).map(move |at| (text, at))) {
            create_table(&text[..at]);
            create_index(&text[..at]);
            create_table(&text[at..]);
            create_index(&text[at..]);
        }
        assert!(create_table("CREATE VIRTUAL TABLE v USING fts5(a, b)").is_virtual);
    }
}
