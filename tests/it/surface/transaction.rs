//! Transactions: A3.25 to A3.29, and the same of the ancestors.

use super::{connected, count, fails, insert, one, people};
use crate::support::run;
use aludel::{Connection, ErrorKind, Result, Transaction, text};

/// Each way to end a transaction.
async fn end(transaction: &Transaction, how: &str) -> Result<()> {
    match how {
        "commit" => transaction.commit().await,
        "rollback" => transaction.rollback().await,
        _ => transaction.close().await,
    }
}

async fn begin(conn: &Connection, nested: bool) -> Transaction {
    if nested { conn.begin_nested().await.unwrap() } else { conn.begin().await.unwrap() }
}

#[test]
fn a3_25_a4_37_a_transaction_that_has_ended_cannot_be_committed() {
    run(async {
        let conn = connected().await;
        for (nested, message) in
            [(false, "This transaction is inactive"), (true, "This nested transaction is inactive")]
        {
            for how in ["commit", "rollback", "close"] {
                let transaction = begin(&conn, nested).await;
                end(&transaction, how).await.unwrap();
                fails(transaction.commit().await, ErrorKind::InvalidRequest, message);
                conn.rollback().await.unwrap();
            }
        }
        // One that SQLite ended still has to be rolled back.
        let transaction = conn.begin().await.unwrap();
        insert(&conn).await.unwrap();
        let fatal = conn.execute(&text("INSERT OR ROLLBACK INTO users (id) VALUES (1)"), ()).await;
        fails(fatal, ErrorKind::Integrity, "UNIQUE");
        let error = fails(transaction.commit().await, ErrorKind::PendingRollback, "Can't reconnect until invalid");
        assert_eq!(error.code(), Some("8s2b"));
        transaction.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 3);
    });
}

#[test]
fn a3_25_a_commit_releases_a_savepoint_and_ends_all_inside_a_transaction() {
    run(async {
        let conn = connected().await;
        let transaction = conn.begin().await.unwrap();
        let released = conn.begin_nested().await.unwrap();
        insert(&conn).await.unwrap();
        released.commit().await.unwrap();
        assert!(transaction.is_active() && !released.is_active());
        let open = conn.begin_nested().await.unwrap();
        insert(&conn).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(!open.is_active());
        assert_eq!(count(&conn).await, 5);
    });
}

#[test]
fn a3_26_a4_38_rollback_undoes_what_was_done_since_and_can_be_called_again() {
    run(async {
        let conn = connected().await;
        for nested in [false, true] {
            if nested {
                insert(&conn).await.unwrap();
            }
            let transaction = begin(&conn, nested).await;
            insert(&conn).await.unwrap();
            transaction.rollback().await.unwrap();
            transaction.rollback().await.unwrap();
            assert_eq!((count(&conn).await, conn.in_transaction()), (3 + i64::from(nested), true));
            conn.rollback().await.unwrap();
        }
        let transaction = conn.begin().await.unwrap();
        insert(&conn).await.unwrap();
        transaction.commit().await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(count(&conn).await, 4, "after a commit it does nothing");
    });
}

#[test]
fn a3_27_a4_36_close_rolls_back_and_touches_no_transaction_around_it() {
    run(async {
        let conn = connected().await;
        let transaction = conn.begin().await.unwrap();
        insert(&conn).await.unwrap();
        let savepoint = conn.begin_nested().await.unwrap();
        insert(&conn).await.unwrap();
        savepoint.close().await.unwrap();
        savepoint.close().await.unwrap();
        assert!(transaction.is_active());
        assert_eq!(count(&conn).await, 4);
        transaction.commit().await.unwrap();
        transaction.close().await.unwrap();
        assert_eq!(count(&conn).await, 4);
        conn.rollback().await.unwrap();
        // A handle that is dropped does the same.
        let transaction = conn.begin().await.unwrap();
        insert(&conn).await.unwrap();
        drop(transaction);
        assert!(!conn.in_transaction());
        assert_eq!(count(&conn).await, 4);
    });
}

#[test]
fn a3_28_a_transaction_tells_what_it_is() {
    run(async {
        let conn = connected().await;
        for nested in [false, true] {
            let transaction = begin(&conn, nested).await;
            assert_eq!((transaction.is_active(), transaction.is_valid(), transaction.nested()), (true, true, nested));
            assert!(transaction.connection().in_transaction());
            transaction.rollback().await.unwrap();
            assert_eq!((transaction.is_active(), transaction.is_valid()), (false, false));
            conn.rollback().await.unwrap();
        }
    });
}

#[test]
fn a3_29_a_block_whose_transaction_has_ended_takes_no_statements() {
    run(async {
        let conn = connected().await;
        for how in ["commit", "rollback"] {
            let block = conn.transaction(async |conn| {
                insert(conn).await?;
                end(&conn.get_transaction().unwrap(), how).await?;
                conn.execute(&one(), ()).await
            });
            let message = "Can't operate on closed transaction inside context manager.  Please complete the context manager \
                           before emitting further commands.";
            fails(block.await, ErrorKind::InvalidRequest, message);
            conn.execute(&one(), ()).await.unwrap();
            conn.rollback().await.unwrap();
        }
        assert_eq!(count(&conn).await, 4, "what was committed inside stays");
    });
}

#[test]
fn a0_06_a1_15_a_block_commits_and_an_error_of_the_commit_is_told() {
    run(async {
        let engine = people().await;
        let conn = engine.connect().await.unwrap();
        assert_eq!(conn.transaction(async |conn| insert(conn).await.map(|()| 7)).await.unwrap(), 7);
        let failed: Result<()> = conn
            .transaction(async |conn| {
                insert(conn).await?;
                conn.execute(&text("SELECT nonsense"), ()).await.map(drop)
            })
            .await;
        fails(failed, ErrorKind::Operational, "no such column: nonsense");
        assert_eq!(count(&conn).await, 4);
        conn.rollback().await.unwrap();
        // A foreign key that is looked at last fails the commit itself.
        conn.execute(&text("CREATE TABLE notes (u INTEGER REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED)"), ())
            .await
            .unwrap();
        conn.commit().await.unwrap();
        let orphan = text("INSERT INTO notes VALUES (99)");
        let failed = conn.transaction(async |conn| conn.execute(&orphan, ()).await.map(drop)).await;
        fails(failed, ErrorKind::Integrity, "FOREIGN KEY constraint failed");
        assert!(!conn.in_transaction());
        assert_eq!(conn.scalar::<i64>(&text("SELECT count(*) FROM notes"), ()).await.unwrap(), Some(0));
    });
}
