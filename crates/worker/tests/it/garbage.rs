//! Bytes that nobody would send. Each run prints its seed; `ALUDEL_SEED` repeats one.

use crate::bench::{Bench, execute, execute_frame, header, options, stream};
use aludel_protocol::{
    BeginMode, ErrorKind, Execute, HEADER_LEN, Header, PROTOCOL_VERSION, RepeatClass, Reply, Request, Storage,
    TransactionOp, Value,
};

/// An xorshift generator: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn seeded(what: &str) -> Random {
        let given = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(1, |time| time.as_nanos() as u64);
        let seed = given.unwrap_or_else(now) | 1;
        println!("{what}: ALUDEL_SEED={seed}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

const ENDLESS: &str = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n";

/// Frames that make sense, for connections that may or may not be open.
fn samples(random: &mut Random) -> Vec<u8> {
    let (request, connection) = (random.next() % 12, random.below(4) as u32);
    let header = header(request, connection);
    let sets: Vec<Vec<Value>> = (0..1 + random.below(3))
        .map(|n| vec![Value::Integer(n as i64), Value::Text("é".repeat(random.below(9))), Value::Blob(vec![7; 9])])
        .collect();
    let begin = [BeginMode::None, BeginMode::Auto, BeginMode::Immediate, BeginMode::Exclusive, BeginMode::Own];
    let begin = begin[random.below(begin.len())];
    let sql = ["select ?, ?, ?", "insert into t values (?, ?, ?) returning a", "update t set a = ?, b = ? where c = ?"];
    let plain = ["create table if not exists t (a, b, c)", "select * from t", ENDLESS, "", "rollback", "drop table t"];
    match random.below(14) {
        0 => Request::Hello { protocol: PROTOCOL_VERSION, version: "x" }.encode(&header),
        // A byte that changes makes it a file: of a directory that is not there.
        1 => Request::Open(options(Storage::Memory, "no-such-directory/test")).encode(&header),
        2 => Request::Reset.encode(&header),
        3 => Request::Close.encode(&header),
        4 => Request::Cancel { request: random.next() % 12 }.encode(&header),
        5 => Request::Credit { stream: random.next() % 12, credits: random.next() as u32 % 9 }.encode(&header),
        6 => Request::CloseStream { stream: random.next() % 12 }.encode(&header),
        7 => {
            let ops = [
                TransactionOp::Begin(BeginMode::Immediate),
                TransactionOp::Commit,
                TransactionOp::Rollback,
                TransactionOp::Savepoint("s".into(), begin),
                TransactionOp::Release("s".into()),
                TransactionOp::RollbackTo("s".into()),
            ];
            let deadline = random.next() as u32 % 50;
            Request::Transaction { op: ops[random.below(6)].clone(), deadline }.encode(&header)
        }
        8 | 9 => {
            let asked = Execute { begin, deadline: 40, ..execute(plain[random.below(plain.len())]) };
            execute_frame(&header, &asked, &[])
        }
        10 => {
            let sql = plain[random.below(plain.len())];
            let asked =
                Execute { begin, deadline: 40, ..stream(sql, random.next() as u32 % 3, random.next() as u32 % 3) };
            execute_frame(&header, &asked, &[])
        }
        _ => {
            let asked = Execute { begin, many: sets.len() != 1, deadline: 40, ..execute(sql[random.below(3)]) };
            execute_frame(&header, &asked, &sets)
        }
    }
}

/// Takes some turns, with time going by, and reads all that was posted.
fn go_on(bench: &mut Bench) -> Vec<Vec<u8>> {
    for _ in 0..3 {
        bench.service.turn();
        bench.advance(5.0);
    }
    let posted = std::mem::take(&mut bench.service.environment_mut().posted);
    for (client, frame) in &posted {
        assert_eq!(Reply::decode(frame).unwrap().0.client, *client);
    }
    posted.into_iter().map(|(_, frame)| frame).collect()
}

#[test]
fn random_bytes_are_answered_with_a_protocol_error() {
    let mut random = Random::seeded("random_bytes_are_answered_with_a_protocol_error");
    let mut bench = Bench::with(1);
    for _ in 0..5_000 {
        let mut frame: Vec<u8> = (0..random.below(200)).map(|_| random.next() as u8).collect();
        // Some look like frames for a while.
        if random.below(2) == 0 {
            let head = Request::Reset.encode(&header(5, 1));
            let take = random.below(HEADER_LEN + 1).min(frame.len());
            frame[..take].copy_from_slice(&head[..take]);
            if let Some(kind) = frame.get_mut(2) {
                *kind = random.below(16) as u8;
            }
        }
        let valid = Request::decode(&frame).is_ok();
        bench.service.receive(frame);
        let posted = go_on(&mut bench);
        if !valid {
            let (_, reply) = Reply::decode(&posted[0]).unwrap();
            assert!(matches!(reply, Reply::Error { error, .. } if error.kind() == ErrorKind::Protocol));
        }
    }
}

#[test]
fn any_order_and_any_damage_leaves_the_service_standing() {
    let mut random = Random::seeded("any_order_and_any_damage_leaves_the_service_standing");
    for _ in 0..60 {
        let mut bench = if random.below(4) == 0 { Bench::fresh() } else { Bench::with(2) };
        // Time flies, so that statements without end do not make the test endless.
        bench.service.environment_mut().tick = 0.5;
        for _ in 0..150 {
            let mut frame = samples(&mut random);
            match random.below(6) {
                0 => {
                    let at = random.below(frame.len());
                    frame[at] ^= 1 << random.below(8);
                }
                1 => frame.truncate(random.below(frame.len())),
                2 => {
                    let at = random.below(frame.len());
                    let bytes = random.next().to_le_bytes();
                    frame.splice(at..at, bytes);
                }
                _ => {}
            }
            bench.service.receive(frame);
            if random.below(2) == 0 {
                go_on(&mut bench);
            }
        }
        // However it went, a new connection works.
        bench.service.receive(Request::Hello { protocol: PROTOCOL_VERSION, version: "x" }.encode(&header(1, 0)));
        let fresh = Header::new(1, 900_000, 77, RepeatClass::Safe);
        bench.service.receive(Request::Open(options(Storage::Memory, "afterwards")).encode(&fresh));
        let select = Header { request: 900_001, ..fresh };
        bench.service.receive(execute_frame(&select, &execute("select 42"), &[]));
        // (A flipped bit may have made a Shutdown: then it says that.)
        let answered = (0..500).any(|_| {
            go_on(&mut bench).iter().any(|frame| match Reply::decode(frame).unwrap() {
                (Header { request: 900_001, .. }, Reply::Rows(_)) => true,
                (Header { request: 900_001, .. }, Reply::Error { error, .. }) => error.kind() == ErrorKind::WorkerGone,
                _ => false,
            })
        });
        assert!(answered);
    }
}

#[test]
fn every_prefix_of_a_frame_is_refused() {
    let mut bench = Bench::with(1);
    let sets = [vec![Value::Text("é".into()), Value::Blob(vec![1, 2, 3])]];
    let frame = execute_frame(&header(9, 1), &execute("select ?, ?"), &sets);
    for end in 0..frame.len() {
        bench.service.receive(frame[..end].to_vec());
        let posted = go_on(&mut bench);
        let (header, reply) = Reply::decode(&posted[0]).unwrap();
        assert!(matches!(reply, Reply::Error { error, .. } if error.kind() == ErrorKind::Protocol), "{end}");
        assert_eq!(header.request, if end < HEADER_LEN { 0 } else { 9 });
    }
}
