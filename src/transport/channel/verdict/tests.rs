use super::{Case, Kind, Verdict, Why, judge};
use aludel_protocol::Fate;

/// `O`pen, `A`lone, `W`ithin, `w` the first within, `B` a COMMIT written as a statement, `C`ommit, `E`nd, `K` close, `I`mport, `F` its finish; then `0` not
/// sent, `2` `3` sent so often, `'` answered in part, `-` not kept, `x` given up, `!` suspect; then its fate: `=y`
/// committed, `=r` with rows, `=n` not, `=u` unknown.
fn case(id: u64, text: &str) -> (Case, Option<Fate>) {
    let (text, fate) = text.split_once('=').map_or((text, None), |(text, fate)| (text, Some(fate)));
    let (kind, rest) = text.split_at(1);
    let has = |sign: char| rest.contains(sign);
    let case = Case {
        id,
        kind: match kind {
            "O" => Kind::Open,
            "A" => Kind::Alone,
            "W" | "w" | "B" => Kind::Within,
            "C" => Kind::Commit,
            "E" => Kind::End { closes: false },
            "K" => Kind::End { closes: true },
            "I" => Kind::Import { goes_on: true },
            "F" => Kind::Import { goes_on: false },
            other => panic!("no case {other}"),
        },
        doubt: matches!(kind, "A" | "B" | "C" | "F"),
        first: matches!(kind, "w" | "O" | "E" | "K"),
        sent: rest.chars().find_map(|sign| sign.to_digit(10)).unwrap_or(1),
        answered: has('\''),
        kept: !has('-'),
        given_up: has('x'),
        suspect: has('!'),
    };
    let fate = fate.map(|fate| match fate {
        "y" => Fate::Committed { changes: 5, last_insert_rowid: 6, had_rows: false },
        "r" => Fate::Committed { changes: 5, last_insert_rowid: 6, had_rows: true },
        "n" => Fate::NotCommitted,
        "u" => Fate::Unknown,
        other => panic!("no fate {other}"),
    });
    (case, fate)
}

fn short(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Send => "send",
        Verdict::Ask => "ask",
        Verdict::Wait => "wait",
        Verdict::Done => "done",
        Verdict::Committed { changes: 5, last_insert_rowid: 6 } => "yes",
        Verdict::Committed { .. } => "wrong",
        Verdict::Fail(Why::GivenUp) => "gone",
        Verdict::Fail(Why::TransactionLost) => "lost",
        Verdict::Fail(Why::CutOff) => "cut",
        Verdict::Fail(Why::NotKept) => "big",
        Verdict::Fail(Why::AnswerLost) => "answer",
        Verdict::Fail(Why::Unknown) => "unknown",
        Verdict::Fail(Why::Deadly) => "deadly",
        Verdict::Fail(Why::Broke) => "broke",
    }
}

