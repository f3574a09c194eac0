//! Bytes as text in a JavaScript module: what `pkg-templates/src/inlined.ts` turns back into bytes.
//!
//! Base64 spoils what a server's compression finds: a repeated byte sequence becomes one of four texts, as it lies. Here each byte
//! has a text of its own, one character for the frequent ones and two for the others, and gzip makes as much of it as of the bytes.

use std::cmp::Reverse;

/// How many characters begin a text of two.
const PREFIXES: usize = 2;

/// Printable ASCII but for what some string, some template or some `<script>` would need escaped: nothing that touches the module
/// has a reason to write any of it in another way.
fn alphabet() -> Vec<u8> {
    (b' '..=b'~').filter(|character| !b"\"$'<\\`".contains(character)).collect()
}

/// The module that holds these bytes.
pub fn module(bytes: &[u8]) -> String {
    let order = by_frequency(bytes);
    let hex: String = order.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("export const inlined = {{ order: \"{hex}\", text: \"{}\" }};\n", text_of(bytes, &order))
}

/// The types of such a module.
pub const TYPES: &str = "\
/** The wasm, so that importing the package fetches nothing. */
export declare const inlined: { readonly order: string; readonly text: string };
";

/// All bytes, the most frequent first.
fn by_frequency(bytes: &[u8]) -> Vec<u8> {
    let mut counts = [0_usize; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let mut order: Vec<u8> = (0..=u8::MAX).collect();
    order.sort_by_key(|byte| Reverse(counts[usize::from(*byte)]));
    order
}

fn text_of(bytes: &[u8], order: &[u8]) -> String {
    let alphabet = alphabet();
    let (prefixes, singles) = alphabet.split_at(PREFIXES);
    let doubles = prefixes.iter().flat_map(|first| alphabet.iter().map(move |second| vec![*first, *second]));
    let mut texts = vec![Vec::new(); 256];
    for (byte, text) in order.iter().zip(singles.iter().map(|single| vec![*single]).chain(doubles)) {
        texts[usize::from(*byte)] = text;
    }
    bytes.iter().flat_map(|byte| &texts[usize::from(*byte)]).map(|character| char::from(*character)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_a_text_of_its_own_that_needs_no_escape() {
        let order: Vec<u8> = (0..=u8::MAX).rev().collect();
        let texts: std::collections::BTreeSet<String> = order.iter().map(|byte| text_of(&[*byte], &order)).collect();
        assert_eq!(texts.len(), 256);
        assert!(!texts.contains(""));
        for text in &texts {
            assert!(text.bytes().all(|byte| alphabet().contains(&byte)), "{text:?}");
            assert!(!texts.iter().any(|other| other != text && other.starts_with(text.as_str())), "{text:?}");
        }
    }

    #[test]
    fn frequent_bytes_take_one_character() {
        let bytes = [vec![7; 300], vec![200; 200], (0..=u8::MAX).collect()].concat();
        assert_eq!(by_frequency(&bytes)[..2], [7, 200]);
        let module = module(&bytes);
        assert!(module.starts_with("export const inlined = { order: \"07c800"), "{module}");
        let text = module.split('"').nth(3).unwrap_or_default();
        assert_eq!(text.len(), 500 + 87 + 2 * 169);
    }
}
