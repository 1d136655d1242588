//! Pages of a list: keyset pages, so that the last one costs what the first one costs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which page is asked for: at most `limit` items after `after`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Where the page before this one ended; `None` asks for the first page.
    pub after: Option<Cursor>,
    /// Items wanted, at most [`PAGE_ITEMS_MAX`]; more are cut to it.
    pub limit: usize,
}

impl PageRequest {
    /// The first page of `limit` items.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The page after `cursor`.
    pub fn after(cursor: Cursor, limit: usize) -> Self {
        Self { after: Some(cursor), limit }
    }

    /// How many items a store may answer with: between 1 and [`PAGE_ITEMS_MAX`].
    pub fn size(&self) -> usize {
        self.limit.clamp(1, PAGE_ITEMS_MAX)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(100)
    }
}

/// Some items of a list, and where the next page starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the order that the list documents.
    pub items: Vec<T>,
    /// Pass it on to get the next page; `None` when this was the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The page made of up to `size + 1` items read in order: the one too many only tells that there are more.
    ///
    /// ```
    /// use convio_core::{Cursor, Page};
    /// let page = Page::of(vec![1u64, 2, 3], 2, |n| Cursor::number(*n));
    /// assert_eq!(page.items, [1, 2]);
    /// assert_eq!(page.next, Some(Cursor::number(2)));
    /// ```
    pub fn of(mut items: Vec<T>, size: usize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > size;
        items.truncate(size);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

/// Where a page ended. Opaque: keep it, send it, give it back; its content may change between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(u128);

impl Cursor {
    /// A cursor at a row with this id.
    pub fn id(id: Uuid) -> Self {
        Self(id.as_u128())
    }

    /// A cursor at this position.
    pub fn number(n: u64) -> Self {
        Self(u128::from(n))
    }

    /// The id that the cursor stands at.
    pub fn as_id(self) -> Uuid {
        Uuid::from_u128(self.0)
    }

    /// The position that the cursor stands at.
    pub fn as_number(self) -> u64 {
        u64::try_from(self.0).unwrap_or(u64::MAX)
    }
}

/// Most items of one page: a page is held in memory whole.
pub const PAGE_ITEMS_MAX: usize = 1_000;
