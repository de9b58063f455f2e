//! Lists, a page at a time.

use moderation::model::Page;
use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rows<T> {
    /// The things on this page.
    pub rows: Vec<T>,
    /// Where the next page begins: send it as `cursor`. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

impl<T> Rows<T> {
    /// A page with each row as JSON.
    pub fn of<U>(page: Page<U>, json_of: impl FnMut(U) -> T) -> Self {
        let Page { rows, next } = page.map(json_of);
        Self { rows, next }
    }
}
