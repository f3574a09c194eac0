//! What the worker says unasked.

use super::scripted::{Scripted, ScriptedSpawn};
use aludel::transport::Channel;
use aludel_protocol::{Header, Notice, RepeatClass, Reply, Request};
use std::cell::RefCell;
use std::rc::Rc;

fn kinds(host: &Scripted) -> Vec<String> {
    host.take(|header, request| {
        assert_eq!(header.client, host.client);
        match request {
            Request::Watch { changes } => format!("watch {changes}"),
            Request::Site { text } => format!("site of {}: {text}", header.connection),
            other => format!("{other:?}").split([' ', '(']).next().unwrap().to_lowercase(),
        }
    })
}

fn notice(host: &Scripted, connection: u32, notice: Notice) {
    let header = Header { client: host.client, ..Header::new(0, 0, connection, RepeatClass::Safe) };
    host.answer(&header, &Reply::Notice(notice));
}

#[test]
fn changes_are_asked_for_while_somebody_listens_to_them() {
    let host = Scripted::new(11);
    let channel = Channel::get(Some("notices.db"), &ScriptedSpawn(host.clone())).unwrap();
    assert_eq!(kinds(&host), ["hello"]);
    let heard = Rc::new(RefCell::new(Vec::new()));
    let listener = |name: &'static str| {
        let heard = heard.clone();
        Rc::new(move |_: &Notice| heard.borrow_mut().push(name))
    };
    let plain = channel.listen(listener("plain"));
    assert_eq!(kinds(&host), Vec::<String>::new());
    let first = channel.listen_to_changes(listener("first"));
    let second = channel.listen_to_changes(listener("second"));
    assert_eq!(kinds(&host), ["watch true"]);
    notice(&host, 0, Notice::Changed(Vec::new()));
    assert_eq!(heard.take(), ["plain", "first", "second"]);
    drop(first);
    assert_eq!(kinds(&host), Vec::<String>::new());
    drop(second);
    assert_eq!(kinds(&host), ["watch false"]);
    notice(&host, 0, Notice::Changed(Vec::new()));
    assert_eq!(heard.take(), ["plain"]);
    drop(plain);
    notice(&host, 0, Notice::Changed(Vec::new()));
    assert_eq!(heard.take(), Vec::<&str>::new());
}

#[test]
fn who_holds_others_up_says_where_its_connection_was_taken() {
    let host = Scripted::new(12);
    let channel = Channel::get(Some("sites.db"), &ScriptedSpawn(host.clone())).unwrap();
    kinds(&host);
    channel.set_site(3, Some(Rc::new(|| Some("app.js:7".into()))));
    channel.set_site(4, Some(Rc::new(|| None)));
    for connection in [3, 4, 5] {
        notice(&host, connection, Notice::Holding);
    }
    assert_eq!(kinds(&host), ["site of 3: app.js:7"]);
    channel.set_site(3, None);
    notice(&host, 3, Notice::Holding);
    assert_eq!(kinds(&host), Vec::<String>::new());
}

#[test]
fn the_last_user_of_a_guest_leaves_and_one_with_a_host_shuts_it_down() {
    for (guest, last) in [(true, "leave"), (false, "shutdown")] {
        let host = Scripted::new(13);
        host.guest.set(guest);
        let channel = Channel::get(Some("leaving.db"), &ScriptedSpawn(host.clone())).unwrap();
        let connection = channel.new_connection();
        channel.request(connection, RepeatClass::Safe, &Request::Reset, None).detach();
        kinds(&host);
        drop(channel);
        let ids = host.take(|header, request| {
            let said = if matches!(request, Request::Leave) { "leave" } else { "shutdown" };
            assert_eq!(said, last);
            header
        });
        assert!(!host.ended.get());
        host.answer(&ids[0], &Reply::Done { in_transaction: false });
        assert!(host.ended.get());
    }
}