#[test]
fn each_request_gets_its_verdict() {
    let table = [
        // Nothing of it has been seen: it is sent again, in its order.
        ("fresh", "w", "send"),
        ("fresh", "w W W", "send send send"),
        ("fresh", "O w W", "send send send"),
        ("fresh", "O0 w0", "send send"),
        ("fresh", "w0 W0 A0 C0 E0", "send send send send done"),
        // What a wire was given and found nobody for was not sent, but may have been too large to be kept.
        ("fresh", "A0- A0", "big send"),
        // What may have been committed is asked about first, and what hangs on it waits.
        ("fresh", "A", "ask"),
        ("fresh", "w W C", "wait wait ask"),
        ("fresh", "w B", "wait ask"),
        ("fresh", "w W C A w", "wait wait ask ask send"),
        ("fresh", "O A", "send ask"),
        // It was not committed: it is sent again.
        ("fresh", "A=n", "send"),
        ("fresh", "w W C=n", "send send send"),
        ("fresh", "w B=n W", "send send send"),
        // It was: an answer without rows can be made up, another cannot.
        ("fresh", "A=y", "yes"),
        ("fresh", "A=r", "answer"),
        ("fresh", "A'=y", "answer"),
        ("fresh", "w W C=y", "answer answer yes"),
        ("fresh", "w W C=r", "answer answer yes"),
        ("fresh", "w B=y w", "answer yes send"),
        ("fresh", "A=u", "unknown"),
        ("fresh", "w C=u w W", "unknown unknown send send"),
        // One that was committed shows that those before it were processed, whatever became of them.
        ("fresh", "A=n A=y A=n", "answer yes send"),
        ("fresh", "w W E A=y w", "lost lost done yes send"),
        ("fresh", "A=n A=n A=y", "answer answer yes"),
        // The end of a transaction that does not begin is nothing; of one that does, it is sent.
        ("fresh", "E", "done"),
        ("fresh", "E E w", "done done send"),
        ("fresh", "w E", "send send"),
        ("fresh", "wx E w", "gone done send"),
        ("fresh", "wx W E", "gone send send"),
        ("fresh", "wx C=n", "gone lost"),
        ("fresh", "wx W C=n", "gone send send"),
        ("fresh", "w Cx", "send gone"),
        ("fresh", "Ax", "gone"),
        // What cannot be sent again fails, and with it what follows in its transaction.
        ("fresh", "w- W E w", "big big done send"),
        ("fresh", "w W- W C=n w", "send big big big send"),
        ("fresh", "A-=n A=n", "big send"),
        ("fresh", "A-=y", "yes"),
        ("fresh", "w'", "cut"),
        ("fresh", "A'=n", "cut"),
        // Whoever was there when three hosts went is not sent a fourth time, but it may have been committed.
        ("fresh", "w2 W2", "send send"),
        ("fresh", "w3 W0", "deadly deadly"),
        ("fresh", "A3", "ask"),
        ("fresh", "A3=y", "yes"),
        ("fresh", "A3=n", "deadly"),
        ("fresh", "O3 w A=n E", "deadly deadly deadly done"),
        ("fresh", "O3 w A E", "deadly deadly ask done"),
        ("fresh", "O3 w A=y", "deadly deadly yes"),
        // Whoever was there when a worker broke is not sent again.
        ("fresh", "w! W! w0", "broke broke broke"),
        ("fresh", "w! E w0", "broke done send"),
        ("fresh", "A!", "ask"),
        ("fresh", "A!=y", "yes"),
        ("fresh", "A!=n", "broke"),
        ("fresh", "w! C!=y", "answer yes"),
        ("fresh", "w! C!=n", "broke broke"),
        ("fresh", "O! w0 A0", "broke broke broke"),
        // A transaction that was seen cannot be sent again.
        ("open", "W", "lost"),
        ("open", "W W'", "lost lost"),
        ("open", "W E", "lost done"),
        ("open", "Wx E w", "gone done send"),
        ("open", "W E A", "lost done ask"),
        ("open", "E w W", "done send send"),
        ("open", "w0", "send"),
        ("open", "W w0 W0", "lost send send"),
        ("open", "W! E", "broke done"),
        // Unless it was committed.
        ("open", "C", "ask"),
        ("open", "W' C", "wait ask"),
        ("open", "C=y", "yes"),
        ("open", "C=n", "lost"),
        ("open", "C=u", "unknown"),
        ("open", "W' C=y w", "answer yes send"),
        ("open", "W' C=n", "lost lost"),
        ("open", "W' C=u", "unknown unknown"),
        ("open", "C!=n", "broke"),
        ("open", "Cx", "gone"),
        ("open", "C0", "lost"),
        // A connection is closed after what is still to come on it, and when the next host has opened it.
        ("fresh", "K", "done"),
        ("fresh", "A K", "ask send"),
        ("fresh", "A=n K", "send send"),
        ("fresh", "A=y K", "yes send"),
        ("fresh", "A=u E K", "unknown done send"),
        ("fresh", "w A=n K", "send send send"),
        ("fresh", "w' K", "cut done"),
        ("fresh", "wx K", "gone done"),
        ("fresh", "O3 A K", "deadly ask send"),
        ("open", "W K", "lost done"),
        ("open", "W C K", "wait ask send"),
        ("open", "C=n K", "lost send"),
        // An import begins anew.
        ("fresh", "I", "cut"),
        ("fresh", "I0", "send"),
        ("fresh", "I E", "cut done"),
        ("fresh", "I!", "broke"),
        // Its last step is a commit, which is asked about.
        ("fresh", "F", "ask"),
        ("fresh", "F'", "ask"),
        ("fresh", "F!", "ask"),
        ("fresh", "F=y", "yes"),
        ("fresh", "F'=y", "yes"),
        ("fresh", "F=n", "cut"),
        ("fresh", "F'=n", "cut"),
        ("fresh", "F!=n", "broke"),
        // Who does not know whether it was done should look first: others may have written since.
        ("fresh", "F=u", "unknown"),
        ("fresh", "F'=u K", "unknown send"),
        ("fresh", "Fx E", "gone done"),
        ("fresh", "F0", "send"),
        // BEGIN and COMMIT written as statements, where each statement is by itself.
        ("open", "A=n A=n", "lost lost"),
        ("open", "A=n A=y A=n", "answer yes lost"),
        ("open", "A A", "ask ask"),
        ("open", "A0", "lost"),
    ];
    for (state, cases, expected) in table {
        let (cases, fates): (Vec<_>, Vec<_>) = (10..).zip(cases.split(' ')).map(|(id, text)| case(id, text)).unzip();
        let known = fates.iter().any(Option::is_some);
        let fate = |id: u64| fates[id as usize - 10].unwrap();
        let verdicts = judge(state == "open", &cases, if known { Some(&fate) } else { None });
        let verdicts: Vec<_> = verdicts.into_iter().map(short).collect();
        assert_eq!(verdicts.join(" "), expected, "{state}: {cases:?}");
    }
}

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Whatever the requests are: what is asked about is what the fates are then wanted of; with them, nobody waits any
/// more; what was judged without them stays so; and nothing that may have been committed is sent without being asked.
#[test]
fn fates_settle_everything() {
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let open = dice.roll(2) == 0;
        let cases: Vec<Case> = (0..1 + dice.roll(6))
            .map(|id| {
                let end = Kind::End { closes: dice.roll(2) == 0 };
                let import = Kind::Import { goes_on: dice.roll(2) == 0 };
                let kind = [Kind::Open, Kind::Alone, Kind::Within, Kind::Commit, end, import][dice.roll(6) as usize];
                let kind = if kind == Kind::Open && id > 0 { Kind::Within } else { kind };
                Case {
                    id,
                    kind,
                    doubt: matches!(kind, Kind::Alone | Kind::Commit | Kind::Import { goes_on: false })
                        || (kind == Kind::Within && dice.roll(5) == 0),
                    first: dice.roll(3) == 0,
                    sent: dice.roll(4) as u32,
                    answered: dice.roll(5) == 0,
                    kept: dice.roll(5) > 0,
                    given_up: dice.roll(5) == 0,
                    suspect: dice.roll(5) == 0,
                }
            })
            .collect();
        let fates: Vec<Fate> = cases
            .iter()
            .map(|_| match dice.roll(3) {
                0 => Fate::NotCommitted,
                1 => Fate::Committed { changes: 1, last_insert_rowid: 1, had_rows: dice.roll(2) == 0 },
                _ => Fate::Unknown,
            })
            .collect();
        let first = judge(open, &cases, None);
        let wanted = |id: u64| {
            assert_eq!(first[id as usize], Verdict::Ask, "seed {seed}: a fate that nobody asked for");
            fates[id as usize]
        };
        let then = judge(open, &cases, Some(&wanted));
        for (at, case) in cases.iter().enumerate() {
            let of = format!("seed {seed}: {case:?}, {:?} then {:?}", first[at], then[at]);
            assert!(!matches!(then[at], Verdict::Ask | Verdict::Wait), "{of}");
            if matches!(first[at], Verdict::Fail(_) | Verdict::Done) {
                // Another of the connection may turn out to have been committed, which says more of those before it.
                let closes = case.kind == (Kind::End { closes: true });
                let may = matches!(then[at], Verdict::Fail(_) | Verdict::Done) || (closes && then[at] == Verdict::Send);
                assert!(then[at] == first[at] || may, "{of}");
            }
            if then[at] == Verdict::Send && case.doubt && case.sent > 0 {
                assert_eq!((first[at], fates[at]), (Verdict::Ask, Fate::NotCommitted), "{of}");
            }
            if case.given_up {
                assert_eq!(first[at], Verdict::Fail(Why::GivenUp), "{of}");
            }
        }
    }
}
