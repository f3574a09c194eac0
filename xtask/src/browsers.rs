//! Where the browsers and their drivers are.

use crate::shell;
use std::path::{Path, PathBuf};

/// Chromium or one of its kind; `$CHROMIUM` overrides the search.
pub fn chromium() -> Option<PathBuf> {
    find(
        "CHROMIUM",
        &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    )
}

/// Firefox; `$FIREFOX` overrides the search.
pub fn firefox() -> Option<PathBuf> {
    find("FIREFOX", &["firefox-esr", "firefox"], "/Applications/Firefox.app/Contents/MacOS/firefox")
}

/// The driver that goes with Chromium; `$CHROMEDRIVER` overrides the search.
pub fn chromedriver() -> Option<PathBuf> {
    find("CHROMEDRIVER", &["chromedriver"], "")
}

fn find(variable: &str, names: &[&str], application: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(PathBuf::from(path)).filter(|path| path.exists());
    }
    names
        .iter()
        .find_map(|name| on_path(name))
        .or_else(|| Some(PathBuf::from(application)).filter(|path| path.exists()))
}

/// The first program of this name on the path.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// The browsers that are tested: Firefox too where nothing may be left out.
pub fn tested() -> &'static [&'static str] {
    if shell::in_ci() { &["chromium", "firefox"] } else { &["chromium"] }
}

/// The browsers that are tested where how they end, and how their tabs share, is what is tested: all that are here.
pub fn shared() -> Vec<&'static str> {
    let there = |name: &&str| *name == "chromium" || shell::in_ci() || firefox().is_some();
    ["chromium", "firefox"].into_iter().filter(there).collect()
}

/// What every script of the tests is told: which browsers to test and where they are, and where the packages are.
pub fn environment() -> Vec<(&'static str, String)> {
    let text = |path: Option<PathBuf>| path.as_deref().map(Path::to_string_lossy).unwrap_or_default().into_owned();
    vec![
        ("ALUDEL_BROWSERS", tested().join(",")),
        ("ALUDEL_TAB_BROWSERS", shared().join(",")),
        ("ALUDEL_PKG", text(Some(shell::root().join("pkg")))),
        ("ALUDEL_PKG_FAULTS", text(Some(shell::root().join("dist/faults")))),
        ("CHROMIUM", text(chromium())),
        ("FIREFOX", text(firefox())),
    ]
}
