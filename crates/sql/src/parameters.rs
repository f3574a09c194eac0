//! What parameters a statement wants, the errors when it gets others, and how parameters are shown.

use aludel_protocol::{Batch, Error, ErrorKind, Value, ValueRef};

/// How the parameters of a statement are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// It has none.
    None,
    /// `:name`, `@name`, `$name`.
    Named,
    /// `?` or `?NNN`.
    Positional,
    /// Both.
    Mixed,
}

/// The parameters that a statement wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    /// One value per position.
    Count(usize),
    /// One value per name, in SQLite's index order.
    Names(Vec<&'a str>),
}

/// The error of a parameter without a value; `group` is the index of its set when there are several.
pub fn missing_parameter(name: &str, group: Option<usize>) -> Error {
    let place = group.map_or(String::new(), |group| format!(", in parameter group {group}"));
    let message = format!("A value is required for bind parameter '{name}'{place}");
    let cause = Error::new(ErrorKind::InvalidRequest, message.clone()).with_code("cd3x");
    Error::new(ErrorKind::Statement, message).with_code("cd3x").with_cause(cause)
}

/// The error of a list of values that is too short or too long.
pub fn wrong_count(expected: usize, given: usize, group: Option<usize>) -> Error {
    let place = group.map_or(String::new(), |group| format!(" (in parameter group {group})"));
    Error::new(
        ErrorKind::Programming,
        format!(
            "Incorrect number of bindings supplied. The current statement uses {expected}, and there are {given} supplied.{place}"
        ),
    )
}

/// The error of values given by position to a statement that names its parameters, or the other way round.
pub fn mixed_parameters(expected: &Expected<'_>) -> Error {
    let message = match expected {
        Expected::Names(names) => {
            format!(
                "The statement names its parameters (:{}); give their values by name, not as a list",
                names.join(", :")
            )
        }
        Expected::Count(count) => {
            format!("The statement takes {count} parameters by position (?); give their values as a list, not by name")
        }
    };
    Error::new(ErrorKind::Argument, message)
}

/// How many sets of parameters are shown at most.
const SETS_SHOWN: usize = 10;
/// How many parameters of a set are shown at most.
const VALUES_SHOWN: usize = 100;
/// How many characters of a value are shown at most.
const CHARACTERS_SHOWN: usize = 300;

/// Parameters as SQLAlchemy shows them in logs and errors: `(1, 'a')`, and `[(1, 'a'), (2, 'b')]` for several sets, with
/// long values, long sets and long lists shortened.
pub fn describe(sets: &[Vec<Value>], many: bool) -> String {
    describe_with(sets.len(), many, |index| {
        sets.get(index).map_or(Vec::new(), |set| set.iter().map(Value::as_ref).collect())
    })
}

/// As [`describe`], from an encoded batch.
pub fn describe_batch(batch: &Batch<'_>, many: bool) -> String {
    let columns = batch.columns() as usize;
    let cells: Vec<ValueRef<'_>> = batch.cells().collect();
    describe_with(batch.rows() as usize, many, |index| {
        cells.get(index * columns..(index + 1) * columns).unwrap_or_default().to_vec()
    })
}

fn describe_with<'a>(len: usize, many: bool, set: impl Fn(usize) -> Vec<ValueRef<'a>>) -> String {
    let shown = |range: std::ops::Range<usize>| range.map(|i| tuple(&set(i))).collect::<Vec<_>>().join(", ");
    if !many {
        return if len == 0 { "()".into() } else { tuple(&set(0)) };
    }
    if len <= SETS_SHOWN {
        return format!("[{}]", shown(0..len));
    }
    format!(
        "[{}  ... displaying {SETS_SHOWN} of {len} total bound parameter sets ...  {}]",
        shown(0..SETS_SHOWN - 2),
        shown(len - 2..len)
    )
}

