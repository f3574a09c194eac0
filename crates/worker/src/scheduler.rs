//! Who runs next, for how long, and who waits for whom: decisions without an environment.
#![forbid(unsafe_code)]

use crate::Turn;
use std::cell::Cell;
use std::collections::VecDeque;

/// How long a turn lasts, in milliseconds, before the environment looks for frames again.
pub(crate) const TURN_MS: f64 = 8.0;

/// How long one piece of work runs, in milliseconds, while others could.
pub(crate) const SLICE_MS: f64 = 2.0;

/// The most rows (or parameter sets) between two looks at the clock.
const MOST_UNSEEN: u32 = 64;

/// A share of a turn. It looks at the clock seldom when rows come fast, and after each when they come slowly.
#[derive(Debug)]
pub(crate) struct Slice {
    end: f64,
    last: f64,
    every: u32,
    left: u32,
}

impl Slice {
    pub(crate) fn new(now: f64, end: f64) -> Slice {
        Slice { end, last: now, every: 1, left: 1 }
    }

    /// When the clock was looked at last.
    pub(crate) fn last(&self) -> f64 {
        self.last
    }

    /// When it ends.
    pub(crate) fn end(&self) -> f64 {
        self.end
    }

    /// To be asked after each row: whether the slice is over.
    pub(crate) fn is_over(&mut self, now: impl FnOnce() -> f64) -> bool {
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return false;
        }
        let now = now();
        let took = now - self.last;
        self.last = now;
        if took < 0.1 {
            self.every = (self.every * 2).min(MOST_UNSEEN);
        } else if took > 0.5 {
            self.every = (self.every / 8).max(1);
        }
        self.left = self.every;
        now >= self.end
    }
}

/// How often a statement that is asked within its steps whether to go on looks at the clock. Looking means calling JavaScript:
/// statements whose steps are quick look every fourth time only.
#[derive(Debug)]
pub(crate) struct Looks {
    last: Cell<f64>,
    every: Cell<u32>,
    left: Cell<u32>,
}

/// The most times between two looks: as much longer may a statement run whose steps take long all of a sudden.
const MOST_UNLOOKED: u32 = 4;

impl Looks {
    pub(crate) fn new(now: f64) -> Looks {
        Looks { last: Cell::new(now), every: Cell::new(1), left: Cell::new(1) }
    }

    /// Whether to look this time.
    pub(crate) fn is_due(&self) -> bool {
        let left = self.left.get() - 1;
        self.left.set(if left == 0 { self.every.get() } else { left });
        left == 0
    }

    /// To be told what the clock shows after a pause.
    pub(crate) fn resume(&self, now: f64) {
        self.last.set(now);
    }

    /// To be told what the clock shows, whenever it was looked at.
    pub(crate) fn saw(&self, now: f64) {
        let took = (now - self.last.replace(now)) / f64::from(self.every.get());
        let every = if took < 0.05 { (self.every.get() * 2).min(MOST_UNLOOKED) } else { 1 };
        self.every.set(every);
        self.left.set(every);
    }
}

/// What to do after a turn: go on while something can run, else wait for the earliest of the times.
pub(crate) fn after_turn(runnable: bool, times: impl Iterator<Item = f64>) -> Turn {
    if runnable {
        return Turn::Again;
    }
    let earliest = times.fold(f64::INFINITY, f64::min);
    if earliest.is_finite() { Turn::WaitUntil(earliest) } else { Turn::Idle }
}

/// Takes the first that can run, and moves all of its group behind the others, itself to the very end. So the groups take
/// turns, and within each group its members: nobody gets more for being many.
pub(crate) fn rotate<K: Copy, G: PartialEq>(
    order: &mut VecDeque<K>,
    group: impl Fn(K) -> G,
    can_run: impl Fn(K) -> bool,
) -> Option<K> {
    let at = order.iter().position(|key| can_run(*key))?;
    let key = order.remove(at)?;
    if order.iter().any(|other| group(*other) != group(key)) {
        let (same, others): (Vec<K>, Vec<K>) = order.drain(..).partition(|other| group(*other) == group(key));
        order.extend(others.into_iter().chain(same));
    }
    order.push_back(key);
    Some(key)
}

