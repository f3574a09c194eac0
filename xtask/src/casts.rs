//! The casts in the glue of wasm-bindgen, in an order of their own.
//!
//! wasm-bindgen numbers them in an order that depends on where the linker has put functions, and one `worker.js` serves several
//! wasm files. So they are numbered anew, by what they do.

use anyhow::{Result, bail};

/// What casts are called, before 16 digits.
const NAME: &str = "__wbindgen_generic_";
const DIGITS: usize = 16;

/// The glue with its casts in order. `wasm`, which imports them, calls them as that does.
///
/// # Errors
///
/// Another number of names in `wasm` than casts in `glue`.
pub fn in_order(glue: &str, wasm: &mut [u8]) -> Result<String> {
    let ends = |line: &str| line == "        },";
    let begins = format!("        {NAME}");
    let mut lines = glue.lines();
    let (mut casts, mut rest) = (Vec::new(), Vec::new());
    while let Some(line) = lines.next() {
        let Some(cast) = line.strip_prefix(&begins) else {
            rest.push(line);
            continue;
        };
        let (number, head) = cast.split_at(DIGITS);
        let body: Vec<&str> = lines.by_ref().take_while(|line| !ends(line)).collect();
        casts.push((number, [vec![head], body].concat(), rest.len()));
    }
    let mut sorted: Vec<usize> = (0..casts.len()).collect();
    sorted.sort_by_key(|&at| casts[at].1.iter().copied().filter(|line| !is_comment(line)).collect::<String>());
    let renamed = rename(wasm, |number| {
        let old = casts.iter().position(|cast| cast.0 == number)?;
        let new = sorted.iter().position(|&at| at == old)?;
        Some(casts[new].0)
    })?;
    if renamed != casts.len() {
        bail!("{renamed} casts are imported, and {} are in the glue", casts.len());
    }
    let mut text: Vec<String> = Vec::new();
    let mut places = casts.iter().zip(&sorted).peekable();
    for (at, line) in rest.iter().enumerate() {
        while let Some(((number, ..), &from)) = places.next_if(|((.., place), _)| *place == at) {
            let [head, body @ ..] = &casts[from].1[..] else { bail!("a cast without a head") };
            text.push(format!("{begins}{number}{head}"));
            text.extend(body.iter().map(|line| (*line).to_owned()));
            text.push("        },".to_owned());
        }
        text.push((*line).to_owned());
    }
    if places.next().is_some() {
        bail!("the glue ends with a cast");
    }
    Ok(text.join("\n") + "\n")
}

/// Whether a line of glue says nothing to an engine. Comments name functions by their numbers, which differ.
pub fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// Gives casts other numbers, and says how many there were.
fn rename<'a>(wasm: &mut [u8], new: impl Fn(&str) -> Option<&'a str>) -> Result<usize> {
    let (mut at, mut renamed) = (0, 0);
    while let Some(found) = wasm[at..].windows(NAME.len()).position(|bytes| bytes == NAME.as_bytes()) {
        at += found + NAME.len();
        let Some(digits) = wasm.get_mut(at..at + DIGITS) else { bail!("a cast without a number") };
        let old = String::from_utf8_lossy(digits).into_owned();
        let Some(number) = new(&old) else { bail!("the cast {old} is not in the glue") };
        digits.copy_from_slice(number.as_bytes());
        renamed += 1;
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0000000000000001";
    const TWO: &str = "0000000000000002";

    fn glue(casts: [(&str, &str, u32); 2]) -> String {
        let [first, second] = casts.map(|(number, what, index)| {
            format!("        {NAME}{number}: function(a) {{\n            // shim_idx: {index}\n            {what}\n        }},\n")
        });
        format!("before\n{first}{second}        after: function() {{\n        }},\n")
    }

    #[test]
    fn casts_are_in_one_order_whatever_the_linker_did() {
        let mut one = format!("x{NAME}{ONE}y{NAME}{TWO}z").into_bytes();
        let mut other = format!("x{NAME}{ONE}y{NAME}{TWO}z").into_bytes();
        let first = in_order(&glue([(ONE, "b()", 7), (TWO, "a()", 8)]), &mut one).unwrap();
        let second = in_order(&glue([(ONE, "a()", 4), (TWO, "b()", 5)]), &mut other).unwrap();
        assert_eq!(first, glue([(ONE, "a()", 8), (TWO, "b()", 7)]));
        assert_eq!(second, glue([(ONE, "a()", 4), (TWO, "b()", 5)]));
        assert_eq!(String::from_utf8_lossy(&one), format!("x{NAME}{TWO}y{NAME}{ONE}z"));
        assert_eq!(String::from_utf8_lossy(&other), format!("x{NAME}{ONE}y{NAME}{TWO}z"));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let two = glue([(ONE, "a()", 1), (TWO, "b()", 2)]);
        for wasm in
            [format!("{NAME}{ONE}"), format!("{NAME}{ONE}{NAME}00000000000000ff"), format!("{NAME}{ONE}{NAME}0")]
        {
            assert!(in_order(&two, &mut wasm.clone().into_bytes()).is_err(), "{wasm}");
        }
    }
}
