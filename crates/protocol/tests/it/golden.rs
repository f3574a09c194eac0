//! The bytes of every frame are on file: a change of the format shows in review.

use crate::samples;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Sixteen bytes a line: offset, bytes, characters.
fn dump(frame: &[u8]) -> String {
    let mut text = String::new();
    for (line, bytes) in frame.chunks(16).enumerate() {
        write!(text, "{:06x} ", line * 16).unwrap();
        for (i, byte) in bytes.iter().enumerate() {
            write!(text, "{}{byte:02x}", if i == 8 { "  " } else { " " }).unwrap();
        }
        let shown: String =
            bytes.iter().map(|b| if b.is_ascii_graphic() || *b == b' ' { *b as char } else { '.' }).collect();
        let width = 7 + 16 * 3 + 1;
        let missing = width - (text.len() - text.rfind('\n').map_or(0, |at| at + 1));
        writeln!(text, "{} |{shown}|", " ".repeat(missing)).unwrap();
    }
    text
}

#[test]
fn every_frame_has_the_bytes_on_file() {
    let mut names = BTreeSet::new();
    for sample in samples::all() {
        assert!(names.insert(format!("{}.hex", sample.name)), "two samples are called {}", sample.name);
        let path = folder().join(format!("{}.hex", sample.name));
        let written = dump(&sample.frame);
        if crate::bless() {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(&path, &written).unwrap();
        }
        let on_file = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(on_file, written, "{} changed: if that is meant, ALUDEL_BLESS=1 writes the files anew", sample.name);
    }
    let on_file: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(on_file, names, "files without a sample, or samples without a file");
}

#[test]
fn every_kind_of_message_has_a_sample() {
    let kinds: BTreeSet<u8> = samples::all().iter().map(|sample| sample.frame[2]).collect();
    let all: BTreeSet<u8> = (0x01..=0x10).chain(0x81..=0x8a).collect();
    assert_eq!(kinds, all);
}
