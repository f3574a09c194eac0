//! Several clients on one service: whose replies go where, and what becomes of those who leave.

use crate::bench::{Bench, Got, execute, options, stream};
use aludel_protocol::{BeginMode, ErrorKind, Header, RepeatClass, Reply, Request, Storage, TransactionOp, Value};
use aludel_worker::Turn;

const NUMBERS: &str = "with recursive n(i) as (select 1 union all select i + 1 from n limit 1000) select i from n";

/// Clients 1 to `count`, each with connections 1 and 2 on one database in memory; the first speaks.
fn clients(count: u64) -> Bench {
    let mut bench = Bench::fresh();
    for client in 1..=count {
        bench.greet_as(client);
        bench.open(1, options(Storage::Memory, "shared"));
        bench.open(2, options(Storage::Memory, "shared"));
    }
    bench.client = 1;
    bench.run(1, "create table t (id integer primary key, who integer)");
    bench
}

fn insert(bench: &mut Bench, client: u64, connection: u32) -> u64 {
    bench.client = client;
    let sql = "insert into t (who) values (?)";
    bench.send_execute(connection, &execute(sql), &[vec![Value::Integer(client as i64)]])
}

fn begin(bench: &mut Bench, client: u64, connection: u32) {
    bench.client = client;
    assert_eq!(bench.transaction(connection, TransactionOp::Begin(BeginMode::Immediate)), Got::Done(true));
}

fn who(bench: &mut Bench, client: u64) -> Vec<Value> {
    bench.client = client;
    bench.run(2, "select who from t order by id").rows.concat()
}

#[test]
fn connections_of_the_same_number_belong_to_their_clients() {
    let mut bench = clients(3);
    begin(&mut bench, 1, 1);
    insert(&mut bench, 1, 1);
    bench.settle();
    assert_eq!(who(&mut bench, 2), []);
    bench.client = 2;
    assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
    bench.client = 1;
    assert_eq!(bench.transaction(1, TransactionOp::Commit), Got::Done(false));
    assert_eq!(who(&mut bench, 3), [Value::Integer(1)]);
}

#[test]
fn each_client_says_hello_first() {
    let mut bench = clients(1);
    bench.client = 9;
    let open = bench.send(1, Request::Open(options(Storage::Memory, "shared")));
    let (error, _) = bench.error(open);
    assert_eq!((error.kind(), error.message()), (ErrorKind::Protocol, "the first frame must be Hello"));
    bench.greet_as(9);
    bench.open(1, options(Storage::Memory, "shared"));
    assert_eq!(bench.integer(1, "select count(*) from t"), 0);
}

#[test]
fn whose_header_cannot_be_read_is_told_and_nobody_else() {
    let mut bench = clients(2);
    let header = Header { client: 2, ..Header::new(bench.told_epoch, 77, 1, RepeatClass::Safe) };
    let whole = Request::Reset.encode(&header);
    // The first byte, the version of the format, the class, and what is reserved.
    for at in [0, 1, 3, 28, 31] {
        let mut frame = whole.clone();
        frame[at] ^= 0x40;
        bench.service.environment_mut().posted.clear();
        bench.service.receive_from(2, frame);
        let posted = std::mem::take(&mut bench.service.environment_mut().posted);
        let [(client, reply)] = &posted[..] else { panic!("{at}: {} replies", posted.len()) };
        let (header, reply) = Reply::decode(reply).unwrap();
        assert_eq!((*client, header.client, header.request), (2, 2, 0), "{at}");
        assert!(matches!(reply, Reply::Error { error, .. } if error.kind() == ErrorKind::Protocol), "{at}");
    }
    assert_eq!(who(&mut bench, 1), []);
    assert_eq!(who(&mut bench, 2), []);
}

#[test]
fn a_client_that_says_hello_again_begins_anew() {
    let mut bench = clients(2);
    begin(&mut bench, 1, 1);
    insert(&mut bench, 1, 1);
    bench.settle();
    let waiting = insert(&mut bench, 2, 1);
    bench.settle();
    assert!(bench.take(waiting).is_empty());
    bench.greet_as(1);
    bench.open(1, options(Storage::Memory, "shared"));
    bench.settle();
    bench.client = 2;
    bench.outcome(waiting).unwrap();
    assert_eq!(who(&mut bench, 2), [Value::Integer(2)]);
    bench.client = 1;
    assert_eq!(bench.integer(1, "select count(*) from t"), 1);
    assert_eq!(bench.transaction(1, TransactionOp::Rollback), Got::Done(false));
}

