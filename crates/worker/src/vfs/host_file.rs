//! Files through the VFS that SQLite brings for the host's system, whose locks every other SQLite honours.

use crate::sqlite::ffi;
use rsqlite_vfs::{VfsError, VfsErrorCode, VfsResult};
use std::ffi::{CStr, CString, c_int, c_void};
use std::ptr::{null, null_mut};
use std::rc::Rc;

/// The most that SQLite's own file system reads or writes in one call: it takes the length modulo 128 KiB, since no page is
/// larger than half of that.
const MOST_AT_ONCE: usize = 64 << 10;

/// Which of a database's three files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Main,
    Wal,
    Journal,
    /// A file of that very name that must not exist before, and does not after it is closed.
    Scratch,
}

/// The names of a database's files, in the form in which SQLite hands them to a VFS.
pub(super) struct Names {
    vfs: *mut ffi::sqlite3_vfs,
    main: ffi::sqlite3_filename,
}

impl Names {
    /// The names for the database file `path`.
    pub(super) fn new(path: &str) -> VfsResult<Rc<Names>> {
        let refused = |why: &'static str| VfsError::new(VfsErrorCode::CantOpen, why.into());
        let path = CString::new(path).map_err(|_| refused("the path has a zero in it"))?;
        // SAFETY: a null name asks for the default VFS, which is registered before any other and never freed.
        let vfs = unsafe { ffi::sqlite3_vfs_find(null()) };
        if vfs.is_null() {
            return Err(refused("SQLite has no file system here"));
        }
        // SAFETY: the VFS is live; only a field is read.
        let (full_pathname, longest) = unsafe { ((*vfs).xFullPathname, (*vfs).mxPathname) };
        let full_pathname = full_pathname.ok_or_else(|| refused("SQLite has no file system here"))?;
        let mut full = vec![0_u8; usize::try_from(longest).unwrap_or(0) + 1];
        // SAFETY: the buffer is as long as is said, and the path ends with a zero.
        let code = unsafe { full_pathname(vfs, path.as_ptr(), longest.saturating_add(1), full.as_mut_ptr().cast()) };
        // A resolved symbolic link is an answer too.
        if !matches!(code, ffi::SQLITE_OK | ffi::SQLITE_OK_SYMLINK) {
            return Err(refused("the path cannot be resolved"));
        }
        let full = CStr::from_bytes_until_nul(&full).map_err(|_| refused("the path cannot be resolved"))?.to_bytes();
        let name = |suffix: &str| CString::new([full, suffix.as_bytes()].concat());
        let (Ok(main), Ok(journal), Ok(wal)) = (name(""), name("-journal"), name("-wal")) else {
            return Err(refused("the path has a zero in it"));
        };
        // SAFETY: three strings that end with a zero and no parameters; SQLite copies them.
        let main =
            unsafe { ffi::sqlite3_create_filename(main.as_ptr(), journal.as_ptr(), wal.as_ptr(), 0, null_mut()) };
        if main.is_null() {
            return Err(VfsError::new(VfsErrorCode::NoMemory, "no memory for the names of the files".into()));
        }
        Ok(Rc::new(Names { vfs, main }))
    }

    fn name(&self, kind: Kind) -> ffi::sqlite3_filename {
        // SAFETY: `main` came from `sqlite3_create_filename` and is not freed yet.
        unsafe {
            match kind {
                Kind::Main | Kind::Scratch => self.main,
                Kind::Wal => ffi::sqlite3_filename_wal(self.main),
                Kind::Journal => ffi::sqlite3_filename_journal(self.main),
            }
        }
    }

    /// Whether the file exists and has bytes.
    pub(super) fn exists(&self, kind: Kind) -> VfsResult<bool> {
        let mut exists = 0;
        // SAFETY: the VFS and the name are live, and `exists` is a variable for the answer.
        let code = match unsafe { (*self.vfs).xAccess } {
            // SAFETY: as above.
            Some(access) => unsafe { access(self.vfs, self.name(kind), ffi::SQLITE_ACCESS_EXISTS, &mut exists) },
            None => ffi::SQLITE_IOERR_ACCESS,
        };
        self.checked(code).map(|()| exists != 0)
    }

