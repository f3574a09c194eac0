//! SQLite's lexical rules (`sqlite3GetToken`), as far as finding parameters and ends of statements takes.

/// What a [`Token`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// White space, a byte order mark included.
    Space,
    /// `-- ...` up to the end of the line, or `/* ... */`, which may lack its end.
    Comment,
    /// A keyword or a name.
    Word,
    /// A name in `"`, `` ` `` or `[]`.
    QuotedName,
    /// `'...'`.
    String,
    /// `x'...'`.
    Blob,
    /// A number.
    Number,
    /// `?`, `?NNN`, `:name`, `@name` or `$name`.
    Parameter,
    /// `;`
    Semicolon,
    /// An operator or punctuation mark.
    Operator,
    /// A string, blob or quoted name whose end is missing, or a character that SQL does not know.
    Illegal,
}

/// A piece of a text of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// At which byte of the text it begins.
    pub start: usize,
    /// Its text.
    pub text: &'a str,
}

impl Token<'_> {
    /// The byte after its last.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it separates tokens and means nothing else.
    pub fn is_blank(&self) -> bool {
        matches!(self.kind, TokenKind::Space | TokenKind::Comment)
    }
}

/// The tokens of a text, every byte of which belongs to one.
pub fn tokens(sql: &str) -> Tokens<'_> {
    Tokens { sql, at: 0 }
}

/// Iterates over the tokens of a text.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.sql.get(self.at..).filter(|rest| !rest.is_empty())?;
        let (kind, len) = measure(rest.as_bytes());
        // A token ends at a character: the only bytes beyond ASCII that stand alone are illegal ones.
        let len = rest.ceil_char_boundary(len.clamp(1, rest.len()));
        let token = Token { kind, start: self.at, text: &rest[..len] };
        self.at += len;
        Some(token)
    }
}

fn measure(z: &[u8]) -> (TokenKind, usize) {
    let at = |i: usize| z.get(i).copied().unwrap_or(0);
    let run = |from: usize, ok: fn(u8) -> bool| z[from..].iter().take_while(|c| ok(**c)).count() + from;
    match z[0] {
        c if is_space(c) => (TokenKind::Space, run(1, is_space)),
        0xef if z.starts_with(b"\xef\xbb\xbf") => (TokenKind::Space, 3),
        b'-' if at(1) == b'-' => (TokenKind::Comment, run(2, |c| c != b'\n')),
        b'-' if at(1) == b'>' => (TokenKind::Operator, if at(2) == b'>' { 3 } else { 2 }),
        b'/' if at(1) == b'*' && z.len() > 2 => {
            let body = z[2..].windows(2).position(|pair| pair == b"*/");
            (TokenKind::Comment, body.map_or(z.len(), |i| i + 4))
        }
        b'=' => (TokenKind::Operator, if at(1) == b'=' { 2 } else { 1 }),
        b'<' => (TokenKind::Operator, if matches!(at(1), b'=' | b'>' | b'<') { 2 } else { 1 }),
        b'>' => (TokenKind::Operator, if matches!(at(1), b'=' | b'>') { 2 } else { 1 }),
        b'!' => {
            if at(1) == b'=' {
                (TokenKind::Operator, 2)
            } else {
                (TokenKind::Illegal, 1)
            }
        }
        b'|' => (TokenKind::Operator, if at(1) == b'|' { 2 } else { 1 }),
        b';' => (TokenKind::Semicolon, 1),
        b'-' | b'(' | b')' | b'+' | b'*' | b'/' | b'%' | b',' | b'&' | b'~' => (TokenKind::Operator, 1),
        quote @ (b'\'' | b'"' | b'`') => {
            let kind = if quote == b'\'' { TokenKind::String } else { TokenKind::QuotedName };
            quoted(z, quote).map_or((TokenKind::Illegal, z.len()), |len| (kind, len))
        }
        b'[' => {
            z.iter().position(|c| *c == b']').map_or((TokenKind::Illegal, z.len()), |i| (TokenKind::QuotedName, i + 1))
        }
        b'.' if !at(1).is_ascii_digit() => (TokenKind::Operator, 1),
        b'0'..=b'9' | b'.' => number(z),
        b'?' => (TokenKind::Parameter, run(1, |c| c.is_ascii_digit())),
        b'$' | b'@' | b':' => variable(z),
        b'x' | b'X' if at(1) == b'\'' => {
            let digits = run(2, |c| c.is_ascii_hexdigit());
            if at(digits) == b'\'' && digits % 2 == 0 {
                (TokenKind::Blob, digits + 1)
            } else {
                (TokenKind::Illegal, run(digits, |c| c != b'\'') + 1)
            }
        }
        c if is_name(c) => (TokenKind::Word, run(1, is_name)),
        _ => (TokenKind::Illegal, 1),
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r')
}

fn is_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b'$' || c >= 0x80
}

/// How long a quoted token is; a doubled quote is part of it.
fn quoted(z: &[u8], quote: u8) -> Option<usize> {
    let mut i = 1;
    loop {
        i += z.get(i..)?.iter().position(|c| *c == quote)? + 1;
        if z.get(i) != Some(&quote) {
            return Some(i);
        }
        i += 1;
    }
}

