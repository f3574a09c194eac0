//! What waits on a connection. There may be thousands of requests, and none of what is asked in each turn looks at all of them.

use super::lent::touches_sqlite;
use super::{Connection, Lent};
use crate::job::Job;

impl Connection {
    /// Takes a job into the queue.
    pub(crate) fn enqueue(&mut self, job: Job) {
        self.deadlines = self.behind().min(job.deadline());
        let ends = job.ends_use();
        self.queue.push_back(job);
        if ends {
            Self::give_up_waiting(&mut self.queue);
        }
        self.idle_since = None;
    }

    /// The jobs that may have begun: all others wait in the queue behind its first.
    pub(super) fn begun(&self) -> impl Iterator<Item = &Job> {
        self.queue.front().into_iter().chain(&self.streams).chain(self.lent.as_ref().map(Lent::job))
    }

    /// When [`Connection::expire`] is due next, or before.
    pub(crate) fn expires_at(&self) -> f64 {
        let wanted = self.wanted.as_ref().map(|wanted| wanted.request);
        let jobs = self.queue.front().into_iter().chain(&self.streams);
        let jobs = jobs.filter(|job| !(self.is_lent() && touches_sqlite(job, wanted)));
        let times = jobs.map(|job| job.deadline().min(self.lock_deadline(job)));
        times.fold(self.idle_until().min(self.behind()), f64::min)
    }

    /// A time before which nothing is late behind the first of the queue.
    fn behind(&self) -> f64 {
        if self.queue.len() > 1 { self.deadlines } else { f64::INFINITY }
    }

    /// When it has waited too long for a lock.
    pub(super) fn lock_deadline(&self, job: &Job) -> f64 {
        job.waits_since.map_or(f64::INFINITY, |since| since + self.lock_timeout)
    }

    /// Puts a job back to the head of the queue. What was first there meanwhile may have waited for a lock.
    pub(super) fn put_back(&mut self, job: Job) {
        if let Some(next) = self.queue.front() {
            self.deadlines = self.behind().min(next.deadline()).min(self.lock_deadline(next));
        }
        self.queue.push_front(job);
    }
}
