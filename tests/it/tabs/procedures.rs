//! A host goes before a procedure has returned.

use super::tab::{NOBODY, Tab, execute};
use aludel::raw::RawProcedure;
use aludel::{CallOptions, Connection, Result};
use aludel_protocol::{Fate, Reply};
use std::rc::Rc;

async fn work(conn: Rc<Connection>) -> Result<()> {
    let call = RawProcedure { module: "test:", export: "work", arguments: &[], read_only: false, engine: false };
    let value = conn.call_raw(call, &CallOptions::new()).await?;
    assert_eq!(value, [7]);
    Ok(())
}

fn returned(in_transaction: bool) -> Reply<'static> {
    Reply::Returned { in_transaction, ended: false, value: &[7] }
}

#[test]
fn a_procedure_is_called_again_unless_it_may_have_committed() {
    let rows = Fate::Committed { changes: -1, last_insert_rowid: 0, had_rows: true };
    for (fate, expected) in
        [(Fate::NotCommitted, "well"), (rows, "HostLost, not again"), (Fate::Unknown, "HostLost, not again")]
    {
        let tab = Tab::new();
        let conn = tab.connect();
        tab.go("call", work(conn.clone()));
        let sent = tab.sent();
        assert_eq!(sent[0].what, "procedure work");
        tab.host.lost();
        tab.host.found();
        let asked = tab.sent();
        assert_eq!(asked[0].what, format!("fates [{}]", sent[0].header.request));
        tab.host.fates(&asked[0].header, &[fate]);
        if expected == "well" {
            assert_eq!(tab.outcomes(), NOBODY);
            let again = tab.sent();
            assert_eq!(again[0].what, "procedure work");
            tab.host.answer(&again[0].header, &returned(true));
        }
        assert_eq!(tab.outcomes(), [format!("call: {expected}")], "{fate:?}");
        assert_eq!(conn.in_transaction(), expected == "well");
    }
}

#[test]
fn a_procedure_within_a_transaction_is_lost_with_it() {
    let tab = Tab::new();
    let conn = tab.connect();
    tab.go("insert", execute(&conn, "insert"));
    tab.host.rows(&tab.sent()[0].header, true);
    tab.go("call", work(conn.clone()));
    assert_eq!(tab.sent()[0].what, "procedure work");
    tab.host.lost();
    tab.host.found();
    let asked = tab.sent();
    assert!(asked[0].what.starts_with("fates ["), "{asked:?}");
    tab.host.fates(&asked[0].header, &[Fate::NotCommitted]);
    assert_eq!(tab.outcomes(), ["insert: well", "call: HostLost, again"]);
    assert_eq!(tab.words(), NOBODY);
    // The next statement belongs to what was lost.
    tab.go("next", execute(&conn, "next"));
    assert_eq!(tab.outcomes(), ["next: PendingRollback, not again"]);
}
