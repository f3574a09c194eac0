//! Who imports into a database, and the scratch files that are made ready for it.

use crate::connection::ConnectionKey;
use crate::vfs::{self, Scratch};
use crate::{Environment, Preparation, disk};
use aludel_protocol::{Error, ErrorKind, Result, Storage};

/// The one import into a database, as far as others have to know of it.
#[derive(Debug, Default)]
pub(crate) struct Scratches {
    by: Option<ConnectionKey>,
    /// A scratch file that was asked for, and what became of it once that is known.
    asked: Option<(String, Option<Result<()>>)>,
}

impl Scratches {
    /// Makes a connection the one that imports.
    pub(crate) fn claim(&mut self, key: ConnectionKey) -> Result<()> {
        if self.by.is_some_and(|by| by != key) {
            let error = Error::new(ErrorKind::Operational, "another import into this database is under way");
            return Err(error.with_retryable(true));
        }
        self.by = Some(key);
        Ok(())
    }

    /// Takes note that a connection imports no more.
    pub(crate) fn leave(&mut self, key: ConnectionKey) {
        if self.by != Some(key) {
            return;
        }
        self.by = None;
        // One that is still being made ready is given up when it is.
        if let Some((name, Some(Ok(())))) = self.asked.take_if(|(_, outcome)| outcome.is_some()) {
            vfs::detach(&name);
        }
    }

    /// Whether a connection waits for a scratch file.
    pub(crate) fn is_waiting(&self, key: ConnectionKey) -> bool {
        self.by == Some(key) && matches!(self.asked, Some((_, None)))
    }

    /// A scratch file of that name; nothing as long as it is being made ready.
    pub(crate) fn ask(&mut self, storage: Storage, name: &str, env: &mut dyn Environment) -> Result<Option<Scratch>> {
        let outcome = match self.asked.take() {
            Some((asked, outcome)) if asked == name => outcome,
            _ => match storage {
                Storage::Memory => return Scratch::in_memory(name).map(Some),
                Storage::Disk => Some(disk::attach_scratch(name)),
                Storage::Opfs => match env.prepare_scratch(name) {
                    Preparation::Ready(outcome) => Some(outcome),
                    Preparation::Later => None,
                },
            },
        };
        match outcome {
            Some(outcome) => outcome.and_then(|()| Scratch::of(name)).map(Some),
            None => {
                self.asked = Some((name.to_owned(), None));
                Ok(None)
            }
        }
    }

    /// Takes note of what became of a scratch file; says whether somebody had asked for it.
    pub(crate) fn ready(&mut self, name: &str, outcome: &Result<()>) -> bool {
        match &mut self.asked {
            Some((asked, waiting @ None)) if asked == name && self.by.is_some() => {
                *waiting = Some(outcome.clone());
                true
            }
            Some((asked, None)) if asked == name => {
                self.asked = None;
                false
            }
            _ => false,
        }
    }
}
