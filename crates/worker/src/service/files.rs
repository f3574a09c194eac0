//! Files that the environment makes ready, and what waited for them.

use super::Service;
use crate::database::Database;
use crate::{Environment, vfs};
use aludel_protocol::{Result, Storage};

impl<H: Environment> Service<H> {
    /// The number of a database; a new one, if nobody has asked for it so far.
    pub(super) fn database(&mut self, storage: Storage, path: &str) -> u32 {
        let known = self.databases.iter().find(|(_, database)| database.storage == storage && database.path == path);
        if let Some((id, _)) = known {
            return *id;
        }
        self.last_database = self.last_database.wrapping_add(1);
        let epoch = self.epochs.get(&(storage as u8, path.to_owned())).copied();
        self.databases.insert(self.last_database, Database::new(storage, path, epoch));
        self.last_database
    }

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
        self.tell_attaching(id, &result);
        if let Err(error) = result {
            let keys: Vec<_> = self.slots.iter().filter(|(_, slot)| slot.database == id).map(|(key, _)| *key).collect();
            keys.into_iter().for_each(|key| self.abandon(key, &error));
        }
    }

    /// The paths of the OPFS databases that are open.
    pub fn opfs_paths(&self) -> Vec<String> {
        let open = self.databases.values().filter(|d| d.storage == Storage::Opfs && d.is_ready());
        open.map(|database| database.path.clone()).collect()
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
