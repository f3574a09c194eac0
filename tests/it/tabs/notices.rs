//! What the worker says unasked.

use super::scripted::{Scripted, ScriptedSpawn, notice_header};
use aludel::transport::Channel;
use aludel::{Engine, PoolClass};
use aludel_protocol::{Commit, Notice, Party, RepeatClass, Reply, Request};
use futures::FutureExt;
use std::cell::RefCell;
use std::rc::Rc;

fn notice(host: &Scripted, connection: u32, notice: Notice) {
    host.answer(&notice_header(host, connection), &Reply::Notice(notice));
}

fn commit() -> Commit {
    Commit { number: 1, by: Party { client: 1, connection: 2 }, schema: false, tables: vec!["t".into()] }
}

#[test]
fn changes_are_asked_for_while_somebody_listens_to_them() {
    let host = Scripted::new();
    let channel = Channel::get(Some("notices.db"), &ScriptedSpawn(host.clone())).unwrap();
    host.greet();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let listener = |name: &'static str| {
        let heard = heard.clone();
        Rc::new(move |_: &Notice| heard.borrow_mut().push(name))
    };
    let plain = channel.listen(listener("plain"));
    assert_eq!(host.words(), Vec::<String>::new());
    let first = channel.listen_to_changes(listener("first"));
    let second = channel.listen_to_changes(listener("second"));
    assert_eq!(host.words(), ["watch true"]);
    notice(&host, 0, Notice::Changed(vec![commit()]));
    assert_eq!(heard.take(), ["plain", "first", "second"]);

    // A new host knows nothing of them.
    host.lost();
    notice(&host, 0, Notice::Changed(vec![commit()]));
    assert_eq!(heard.take(), Vec::<&str>::new());
    host.found();
    let sent = host.greet();
    assert_eq!(sent[0].what, "watch true");
    host.done(&sent[0].header, false);
    notice(&host, 0, Notice::Changed(vec![commit()]));
    assert_eq!(heard.take(), ["plain", "first", "second"]);

    drop(first);
    assert_eq!(host.words(), Vec::<String>::new());
    drop(second);
    assert_eq!(host.words(), ["watch false"]);
    notice(&host, 0, Notice::Changed(vec![commit()]));
    assert_eq!(heard.take(), ["plain"]);
    drop(plain);
    notice(&host, 0, Notice::Changed(vec![commit()]));
    assert_eq!(heard.take(), Vec::<&str>::new());

    // Who begins to listen while there is no host is told of by and by.
    host.lost();
    let _late = channel.listen_to_changes(listener("late"));
    host.found();
    let sent = host.greet();
    assert_eq!((sent.len(), &*sent[0].what), (1, "watch true"));
}

#[test]
fn an_engine_tells_that_changes_may_have_been_missed() {
    let host = Scripted::new();
    let builder = Engine::builder("sqlite:///missed.db").transport(Rc::new(ScriptedSpawn(host.clone())));
    let engine = builder.build().unwrap();
    let changes = Rc::new(RefCell::new(Vec::new()));
    let told = changes.clone();
    let _listener = engine.on_change(move |change| told.borrow_mut().push((change.tables.clone(), change.missed)));
    let mut connect = Box::pin(engine.connect());
    while (&mut connect).now_or_never().is_none() {
        host.greet();
    }
    notice(&host, 0, Notice::Changed(vec![commit()]));
    assert_eq!(changes.take(), [(vec!["t".to_owned()], false)]);
    host.lost();
    host.found();
    assert_eq!(changes.take(), []);
    let sent = host.greet();
    assert_eq!((sent.len(), &*sent[0].what), (1, "watch true"));
    host.done(&sent[0].header, false);
    assert_eq!(changes.take(), [(vec![], true)]);
}

