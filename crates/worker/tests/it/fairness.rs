//! Nobody starves: not behind those who ask for much, nor behind those who are many, nor behind those who never finish.

use crate::bench::{Bench, Got, execute, options, stream};
use aludel_protocol::{BeginMode, Execute, Header, OpenOptions, Reply, Request, Storage, TransactionOp, Value};
use aludel_worker::Turn;

const ENDLESS: &str =
    "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i < 0 or i % 50 = 0";
const INSERT: &str = "insert into t (who) values (?)";

/// Clients 1 to `clients` with so many connections each. A look at the clock takes a tenth of a millisecond.
fn bench(clients: u64, connections: u32) -> Bench {
    let mut bench = Bench::fresh();
    for client in 1..=clients {
        bench.greet_as(client);
        let set = OpenOptions { lock_timeout: 60_000, ..options(Storage::Memory, "test") };
        (1..=connections).for_each(|connection| bench.open(connection, set.clone()));
    }
    bench.client = 1;
    bench.run(1, "create table t (id integer primary key, who integer)");
    bench.run(1, "insert into t (who) values (0), (0), (0), (0), (0), (0), (0), (0), (0), (0)");
    bench.service.environment_mut().tick = 0.1;
    bench
}

fn insert(bench: &mut Bench, client: u64, connection: u32) -> u64 {
    bench.client = client;
    bench.send_execute(connection, &execute(INSERT), &[vec![Value::Integer(client as i64)]])
}

/// The headers of what was posted and not taken yet.
fn posted(bench: &mut Bench) -> Vec<Header> {
    bench.service.environment_mut().posted.iter().map(|(_, frame)| Reply::decode(frame).unwrap().0).collect()
}

#[test]
fn a_flood_of_small_requests_holds_up_nobody_elses_read() {
    let mut bench = bench(2, 10);
    bench.client = 1;
    for n in 0..1_000 {
        bench.send_execute(n % 10 + 1, &execute("select who from t where id = 1"), &[]);
    }
    assert_eq!(bench.service.turn(), Turn::Again);
    bench.client = 2;
    let asked = bench.clock.get();
    let read = bench.send_execute(3, &execute("select who from t where id = 1"), &[]);
    let before = posted(&mut bench).len();
    bench.service.turn();
    let place = posted(&mut bench).iter().position(|header| header.request == read).unwrap();
    assert!(place - before <= 1, "behind {} others", place - before);
    assert!(bench.clock.get() - asked < 12.0);
    // The flood is not forgotten, either: it goes on in the same turn.
    assert!(posted(&mut bench).len() > place + 5);
    bench.settle();
    assert_eq!(posted(&mut bench).iter().filter(|header| header.client == 1).count(), 1_000);
}

#[test]
fn a_point_read_beside_long_scans_of_all_others_waits_for_a_slice_of_each_client() {
    let mut bench = bench(4, 5);
    for client in 1..=3 {
        bench.client = client;
        for connection in 1..=5 {
            bench.send_execute(connection, &execute(ENDLESS), &[]);
        }
    }
    (0..20).for_each(|_| assert_eq!(bench.service.turn(), Turn::Again));
    bench.client = 4;
    for _ in 0..20 {
        let asked = bench.clock.get();
        let read = bench.send_execute(1, &execute("select who from t where id = 1"), &[]);
        let turns = (1..).find(|_| {
            bench.service.turn();
            !bench.take(read).is_empty()
        });
        // A slice is 2 ms, and each of the other clients may come first with one.
        let waited = bench.clock.get() - asked;
        assert!(turns <= Some(2) && waited < 20.0, "{turns:?} turns, {waited} ms");
    }
}

#[test]
fn connections_that_never_finish_get_equal_shares_and_so_do_clients() {
    let mut bench = bench(3, 4);
    let mut streams = vec![];
    for (client, connections) in [(1, 1), (2, 2), (3, 4)] {
        bench.client = client;
        for connection in 1..=connections {
            let endless = stream(ENDLESS, 1_000_000, 10);
            streams.push((client, bench.send_execute(connection, &endless, &[]), connections));
        }
    }
    (0..400).for_each(|_| assert_eq!(bench.service.turn(), Turn::Again));
    let frames: Vec<(u64, usize, u32)> =
        streams.into_iter().map(|(client, id, of)| (client, bench.take(id).len(), of)).collect();
    let mean = frames.iter().map(|(_, count, _)| count).sum::<usize>() / 3;
    for (client, count, of) in &frames {
        let share = mean / *of as usize;
        assert!(*count > share * 8 / 10 && *count < share * 12 / 10, "{count} of client {client}: {frames:?}");
    }
}

