//! Requests that act at once, whatever else their connection does or waits for.

use super::{Service, State, key_of};
use crate::Environment;
use crate::connection::Connection;
use crate::database::Database;
use crate::job::{Job, reply_error};
use aludel_protocol::{Error, ErrorKind, Header};
use std::collections::VecDeque;

impl<H: Environment> Service<H> {
    fn connection(&mut self, header: &Header) -> Option<(&mut Connection, &mut Database, &mut dyn Environment)> {
        let slot = self.slots.get_mut(&key_of(header))?;
        let database = self.databases.get_mut(&slot.database)?;
        match &mut slot.state {
            State::Open(connection) => Some((connection, database, &mut self.env)),
            State::Opening { .. } => None,
        }
    }

    /// What waits for a connection that opens.
    fn opening(&mut self, header: &Header) -> Option<&mut VecDeque<Job>> {
        match self.slots.get_mut(&key_of(header)).map(|slot| &mut slot.state) {
            Some(State::Opening { queue, .. }) => Some(queue),
            _ => None,
        }
    }

    /// Lets a stream send more frames.
    pub(super) fn credit(&mut self, header: &Header, stream: u64, credits: u32) {
        if let Some((connection, ..)) = self.connection(header) {
            connection.credit(stream, credits);
        } else if let Some(queue) = self.opening(header) {
            queue.iter_mut().filter(|job| job.header.request == stream).for_each(|job| job.grant(credits));
        }
    }

    /// Ends a stream without a word.
    pub(super) fn close_stream(&mut self, header: &Header, stream: u64) {
        if let Some((connection, database, env)) = self.connection(header) {
            connection.close_stream(stream, database, env);
            self.look_after_attachments(key_of(header));
        } else if let Some(queue) = self.opening(header) {
            queue.retain(|job| job.header.request != stream || !job.is_stream());
        }
    }

    /// Ends a request that its caller gave up.
    pub(super) fn cancel(&mut self, header: &Header, request: u64) {
        let key = key_of(header);
        if let Some((connection, database, env)) = self.connection(header) {
            connection.cancel(request, database, env);
            self.look_after_attachments(key);
            return;
        }
        let Some(State::Opening { header, queue, .. }) = self.slots.get_mut(&key).map(|slot| &mut slot.state) else {
            return;
        };
        if header.request == request {
            self.abandon(key, &Error::new(ErrorKind::Cancelled, "the connection was cancelled while it opened"));
        } else if let Some(at) = queue.iter().position(|job| job.header.request == request && job.can_be_cancelled())
            && let Some(job) = queue.remove(at)
        {
            reply_error(&mut self.env, &job.header, job.cancelled(), false);
        }
    }
}
