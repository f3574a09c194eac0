//! What a crash leaves of a simulated disk.

use super::{Op, Random, SimulatedDisk, apply};
use std::collections::BTreeMap;

/// A disk writes sectors whole, and the bytes beside them stay as they were.
const SECTOR: usize = 512;

impl SimulatedDisk {
    /// The disk after the death of the process that had done `count` things: all of them are there. With `torn`, the
    /// first half of the next is as well.
    pub fn killed_after(&self, count: usize, torn: bool) -> SimulatedDisk {
        let state = self.state.borrow();
        let log = state.log.as_deref().unwrap_or_default();
        let mut files = state.before.clone();
        let part = match log.get(count) {
            Some(Op::Write { file, offset, bytes }) if torn => {
                let bytes = bytes[..bytes.len() / 2].to_vec();
                Some(Op::Write { file: file.clone(), offset: *offset, bytes })
            }
            _ => None,
        };
        for op in log[..count.min(log.len())].iter().chain(&part) {
            // Files in memory took it before.
            let _ = apply(&mut files, op);
        }
        SimulatedDisk::of(files)
    }

    /// The disk after the power failed when `count` things were done: of what a file got since its last sync, any part
    /// may be missing, whatever the order in which it came. Of four such things about `kept` are there.
    pub fn power_cut_after(&self, count: usize, kept: usize, random: &mut Random) -> SimulatedDisk {
        let state = self.state.borrow();
        let log = state.log.as_deref().unwrap_or_default();
        let log = &log[..count.min(log.len())];
        let mut synced = BTreeMap::new();
        for (at, op) in log.iter().enumerate() {
            if let Op::Sync { file } = op {
                synced.insert(file.clone(), at);
            }
        }
        let mut files = state.before.clone();
        for (at, op) in log.iter().enumerate() {
            let (Op::Write { file, .. } | Op::Truncate { file, .. } | Op::Sync { file } | Op::Remove { file }) = op;
            if synced.get(file).is_some_and(|synced| at <= *synced) || random.below(4) < kept {
                let _ = apply(&mut files, op);
            } else if let Op::Write { file, offset, bytes } = op
                && kept > 0
                && random.below(4) == 0
            {
                // A part of it, in sectors of the disk.
                let first = SECTOR - (*offset as usize % SECTOR);
                let sectors = bytes.len().saturating_sub(first) / SECTOR;
                let end = (first + random.below(sectors + 1) * SECTOR).min(bytes.len());
                let part = Op::Write { file: file.clone(), offset: *offset, bytes: bytes[..end].to_vec() };
                let _ = apply(&mut files, &part);
            }
        }
        SimulatedDisk::of(files)
    }

    fn of(files: BTreeMap<std::rc::Rc<str>, super::MemoryFile>) -> SimulatedDisk {
        let disk = SimulatedDisk::new();
        disk.state.borrow_mut().files = files;
        disk
    }
}
