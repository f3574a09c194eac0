//! Chance that can be had again.
#![allow(clippy::print_stderr, reason = "a seed is printed, so that whoever sees a failure can have it again")]

/// SplitMix64. The seed is printed, so that a failure can be had again: `ALUDEL_SEED=<seed> cargo test <name>`.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for a test, by [`Random::seed_for`].
    pub fn new(what: &str) -> Random {
        Random(Random::seed_for(what))
    }

    /// The seed for a test: that of the environment, or the time. It is printed.
    pub fn seed_for(what: &str) -> u64 {
        let seed = std::env::var("ALUDEL_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(|| std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(1, |since| since.as_nanos() as u64));
        eprintln!("{what}: ALUDEL_SEED={seed}");
        seed
    }

    /// A generator with this seed.
    pub fn with_seed(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below the bound; 0 when that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound.max(1) as u64) as usize
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, among: &[T]) -> Option<T> {
        among.get(self.below(among.len())).copied()
    }
}
