//! What every storage has to do, whatever it is made of: one suite of cases, run in memory, on a disk, on a simulated one
//! and, in browsers, on OPFS. In a release there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests, shared by several test binaries")]

mod db;

pub(in crate::vfs) use db::Db;

use super::simulated::Random;
use std::cell::{Cell, RefCell};

pub use files::NAMES;

/// Makes an attached name one that no file has yet, as those of [`NAMES`] have to be.
pub fn set_absent(name: &str) {
    super::find(name).unwrap().present.set(false);
}

/// Two empty databases to try a storage with, attached by whoever runs a case.
pub struct Place {
    /// What SQLite calls the first.
    pub path: String,
    /// What SQLite calls the second.
    pub other: String,
    seed: Cell<u64>,
    /// Connections that stay open from one step of a case to the next.
    kept: RefCell<Vec<Db>>,
}

impl Place {
    /// Two databases that are attached by these names; the seed is for cases that leave something to chance.
    pub fn new(path: &str, other: &str, seed: u64) -> Place {
        // What went wrong in another case is none of this one's business.
        drop(super::last_error());
        Place { path: path.into(), other: other.into(), seed: Cell::new(seed), kept: RefCell::default() }
    }

    pub(in crate::vfs) fn wal(&self) -> Db {
        Db::wal(&self.path)
    }

    pub(in crate::vfs) fn open(&self) -> Db {
        Db::open(&self.path)
    }

    fn random(&self) -> Random {
        Random::with_seed(self.seed.get())
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").field("path", &self.path).field("seed", &self.seed.get()).finish()
    }
}

/// A claim about every storage.
#[derive(Clone, Copy)]
pub struct Case {
    /// What is claimed.
    pub name: &'static str,
    /// It is run on fresh databases, which are detached and attached again between its steps. Where bytes do not survive
    /// that, there is only the first step.
    pub steps: &'static [fn(&Place)],
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish()
    }
}

/// Lists the cases, and on a host makes a test of each on each storage.
macro_rules! suite {
    ($($module:ident: [$($name:ident $(=> $later:ident)*),+ $(,)?],)+) => {
        $(pub(in crate::vfs) mod $module;)+

        /// All cases.
        pub const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), steps: &[$module::$name, $($module::$later),*] }),+),+
        ];

        #[cfg(all(test, not(target_arch = "wasm32")))]
        mod in_memory {
            $(mod $module {
                $(#[test] fn $name() { crate::vfs::tests::support::in_memory(stringify!($name)) })+
            })+
        }
        #[cfg(all(test, not(target_arch = "wasm32")))]
        mod on_disk {
            $(mod $module {
                $(#[test] fn $name() { crate::vfs::tests::support::on_disk(stringify!($name)) })+
            })+
        }
        #[cfg(all(test, not(target_arch = "wasm32")))]
        mod on_a_simulated_disk {
            $(mod $module {
                $(#[test] fn $name() { crate::vfs::tests::support::on_a_simulated_disk(stringify!($name)) })+
            })+
        }
        #[cfg(all(test, not(target_arch = "wasm32")))]
        mod on_a_disk_that_reorders {
            $(mod $module {
                $(#[test] fn $name() { crate::vfs::tests::support::on_a_disk_that_reorders(stringify!($name)) })+
            })+
        }
    };
}

suite! {
    files: [
        files_keep_the_contract_of_a_file,
        stores_keep_the_contract_of_a_store,
        short_reads_are_filled_with_zeros_and_told,
        positions_that_cannot_be_are_refused,
        a_file_does_what_its_model_does,
        large_pieces_are_whole,
        offsets_beyond_four_gigabytes_are_offsets,
        a_file_without_bytes_is_no_file,
        a_deleted_file_is_empty_for_all_who_have_it_open,
        a_detached_name_cannot_be_opened,
        closed_files_fail_and_do_not_panic,
        garbage_is_refused,
        files_that_share_nothing_do_not_meet,
        connections_outlive_their_files => and_do_no_harm_to_files_attached_again,
    ],
    locks: [
        many_read_and_one_writes,
        a_writer_that_waits_keeps_new_readers_out,
        handles_do_what_a_naive_model_of_locks_does,
        a_dropped_handle_gives_everything_back,
    ],
    shm: [
        regions_are_shared_and_zeroed_and_never_move,
        regions_live_until_the_last_unmap,
        slots_do_what_a_naive_model_does,
        what_cannot_be_is_refused,
    ],
    wal: [
        a_cursor_survives_the_commits_of_other_connections,
        every_reader_keeps_its_snapshot,
        one_connection_writes_at_a_time,
        a_stale_upgrade_is_busy_snapshot,
        wal_to_delete_and_back,
        checkpoints_wait_for_readers,
        the_last_close_merges_the_log => and_the_database_is_whole_without_it,
        a_log_that_nobody_merged => is_recovered,
        closing_a_connection_gives_up_its_locks,
        the_log_grows_over_many_regions,
        frames_are_whole_for_whoever_reads_between_them,
    ],
    rollback: [
        every_journal_mode_works,
        one_connection_reserves_at_a_time,
        a_reader_holds_up_a_commit,
        a_waiting_commit_keeps_new_readers_out,
        exclusive_locking_mode_is_alone,
        a_hot_journal => is_rolled_back,
    ],
    isolation: [
        connections_see_what_the_model_sees,
        a_rollback_journal_does_what_the_model_does,
        no_update_is_lost,
    ],
    temporary: [
        temporary_tables_and_sorts_larger_than_the_cache_work,
        statements_are_undone_alone,
        vacuum_rewrites_the_database,
        materialised_queries_work,
        a_transaction_over_two_databases_is_atomic_while_the_process_lives,
    ],
}