/// The write lock of a database: who holds it since when, and who waits for it. SQLite decides who gets it; this
/// decides who may try.
///
/// `C` names a connection, `R` a request.
#[derive(Debug)]
pub(crate) struct WriteLock<C, R> {
    holder: Option<(C, f64)>,
    waiters: VecDeque<Waiter<C, R>>,
    /// Counts how often a lock was given up.
    releases: u64,
}

#[derive(Debug)]
struct Waiter<C, R> {
    connection: C,
    request: R,
    since: f64,
    /// The count of releases when it last tried in vain; `None` when it did not try, since others had come before.
    tried: Option<u64>,
}

impl<C: Copy + Eq, R: Copy + Eq> WriteLock<C, R> {
    pub(crate) fn new() -> WriteLock<C, R> {
        WriteLock { holder: None, waiters: VecDeque::new(), releases: 0 }
    }

    /// Who holds the lock, and since when.
    pub(crate) fn holder(&self) -> Option<(C, f64)> {
        self.holder
    }

    /// Takes note of whether a connection holds the lock.
    pub(crate) fn observe(&mut self, connection: C, holds: bool, now: f64) {
        let held = self.holder.is_some_and(|(holder, _)| holder == connection);
        if held && !holds {
            self.holder = None;
            self.releases += 1;
        } else if holds && !held {
            self.holder = Some((connection, now));
        }
    }

    /// Takes note of a lock of another kind (a reader's) that was given up.
    pub(crate) fn released(&mut self) {
        self.releases += 1;
    }

    /// Puts a request that found the lock taken at the end of the queue, or leaves it at its place there. `releases` is how often
    /// a lock had been given up before it tried: a statement that pauses can be told late what it found.
    pub(crate) fn wait(&mut self, connection: C, request: R, now: f64, releases: u64) {
        // One that only stood back has not tried: should those before it go without the lock, nobody releases it for them.
        let tried = if self.is_promised(connection) { None } else { Some(releases) };
        match self.waiters.iter_mut().find(|waiter| waiter.connection == connection && waiter.request == request) {
            Some(waiter) => waiter.tried = Some(releases),
            None => self.waiters.push_back(Waiter { connection, request, since: now, tried }),
        }
    }

