//! Numbers and texts one behind the other in one text: what JavaScript reads as far as it needs it, which is quicker than JSON.
//!
//! ```text
//! count: base 64, low digits first, a character for each: its digit, and 64 more where another follows
//! text: count of its UTF-16 units, then the text       number: count of 2 n, or of -2 n - 1 where it is below zero
//! ```

/// Such a text while it grows.
#[derive(Debug)]
pub struct Fields(String);

impl Fields {
    /// An empty one with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Fields {
        Fields(String::with_capacity(bytes))
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }

    /// How many follow.
    pub fn count(&mut self, count: usize) {
        self.digits(count as u64);
    }

    /// A whole number.
    pub fn number(&mut self, number: i64) {
        self.digits(((number << 1) ^ (number >> 63)) as u64);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.count(if text.is_ascii() { text.len() } else { text.encode_utf16().count() });
        self.0.push_str(text);
    }

    fn digits(&mut self, mut rest: u64) {
        while rest >= 64 {
            self.0.push(char::from((rest & 63) as u8 | 64));
            rest >>= 6;
        }
        self.0.push(char::from(rest as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_lengths_that_javascript_counts() {
        let mut fields = Fields::with_capacity(0);
        fields.count(0);
        fields.count(63);
        fields.count(64);
        fields.count(4096);
        fields.number(-1);
        fields.number(2);
        fields.text("ab");
        fields.text("ü🦀");
        fields.text("");
        assert_eq!(fields.finish(), "\u{0}\u{3f}\u{40}\u{1}\u{40}\u{40}\u{1}\u{1}\u{4}\u{2}ab\u{3}ü🦀\u{0}");
    }

    #[test]
    fn every_number_has_its_digits() {
        let number = |number: i64| {
            let mut fields = Fields::with_capacity(0);
            fields.number(number);
            fields.finish().bytes().rev().fold(0_u128, |all, digit| all << 6 | u128::from(digit & 63))
        };
        for n in [0, 1, -1, 31, -32, 1 << 40, i64::MAX, i64::MIN] {
            let expected = if n < 0 { (-2 * i128::from(n) - 1) as u128 } else { 2 * n as u128 };
            assert_eq!(number(n), expected, "{n}");
        }
    }
}
