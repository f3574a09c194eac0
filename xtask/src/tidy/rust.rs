//! Rules about Rust code.

use super::code::{code_only, has_word};
use super::{Complaints, Source};

/// The only places where Rust's promises are made by hand.
const UNSAFE: [&str; 4] =
    ["crates/worker/src/sqlite/", "crates/worker/src/sqlite.rs", "crates/worker/src/vfs/", "crates/worker/src/vfs.rs"];
/// Where values of JavaScript may be met without a type.
const JS_VALUE: [&str; 6] = [
    "crates/js/",
    "crates/core-js/",
    "crates/worker/src/entry/",
    "crates/worker/src/entry.rs",
    "crates/worker/src/vfs/",
    "src/transport/web/",
];
/// The crates that export to JavaScript.
const LEAVES: [&str; 3] = ["crates/js/", "crates/core-js/", "crates/worker/"];
/// Endings of names that say nothing about the thing.
const EMPTY_NAMES: [&str; 5] = ["Manager", "Helper", "Util", "Utils", "Impl"];

/// The lines of a file with their numbers, comments and literals blanked.
fn code_lines(source: &Source) -> Vec<(usize, String)> {
    code_only(&source.text).lines().enumerate().map(|(index, line)| (index + 1, line.to_string())).collect()
}

fn complain(source: &Source, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", source.path)
}

/// `unsafe` is written under the worker's `sqlite` and `vfs` only, in tests as elsewhere.
pub fn unsafe_places(source: &Source) -> Complaints {
    if !source.is(".rs") || source.under(&UNSAFE) {
        return Complaints::new();
    }
    let found = code_lines(source).into_iter().filter(|(_, line)| has_word(line, "unsafe"));
    found.map(|(line, _)| complain(source, line, "unsafe outside the worker's sqlite and vfs")).collect()
}

/// A block is preceded by a comment that says why it is sound, in the same statement.
pub fn safety_lines(source: &Source) -> Complaints {
    if !source.is(".rs") {
        return Complaints::new();
    }
    let written: Vec<&str> = source.text.lines().collect();
    let is_block = |line: &str| line.contains("unsafe {") || line.contains("unsafe impl");
    let explained = |line: usize| written[line.saturating_sub(9)..line].iter().any(|line| line.contains("SAFETY:"));
    let blocks = code_lines(source).into_iter().filter(|(line, code)| is_block(code) && !explained(*line));
    blocks.map(|(line, _)| complain(source, line, "an unsafe block without a SAFETY line")).collect()
}

