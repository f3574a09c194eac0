//! What kind of statement a text is, as far as the first word tells.
#![forbid(unsafe_code)]

/// The first word of a statement, behind white space and comments.
pub(crate) fn first_keyword(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c', ';']);
        rest = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            return &rest[..end];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::first_keyword;

    #[test]
    fn the_first_keyword_stands_behind_comments() {
        for (sql, keyword) in [
            ("insert into t", "insert"),
            (" \n-- select\n ; /* delete */\tUPDATE t", "UPDATE"),
            ("-- nothing", ""),
            ("/* nothing", ""),
            ("", ""),
            ("with(x)", "with"),
            ("é", ""),
        ] {
            assert_eq!(first_keyword(sql), keyword, "{sql}");
        }
    }
}
