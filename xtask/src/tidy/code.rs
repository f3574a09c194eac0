//! Rust with its comments and literals blanked out, so that a rule meets code only.

/// The same text, each character of a comment, string or character literal replaced by a space; lines stay lines.
pub fn code_only(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = literal_end(&characters, at);
        if end > at {
            out.extend(characters[at..end].iter().map(|character| if *character == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.push(characters[at]);
            at += 1;
        }
    }
    out
}

/// Where the comment or literal that begins here ends; `at` itself where none begins.
fn literal_end(text: &[char], at: usize) -> usize {
    let rest = &text[at..];
    let after_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|character| *character == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => at + block_comment(rest),
        ['"', ..] => at + quoted(rest, 1, '"'),
        ['r', '"' | '#', ..] if !after_word => raw_string(rest).map_or(at, |length| at + length),
        ['b' | 'c', 'r', '"' | '#', ..] if !after_word => raw_string(&rest[1..]).map_or(at, |length| at + 1 + length),
        ['\'', '\\', ..] => at + quoted(rest, 1, '\''),
        // A lifetime is no literal: it has no second quote after its first character.
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn block_comment(text: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted(text: &[char], mut at: usize, quote: char) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// The length of a raw string such as `r#"..."#`, or `None` where it is a raw identifier.
fn raw_string(text: &[char]) -> Option<usize> {
    let hashes = text[1..].iter().take_while(|character| **character == '#').count();
    let body = 2 + hashes;
    if text.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let closes = |at: usize| text[at] == '"' && text[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    let end = (body..text.len()).find(|at| closes(*at));
    Some(end.map_or(text.len(), |at| at + 1 + hashes))
}

/// Whether a word stands in the text, as a whole word.
pub fn has_word(text: &str, word: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_nothing_else() {
        let words = |text: &str| code_only(text).split_whitespace().map(str::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(words("a // unsafe\nb /* unsafe /* x */ unsafe */ c"), "a b c");
        assert_eq!(words(r#"f("unsafe \" unsafe", 'u', '\'', b"x") g"#), "f( , , , b ) g");
        assert_eq!(words("let s = r#\"a \" unsafe\"# ; r\"x\" cr#\"y\"# end"), "let s = ; end");
        assert_eq!(
            words("fn a<'a>(x: &'a str, r#type: char) -> &'static str"),
            "fn a<'a>(x: &'a str, r#type: char) -> &'static str"
        );
        assert_eq!(code_only("a\n/* b\nc */\nd").lines().count(), 4);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("let x: JsValue;", "JsValue"));
        assert!(!has_word("let x: MyJsValue;", "JsValue"));
    }
}