/// The root of every crate forbids unsafe code; the worker denies it and allows it in two modules.
pub fn forbids_unsafe(source: &Source) -> Complaints {
    let is_root = source.is("src/lib.rs") || source.is("src/main.rs") || source.path.contains("src/bin/");
    if !source.is(".rs") || !is_root || source.under(&["fuzz/"]) {
        return Complaints::new();
    }
    let wanted = if source.under(&["crates/worker/"]) { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
    if source.text.contains(wanted) { Complaints::new() } else { vec![complain(source, 1, &format!("lacks {wanted}"))] }
}

/// `JsValue` stays in the files that border on JavaScript.
pub fn js_value_places(source: &Source) -> Complaints {
    if !source.is_product_rust() || source.under(&JS_VALUE) {
        return Complaints::new();
    }
    let found = code_lines(source).into_iter().filter(|(_, line)| has_word(line, "JsValue"));
    found.map(|(line, _)| complain(source, line, "JsValue away from the border to JavaScript")).collect()
}

/// Outside the leaves the attribute imports (`extern`), and never exports.
pub fn exports(source: &Source) -> Complaints {
    if !source.is_product_rust() || source.under(&LEAVES) {
        return Complaints::new();
    }
    let lines = code_lines(source);
    let mut complaints = Complaints::new();
    let mut inside_import = false;
    for (index, (number, line)) in lines.iter().enumerate() {
        if line.contains("extern ") {
            inside_import = true;
        } else if line.starts_with('}') {
            inside_import = false;
        }
        let imports = inside_import || lines[index..].iter().take(3).any(|(_, next)| next.contains("extern "));
        if line.contains("#[wasm_bindgen") && !imports {
            complaints.push(complain(source, *number, "an export to JavaScript outside the leaves"));
        }
    }
    complaints
}

/// What a target needs is a module of its own: the target is asked about where modules are chosen, nowhere else.
pub fn target_cfg(source: &Source) -> Complaints {
    if !source.is_product_rust() {
        return Complaints::new();
    }
    let lines = code_lines(source);
    let mut complaints = Complaints::new();
    for (index, (number, line)) in lines.iter().enumerate() {
        if !has_word(line, "target_arch") {
            continue;
        }
        let attribute = line.trim_start().starts_with("#[cfg(");
        let item = lines[index + 1..].iter().map(|(_, next)| next.trim()).find(|next| !next.starts_with("#["));
        let chooses = item.is_some_and(|item| {
            let item = item.strip_prefix("pub").map_or(item, |rest| rest.trim_start_matches(|c| c != ' ').trim_start());
            ["mod ", "use ", "extern crate "].iter().any(|word| item.starts_with(word))
        });
        if !(attribute && chooses) {
            complaints.push(complain(source, *number, "target_arch away from a mod or use line"));
        }
    }
    complaints
}

/// A name says what a thing is; these endings do not.
pub fn empty_names(source: &Source) -> Complaints {
    if !source.is_product_rust() {
        return Complaints::new();
    }
    let mut complaints = Complaints::new();
    let mut foreign = false;
    for (number, line) in code_lines(source) {
        // What is imported has the name that it has where it comes from.
        foreign = (foreign || has_word(&line, "extern")) && !line.starts_with('}');
        let words: Vec<&str> =
            line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let declares = ["struct", "enum", "trait", "type"].contains(&pair[0]);
            if declares && EMPTY_NAMES.iter().any(|ending| pair[1].ends_with(ending)) {
                complaints.push(complain(source, number, &format!("`{}` says nothing about the thing", pair[1])));
            }
            if pair[0] == "fn" && !foreign && pair[1].starts_with("get_") && !HAS_GET.contains(&pair[1]) {
                complaints.push(complain(source, number, &format!("`{}` needs no get_", pair[1])));
            }
        }
    }
    complaints
}

/// SQLAlchemy's own names, which users look for, and one that the standard library's maps have.
const HAS_GET: [&str; 26] = [
    "get_mut",
    "get_transaction",
    "get_nested_transaction",
    "get_isolation_level",
    "get_execution_options",
    "get_schema_names",
    "get_table_names",
    "get_view_names",
    "get_temp_table_names",
    "get_temp_view_names",
    "get_columns",
    "get_pk_constraint",
    "get_foreign_keys",
    "get_indexes",
    "get_unique_constraints",
    "get_check_constraints",
    "get_table_options",
    "get_view_definition",
    "get_multi_columns",
    "get_multi_pk_constraint",
    "get_multi_foreign_keys",
    "get_multi_indexes",
    "get_multi_unique_constraints",
    "get_multi_check_constraints",
    "get_multi_table_options",
    "get_sorted_table_and_fkc_names",
];

/// A member that does not say so has no lints at all.
pub fn lints(source: &Source) -> Complaints {
    let is_member = source.path == "Cargo.toml"
        || source.path == "xtask/Cargo.toml"
        || (source.under(&["crates/"]) && source.is("/Cargo.toml"));
    if !is_member || source.text.contains("[lints]\nworkspace = true") {
        return Complaints::new();
    }
    vec![complain(source, 1, "lacks `[lints] workspace = true`")]
}

#[cfg(test)]
mod tests {
    use super::super::examples::{allows_only_in, tells_apart};
    use super::*;

