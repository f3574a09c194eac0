//! The function by which tests break the worker, where it is built in.

use crate::bench::{Bench, execute};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_fault_panics_out_of_the_turn_and_not_through_sqlite() {
    let mut bench = Bench::with(1);
    bench.send_execute(1, &execute("select aludel_fault('panic')"), &[]);
    let panic = catch_unwind(AssertUnwindSafe(|| bench.settle())).expect_err("a panic");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"aludel_fault('panic') was called"));
}

#[test]
fn an_unknown_fault_is_an_error() {
    let mut bench = Bench::with(1);
    assert_eq!(bench.fail(1, "select aludel_fault('x')").message(), "'panic' or 'trap'");
    assert_eq!(bench.fail(1, "select aludel_fault(null)").message(), "'panic' or 'trap'");
}
