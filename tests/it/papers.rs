//! The tables of docs/ that have a row for each thing that SQLAlchemy has: all rows, and a test for each.

use std::collections::BTreeSet;
use std::path::Path;

/// A paper, and what it has to have.
pub struct Paper {
    /// Its file in docs/.
    pub file: &'static str,
    /// How its rows begin.
    pub letter: char,
    /// The rows that there have to be, by part.
    pub rows: &'static [(&'static str, &'static [u8])],
    /// How a state may begin.
    pub states: &'static [&'static str],
    /// The states that need no test.
    pub untested: &'static [&'static str],
    /// Where the tests are, for each column of tests.
    pub tests: &'static [&'static [&'static str]],
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The tests in the files of folders: names in Rust, each also from its second id on, since a test may show several rows;
/// in JavaScript the ids that a name begins with.
fn tests_in(folders: &[&str]) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    for path in files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let text = std::fs::read_to_string(path).unwrap();
        for name in text.split("#[test]\nfn ").skip(1).filter_map(|piece| piece.split('(').next()) {
            let mut rest = name;
            while let Some(length) = [5, EVENTS.len()].into_iter().find(|length| rest.get(..*length).is_some_and(is_id))
            {
                tests.insert(rest.to_owned());
                rest = rest.get(length + 1..).unwrap_or_default();
            }
        }
        for name in text.split("test(\"").skip(1) {
            tests.extend(name.split(' ').take_while(|word| is_id(word)).map(str::to_owned));
        }
    }
    tests
}

/// The one row without a number.
const EVENTS: &str = "a5_events";

/// Whether it is an id as tests have it: `a3_17`.
fn is_id(word: &str) -> bool {
    if word == EVENTS {
        return true;
    }
    let pattern = [u8::is_ascii_lowercase, u8::is_ascii_digit, is_line, u8::is_ascii_digit, u8::is_ascii_digit];
    word.len() == pattern.len() && word.bytes().zip(pattern).all(|(byte, fits)| fits(&byte))
}

fn is_line(byte: &u8) -> bool {
    *byte == b'_'
}

impl Paper {
    /// Fails with all that is wrong.
    pub fn check(&self) {
        let text = std::fs::read_to_string(root().join("docs").join(self.file)).unwrap();
        let tests: Vec<_> = self.tests.iter().map(|folders| tests_in(folders)).collect();
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        for line in text.lines().filter(|line| line.starts_with(&format!("| {}", self.letter))) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (Some([id, _, state]), Some(named)) = (cells.first_chunk::<3>(), cells.get(3..)) else {
                panic!("{line}")
            };
            assert_eq!(named.len(), tests.len(), "{line}");
            rows.push((*id).to_owned());
            let one_of = |states: &[&str]| states.iter().any(|known| state.starts_with(known));
            if !one_of(self.states) {
                wrong.push(format!("{id} is {state}"));
            }
            if named.iter().all(|cell| *cell == "–") {
                if !one_of(self.untested) {
                    wrong.push(format!("{id} is {state} and has no test"));
                }
                continue;
            }
            let own = id.to_lowercase().replace('.', "_");
            for (cell, tests) in named.iter().zip(&tests).filter(|(cell, _)| **cell != "–") {
                for prefix in cell.split(',').map(|name| name.trim().trim_matches('`')) {
                    // A prefix ends in `_`; what does not is the whole id of a test in JavaScript.
                    let is_there = match prefix.ends_with('_') {
                        true => tests.iter().any(|test| test.starts_with(prefix)),
                        false => tests.contains(prefix),
                    };
                    if !prefix.starts_with(&own) || !is_there {
                        wrong.push(format!("{id} has no test called {prefix}"));
                    }
                }
            }
        }
        let due = self.rows.iter().flat_map(|(part, rows)| rows.iter().map(move |row| format!("{part}.{row:02}")));
        wrong.extend(due.filter(|id| !rows.contains(id)).map(|id| format!("{id} is left out")));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Fails where a link of a row of docs/FIELD.md names no test of the file that it leads to.
#[test]
fn every_bug_of_others_has_a_test_that_is_there() {
    let text = std::fs::read_to_string(root().join("docs/FIELD.md")).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| reports")).collect();
    let mut wrong = Vec::new();
    for row in &rows {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let links: Vec<_> = tests.split("](../").collect();
        if links.len() < 2 {
            wrong.push(format!("no test: {row}"));
        }
        // A link is `[name](../path)`: each piece but the last ends with a name, each but the first begins with a path.
        for pair in links.windows(2) {
            let [before, after] = pair else { continue };
            let name = before.rsplit_once('[').map_or("", |(_, name)| name);
            let path = after.split(')').next().unwrap_or_default();
            let file = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            let begins = [format!("fn {name}("), format!("\"{name}"), format!("`{name}")];
            if name.len() < 10 || !begins.iter().any(|begin| file.contains(begin)) {
                wrong.push(format!("{path} has no test called {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows.len() > 20, "{} rows", rows.len());
}
