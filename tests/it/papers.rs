//! The tables of docs/ that have a row for each thing that SQLAlchemy has: all rows, and a test for each.

use aludel::EngineOptions;
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

/// The rows of a table of docs/ whose first cell is code: their cells.
fn coded_rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[test]
fn every_option_of_an_engine_is_in_its_paper_with_its_default() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).unwrap();
    let (paper, typed, builder) =
        (read("docs/ENGINE.md"), read("pkg-templates/src/options.ts"), read("src/engine/builder.rs"));
    let rows = coded_rows(paper.split("\n## ").next().unwrap());
    let named: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let interface = typed.split("export interface EngineOptions {").nth(1).unwrap().split("\n}").next().unwrap();
    let options = interface.lines().filter_map(|line| line.strip_prefix("  readonly ")?.split('?').next());
    assert_eq!(named, options.collect::<Vec<_>>(), "in the order of the types");

    let default = EngineOptions::default();
    let numbers = [
        ("poolSize", default.pool_size as f64),
        ("maxOverflow", default.max_overflow as f64),
        ("poolTimeout", default.pool_timeout.as_secs_f64()),
        ("cacheSize", f64::from(default.cache_size)),
        ("lockTimeout", default.lock_timeout.as_secs_f64()),
        ("idleTransactionTimeout", default.idle_transaction_timeout.as_secs_f64()),
        ("logLimit", default.log_limit as f64),
        ("statementCacheSize", f64::from(default.statement_cache_size)),
        ("queryCacheSize", default.query_cache_size as f64),
    ];
    let row_of = |name: &str| -> [&str; 4] {
        let at = named.iter().position(|other| *other == name).unwrap_or_else(|| panic!("{name} has no row"));
        rows[at][..].try_into().unwrap_or_else(|_| panic!("{:?}", rows[at]))
    };
    for (name, number) in numbers {
        assert_eq!(row_of(name)[1].parse::<f64>(), Ok(number), "{name}");
    }
    for name in EngineOptions::NAMES {
        let setter = row_of(name)[3].trim_matches('`');
        let is_there =
            [format!("    {setter}: "), format!("pub fn {setter}(")].iter().any(|text| builder.contains(text));
        assert!(is_there, "{name} is no {setter} in Rust");
    }
}

/// Whoever has the crate has what its readme leads to.
#[test]
fn what_the_readme_links_to_is_in_the_crate() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let include = manifest.lines().find_map(|line| line.strip_prefix("include = [")).unwrap();
    let included: Vec<&str> = include.split('"').skip(1).step_by(2).map(|path| path.trim_end_matches('*')).collect();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let papers: Vec<&str> = links.filter(|link| !link.contains("://") && !link.is_empty()).collect();
    for paper in &papers {
        assert!(root().join(paper).is_file(), "{paper} is not there");
        let path = format!("/{paper}");
        assert!(included.iter().any(|start| path.starts_with(start)), "{paper} is not in the crate");
    }
    assert!(papers.len() > 15, "{papers:?}");
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
