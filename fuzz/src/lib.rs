//! What must hold for any bytes at all: the bodies of the fuzz targets, one function each, which panic when it does not.

use aludel_protocol::{Batch, Bundle, Error, ErrorKind, Header, Reader, Reply, Request, frames, is_bundle};
use aludel_sql::compile::{Options, Segment, compile};
use aludel_sql::shape::Shape;
use aludel_sql::{Text, TokenKind, first_keyword, is_explain, split_statements, tokens};

/// A target: it panics when something that must hold does not.
pub type Target = fn(&[u8]);

/// Every target with its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("request", request),
    ("reply", reply),
    ("bundle", bundle),
    ("batch", batch),
    ("statement", statement),
    ("tokenizer", tokenizer),
];

/// A request is refused as a Protocol error, or read, written and read again as the same.
pub fn request(bytes: &[u8]) {
    match Request::decode(bytes) {
        Ok((header, request)) => {
            assert_eq!(Header::peek(bytes).expect("a frame that is read has a header"), header);
            let again = request.encode(&header);
            assert_eq!(Request::decode(&again).expect("what was written is read"), (header, request));
        }
        Err(error) => protocol(&error),
    }
}

/// A reply is refused as a Protocol error, or read, written and read again as the same; so is the head of a Rows frame.
pub fn reply(bytes: &[u8]) {
    match Reply::decode(bytes) {
        Ok((header, reply)) => {
            let again = reply.encode(&header);
            assert_eq!(Reply::decode(&again).expect("what was written is read"), (header, reply));
        }
        Err(error) => protocol(&error),
    }
    if let Err(error) = Reply::decode_head(bytes) {
        protocol(&error);
    }
}

/// A message is refused as a Protocol error, or its frames, put together again, are the same bytes.
pub fn bundle(bytes: &[u8]) {
    match frames(bytes) {
        Ok(found) => {
            let mut again = Bundle::default();
            found.iter().for_each(|at| again.push(&[&bytes[at.clone()]]));
            let same = again.send(|message| message == bytes);
            assert_eq!(same, Some(true));
            assert_eq!(found.len() > 1, is_bundle(bytes));
        }
        Err(error) => protocol(&error),
    }
}

/// A batch is refused as a Protocol error, or has exactly the cells that its counts say.
pub fn batch(bytes: &[u8]) {
    match Batch::decode(&mut Reader::new(bytes)) {
        Ok(batch) => {
            let cells = u64::from(batch.rows()) * u64::from(batch.columns());
            assert_eq!(batch.cells().count() as u64, cells);
        }
        Err(error) => protocol(&error),
    }
}

/// The bytes of a statement are refused with an error that names them or what is wrong in them, or compiled, each time to
/// the same SQL, in which each parameter has its place.
pub fn statement(bytes: &[u8]) {
    let statement = match aludel_sql::wire::decode(bytes) {
        Ok(statement) => statement,
        Err(error) => {
            // Texts, columns and depths are looked at while the bytes are read.
            let known = [ErrorKind::Protocol, ErrorKind::Compile, ErrorKind::Argument];
            assert!(known.contains(&error.kind()), "{error}");
            return;
        }
    };
    let Ok(compiled) = compile(&statement, Options::default()) else { return };
    let again = compile(&statement, Options::default()).expect("what was compiled once is compiled again");
    assert_eq!(again.segments, compiled.segments);
    assert_eq!(again.slots, compiled.slots);
    // A statement of the same shape is not compiled again: it has to be the same.
    let shape = Shape::of(&statement, &[]);
    if let Some((shape, mold)) = shape.and_then(|shape| shape.mold(&compiled).map(|mold| (shape, mold))) {
        let cast = shape.cast(&mold);
        assert_eq!((cast.segments, cast.slots), (compiled.segments.clone(), compiled.slots.clone()));
    }
    let lists: Vec<usize> =
        compiled.segments.iter().filter_map(|s| if let Segment::List(slot) = s { Some(*slot) } else { None }).collect();
    assert!(lists.iter().all(|slot| *slot < compiled.slots.len()));
    let _ = compile(&statement, Options { literal_binds: true, ..Options::default() });
    let _ = compile(&statement, Options { keys: Some(&["id", "name"]), ..Options::default() });
}

fn protocol(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
}

/// Every byte of a text belongs to one token, statements lie inside of their script in order, and reading parameters
/// answers with a text whose offsets lead back into what was written.
pub fn tokenizer(bytes: &[u8]) {
    let sql = String::from_utf8_lossy(bytes);
    let mut at = 0;
    for token in tokens(&sql) {
        assert_eq!(token.start, at);
        assert!(!token.text.is_empty());
        assert_eq!(sql.get(token.start..token.end()), Some(token.text));
        at = token.end();
    }
    assert_eq!(at, sql.len());

    let mut end = 0;
    for statement in split_statements(&sql) {
        assert!(statement.offset >= end && !statement.sql.is_empty());
        end = statement.offset + statement.sql.len();
        assert_eq!(sql.get(statement.offset..end), Some(statement.sql));
        is_explain(statement.sql);
    }
    let rest = tokens(&sql[end..]).filter(|token| !token.is_blank()).all(|token| token.kind == TokenKind::Semicolon);
    assert!(rest, "nothing but blanks and semicolons follows the last statement");

    first_keyword(&sql);
    for text in [Text::compile(&sql), Text::verbatim(&sql)].into_iter().flatten() {
        assert!(text.parameter_names().count() <= text.parameter_count());
        let _ = text.expected();
        for offset in 0..=text.sql().len() as u32 {
            assert!(text.original_offset(offset) as usize <= sql.len());
        }
    }
}