    #[test]
    fn unsafe_is_held_in_its_places() {
        let text = "fn f() { unsafe { g() } }";
        allows_only_in(unsafe_places, "crates/worker/src/vfs/shm.rs", "crates/worker/src/service.rs", text);
        allows_only_in(unsafe_places, "crates/worker/src/sqlite/mod.rs", "src/pool.rs", text);
        tells_apart(unsafe_places, "src/a.rs", "// unsafe\nlet s = \"unsafe\";", "unsafe impl Send for X {}");
    }

    #[test]
    fn an_unsafe_block_without_its_reason_is_found() {
        let path = "crates/worker/src/vfs/shm.rs";
        let good = "// SAFETY: the region lives as long as its users.\nlet x = unsafe { *p };";
        tells_apart(safety_lines, path, good, "let x = unsafe { *p };");
        tells_apart(safety_lines, path, "unsafe extern \"C\" fn f() {}", "// Quick.\nunsafe impl Send for X {}");
    }

    #[test]
    fn a_crate_that_does_not_forbid_unsafe_is_found() {
        tells_apart(forbids_unsafe, "crates/sql/src/lib.rs", "#![forbid(unsafe_code)]", "#![deny(unsafe_code)]");
        tells_apart(forbids_unsafe, "crates/worker/src/lib.rs", "#![deny(unsafe_code)]", "mod a;");
        tells_apart(forbids_unsafe, "tools/x/src/bin/y.rs", "#![forbid(unsafe_code)]", "fn main() {}");
    }

    #[test]
    fn values_of_javascript_are_held_at_the_border() {
        let text = "use wasm_bindgen::JsValue;";
        allows_only_in(js_value_places, "src/transport/web/", "src/connection.rs", text);
        allows_only_in(js_value_places, "crates/js/src/lib.rs", "crates/protocol/src/value.rs", text);
        allows_only_in(js_value_places, "tests/web/main.rs", "crates/worker/src/service.rs", text);
    }

    #[test]
    fn exports_are_held_in_the_leaves() {
        allows_only_in(exports, "crates/js/src/engine.rs", "src/engine.rs", "#[wasm_bindgen]\npub fn start() {}");
        let import = "#[wasm_bindgen]\nextern \"C\" {\n    #[wasm_bindgen(method)]\n    fn close(this: &X);\n}\n";
        let export = format!("{import}\n#[wasm_bindgen(js_name = x)]\npub fn start() {{\n}}\n");
        tells_apart(exports, "src/transport/web/link.rs", import, &export);
    }

    #[test]
    fn targets_are_asked_about_on_mod_and_use_lines() {
        let path = "src/lib.rs";
        tells_apart(
            target_cfg,
            path,
            "#[cfg(target_arch = \"wasm32\")]\nmod web;",
            "if cfg!(target_arch = \"wasm32\") {}",
        );
        let good = "#[cfg(not(target_arch = \"wasm32\"))]\n#[path = \"a.rs\"]\npub(crate) mod web;";
        tells_apart(target_cfg, path, good, "#[cfg(target_arch = \"wasm32\")]\nfn f() {}");
        tells_apart(target_cfg, path, "// target_arch\n", "#[cfg(target_arch = \"wasm32\")]\nlet a = 1;");
    }

    #[test]
    fn empty_names_are_found() {
        tells_apart(empty_names, "src/pool.rs", "struct Pool; fn get_transaction() {}", "struct PoolManager;");
        tells_apart(empty_names, "src/pool.rs", "fn size() {}", "fn get_size() {}");
        let import = "extern \"C\" {\n    fn get_directory();\n}\n";
        tells_apart(empty_names, "src/pool.rs", import, &format!("{import}fn get_size() {{}}"));
    }

    #[test]
    fn a_member_without_lints_is_found() {
        tells_apart(
            lints,
            "crates/sql/Cargo.toml",
            "[lints]\nworkspace = true\n",
            "[package]\nname = \"aludel-sql\"\n",
        );
    }
}
