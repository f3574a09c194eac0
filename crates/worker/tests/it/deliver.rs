//! Rows in frames.

use crate::bench::{Bench, execute, stream};
use aludel_protocol::{Execute, Value};

const COUNT: &str = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ";

fn count(to: u32, cells: &str) -> String {
    format!("{COUNT}{to}) select {cells} from n")
}

#[test]
fn frames_are_as_big_as_asked() {
    let mut bench = Bench::with(1);
    let sql = count(20_000, "i, 'some text ' || i");
    let asked = Execute { first_batch_bytes: 1_000, batch_bytes: 10_000, ..execute(&sql) };
    let id = bench.send_execute(1, &asked, &[]);
    bench.settle();
    let frames = bench.rows(id);
    let (first, rest) = frames.split_first().unwrap();
    assert!((1_000..1_400).contains(&first.frame_len), "{}", first.frame_len);
    let (last, middle) = rest.split_last().unwrap();
    assert!(middle.iter().all(|frame| (9_950..10_400).contains(&frame.frame_len)));
    assert!(last.frame_len < 10_400 && !last.more);
    assert!(first.columns.is_some() && rest.iter().all(|frame| frame.columns.is_none() && !frame.rows.is_empty()));
    assert_eq!(frames.iter().map(|frame| frame.rows.len()).sum::<usize>(), 20_000);
}

#[test]
fn frames_have_sizes_when_none_are_asked_for() {
    let mut bench = Bench::with(1);
    let id = bench.send_execute(1, &execute(&count(100_000, "i")), &[]);
    bench.settle();
    let frames = bench.rows(id);
    assert!((16_000..17_000).contains(&frames[0].frame_len), "{}", frames[0].frame_len);
    assert!((261_000..263_000).contains(&frames[1].frame_len), "{}", frames[1].frame_len);
}

#[test]
fn a_row_bigger_than_a_frame_goes_alone() {
    let mut bench = Bench::with(1);
    let sql = count(9, "i, case i when 5 then zeroblob(50000) when 6 then zeroblob(60000) else x'00' end");
    let asked = Execute { first_batch_bytes: 1_000, batch_bytes: 1_000, ..execute(&sql) };
    let id = bench.send_execute(1, &asked, &[]);
    bench.settle();
    let frames = bench.rows(id);
    let rows: Vec<usize> = frames.iter().map(|frame| frame.rows.len()).collect();
    assert_eq!(rows, [4, 1, 1, 3]);
    assert!(frames[1].frame_len > 50_000 && frames[2].frame_len > 60_000);
    // The same as a stream: each frame costs a credit.
    let id = bench.send_execute(1, &Execute { delivery: stream("", 1, 0).delivery, ..asked }, &[]);
    for expected in [vec![4], vec![1], vec![1], vec![3]] {
        bench.settle();
        assert_eq!(bench.rows(id).iter().map(|frame| frame.rows.len()).collect::<Vec<_>>(), expected);
        bench.send(1, aludel_protocol::Request::Credit { stream: id, credits: 1 });
    }
}

#[test]
fn a_huge_blob_goes_and_comes_whole() {
    let mut bench = Bench::with(1);
    bench.run(1, "create table t (b)");
    let blob: Vec<u8> = (0..32usize << 20).map(|n| (n * 7 + n / 251) as u8).collect();
    bench.try_run(1, &execute("insert into t values (?)"), &[vec![Value::Blob(blob.clone())]]).unwrap();
    let outcome = bench.run(1, "select b, length(b) from t");
    assert_eq!(outcome.rows[0][1], Value::Integer(32 << 20));
    assert!(outcome.rows[0][0] == Value::Blob(blob));
}

#[test]
fn a_thousand_columns_fit() {
    let mut bench = Bench::with(1);
    let sql = format!("select {}", (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", "));
    let outcome = bench.run(1, &sql);
    assert_eq!(outcome.columns.len(), 1_000);
    assert_eq!(outcome.rows[0][999], Value::Integer(999));
}

#[test]
fn texts_of_a_utf16_database_come_as_utf8() {
    let mut bench = Bench::with(1);
    bench.run(1, "pragma encoding = 'UTF-16le'");
    bench.run(1, "create table t (v)");
    assert_eq!(bench.scalar(1, "pragma encoding"), Value::Text("UTF-16le".into()));
    bench.try_run(1, &execute("insert into t values (?)"), &[vec![Value::Text("é🦀".into())]]).unwrap();
    assert_eq!(bench.scalar(1, "select v from t"), Value::Text("é🦀".into()));
}

#[test]
fn text_that_is_not_utf8_is_a_data_error_that_names_its_column() {
    let mut bench = Bench::with(1);
    let error = bench.fail(1, "select 1 as fine, cast(x'6162ff63' as text) as broken");
    assert_eq!(error.kind(), aludel_protocol::ErrorKind::Data);
    assert!(error.message().contains("column 'broken' (column 1)"), "{}", error.message());
    assert!(error.message().contains("from byte 2"), "{}", error.message());
    assert!(error.statement().is_some_and(|sql| sql.contains("broken")));
    assert_eq!(bench.scalar(1, "select x'6162ff63' as blob"), Value::Blob(vec![0x61, 0x62, 0xff, 0x63]));
}
