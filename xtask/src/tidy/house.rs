//! Rules about files of every kind.

use super::code::has_word;
use super::{Complaints, Source, Tree};
use anyhow::{Context, Result};

/// The most lines a file may have, its tests not counted.
const LONGEST: usize = 500;

/// A long file has two concerns.
pub fn length(source: &Source) -> Complaints {
    let is_code = [".rs", ".ts", ".js", ".mjs", ".css"].iter().any(|ending| source.is(ending));
    let is_test = source.under(&["tests/", "benches/", "fuzz/"]) || source.path.contains("/tests/");
    if !is_code || is_test {
        return Complaints::new();
    }
    let lines = source.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
    if lines <= LONGEST {
        return Complaints::new();
    }
    vec![format!("{}: {lines} lines, {LONGEST} are the most", source.path)]
}

/// What is not done is not there, and no test is left out.
pub fn leftovers(source: &Source) -> Complaints {
    let rust = source.is(".rs");
    let script = [".ts", ".js", ".mjs"].iter().any(|ending| source.is(ending));
    if !rust && !script {
        return Complaints::new();
    }
    // Put together here, so that this file does not find itself.
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let in_rust = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ign", "ore")];
    let left_out = [".skip(", ".only(", ".todo("];
    let runners = ["test", "it", "describe", "suite", "t"];
    let mut complaints = Complaints::new();
    for (index, line) in source.text.lines().enumerate() {
        let note = notes.iter().find(|word| has_word(line, word));
        let stub = in_rust.iter().filter(|_| rust).find(|text| line.contains(**text));
        let skipped = left_out
            .iter()
            .filter(|_| script)
            .find(|call| runners.iter().any(|runner| line.trim_start().starts_with(&format!("{runner}{call}"))));
        for found in [note, stub, skipped].into_iter().flatten() {
            complaints.push(format!("{}:{}: {found}", source.path, index + 1));
        }
    }
    complaints
}

/// Where things are downloaded from is the business of whoever downloads: mirrors and closed networks exist.
pub fn hosts(source: &Source) -> Complaints {
    let hosts = [
        concat!("registry.", "npmjs"),
        concat!("registry.", "yarnpkg"),
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("pypi", ".org"),
        concat!("files.", "pythonhosted"),
        concat!("deb.", "debian.org"),
        concat!("security.", "debian.org"),
    ];
    let is_npm_lock = source.is("package-lock.json");
    let mut complaints = Complaints::new();
    for (index, line) in source.text.lines().enumerate() {
        let host = hosts.iter().find(|host| line.contains(**host)).copied();
        let address = (is_npm_lock && line.contains("\"resolved\"")).then_some("a download address");
        if let Some(found) = host.or(address) {
            complaints.push(format!("{}:{}: {found}", source.path, index + 1));
        }
    }
    complaints
}

/// The demo works without a network, and tells nobody that someone looks at it.
pub fn no_cdn(source: &Source) -> Complaints {
    if !source.under(&["www/"]) {
        return Complaints::new();
    }
    let loads =
        ["src=\"", "src='", "from \"", "from '", "import(\"", "import \"", "url(", "url(\"", "fetch(\"", "@import \""];
    let mut complaints = Complaints::new();
    for (index, line) in source.text.lines().enumerate() {
        let stylesheet = line.contains("<link") && line.contains("href=\"http");
        if stylesheet
            || loads.iter().any(|load| line.contains(&format!("{load}http")) || line.contains(&format!("{load}//")))
        {
            complaints.push(format!("{}:{}: loads something from elsewhere", source.path, index + 1));
        }
    }
    complaints
}

/// A lock that is taken away from a page that is only slow gives a database two writers: nobody asks for that.
pub fn no_stolen_locks(source: &Source) -> Complaints {
    let script = [".ts", ".js", ".mjs"].iter().any(|ending| source.is(ending));
    let product = source.is_product_rust() || (script && source.under(&["pkg-templates/", "crates/", "www/"]));
    // Put together here, so that this file does not find itself.
    let word = concat!("st", "eal");
    let found = source.text.lines().enumerate().filter(|(_, line)| product && has_word(line, word));
    found.map(|(index, _)| format!("{}:{}: {word}", source.path, index + 1)).collect()
}

/// A style guide that nobody reads to its end guides nobody.
pub fn style(text: &str) -> Complaints {
    let lines = text.lines().count();
    if lines <= 120 { Complaints::new() } else { vec![format!("docs/STYLE.md: {lines} lines, 120 are the most")] }
}

/// Users read README, cargo reads Cargo.toml.
pub fn oldest_rust(tree: &Tree) -> Result<Complaints> {
    let (_, package) = tree.host.member("aludel")?;
    let oldest = package.rust_version.as_deref().context("Cargo.toml names no rust-version")?;
    Ok(names_rust(tree.text("README.md")?, oldest))
}

fn names_rust(readme: &str, oldest: &str) -> Complaints {
    let versions = |line: &str| {
        line.split(|c: char| !c.is_ascii_digit() && c != '.').any(|word| word.trim_end_matches('.') == oldest)
    };
    if readme.lines().any(|line| has_word(line, "Rust") && versions(line)) {
        return Complaints::new();
    }
    vec![format!("README.md does not name Rust {oldest}")]
}

