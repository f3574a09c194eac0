//! How many tests passed and failed, read from what their runners print.

/// The sum of what one runner, or all of them, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u64,
    /// Failed. What was skipped, ignored or given up counts here too: nothing may be left out silently.
    pub failed: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// What the output of a runner says, or `None` where it says nothing. Known are libtest and wasm-bindgen's runner
/// ("test result: ..."), node's ("# pass 3", "ℹ pass 3") and the plain line "3 passed, 0 failed".
pub fn read(output: &str) -> Option<Counts> {
    let mut sum = Counts::default();
    let mut seen = false;
    for line in output.lines() {
        if let Some(counts) = read_line(line.trim()) {
            sum += counts;
            seen = true;
        }
    }
    seen.then_some(sum)
}

fn read_line(line: &str) -> Option<Counts> {
    if let Some(rest) = line.strip_prefix("test result: ") {
        let number = |what| number_before(rest, what);
        return Some(Counts { passed: number("passed")?, failed: number("failed")? + number("ignored").unwrap_or(0) });
    }
    if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
        let (what, count) = rest.split_once(' ')?;
        let count = count.parse().ok()?;
        return match what {
            "pass" => Some(Counts { passed: count, failed: 0 }),
            "fail" | "cancelled" | "skipped" | "todo" => Some(Counts { passed: 0, failed: count }),
            _ => None,
        };
    }
    let (passed, failed) = line.split_once(" passed, ")?;
    let failed = failed.strip_suffix(" failed")?;
    Some(Counts { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

/// The number that stands before a word, as in "5 passed; 0 failed; ...".
fn number_before(text: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = text.split([' ', ';', ',', '.']).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word)?[0].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64) -> Option<Counts> {
        Some(Counts { passed, failed })
    }

    #[test]
    fn the_runners_of_rust_are_read_and_summed() {
        let output = "running 5 tests\ntest a ... ok\n\
            test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\n\
            test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        assert_eq!(read(output), counts(7, 1));
        assert_eq!(
            read("test result: ok. 3 passed; 0 failed; 0 ignored; 0 filtered out; finished in 1.2s"),
            counts(3, 0)
        );
    }

    #[test]
    fn the_runner_of_node_is_read_in_both_of_its_styles() {
        assert_eq!(
            read("# tests 4\n# suites 0\n# pass 3\n# fail 1\n# cancelled 0\n# skipped 0\n# todo 0\n"),
            counts(3, 1)
        );
        assert_eq!(read("ℹ tests 3\nℹ pass 3\nℹ fail 0\nℹ duration_ms 12.5\n"), counts(3, 0));
    }

    #[test]
    fn what_was_left_out_counts_as_failed() {
        assert_eq!(read("test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out"), counts(5, 2));
        assert_eq!(read("# pass 3\n# fail 0\n# cancelled 1\n# skipped 2\n# todo 1\n"), counts(3, 4));
    }

    #[test]
    fn plain_lines_are_read_and_prose_is_not() {
        assert_eq!(read("12 passed, 0 failed\n"), counts(12, 0));
        assert_eq!(read("the 12 passed, as it seems\nall is well\n# a title\n"), None);
        assert_eq!(counts(3, 1).map(|counts| counts.to_string()).as_deref(), Some("3 passed, 1 failed"));
    }
}
