//! docs/SURFACE.md: all rows that are not of the ORM, and a test for each that is not open.

use crate::papers::Paper;

/// The rows of the ancestors' documents and of SQLAlchemy's asyncio extension.
const SURFACE: Paper = Paper {
    file: "SURFACE.md",
    letter: 'A',
    rows: &[
        ("A0", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]),
        ("A1", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]),
        ("A2", &[1, 2, 3, 4, 5, 6, 7]),
        (
            "A3",
            &[
                1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
                29, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73,
                75, 78, 79, 80, 81,
            ],
        ),
        (
            "A4",
            &[
                1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
                29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
            ],
        ),
        ("A5", &[1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 18]),
    ],
    states: &["done", "different", "n/a", "open"],
    untested: &["n/a", "open"],
    tests: &[&["tests/it/surface", "tests/it"], &["tests/unit"]],
};

#[test]
fn every_row_of_the_surface_has_a_test_unless_it_is_open_and_no_row_is_left_out() {
    SURFACE.check();
}