/// The table of errors in the documentation has a row for each kind, by its JavaScript class.
pub fn errors(tree: &Tree) -> Result<Complaints> {
    Ok(undocumented(tree.text("crates/protocol/src/error.rs")?, tree.text("docs/ERRORS.md")?))
}

fn undocumented(code: &str, docs: &str) -> Complaints {
    let table = code.split_once("\nkinds! {").map(|(_, rest)| rest.split("\n}").next().unwrap_or_default());
    let rows =
        table.unwrap_or_default().lines().map(str::trim).filter(|line| !line.starts_with("//") && line.contains(" = "));
    let kinds: Vec<(&str, &str)> =
        rows.filter_map(|row| Some((row.split(' ').next()?, row.split('"').nth(1)?))).collect();
    if kinds.is_empty() {
        return vec!["crates/protocol/src/error.rs: its table of kinds cannot be read".to_string()];
    }
    let missing = kinds.iter().filter(|(kind, class)| {
        !docs.lines().any(|line| line.starts_with('|') && has_word(line, kind) && has_word(line, class))
    });
    missing.map(|(kind, class)| format!("docs/ERRORS.md has no row for {kind} ({class})")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::examples::{allows_only_in, tells_apart};
    use super::*;

    #[test]
    fn long_files_are_found_and_tests_are_not_counted() {
        let long = "let a = 1;\n".repeat(501);
        let tests = format!("fn a() {{}}\n\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        tells_apart(length, "src/pool.rs", &tests, &long);
        tells_apart(length, "src/pool.rs", &"let a = 1;\n".repeat(500), &format!("#[cfg(test)]\nmod fakes;\n{long}"));
        allows_only_in(length, "tests/it/pool.rs", "pkg-templates/src/result.ts", &long);
    }

    #[test]
    fn leftovers_are_found() {
        let note = concat!("// TO", "DO: later");
        tells_apart(leftovers, "src/pool.rs", "// To do things well.\nlist.iter().skip(1)", note);
        tells_apart(leftovers, "src/pool.rs", "fn f() {}", concat!("todo", "!()"));
        tells_apart(leftovers, "src/pool.rs", "#[test]", concat!("#[ign", "ore]"));
        tells_apart(leftovers, "tests/npm/a.test.mjs", "test('a', f);\nrows.skip(1);", "  test.skip('a', f);");
        tells_apart(leftovers, "www/a.js", "it('a', f);", "it.only('a', f);");
    }

    #[test]
    fn hosts_of_registries_are_found() {
        tells_apart(
            hosts,
            "docs/a.md",
            "see https://crates.io/crates/aludel",
            concat!("https://reg", "istry.npm", "js.org/x"),
        );
        tells_apart(
            hosts,
            "tests/package-lock.json",
            "\"integrity\": \"sha512\"",
            "  \"resolved\": \"https://example\"",
        );
    }

    #[test]
    fn a_demo_that_loads_from_elsewhere_is_found() {
        let path = "www/index.html";
        tells_apart(no_cdn, path, "<a href=\"https://example.org\">", "<script src=\"https://cdn.example.org/a.js\">");
        tells_apart(no_cdn, path, "<script src=\"a.js\">", "import x from \"https://cdn.example.org/a.js\";");
        tells_apart(
            no_cdn,
            path,
            "<link href=\"a.css\">",
            "<link rel=\"stylesheet\" href=\"https://example.org/a.css\">",
        );
    }

    #[test]
    fn locks_that_are_taken_away_are_found() {
        let (rust, script) = (r#"&"steal".into()"#, "navigator.locks.request(name, { steal: true }, held)");
        tells_apart(no_stolen_locks, "src/transport/web/lock.rs", r#"&"mode".into()"#, rust);
        tells_apart(no_stolen_locks, "crates/worker/src/entry/lock.rs", "stealth()", rust);
        tells_apart(no_stolen_locks, "pkg-templates/src/engine.ts", "{ ifAvailable: true }", script);
        tells_apart(no_stolen_locks, "www/app.js", "", script);
    }

    #[test]
    fn a_style_guide_that_grows_is_found() {
        assert!(style(&"a\n".repeat(120)).is_empty());
        assert!(!style(&"a\n".repeat(121)).is_empty());
    }

    #[test]
    fn another_oldest_rust_is_found() {
        assert!(names_rust("It needs Rust 1.95 or newer.", "1.95").is_empty());
        assert!(names_rust("The minimum supported Rust version is 1.95.", "1.95").is_empty());
        assert!(!names_rust("It needs Rust 1.90 or newer, written in Rust.", "1.95").is_empty());
        assert!(!names_rust("It needs Rust 1.953.", "1.95").is_empty());
    }

    #[test]
    fn an_undocumented_error_is_found() {
        let code = "\nkinds! {\n    /// Doc = no row.\n    Argument = 1, \"ArgumentError\", \"SQLAlchemyError\", None, false;\n}\n";
        assert!(undocumented(code, "| ArgumentError | SQLAlchemyError | Argument |").is_empty());
        assert_eq!(undocumented(code, "ArgumentError, in prose").len(), 1);
        assert_eq!(undocumented("enum ErrorKind {}", "").len(), 1);
    }
}
