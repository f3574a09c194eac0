//! Files that the environment makes ready, and what waited for them.

use super::Service;
use crate::{Environment, vfs};
use aludel_protocol::{Result, Storage};

impl<H: Environment> Service<H> {
    /// Tells that the files of an OPFS database are ready, or why not.
    pub fn files_ready(&mut self, path: &str, result: Result<()>) {
        let known = self.databases.iter_mut().find(|(_, d)| d.storage == Storage::Opfs && d.path == path);
        let Some((id, database)) = known else {
            // Everyone who waited for them has gone.
            if result.is_ok() {
                self.env.release_files(path);
            }
            return;
        };
        let id = *id;
        let result = match result {
            Ok(()) => database.prepared(&mut self.env, true),
            Err(error) => {
                database.not_prepared();
                Err(error)
            }
        };
        self.end_if_over(id);
        if let Err(error) = result {
            let keys: Vec<_> = self.slots.iter().filter(|(_, slot)| slot.database == id).map(|(key, _)| *key).collect();
            keys.into_iter().for_each(|key| self.abandon(key, &error));
        }
    }

    /// Tells that a scratch file is ready, or why not.
    pub fn scratch_ready(&mut self, name: &str, result: Result<()>) {
        let asked = self.databases.values_mut().any(|database| database.scratches.ready(name, &result));
        if !asked && result.is_ok() {
            // Whoever asked for it has gone.
            vfs::detach(name);
        }
    }
}