#[test]
fn an_engine_tells_that_changes_are_missed_when_its_worker_is_gone_for_good() {
    let host = Scripted::new();
    let builder = Engine::builder("sqlite:///ended.db").transport(Rc::new(ScriptedSpawn(host.clone())));
    let engine = builder.build().unwrap();
    let changes = Rc::new(RefCell::new(Vec::new()));
    let told = changes.clone();
    engine.on_change(move |change| told.borrow_mut().push((change.tables.clone(), change.missed))).keep();
    let connect = || {
        let mut connect = Box::pin(engine.connect());
        let mut watches = 0;
        loop {
            if let Some(connection) = connect.as_mut().now_or_never() {
                assert_eq!(watches, 1, "changes are asked for");
                return connection.unwrap();
            }
            watches += host.greet().iter().filter(|sent| sent.what == "watch true").count();
        }
    };
    let missed = || (Vec::new(), true);
    let first = connect();
    assert_eq!(changes.take(), []);
    host.inbox().fatal("it breaks again and again");
    // Whoever reads again at once would have it break again.
    assert_eq!(changes.take(), []);
    host.pass_time();
    assert_eq!(changes.take(), [missed()]);
    host.pass_time();
    assert_eq!(changes.take(), []);

    // What others commit until there is a connection is not told.
    drop(first);
    let second = connect();
    assert_eq!(changes.take(), [missed()]);
    notice(&host, 0, Notice::Changed(vec![commit()]));
    assert_eq!(changes.take(), [(vec!["t".to_owned()], false)]);

    // Nobody is told twice who has another worker by then; and of one that never began, nothing was missed.
    host.inbox().fatal("it breaks again");
    drop(second);
    let third = engine.connect().now_or_never();
    assert!(third.is_none());
    assert_eq!(changes.take(), [missed()]);
    host.pass_time();
    assert_eq!(changes.take(), []);
    // It took nothing of this.
    assert_eq!(host.words()[..2], ["hello", "watch true"]);
    host.inbox().fatal("it cannot be loaded");
    host.pass_time();
    assert_eq!(changes.take(), []);
    let fourth = connect();
    assert_eq!(changes.take(), [missed()]);

    // Those who listen after the end of the engine hear of the next one's changes only.
    drop(fourth);
    let ended = Box::pin(engine.dispose()).now_or_never();
    assert!(ended.is_none());
    host.inbox().fatal("it has ended");
    host.pass_time();
    let told = changes.clone();
    engine.on_change(move |change| told.borrow_mut().push((change.tables.clone(), change.missed))).keep();
    let _fifth = connect();
    assert_eq!(changes.take(), []);
}

#[test]
fn commits_are_the_engine_s_own_however_many_connections_come_and_go() {
    let host = Scripted::new();
    let engine = || {
        let builder = Engine::builder("sqlite:///own.db").transport(Rc::new(ScriptedSpawn(host.clone())));
        builder.pool_class(PoolClass::Null).build().unwrap()
    };
    let (engine, other) = (engine(), engine());
    let own = Rc::new(RefCell::new(Vec::new()));
    let told = own.clone();
    let _listener = engine.on_change(move |change| told.borrow_mut().push(change.own));
    let connect = |engine: &Engine| {
        let mut connect = Box::pin(engine.connect());
        loop {
            if let Some(connection) = connect.as_mut().now_or_never() {
                return connection.unwrap();
            }
            host.greet();
        }
    };
    let long = connect(&engine);
    for _ in 0..300 {
        drop((connect(&other), connect(&engine)));
    }
    let beside = connect(&other);
    let last = connect(&engine);
    let commits = |connections: std::ops::RangeInclusive<u32>| {
        for connection in connections {
            let by = Party { client: host.client, connection };
            notice(&host, 0, Notice::Changed(vec![Commit { by, ..commit() }]));
        }
        own.take()
    };
    assert_eq!(commits(1..=1), [true]);
    // The first two of these are closed, but what they committed last may be told later than that.
    assert_eq!(commits(600..=603), [false, true, false, true]);
    drop((long, last));
    assert_eq!(commits(601..=603), [true, false, true]);
    drop(beside);
}

#[test]
fn who_holds_others_up_says_where_its_connection_was_taken() {
    let host = Scripted::new();
    let channel = Channel::get(Some("sites.db"), &ScriptedSpawn(host.clone())).unwrap();
    host.greet();
    channel.set_site(3, Some(Rc::new(|| Some("app.js:7".into()))));
    channel.set_site(4, Some(Rc::new(|| None)));
    for connection in [3, 4, 5] {
        notice(&host, connection, Notice::Holding);
    }
    assert_eq!(host.words(), ["site of 3 is app.js:7"]);
    channel.set_site(3, None);
    notice(&host, 3, Notice::Holding);
    assert_eq!(host.words(), Vec::<String>::new());
}

#[test]
fn the_last_user_of_a_guest_leaves_and_one_with_a_host_shuts_it_down() {
    for (guest, last) in [(true, "leave"), (false, "shutdown")] {
        let host = Scripted::new();
        host.guest.set(guest);
        let channel = Channel::get(Some("leaving.db"), &ScriptedSpawn(host.clone())).unwrap();
        let connection = channel.new_connection();
        channel.request(connection, RepeatClass::Safe, &Request::Reset, None).detach();
        host.greet();
        drop(channel);
        let sent = host.sent();
        assert_eq!((sent.len(), &*sent[0].what), (1, last));
        assert!(!host.ended.get());
        host.done(&sent[0].header, false);
        assert!(host.ended.get());
    }
}
