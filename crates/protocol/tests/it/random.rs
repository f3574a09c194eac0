//! A small generator of pseudo-random numbers (SplitMix64), so that a failed test can be run again with its seed.

use aludel_protocol::Value;
use std::time::{SystemTime, UNIX_EPOCH};

pub struct Random(u64);

impl Random {
    /// Seeded by `ALUDEL_SEED`, else by the clock; says which, so that a failure names it.
    pub fn seeded(test: &str) -> Random {
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        let seed = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(clock);
        println!("{test}: ALUDEL_SEED={seed} runs it again");
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub fn text(&mut self) -> String {
        const ODD: [char; 12] = [
            '\0',
            'ß',
            'é',
            '\u{301}',
            '\u{7ff}',
            '\u{800}',
            '日',
            '\u{ffff}',
            '\u{10000}',
            '\u{1f9ea}',
            '\u{10ffff}',
            '"',
        ];
        let ascii_only = self.chance(2);
        let len = self.below(24);
        (0..len)
            .map(|_| {
                if ascii_only || self.chance(2) {
                    char::from(self.below(128) as u8)
                } else if self.chance(3) {
                    char::from_u32(self.next() as u32 % 0x11_0000).unwrap_or('\u{fffd}')
                } else {
                    ODD[self.below(ODD.len())]
                }
            })
            .collect()
    }

    pub fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let len = self.below(limit);
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Any value that SQLite stores: every integer, every real but NaN, every text, every blob.
    pub fn value(&mut self) -> Value {
        match self.below(8) {
            0 => Value::Null,
            1 => Value::Integer(self.next() as i64),
            2 => Value::Integer(self.next() as i64 >> self.below(64)),
            3 => Value::Real([0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 0.5][self.below(6)]),
            4 => Some(f64::from_bits(self.next())).filter(|r| !r.is_nan()).map_or(Value::Null, Value::Real),
            5 | 6 => Value::Text(self.text()),
            _ => Value::Blob(self.bytes(40)),
        }
    }
}