#[test]
fn a_client_that_dies_gives_up_its_transactions_locks_and_streams() {
    let mut bench = clients(3);
    bench.client = 1;
    let read = bench.send_execute(2, &stream(NUMBERS, 1, 10), &[]);
    begin(&mut bench, 1, 1);
    insert(&mut bench, 1, 1);
    bench.settle();
    assert!(bench.rows(read)[0].more);
    let waiting = [insert(&mut bench, 2, 1), insert(&mut bench, 1, 2), insert(&mut bench, 3, 1)];
    assert!(matches!(bench.settle(), Turn::WaitUntil(_)));
    assert!(waiting.iter().all(|id| bench.take(*id).is_empty()));

    bench.service.drop_client(1);
    assert_eq!(bench.settle(), Turn::Idle);
    bench.outcome(waiting[0]).unwrap();
    bench.outcome(waiting[2]).unwrap();
    assert_eq!(bench.error(waiting[1]).0.kind(), ErrorKind::ResourceClosed);
    assert_eq!(bench.error(read).0.kind(), ErrorKind::ResourceClosed);
    // Nothing of the dead one's is there.
    assert_eq!(who(&mut bench, 2), [Value::Integer(2), Value::Integer(3)]);
    bench.client = 1;
    let late = bench.send_execute(1, &execute("select 1"), &[]);
    assert_eq!(bench.error(late).0.kind(), ErrorKind::Protocol);
    // Dropping it twice, or somebody unknown, does nothing.
    bench.service.drop_client(1);
    bench.service.drop_client(77);
    assert_eq!(who(&mut bench, 3).len(), 2);
}

#[test]
fn a_client_that_leaves_is_told_when_it_is_done() {
    let mut bench = clients(2);
    begin(&mut bench, 1, 1);
    let waiting = insert(&mut bench, 2, 1);
    bench.settle();
    bench.client = 1;
    let leave = bench.send(0, Request::Leave);
    assert_eq!(bench.take(leave), [Got::Done(false)]);
    bench.settle();
    bench.outcome(waiting).unwrap();
    // It may come back.
    bench.greet_as(1);
    bench.open(1, options(Storage::Memory, "shared"));
    bench.open(2, options(Storage::Memory, "shared"));
    assert_eq!(who(&mut bench, 1), [Value::Integer(2)]);
    assert_eq!(bench.settle(), Turn::Idle);
}

#[test]
fn files_are_given_up_when_the_last_client_has_gone() {
    let mut bench = Bench::fresh();
    bench.service.environment_mut().preparation = None;
    for client in [1, 2] {
        bench.greet_as(client);
        bench.send(1, Request::Open(options(Storage::Opfs, "f.db")));
    }
    bench.service.drop_client(1);
    bench.service.files_ready("f.db", Ok(()));
    assert!(bench.service.environment_mut().released.is_empty());
    bench.service.drop_client(2);
    assert_eq!(bench.service.environment_mut().released, ["f.db"]);
}

#[test]
fn watching_is_kept_per_client() {
    let mut bench = clients(3);
    let watch = |bench: &mut Bench, client, changes| {
        bench.client = client;
        let id = bench.send(0, Request::Watch { changes });
        assert_eq!(bench.take(id), [Got::Done(false)]);
        bench.service.watchers().collect::<Vec<_>>()
    };
    assert_eq!(watch(&mut bench, 3, true), [3]);
    assert_eq!(watch(&mut bench, 1, true), [1, 3]);
    assert_eq!(watch(&mut bench, 2, false), [1, 3]);
    assert_eq!(watch(&mut bench, 1, false), [3]);
    bench.service.drop_client(3);
    assert_eq!(bench.service.watchers().count(), 0);
}

#[test]
fn who_shuts_down_is_told_so_and_the_others_that_their_host_is_gone() {
    let mut bench = clients(2);
    begin(&mut bench, 2, 1);
    let (own, other) = (insert(&mut bench, 1, 1), insert(&mut bench, 2, 1));
    bench.client = 1;
    let down = bench.send(0, Request::Shutdown);
    assert_eq!(bench.take(down), [Got::Done(false)]);
    assert_eq!(bench.error(own).0.kind(), ErrorKind::WorkerGone);
    let (error, _) = bench.error(other);
    assert!(error.kind() == ErrorKind::HostLost && error.retryable(), "{error:?}");
    let late = insert(&mut bench, 2, 1);
    assert_eq!(bench.error(late).0.kind(), ErrorKind::HostLost);
}

#[test]
fn a_request_for_another_host_is_refused_and_not_run() {
    let mut bench = clients(1);
    for (epoch, stale) in [(0, false), (1, false), (2, true), (u32::MAX, true)] {
        bench.epoch = epoch;
        let before = who(bench.at_epoch(0), 1).len();
        let id = insert(bench.at_epoch(epoch), 1, 1);
        let watch = bench.send(0, Request::Watch { changes: true });
        bench.settle();
        let (outcome, watched) = (bench.outcome(id), bench.take(watch));
        let rows = who(bench.at_epoch(0), 1).len() - before;
        if stale {
            let error = outcome.unwrap_err();
            assert!(error.kind() == ErrorKind::HostLost && error.retryable(), "{error:?}");
            assert!(matches!(&watched[..], [Got::Error(error, _)] if error.kind() == ErrorKind::HostLost));
            assert_eq!(rows, 0);
        } else {
            outcome.unwrap();
            assert_eq!((watched, rows), (vec![Got::Done(false)], 1));
        }
    }
}