fn number(z: &[u8]) -> (TokenKind, usize) {
    let at = |i: usize| z.get(i).copied().unwrap_or(0);
    let digits = |mut i: usize, ok: fn(&u8) -> bool| {
        while ok(&at(i)) || at(i) == b'_' {
            i += 1;
        }
        i
    };
    let mut i = 0;
    if z[0] == b'0' && matches!(at(1), b'x' | b'X') && at(2).is_ascii_hexdigit() {
        i = digits(3, u8::is_ascii_hexdigit);
    } else {
        i = digits(i, u8::is_ascii_digit);
        if at(i) == b'.' {
            i = digits(i + 1, u8::is_ascii_digit);
        }
        let sign = usize::from(matches!(at(i + 1), b'+' | b'-'));
        if matches!(at(i), b'e' | b'E') && at(i + 1 + sign).is_ascii_digit() {
            i = digits(i + 2 + sign, u8::is_ascii_digit);
        }
    }
    let end = i + z[i..].iter().take_while(|c| is_name(**c)).count();
    (if end > i { TokenKind::Illegal } else { TokenKind::Number }, end)
}

/// `:name`, `@name` and `$name`; a name may hold `::` and end in `(...)`, as in Tcl.
fn variable(z: &[u8]) -> (TokenKind, usize) {
    let (mut i, mut letters) = (1, 0);
    while let Some(c) = z.get(i).copied() {
        if is_name(c) {
            letters += 1;
        } else if c == b'(' && letters > 0 {
            let inside = z[i..].iter().take_while(|c| !is_space(**c) && **c != b')').count();
            if z.get(i + inside) == Some(&b')') {
                return (TokenKind::Parameter, i + inside + 1);
            }
            return (TokenKind::Illegal, i + inside);
        } else if c == b':' && z.get(i + 1) == Some(&b':') {
            i += 1;
        } else {
            break;
        }
        i += 1;
    }
    (if letters == 0 { TokenKind::Illegal } else { TokenKind::Parameter }, i)
}

#[cfg(test)]
mod tests {
    use super::TokenKind::*;
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &[(TokenKind, &str)]) {
        let all: Vec<_> = tokens(sql).collect();
        assert_eq!(all.iter().map(|t| t.text).collect::<Vec<_>>().concat(), sql, "every byte belongs to a token");
        let seen: Vec<_> = all.iter().filter(|t| t.kind != Space).map(|t| (t.kind, t.text)).collect();
        assert_eq!(seen, expected, "{sql}");
    }

    #[test]
    fn tokens_are_sqlites() {
        check(
            "SELECT a1, _b FROM t$",
            &[(Word, "SELECT"), (Word, "a1"), (Operator, ","), (Word, "_b"), (Word, "FROM"), (Word, "t$")],
        );
        check("'it''s' 'a", &[(String, "'it''s'"), (Illegal, "'a")]);
        check("''''", &[(String, "''''")]);
        check("\"a\"\"b\" `c` [d e]", &[(QuotedName, "\"a\"\"b\""), (QuotedName, "`c`"), (QuotedName, "[d e]")]);
        check("[open", &[(Illegal, "[open")]);
        check("-- a ? :b\n1", &[(Comment, "-- a ? :b"), (Number, "1")]);
        check("/* ' ? */2/*", &[(Comment, "/* ' ? */"), (Number, "2"), (Operator, "/"), (Operator, "*")]);
        check("/* never ends", &[(Comment, "/* never ends")]);
        check("/**/3", &[(Comment, "/**/"), (Number, "3")]);
        check("/*/4", &[(Comment, "/*/4")]);
        check(
            "1.5e-3 .5 0x1F 1_000 1e 2.",
            &[(Number, "1.5e-3"), (Number, ".5"), (Number, "0x1F"), (Number, "1_000"), (Illegal, "1e"), (Number, "2.")],
        );
        check("12ab", &[(Illegal, "12ab")]);
        check("x'0aF' x'0a' X''", &[(Illegal, "x'0aF'"), (Blob, "x'0a'"), (Blob, "X''")]);
        check(
            "? ?12 :a @b $c",
            &[(Parameter, "?"), (Parameter, "?12"), (Parameter, ":a"), (Parameter, "@b"), (Parameter, "$c")],
        );
        check("$a::b(c) :d(e f", &[(Parameter, "$a::b(c)"), (Illegal, ":d(e"), (Word, "f")]);
        check(": ::x", &[(Illegal, ":"), (Illegal, ":"), (Parameter, ":x")]);
        check(
            "a->b->>c<>d||e!=f==g",
            &[
                (Word, "a"),
                (Operator, "->"),
                (Word, "b"),
                (Operator, "->>"),
                (Word, "c"),
                (Operator, "<>"),
                (Word, "d"),
                (Operator, "||"),
                (Word, "e"),
                (Operator, "!="),
                (Word, "f"),
                (Operator, "=="),
                (Word, "g"),
            ],
        );
        check("größe=:größe;", &[(Word, "größe"), (Operator, "="), (Parameter, ":größe"), (Semicolon, ";")]);
        check("\u{feff}a#\0\\", &[(Word, "a"), (Illegal, "#"), (Illegal, "\0"), (Illegal, "\\")]);
        check("", &[]);
    }
}
