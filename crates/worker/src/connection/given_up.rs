//! Jobs that end before they are done.

use super::lent::touches_sqlite;
use super::{Connection, Later, Lent, Neighbour};
use crate::Environment;
use crate::database::Database;
use crate::job::{Job, Work};
use aludel_protocol::{Error, ErrorKind, Header};
use std::collections::VecDeque;

impl Connection {
    /// Takes jobs out that `which` picks, and ends each by `end`.
    pub(super) fn remove(
        &mut self,
        database: &mut Database,
        env: &mut dyn Environment,
        which: impl Fn(&Job) -> bool,
        mut end: impl FnMut(&mut Connection, Job, &mut Database, &mut dyn Environment),
    ) -> bool {
        if !self.queue.iter().chain(&self.streams).any(&which) {
            return false;
        }
        let in_transaction = self.in_transaction();
        let (picked, queue): (Vec<Job>, VecDeque<Job>) = split(std::mem::take(&mut self.queue), &which);
        let (streams, kept): (Vec<Job>, Vec<Job>) = split(std::mem::take(&mut self.streams), &which);
        (self.queue, self.streams) = (queue, kept);
        for job in picked.into_iter().chain(streams) {
            let request = job.header.request;
            end(self, job, database, env);
            database.lock.leave(self.key, request);
        }
        // Whoever gave up on something is there: being idle begins anew.
        self.idle_since = None;
        self.settle(in_transaction, database, env);
        true
    }

    /// Ends a request that its caller gave up. What ends a transaction or connection is done all the same.
    pub(crate) fn cancel(&mut self, request: u64, database: &mut Database, env: &mut dyn Environment) -> bool {
        let which = |job: &Job| job.header.request == request && job.can_be_cancelled();
        if self.put_off(which, || Later::Cancel(request)) {
            return true;
        }
        self.remove(database, env, which, |this, job, _, env| this.give_up(job, env, Job::cancelled))
    }

    /// Ends a job that its caller has given up or that took too long, wherever it stands.
    pub(super) fn give_up(&mut self, mut job: Job, env: &mut dyn Environment, error: impl FnOnce(&Job) -> Error) {
        if let Work::Execute(execution) = &mut job.work {
            execution.give_up();
        }
        self.fail(job, env, error);
    }

    /// Ends a stream whose reader wants no more of it. What it writes by itself is written to the end.
    pub(crate) fn close_stream(&mut self, request: u64, database: &mut Database, env: &mut dyn Environment) -> bool {
        let which = |job: &Job| job.header.request == request && job.is_stream() && !job.commits_by_itself();
        if self.put_off(which, || Later::CloseStream(request)) {
            let lent = self.lent.as_mut().map(Lent::job_mut);
            let jobs = self.queue.iter_mut().chain(&mut self.streams).chain(lent);
            jobs.filter(|job| which(job)).for_each(|job| job.silent = true);
            return true;
        }
        self.remove(database, env, which, |this, job, _, _| {
            let begun = job.has_begun_transaction() && !job.has_answered();
            this.discard(job);
            if begun {
                // Nobody has heard of this transaction, and nobody would end it. A failure leaves it open, as any other.
                let _ = this.roll_back();
            }
        })
    }

    /// Lets a stream send more frames.
    pub(crate) fn credit(&mut self, request: u64, credits: u32) -> bool {
        let lent = self.lent.as_mut().map(Lent::job_mut);
        let job = self.queue.iter_mut().chain(&mut self.streams).chain(lent).find(|job| job.header.request == request);
        let Some(job) = job else { return false };
        job.grant(credits);
        self.idle_since = None;
        true
    }

    /// Ends what has waited or run too long. `near` are all connections, which may be in its way; `id` is the number of its
    /// database.
    pub(crate) fn expire(
        &mut self,
        now: f64,
        id: u32,
        database: &mut Database,
        near: &[Neighbour],
        env: &mut dyn Environment,
    ) {
        if self.idle_until() <= now {
            self.end_idle(now, database, env);
        }
        let lock_timeout = self.lock_timeout;
        let locked_out = move |job: &Job| job.waits_since.is_some_and(|since| now >= since + lock_timeout);
        // Beside a statement that is lent out, only what has not begun can be ended.
        let (is_lent, wanted) = (self.is_lent(), self.wanted.as_ref().map(|wanted| wanted.request));
        let which =
            move |job: &Job| (now >= job.deadline() || locked_out(job)) && !(is_lent && touches_sqlite(job, wanted));
        self.remove(database, env, which, |this, job, database, env| {
            let locked = job.waits_since.map(|_| this.locked_out(&job, (id, database), near, now));
            this.give_up(job, env, |job| {
                let late = now >= job.deadline();
                match (locked, late) {
                    (Some(locked), true) => job.timed_out().with_cause(locked),
                    (Some(locked), false) => locked,
                    (None, _) => job.timed_out(),
                }
            });
        });
        let behind = self.queue.iter().skip(1).filter(|job| !(is_lent && touches_sqlite(job, wanted)));
        let behind = behind.map(|job| job.deadline().min(self.lock_deadline(job)));
        self.deadlines = behind.fold(f64::INFINITY, f64::min);
    }

    /// Ends all streams, which SQLite wants before a transaction ends. Whoever reads them is told afterwards, when it
    /// is known whether the transaction did end.
    pub(super) fn stop_streams(&mut self, why: &str) -> Vec<(Header, Error)> {
        self.stop_streams_if(why, |_| true)
    }

    /// Ends the streams that `which` picks. SQLite ends no savepoint while statements write, as one does that has returned what
    /// it has written in part.
    pub(super) fn stop_streams_if(&mut self, why: &str, which: impl Fn(&Job) -> bool) -> Vec<(Header, Error)> {
        let (stopped, kept): (Vec<Job>, Vec<Job>) = split(std::mem::take(&mut self.streams), which);
        self.streams = kept;
        let stop = |job: Job| {
            let silent = job.silent;
            let error = Error::new(ErrorKind::ResourceClosed, format!("This stream is closed: {why}."));
            let told = (job.header, error.with_statement(job.sql()));
            self.discard(job);
            (!silent).then_some(told)
        };
        stopped.into_iter().filter_map(stop).collect()
    }

    /// Ends what was interrupted and has found nobody to say why.
    pub(crate) fn give_up_broken(&mut self, database: &mut Database, env: &mut dyn Environment) {
        self.remove(database, env, Job::is_broken, |this, job, _, env| this.fail(job, env, Job::cancelled));
    }

    /// Answers everything that is left with an error, before it is dropped.
    pub(crate) fn abandon(&mut self, env: &mut dyn Environment, error: impl Fn(&Job) -> Error) {
        let jobs = std::mem::take(&mut self.queue).into_iter().chain(std::mem::take(&mut self.streams));
        for job in jobs.collect::<Vec<_>>() {
            self.fail(job, env, &error);
        }
    }
}

fn split<C: Default + Extend<Job>>(jobs: impl IntoIterator<Item = Job>, which: impl Fn(&Job) -> bool) -> (Vec<Job>, C) {
    let (mut picked, mut kept) = (Vec::new(), C::default());
    for job in jobs {
        if which(&job) { picked.push(job) } else { kept.extend([job]) }
    }
    (picked, kept)
}
