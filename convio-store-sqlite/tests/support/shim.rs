//! A SQLite VFS that tells a [`Disk`] what is written and synced, over the default one, which does all the rest.
#![allow(unsafe_code, reason = "a VFS is a table of C functions")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::OnceLock;

use rusqlite::ffi::{
    self, SQLITE_IOERR_FSYNC, SQLITE_OK, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
};

use crate::support::disk::Disk;

/// Registers a VFS under this name, for good, and gives the disk beneath it.
pub(crate) fn register(name: &str) -> &'static Disk {
    let disk: &'static Disk = Box::leak(Box::default());
    // SAFETY: null asks for the default VFS, which SQLite never takes away.
    let real = unsafe { ffi::sqlite3_vfs_find(null_mut()) };
    assert!(!real.is_null(), "SQLite has a default VFS");
    // SAFETY: it is not null, so it points to a VFS, which nobody changes.
    let mut base = unsafe { *real };
    let tail = usize::try_from(base.szOsFile).unwrap().next_multiple_of(align_of::<Tail>());
    assert_eq!(*TAIL_AT.get_or_init(|| tail), tail, "there is one default VFS");
    // What is not replaced here is called as the default VFS's own, with its `pAppData`.
    base.zName = CString::new(name).unwrap().into_raw();
    base.szOsFile = c_int::try_from(tail + size_of::<Tail>()).unwrap();
    base.pNext = null_mut();
    base.xOpen = Some(open);
    base.xDelete = Some(delete);
    let shim: *mut Shim = Box::leak(Box::new(Shim { base, real, disk }));
    // SAFETY: the VFS lives for ever, its name too, and `base` is the first field of a `repr(C)` struct.
    let registered = unsafe { ffi::sqlite3_vfs_register(shim.cast(), 0) };
    assert_eq!(registered, SQLITE_OK);
    disk
}

/// Our VFS: SQLite knows of the first field only.
#[repr(C)]
struct Shim {
    base: sqlite3_vfs,
    real: *mut sqlite3_vfs,
    disk: &'static Disk,
}

/// What stands behind the default VFS's part of an open file. It has nothing to drop, so closing is the default VFS's.
#[derive(Clone, Copy)]
struct Tail {
    real: *const sqlite3_io_methods,
    own: sqlite3_io_methods,
    disk: &'static Disk,
    number: usize,
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with the VFS that it was registered with, which is a `Shim`.
    let Shim { real, disk, .. } = unsafe { &*vfs.cast::<Shim>() };
    // SAFETY: the default VFS gets its own VFS and what SQLite meant for it; the file has room for it at its beginning.
    let opened = unsafe { (**real).xOpen.unwrap()(*real, name, file, flags, flags_out) };
    // Temporary files have no name: nothing of them has to last.
    if opened != SQLITE_OK || name.is_null() {
        return opened;
    }
    // SAFETY: the name is a C string.
    let number = disk.open(path(unsafe { CStr::from_ptr(name) }));
    // SAFETY: the default VFS opened the file, and so set its methods.
    let methods = unsafe { (*file).pMethods };
    // SAFETY: as above; a VFS's methods are never changed.
    let mut own = unsafe { *methods };
    own.xWrite = Some(write);
    own.xTruncate = Some(truncate);
    own.xSync = Some(sync);
    let tail = tail(file);
    // SAFETY: SQLite made the file `szOsFile` bytes large, so the tail is inside of it; the table that the file's methods
    // now point to lives in it, as long as the file.
    unsafe {
        tail.write(Tail { real: methods, own, disk, number });
        (*file).pMethods = &raw const (*tail).own;
    }
    SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: as in `open`.
    let Shim { real, disk, .. } = unsafe { &*vfs.cast::<Shim>() };
    // SAFETY: the default VFS gets its own VFS and what SQLite meant for it.
    let deleted = unsafe { (**real).xDelete.unwrap()(*real, name, sync_folder) };
    if deleted == SQLITE_OK {
        // SAFETY: the name is a C string.
        disk.remove(path(unsafe { CStr::from_ptr(name) }));
    }
    deleted
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    size: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: the methods of a file are ours only after `open` wrote its tail.
    let Tail { real, disk, number, .. } = unsafe { *tail(file) };
    // SAFETY: the default VFS gets its own file and what SQLite meant for it.
    let written = unsafe { (*real).xWrite.unwrap()(file, bytes, size, at) };
    if written == SQLITE_OK {
        // SAFETY: SQLite hands over `size` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(size).unwrap()) };
        disk.write(number, usize::try_from(at).unwrap(), bytes);
    }
    written
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: as in `write`.
    let Tail { real, disk, number, .. } = unsafe { *tail(file) };
    // SAFETY: as in `write`.
    let truncated = unsafe { (*real).xTruncate.unwrap()(file, size) };
    if truncated == SQLITE_OK {
        disk.truncate(number, usize::try_from(size).unwrap());
    }
    truncated
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: as in `write`.
    let Tail { disk, number, .. } = unsafe { *tail(file) };
    if disk.sync(number) { SQLITE_OK } else { SQLITE_IOERR_FSYNC }
}

fn tail(file: *mut sqlite3_file) -> *mut Tail {
    let tail: *mut Tail = file.wrapping_byte_add(TAIL_AT.get().copied().unwrap_or_default()).cast();
    assert!(tail.is_aligned(), "SQLite aligns files to eight bytes");
    tail
}

fn path(name: &CStr) -> &Path {
    Path::new(name.to_str().unwrap())
}

/// Where the tail begins: behind the default VFS's part.
static TAIL_AT: OnceLock<usize> = OnceLock::new();
