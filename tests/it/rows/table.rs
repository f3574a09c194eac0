//! docs/CORE.md: all rows, and a test for each.

use crate::papers::Paper;

/// Rows of the first two tiers, and those that SQLite knows nothing of.
const CORE: Paper = Paper {
    file: "CORE.md",
    letter: 'B',
    rows: &[
        ("B1", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25]),
        ("B2", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("B3", &[1, 2, 3, 4, 5, 6, 7, 8]),
        ("B4", &[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15]),
        ("B5", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]),
    ],
    states: &["done", "different", "n/a"],
    untested: &[],
    tests: &[&["tests/it/rows", "tests/it", "tests/unit"]],
};

#[test]
fn every_row_of_the_table_has_a_test_and_no_row_is_left_out() {
    CORE.check();
}
