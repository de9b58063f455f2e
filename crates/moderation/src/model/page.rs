//! One page of a long list.

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Where the page before ended, as that page said; none for the first page.
    pub cursor: Option<String>,
    /// How many rows at most, `1..=`[`PageRequest::LIMIT_MAX`].
    pub limit: u32,
}

impl PageRequest {
    /// The most rows that one page may hold.
    pub const LIMIT_MAX: u32 = 200;

    /// The first page, of the usual length.
    pub fn first() -> Self {
        Self {
            cursor: None,
            limit: 50,
        }
    }

    /// The number of rows to ask the store for: one more than the page holds, which tells whether there is a next page.
    pub(crate) fn probe(&self) -> i64 {
        i64::from(self.limit.clamp(1, Self::LIMIT_MAX)) + 1
    }
}

/// Rows, and where to go on.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// The cursor of the next page; none if this is the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Cuts the answer to a [`PageRequest::probe`] to the page; `cursor_of` names a row's place in the list.
    pub(crate) fn cut(mut rows: Vec<T>, request: &PageRequest, cursor_of: impl Fn(&T) -> String) -> Self {
        let limit = request.limit.clamp(1, PageRequest::LIMIT_MAX) as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(cursor_of) } else { None };
        Self { rows, next }
    }

    /// The same page with each row turned into another.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(f).collect(),
            next: self.next,
        }
    }
}
