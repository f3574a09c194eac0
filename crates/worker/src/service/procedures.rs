//! Procedures that the environment finds, and what waits for them.

use super::{Service, State, key_of, not_open};
use crate::Environment;
use crate::job::{Job, Work};
use crate::procedure::{Finding, Invocation, Procedure};
use aludel_protocol::{Header, ProcedureCall, Result};

impl<H: Environment> Service<H> {
    pub(super) fn take_procedure(&mut self, header: &Header, call: &ProcedureCall<'_>) -> Result<()> {
        if !self.slots.contains_key(&key_of(header)) {
            return Err(not_open(header.connection));
        }
        // It is looked for at once, whatever its connection still has to do before.
        let found = match self.env.procedure(header, call) {
            Finding::Found(outcome) => Some(outcome),
            Finding::Later => None,
        };
        let invocation = Invocation { begin: call.begin, within: call.within, read_only: call.read_only, found };
        self.enqueue(header, Work::Procedure(Box::new(invocation)), call.deadline)
    }

    /// Tells that a procedure is there that a request is to call, or why not.
    pub fn procedure_ready(&mut self, header: &Header, outcome: Result<Box<dyn Procedure>>) {
        match self.slots.get_mut(&key_of(header)).map(|slot| &mut slot.state) {
            Some(State::Open(connection)) => connection.procedure_ready(header.request, outcome),
            Some(State::Opening { queue, .. }) => {
                let job = queue.iter_mut().find(|job| job.header.request == header.request);
                if let Some(Job { work: Work::Procedure(invocation), .. }) = job {
                    invocation.found = Some(outcome);
                }
            }
            // Whoever asked for it has gone.
            None => {}
        }
    }
}
