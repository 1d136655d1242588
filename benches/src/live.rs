//! An allocator that tells how many bytes some work leaves allocated. While nobody asks it counts nothing: what is measured
//! otherwise pays for one look at a flag.
#![allow(
    unsafe_code,
    reason = "an allocator is a `GlobalAlloc`, which is an unsafe trait; this one hands all on"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

/// Hands all on to the system's allocator. A program uses it by a `#[global_allocator]` of its own.
#[derive(Debug)]
pub struct Live;

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

/// Whether somebody asks.
static COUNTS: AtomicBool = AtomicBool::new(false);

/// What some work of this thread makes, and how many bytes more than before are allocated for it then: what it frees again does not
/// count. One at a time. Always 0 where the program has another allocator.
pub fn left_by<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = BYTES.get();
    COUNTS.store(true, Ordering::Relaxed);
    let made = work();
    COUNTS.store(false, Ordering::Relaxed);
    (made, usize::try_from(BYTES.get() - before).unwrap_or_default())
}

fn count(more: usize, less: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        // A thread that is ending has no count any more.
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + more as isize - less as isize));
    }
}

// SAFETY: each call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Live {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Live = Live;

    #[test]
    fn what_is_freed_again_does_not_count() {
        let (kept, bytes) = left_by(|| {
            drop(vec![0u8; 5_000]);
            let mut kept = vec![0u8; 10];
            kept.reserve_exact(990);
            kept
        });
        assert_eq!((kept.capacity(), bytes), (1_000, 1_000));
        assert_eq!(left_by(|| drop(kept)).1, 0);
    }
}