    /// The connections whose requests wait, and since when, in their order.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (C, f64)> {
        self.waiters.iter().map(|waiter| (waiter.connection, waiter.since))
    }

    /// Takes a request out of the queue.
    pub(crate) fn leave(&mut self, connection: C, request: R) {
        self.waiters.retain(|waiter| waiter.connection != connection || waiter.request != request);
    }

    /// Takes a connection that is closed out of everything.
    pub(crate) fn forget(&mut self, connection: C, now: f64) {
        self.observe(connection, false, now);
        self.released();
        self.waiters.retain(|waiter| waiter.connection != connection);
    }

    /// Whether this waiting request may try now: the lock is free, and those before it have tried in vain.
    pub(crate) fn may_try(&self, connection: C, request: R) -> bool {
        if self.holder.is_some_and(|(holder, _)| holder != connection) {
            return false;
        }
        let next = self.waiters.iter().find(|waiter| self.is_to_try(waiter));
        next.is_some_and(|waiter| waiter.connection == connection && waiter.request == request)
    }

    /// Whether this waiting request has tried since a lock was given up last.
    pub(crate) fn has_tried(&self, connection: C, request: R) -> bool {
        let waiter = self.waiters.iter().find(|waiter| waiter.connection == connection && waiter.request == request);
        waiter.is_some_and(|waiter| !self.is_to_try(waiter))
    }

    /// How often a lock was given up: what found the database locked may try again when this has grown.
    pub(crate) fn releases(&self) -> u64 {
        self.releases
    }

    /// Whether a request of this connection that does not wait yet has to queue behind those that do.
    pub(crate) fn is_promised(&self, connection: C) -> bool {
        self.holder.is_none()
            && self.waiters.iter().any(|waiter| self.is_to_try(waiter) && waiter.connection != connection)
    }

    fn is_to_try(&self, waiter: &Waiter<C, R>) -> bool {
        waiter.tried.is_none_or(|tried| tried < self.releases)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_looks_often_when_rows_are_slow_and_seldom_when_they_are_fast() {
        let looks = |row_ms: f64| {
            let (mut now, mut looks, mut rows) = (0.0, 0, 0);
            let mut slice = Slice::new(0.0, TURN_MS);
            loop {
                now += row_ms;
                rows += 1;
                let over = slice.is_over(|| {
                    looks += 1;
                    now
                });
                if over {
                    return (looks, rows, now);
                }
            }
        };
        let (seen, rows, now) = looks(0.001);
        assert!(rows > 7_900 && now < TURN_MS + 0.1 && seen < rows / 30, "{seen} looks in {rows} rows, {now} ms");
        let (seen, rows, now) = looks(3.0);
        assert_eq!((seen, rows, now), (3, 3, 9.0));
    }

    #[test]
    fn a_slice_that_meets_slow_rows_late_still_ends() {
        let (mut now, mut rows) = (0.0, 0);
        let mut slice = Slice::new(0.0, 2.0);
        while !slice.is_over(|| now) {
            rows += 1;
            now += if rows < 500 { 0.0001 } else { 0.5 };
        }
        assert!(now < 2.0 + 0.5 * f64::from(MOST_UNSEEN), "{now}");
    }

    /// How often a statement looked, and when it saw that its slice of 5 ms was over, whose steps take so long from the 1,000th on.
    fn looks(quick: f64, slow: f64) -> (u32, f64) {
        let (mut now, mut seen) = (0.0, 0);
        let looks = Looks::new(now);
        for asked in 0.. {
            now += if asked < 1_000 { quick } else { slow };
            if looks.is_due() {
                seen += 1;
                looks.saw(now);
                if now >= 5.0 {
                    break;
                }
            }
        }
        (seen, now)
    }

    #[test]
    fn a_statement_whose_steps_are_quick_looks_seldom_and_ends_its_slice_all_the_same() {
        for (quick, slow, at_most, late) in [
            (0.001, 0.001, 1_260, 0.01),
            (0.04, 0.04, 40, 0.2),
            // Each time, where they take as long as that.
            (0.06, 0.06, 84, 0.1),
            (0.003, 3.0, 260, 12.1),
        ] {
            let (seen, now) = looks(quick, slow);
            assert!(seen <= at_most && now < 5.0 + late, "{quick} {slow}: {seen} looks until {now} ms");
        }
    }

    #[test]
    fn work_comes_before_waiting_and_the_earliest_time_counts() {
        assert_eq!(after_turn(true, [5.0].into_iter()), Turn::Again);
        assert_eq!(after_turn(false, [7.0, 5.0, f64::INFINITY].into_iter()), Turn::WaitUntil(5.0));
        assert_eq!(after_turn(false, [f64::INFINITY].into_iter()), Turn::Idle);
        assert_eq!(after_turn(false, [].into_iter()), Turn::Idle);
    }

    #[test]
    fn everyone_gets_a_turn() {
        let mut order = VecDeque::from([1, 2, 3]);
        let group = |_| 'g';
        let picks: Vec<_> = (0..6).map(|_| rotate(&mut order, group, |key| key != 2).unwrap()).collect();
        assert_eq!(picks, [1, 3, 1, 3, 1, 3]);
        assert_eq!(rotate(&mut order, group, |key| key == 2), Some(2));
        assert_eq!(rotate(&mut order, group, |_| false), None);
    }

    #[test]
    fn every_group_gets_its_turn_however_many_are_in_it() {
        let mut order = VecDeque::from(["a1", "a2", "b1", "a3", "c1", "c2"]);
        let mut picks = |except: &str, count: usize| {
            let group = |key: &str| key.as_bytes()[0];
            let picks = (0..count).map(|_| rotate(&mut order, group, |key| !key.starts_with(except)).unwrap());
            picks.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(picks("x", 9), "a1 b1 c1 a2 b1 c2 a3 b1 c1");
        assert_eq!(picks("b", 4), "a1 c2 a2 c1");
        // One that had nothing to do for a while comes first, but only once.
        assert_eq!(picks("x", 3), "b1 a3 c2");
    }

    #[test]
    fn waiters_try_in_the_order_in_which_they_came() {
        let mut lock = WriteLock::new();
        lock.observe('a', true, 1.0);
        lock.observe('a', true, 5.0);
        assert_eq!(lock.holder(), Some(('a', 1.0)));
        lock.wait('b', 1, 0.0, lock.releases());
        lock.wait('c', 2, 0.0, lock.releases());
        lock.wait('b', 1, 0.0, lock.releases());
        assert!(!lock.may_try('b', 1) && !lock.is_promised('d'));
        lock.observe('a', false, 6.0);
        assert!(lock.may_try('b', 1) && !lock.may_try('c', 2));
        // A newcomer may not overtake; the connection whose turn it is may.
        assert!(lock.is_promised('d'));
        lock.leave('b', 1);
        lock.observe('b', true, 7.0);
        assert!(!lock.may_try('c', 2) && !lock.is_promised('d'));
        lock.observe('b', false, 8.0);
        assert!(lock.may_try('c', 2) && !lock.is_promised('c'));
    }

    #[test]
    fn one_that_tried_in_vain_lets_the_next_try() {
        let mut lock = WriteLock::new();
        lock.observe('a', true, 0.0);
        lock.wait('b', 1, 0.0, lock.releases());
        lock.wait('c', 2, 0.0, lock.releases());
        lock.observe('a', false, 1.0);
        assert!(lock.may_try('b', 1));
        lock.wait('b', 1, 0.0, lock.releases());
        assert!(!lock.may_try('b', 1) && lock.may_try('c', 2));
        lock.wait('c', 2, 0.0, lock.releases());
        assert!(!lock.may_try('c', 2) && !lock.is_promised('d'));
        // A reader ended: it may have been what the first of them waited for.
        lock.released();
        assert!(lock.may_try('b', 1));
        lock.forget('b', 2.0);
        assert!(lock.may_try('c', 2));
    }

    #[test]
    fn one_that_is_told_late_that_it_tried_in_vain_tries_again() {
        let mut lock = WriteLock::new();
        lock.observe('a', true, 0.0);
        let before = lock.releases();
        lock.observe('a', false, 1.0);
        lock.wait('b', 1, 1.0, before);
        assert!(lock.may_try('b', 1));
        lock.wait('b', 1, 1.0, lock.releases());
        assert!(!lock.may_try('b', 1));
    }

    #[test]
    fn one_that_stood_back_tries_when_those_before_it_have_gone_without_the_lock() {
        let mut lock = WriteLock::new();
        lock.observe('a', true, 0.0);
        lock.wait('b', 1, 0.0, lock.releases());
        lock.observe('a', false, 1.0);
        assert!(lock.is_promised('c'));
        lock.wait('c', 2, 1.0, lock.releases());
        assert!(lock.may_try('b', 1) && !lock.may_try('c', 2));
        // Its snapshot was too old, or its time was over: it never had the lock, so it gives none up.
        lock.leave('b', 1);
        assert!(lock.may_try('c', 2));
        lock.wait('c', 2, 2.0, lock.releases());
        assert!(!lock.may_try('c', 2));
    }
}
