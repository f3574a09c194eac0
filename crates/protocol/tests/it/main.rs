//! What the protocol promises, as tests: its bytes do not change unseen, everything that is written is read back, and
//! nothing that is read panics, allocates beyond its frame or is believed unchecked.
//!
//! `ALUDEL_BLESS=1 cargo test -p aludel-protocol` writes the files that hold expected bytes anew.
// `clippy.toml` allows these in test functions only; here, the functions beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod bounds;
mod bundle;
mod errors;
mod golden;
mod properties;
mod random;
mod round_trip;
mod samples;
mod truncation;
mod vectors;

/// Whether files with expected bytes are to be written anew.
fn bless() -> bool {
    std::env::var_os("ALUDEL_BLESS").is_some_and(|value| value == "1")
}