    /// Removes the file.
    pub(super) fn delete(&self, kind: Kind, durably: bool) -> VfsResult<()> {
        // SAFETY: the VFS and the name are live.
        let code = match unsafe { (*self.vfs).xDelete } {
            // SAFETY: as above.
            Some(delete) => unsafe { delete(self.vfs, self.name(kind), durably.into()) },
            None => ffi::SQLITE_IOERR_DELETE,
        };
        if code == ffi::SQLITE_IOERR_DELETE_NOENT { Ok(()) } else { self.checked(code) }
    }

    /// What the system said is part of the message.
    fn checked(&self, code: c_int) -> VfsResult<()> {
        let Some(kind) = VfsErrorCode::from_raw(code) else { return Ok(()) };
        // SAFETY: a constant text for any code.
        let text = unsafe { CStr::from_ptr(ffi::sqlite3_errstr(code)) }.to_string_lossy().into_owned();
        // SAFETY: the VFS is live; it may be asked for the number alone.
        let number = match unsafe { (*self.vfs).xGetLastError } {
            // SAFETY: as above.
            Some(last_error) if code & 0xff != ffi::SQLITE_BUSY => unsafe { last_error(self.vfs, 0, null_mut()) },
            _ => 0,
        };
        Err(match rsqlite_vfs::SystemErrorCode::from_raw(number) {
            None => VfsError::new(kind, text.into()),
            Some(system) => {
                let text = format!("{text}: {}", std::io::Error::from_raw_os_error(number));
                VfsError::new(kind, text.into()).with_system_error(system)
            }
        })
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        // SAFETY: it came from `sqlite3_create_filename` and is freed once; every file that uses it holds an `Rc`.
        unsafe { ffi::sqlite3_free_filename(self.main) }
    }
}

/// An open file of the host's VFS.
pub(super) struct HostFile {
    names: Rc<Names>,
    /// SQLite's structure, in words so that it is aligned.
    file: Box<[u64]>,
}

impl HostFile {
    /// Opens a file to be read and written.
    pub(super) fn open(names: &Rc<Names>, kind: Kind, create: bool) -> VfsResult<HostFile> {
        let flags = ffi::SQLITE_OPEN_READWRITE
            | if create { ffi::SQLITE_OPEN_CREATE } else { 0 }
            | match kind {
                Kind::Main => ffi::SQLITE_OPEN_MAIN_DB,
                Kind::Wal => ffi::SQLITE_OPEN_WAL,
                Kind::Journal => ffi::SQLITE_OPEN_MAIN_JOURNAL,
                Kind::Scratch => ffi::SQLITE_OPEN_TRANSIENT_DB | ffi::SQLITE_OPEN_DELETEONCLOSE,
            };
        // SAFETY: the VFS is live; only fields are read.
        let (open, size) = unsafe { ((*names.vfs).xOpen, (*names.vfs).szOsFile) };
        let mut file = vec![0_u64; usize::try_from(size).unwrap_or(0).div_ceil(8)].into_boxed_slice();
        let mut got = 0;
        let code = match open {
            // SAFETY: the structure has the size that the VFS asks for, and the name outlives it.
            Some(open) => unsafe { open(names.vfs, names.name(kind), file.as_mut_ptr().cast(), flags, &mut got) },
            None => ffi::SQLITE_CANTOPEN,
        };
        names.checked(code)?;
        let file = HostFile { names: Rc::clone(names), file };
        if got & ffi::SQLITE_OPEN_READWRITE == 0 {
            return Err(VfsError::new(VfsErrorCode::CantOpen, "the file may only be read".into()));
        }
        Ok(file)
    }

    fn raw(&mut self) -> *mut ffi::sqlite3_file {
        self.file.as_mut_ptr().cast()
    }

