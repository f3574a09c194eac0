//! Files that the connection attaches.

use super::Connection;
use crate::attach::{self, Attached, Wanted};
use crate::database::Database;
use crate::writers::Writers;
use aludel_protocol::Result;

impl Connection {
    /// Has a file made ready that a statement attaches, before the statement is tried again.
    pub(super) fn want(&mut self, request: u64, name: String, database: &Database) -> Result<()> {
        let path = attach::resolve(database, &name)?;
        self.wanted = Some(Wanted { request, name, path, database: None, writers: Writers::default(), outcome: None });
        Ok(())
    }

    /// The file that this request wants.
    pub(super) fn wanted_by(&self, request: u64) -> Option<&Wanted> {
        self.wanted.as_ref().filter(|wanted| wanted.request == request)
    }

    /// The file that it wants to attach.
    pub(crate) fn wanted(&mut self) -> Option<&mut Wanted> {
        self.wanted.as_mut()
    }

    /// Takes note of whether the file that it wants is ready.
    pub(crate) fn file_is_ready(&mut self, outcome: Result<()>) {
        if let Some(wanted) = &mut self.wanted {
            if outcome.is_ok() {
                self.db.set_attachable(Some((&wanted.name, &wanted.path)));
            }
            wanted.outcome = Some(outcome);
        }
    }

    /// After a statement that attaches or detaches: which files are attached?
    pub(super) fn look_at_attached(&mut self) {
        self.db.set_attachable(None);
        let wanted = self.wanted.take();
        // Where SQLite cannot even say that, everything stays as it was.
        let Ok(databases) = attach::databases(&self.db) else {
            self.released.extend(wanted.and_then(|wanted| wanted.database));
            return;
        };
        let known = |schema: &str, path: &str| databases.iter().any(|(other, file)| other == schema && file == path);
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.attached).into_iter().partition(|file| known(&file.schema, &file.path));
        self.attached = kept;
        self.released.extend(gone.iter().map(|file| file.database));
        let Some(Wanted { path, database: Some(database), writers, .. }) = wanted else { return };
        let new = databases
            .into_iter()
            .find(|(schema, file)| *file == path && !self.attached.iter().any(|known| known.schema == *schema));
        match new {
            Some((schema, path)) => self.attached.push(Attached { schema, path, database, writers }),
            None => self.released.push(database),
        }
    }

    /// The databases whose files it needs no more, since this was last asked.
    pub(crate) fn take_released(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.released)
    }

    /// The databases that it has attached or wants to, when it is closed.
    pub(crate) fn attached_databases(&self) -> Vec<u32> {
        let wanted = self.wanted.iter().filter_map(|wanted| wanted.database);
        self.attached.iter().map(|file| file.database).chain(wanted).chain(self.released.iter().copied()).collect()
    }

    /// How many frames the logs of attached databases have, after it committed to them.
    pub(crate) fn take_attached_commits(&mut self) -> Vec<(u32, u32)> {
        let database = |schema: &str| self.attached.iter().find(|file| file.schema == schema).map(|file| file.database);
        let commits = self.db.take_attached_commits();
        commits.into_iter().filter_map(|(schema, frames)| Some((database(&schema)?, frames))).collect()
    }

    /// Whether it has given up a lock since this was last asked, on whichever database.
    pub(crate) fn take_freed(&mut self) -> bool {
        std::mem::take(&mut self.freed)
    }
}
