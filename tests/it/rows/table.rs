//! docs/CORE.md: all rows, and a test for each.

use std::collections::BTreeSet;
use std::path::Path;

/// Rows of the first two tiers, and those that SQLite knows nothing of.
const ROWS: [(&str, &[u8]); 5] = [
    ("B1", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25]),
    ("B2", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
    ("B3", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("B4", &[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15]),
    ("B5", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of tests in the files of a folder.
fn tests_in(folder: &str, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let text = if path.is_file() { std::fs::read_to_string(path).unwrap() } else { continue };
        for (start, end) in [("#[test]\nfn ", '('), ("test(\"", ' ')] {
            for piece in text.split(start).skip(1) {
                into.extend(piece.split(end).next().map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_row_of_the_table_has_a_test_and_no_row_is_left_out() {
    let table = std::fs::read_to_string(root().join("docs/CORE.md")).unwrap();
    let mut tests = BTreeSet::new();
    tests_in("tests/it/rows", &mut tests);
    tests_in("tests/it", &mut tests);
    tests_in("tests/unit", &mut tests);
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for line in table.lines().filter(|line| line.starts_with("| B")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [id, _, state, test] = cells[..] else { panic!("{line}") };
        rows.push(id.to_owned());
        if !["done", "different", "n/a"].iter().any(|known| state.starts_with(known)) {
            wrong.push(format!("{id} is {state}"));
        }
        for prefix in test.split(',').map(|name| name.trim().trim_matches('`')) {
            let own = prefix.to_lowercase().starts_with(&id.to_lowercase().replace('.', "_"));
            // A prefix ends in `_`; what does not is the whole name, so that `b5_01` is no test called `b5_01_...`.
            let is_there = match prefix.ends_with('_') {
                true => tests.iter().any(|test| test.starts_with(prefix)),
                false => tests.contains(prefix),
            };
            if !own || !is_there {
                wrong.push(format!("{id} has no test called {prefix}"));
            }
        }
    }
    let due = ROWS.iter().flat_map(|(part, rows)| rows.iter().map(move |row| format!("{part}.{row:02}")));
    wrong.extend(due.filter(|id| !rows.contains(id)).map(|id| format!("{id} is left out")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
