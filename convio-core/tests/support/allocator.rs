//! An allocator that counts, per thread: what other threads do meanwhile does not show.
#![allow(
    unsafe_code,
    reason = "an allocator is a `GlobalAlloc`, which is an unsafe trait; this one hands all on"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what is asked of the system's allocator. A binary uses it by a `#[global_allocator]` of its own.
pub(crate) struct Counting;

/// What was asked for: how often, and how many bytes. A buffer that grows is asked for again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) times: usize,
    pub(crate) bytes: usize,
}

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked { times: 0, bytes: 0 }) };
}

/// What this thread asks for while it does this.
pub(crate) fn asked<T>(work: impl FnOnce() -> T) -> (T, Asked) {
    let before = ASKED.get();
    let done = work();
    let after = ASKED.get();
    (done, Asked { times: after.times - before.times, bytes: after.bytes - before.bytes })
}

fn count(bytes: usize) {
    // A thread that is ending has no count any more.
    let _ = ASKED.try_with(|asked| {
        let Asked { times, bytes: sum } = asked.get();
        asked.set(Asked { times: times + 1, bytes: sum + bytes });
    });
}

// SAFETY: each call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}
