//! The whole store as one file, and back. The file does not depend on the engine: a store grows from SQLite onto Postgres
//! by a backup and a restore.

use std::io::{Read, Write};

use crate::store::Store;
use crate::store::archive;

pub use crate::store::archive::{ArchiveError, ArchiveSummary, FORMAT_VERSION};

/// Writes everything, as of one moment, to `writer`.
pub async fn write_backup(store: &Store, writer: impl Write + Send) -> Result<ArchiveSummary, ArchiveError> {
    archive::write(store, writer).await
}

/// Reads a backup into an empty store: all of it or nothing.
pub async fn read_backup(store: &Store, reader: impl Read + Send) -> Result<ArchiveSummary, ArchiveError> {
    archive::read(store, reader).await
}