    fn methods(&self) -> ffi::sqlite3_io_methods {
        // SAFETY: the file is open, so it starts with a pointer to the methods, which are constant.
        unsafe { *(*self.file.as_ptr().cast::<ffi::sqlite3_file>()).pMethods }
    }

    /// Takes the file for this process alone; a busy error when anybody else has it.
    pub(super) fn lock(&mut self) -> VfsResult<()> {
        let lock = self.methods().xLock;
        for level in [ffi::SQLITE_LOCK_SHARED, ffi::SQLITE_LOCK_RESERVED, ffi::SQLITE_LOCK_EXCLUSIVE] {
            // SAFETY: the file is open, and SQLite asks for the levels in this order too.
            let code = lock.map_or(ffi::SQLITE_IOERR_LOCK, |lock| unsafe { lock(self.raw(), level) });
            self.names.checked(code)?;
        }
        Ok(())
    }

    /// Fills the buffer; it has to lie within the file.
    pub(super) fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<()> {
        let read = self.methods().xRead;
        for (part, offset) in buffer.chunks_mut(MOST_AT_ONCE).zip((offset..).step_by(MOST_AT_ONCE)) {
            let (length, offset) = position(part.len(), offset)?;
            // SAFETY: the file is open, and the buffer has `length` writable bytes.
            let code = read.map_or(ffi::SQLITE_IOERR_READ, |read| unsafe {
                read(self.raw(), part.as_mut_ptr().cast::<c_void>(), length, offset)
            });
            self.names.checked(code)?;
        }
        Ok(())
    }

    /// Writes all bytes.
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let write = self.methods().xWrite;
        for (part, offset) in bytes.chunks(MOST_AT_ONCE).zip((offset..).step_by(MOST_AT_ONCE)) {
            let (length, offset) = position(part.len(), offset)?;
            // SAFETY: the file is open, and there are `length` bytes.
            let code = write.map_or(ffi::SQLITE_IOERR_WRITE, |write| unsafe {
                write(self.raw(), part.as_ptr().cast::<c_void>(), length, offset)
            });
            self.names.checked(code)?;
        }
        Ok(())
    }

    /// Sets the length.
    pub(super) fn truncate(&mut self, size: u64) -> VfsResult<()> {
        let truncate = self.methods().xTruncate;
        let (_, size) = position(0, size)?;
        // SAFETY: the file is open.
        let code = truncate.map_or(ffi::SQLITE_IOERR_TRUNCATE, |truncate| unsafe { truncate(self.raw(), size) });
        self.names.checked(code)
    }

    /// Makes what was written, and the name of a log or journal, survive a power cut.
    pub(super) fn sync(&mut self, flags: c_int) -> VfsResult<()> {
        let sync = self.methods().xSync;
        // SAFETY: the file is open.
        let code = sync.map_or(ffi::SQLITE_IOERR_FSYNC, |sync| unsafe { sync(self.raw(), flags) });
        self.names.checked(code)
    }

    /// The length.
    pub(super) fn size(&mut self) -> VfsResult<u64> {
        let file_size = self.methods().xFileSize;
        let mut size = 0;
        // SAFETY: the file is open, and `size` is a variable for the answer.
        let code = file_size.map_or(ffi::SQLITE_IOERR_FSTAT, |ask| unsafe { ask(self.raw(), &mut size) });
        self.names.checked(code).map(|()| u64::try_from(size).unwrap_or(0))
    }
}

impl Drop for HostFile {
    fn drop(&mut self) {
        if let Some(close) = self.methods().xClose {
            // SAFETY: the file is open and is closed once. Closing gives up its locks.
            unsafe { close(self.raw()) };
        }
    }
}

fn position(length: usize, offset: u64) -> VfsResult<(c_int, i64)> {
    match (c_int::try_from(length), i64::try_from(offset)) {
        (Ok(length), Ok(offset)) => Ok((length, offset)),
        _ => Err(VfsError::new(VfsErrorCode::Full, "the file would be too long".into())),
    }
}