#[test]
fn long_reads_and_open_streams_never_hold_up_a_writer() {
    let mut bench = bench(3, 8);
    let mut endless = vec![];
    for client in [1, 2] {
        bench.client = client;
        for connection in 1..=4 {
            let read = bench.send_execute(connection, &stream("select a.id from t as a, t as b", 1, 1), &[]);
            bench.settle();
            assert_eq!(bench.rows(read).len(), 1);
        }
        bench.run(5, "begin");
        assert_eq!(bench.integer(5, "select count(*) from t"), 10);
    }
    for client in [1, 2] {
        bench.client = client;
        endless.push((client, bench.send_execute(6, &execute(ENDLESS), &[])));
        bench.send_execute(7, &execute("select a.id from t as a, t as b, t as c"), &[]);
    }
    for _ in 0..100 {
        let asked = bench.clock.get();
        let write = insert(&mut bench, 3, 1);
        while bench.take(write).is_empty() {
            bench.service.turn();
        }
        assert!(bench.clock.get() - asked < 20.0, "{} ms", bench.clock.get() - asked);
    }
    for (client, request) in endless {
        bench.client = client;
        bench.send(6, Request::Cancel { request });
    }
    bench.client = 3;
    assert_eq!(bench.integer(1, "select count(*) from t"), 110);
    bench.client = 1;
    assert_eq!(bench.integer(5, "select count(*) from t"), 10, "a snapshot stays what it was");
}

#[test]
fn a_writer_behind_fifty_others_comes_fifty_first_whoever_they_are() {
    let mut bench = bench(6, 10);
    bench.client = 6;
    bench.transaction(1, TransactionOp::Begin(BeginMode::Immediate));
    let mut waiting = vec![];
    for n in 0..50_u32 {
        let (client, connection) = (u64::from(n % 5 + 1), n / 5 + 1);
        waiting.push((client, connection, insert(&mut bench, client, connection)));
        bench.settle();
    }
    let last = insert(&mut bench, 6, 2);
    bench.settle();
    // Some give up in the middle, in each way there is.
    for at in [49, 30, 29, 7, 0] {
        let (client, connection, request) = waiting.remove(at);
        bench.client = client;
        bench.send(connection, Request::Cancel { request });
        assert!(matches!(bench.take(request)[..], [Got::Error(..)]));
    }
    let (gone, connection, request) = waiting.remove(20);
    bench.client = gone;
    bench.send(connection, Request::Close);
    bench.send(connection, Request::Cancel { request });
    bench.client = 6;
    bench.send(1, Request::Leave);
    bench.greet_as(6);
    bench.settle();
    assert!(bench.take(last).iter().all(|got| matches!(got, Got::Error(..))), "its client has left");
    let expected: Vec<Value> = waiting.iter().map(|(client, ..)| Value::Integer(*client as i64)).collect();
    bench.client = 1;
    bench.run(1, "select 1");
    let served = bench.run(1, "select who from t where who > 0 order by id").rows.concat();
    assert_eq!(served, expected);
}

#[test]
fn writers_that_come_back_at_once_do_not_pass_those_who_wait() {
    let mut bench = bench(4, 1);
    let mut asked: Vec<u64> = (1..=4).map(|client| insert(&mut bench, client, 1)).collect();
    let mut done = [0; 4];
    for _ in 0..400 {
        bench.service.turn();
        for client in 1..=4 {
            if !bench.take(asked[client as usize - 1]).is_empty() {
                done[client as usize - 1] += 1;
                bench.client = client;
                // As a transaction of several statements, which takes more than one turn.
                let many = Execute { begin: BeginMode::Own, many: true, ..execute(INSERT) };
                let sets: Vec<Vec<Value>> = (0..50).map(|_| vec![Value::Integer(client as i64)]).collect();
                asked[client as usize - 1] = bench.send_execute(1, &many, &sets);
            }
        }
    }
    assert!(done.iter().all(|count| *count >= 20), "{done:?}");
    assert!(done.iter().max().unwrap() - done.iter().min().unwrap() <= 2, "{done:?}");
}
