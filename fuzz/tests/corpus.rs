//! The fuzz targets on a stable compiler: every golden frame, every seed on file, and mutations of both.
//!
//! `ALUDEL_SEED=...` runs a failed test again; `ALUDEL_CORPUS=1` writes the golden frames to `corpus/` for cargo-fuzz.

use aludel_fuzz::{TARGETS, Target};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const MUTATIONS: usize = 40_000;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// The golden frames of the protocol, which are on file as hex dumps.
fn golden() -> Vec<(String, Vec<u8>)> {
    let frame = |dump: &[u8]| -> Vec<u8> {
        let dump = std::str::from_utf8(dump).unwrap();
        let columns = dump.lines().map(|line| &line[7..line.find('|').unwrap()]);
        columns.flat_map(str::split_whitespace).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    };
    files(&here("../crates/protocol/tests/golden")).into_iter().map(|(name, dump)| (name, frame(&dump))).collect()
}

/// What a target starts from.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut corpus = files(&here("seeds").join(name));
    match name {
        "request" => corpus.extend(golden().into_iter().filter(|(name, _)| !name.starts_with("reply_"))),
        "reply" => corpus.extend(golden().into_iter().filter(|(name, _)| name.starts_with("reply_"))),
        "batch" => {
            // The batch of a Rows frame begins where the frame says.
            let rows = golden().into_iter().filter(|(name, _)| name.starts_with("reply_rows"));
            corpus.extend(rows.map(|(name, frame)| {
                let at = u32::from_le_bytes(frame[36..40].try_into().unwrap()) as usize;
                (name, frame[at..].to_vec())
            }));
        }
        _ => {}
    }
    assert!(corpus.len() > 3, "{name} starts from {} inputs", corpus.len());
    corpus
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

fn mutate(input: &mut Vec<u8>, corpus: &[(String, Vec<u8>)], random: &mut Random) {
    let at = random.below(input.len());
    let other = &corpus[random.below(corpus.len())].1;
    match random.below(8) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.next() as u8,
        2 if at + 4 <= input.len() => {
            let lie = [0u32, 1, 0x7fff_ffff, u32::MAX, input.len() as u32][random.below(5)];
            input[at..at + 4].copy_from_slice(&lie.to_le_bytes());
        }
        3 => input.truncate(at),
        4 => input.insert(at, random.next() as u8),
        5 if at < input.len() => {
            input.remove(at);
        }
        6 => {
            input.truncate(at);
            input.extend(other.get(at..).unwrap_or(&[]));
        }
        _ => {
            let from = random.below(other.len());
            let piece = &other[from..(from + random.below(24)).min(other.len())];
            input.splice(at..at, piece.iter().copied());
        }
    }
}

fn run(name: &str, target: Target) {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    let seed = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(clock);
    println!("{name}: ALUDEL_SEED={seed} runs it again");
    let mut random = Random(seed);
    let corpus = corpus(name);
    for (input, bytes) in &corpus {
        println!("{name} on {input}");
        target(bytes);
        if std::env::var_os("ALUDEL_CORPUS").is_some() {
            std::fs::create_dir_all(here("corpus").join(name)).unwrap();
            std::fs::write(here("corpus").join(name).join(input), bytes).unwrap();
        }
    }
    for _ in 0..MUTATIONS {
        let mut input = corpus[random.below(corpus.len())].1.clone();
        for _ in 0..1 + random.below(5) {
            mutate(&mut input, &corpus, &mut random);
        }
        // A panic alone would not say on what.
        if std::panic::catch_unwind(|| target(&input)).is_err() {
            panic!("{name} failed on {input:02x?} ({:?})", String::from_utf8_lossy(&input));
        }
    }
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(target, _)| *target == name).expect("a target of this name").1
}

#[test]
fn requests_hold() {
    run("request", target("request"));
}

#[test]
fn replies_hold() {
    run("reply", target("reply"));
}

#[test]
fn batches_hold() {
    run("batch", target("batch"));
}

#[test]
fn statements_hold() {
    run("statement", target("statement"));
}

#[test]
fn tokens_hold() {
    run("tokenizer", target("tokenizer"));
}

#[test]
fn every_target_has_its_program_and_its_seeds() {
    let programs: Vec<String> = files(&here("fuzz_targets")).into_iter().map(|(name, _)| name).collect();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(programs, names);
    for name in names {
        assert!(!files(&here("seeds").join(name)).is_empty(), "{name} has no seeds");
    }
}