fn tuple(values: &[ValueRef<'_>]) -> String {
    let shown = |values: &[ValueRef<'_>]| values.iter().map(|value| literal(*value)).collect::<Vec<_>>().join(", ");
    match values {
        [one] => format!("({},)", literal(*one)),
        few if few.len() <= VALUES_SHOWN => format!("({})", shown(few)),
        many => {
            let half = VALUES_SHOWN / 2;
            let cut = many.len() - VALUES_SHOWN;
            format!(
                "({} ... {cut} parameters truncated ... {})",
                shown(&many[..half]),
                shown(&many[many.len() - half..])
            )
        }
    }
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "None".into(),
        ValueRef::Integer(i) => i.to_string(),
        ValueRef::Real(r) => format!("{r:?}"),
        ValueRef::Text(text) => shorten(quote(text)),
        ValueRef::Blob(bytes) => shorten(blob(bytes)),
    }
}

fn shorten(text: String) -> String {
    let len = text.chars().count();
    if len <= CHARACTERS_SHOWN {
        return text;
    }
    let half = CHARACTERS_SHOWN / 2;
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    format!(
        "{} ... ({} characters truncated) ... {}",
        &text[..at(half)],
        len - CHARACTERS_SHOWN,
        &text[at(len - half)..]
    )
}

/// Text as Python writes it: single quotes, unless that takes an escape and double quotes do not.
fn quote(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if (c as u32) < 0x20 || c == '\x7f' => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

fn blob(bytes: &[u8]) -> String {
    // Of a long blob, only the ends are written out at all.
    if bytes.len() > 4 * CHARACTERS_SHOWN {
        let (head, tail) = (&bytes[..CHARACTERS_SHOWN / 4], &bytes[bytes.len() - CHARACTERS_SHOWN / 4..]);
        let cut = bytes.len() - head.len() - tail.len();
        return format!("{} ... ({cut} bytes truncated) ... {}", blob(head), blob(tail));
    }
    let mut out = String::from("b'");
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\'' => out.push_str("\\'"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(*byte as char),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sets: &[Vec<Value>], many: bool, expected: &str) {
        assert_eq!(describe(sets, many), expected);
        let mut batch = aludel_protocol::BatchWriter::new(sets.first().map_or(0, |set| set.len() as u32));
        sets.iter().flatten().for_each(|value| batch.push(value.as_ref()));
        let mut out = aludel_protocol::Writer::new();
        batch.encode_rows(&mut out, sets.len() as u32);
        let bytes = out.finish();
        let batch = Batch::decode(&mut aludel_protocol::Reader::new(&bytes)).unwrap();
        assert_eq!(describe_batch(&batch, many), expected);
    }

    #[test]
    fn parameters_are_shown_as_sqlalchemy_shows_them() {
        let one = |value: Value| [vec![value]];
        check(&[], false, "()");
        check(&[vec![]], false, "()");
        check(&one(1.into()), false, "(1,)");
        check(&[vec![42.into(), "Async".into(), Value::Null, 1.5.into()]], false, "(42, 'Async', None, 1.5)");
        check(&one("it's".into()), false, "(\"it's\",)");
        check(&one("it's \"so\"\n".into()), false, "('it\\'s \"so\"\\n',)");
        check(&one(Value::Blob(vec![0, 65, 255, 39])), false, "(b'\\x00A\\xff\\'',)");
        check(&[vec![1.into()], vec![2.into()]], true, "[(1,), (2,)]");
        check(&[], true, "[]");
    }

    #[test]
    fn long_lists_sets_and_values_are_shortened() {
        let sets: Vec<Vec<Value>> = (0..100i64).map(|i| vec![i.into()]).collect();
        check(
            &sets,
            true,
            "[(0,), (1,), (2,), (3,), (4,), (5,), (6,), (7,)  ... displaying 10 of 100 total bound parameter sets ...  (98,), (99,)]",
        );
        let text = "x".repeat(400);
        let shown = describe(&[vec![text.into()]], false);
        assert_eq!(shown, format!("('{} ... (102 characters truncated) ... {}',)", "x".repeat(149), "x".repeat(149)));
        let set: Vec<Value> = (0..102i64).map(Value::from).collect();
        let shown = describe(&[set], false);
        assert!(shown.contains("48, 49 ... 2 parameters truncated ... 52, 53"), "{shown}");
    }

    #[test]
    fn errors_have_sqlalchemys_words_and_codes() {
        let error = missing_parameter("x", None);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Statement, Some("cd3x")));
        assert_eq!(error.message(), "A value is required for bind parameter 'x'");
        let error = missing_parameter("x", Some(1));
        assert_eq!(error.message(), "A value is required for bind parameter 'x', in parameter group 1");
        let error = wrong_count(1, 2, None);
        assert_eq!(error.code(), Some("f405"));
    }
}
