//! What clients of Hasher-Matcher-Actioner ask for: files hashed, hashes looked up, banks and content kept.
//!
//! The same banks, entries, rights and log as everywhere else, in the other program's notions: a bank goes by its name, an
//! entry by its number, and takes part in a share of lookups. Start with `lookup.rs`.

mod banks;
mod content;
mod exchanges;
mod lookup;
mod memory;
mod reset;
mod sample;

use media::ScanError;

use super::banks::BankError;
use crate::model::{Bank, Denied};
use crate::store::{AnyConnection, StoreError};
use crate::{banks as bank_room, hma};

pub use banks::{BankUpdate, create_bank, delete_bank, update_bank};
pub use content::{
    ContentUpdate, NewContent, add_content, remove_content, run_waker, update_content, wake_due_content,
};
pub use exchanges::{create_exchange, delete_exchange, fetch_exchanges, set_credentials, set_exchange_enabled};
pub use lookup::{ContentKind, Hashed, Hit, Reach, hash_content, hash_file, look_up};
pub use memory::{DISABLED_MAX, Memory};
pub use reset::{forget_everything, seed_banks};

/// Something that a client of HMA asked for was not done.
#[derive(Debug, thiserror::Error)]
pub enum HmaError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such bank, content or exchange.
    #[error("there is no such bank, content or exchange")]
    NotFound,
    /// Another bank or exchange has this name.
    #[error("another bank or exchange has this name")]
    NameTaken,
    /// Something about the request is wrong.
    #[error("{what}")]
    Invalid {
        /// What is wrong with it.
        what: String,
    },
    /// The file cannot be hashed.
    #[error("the file cannot be hashed")]
    Unscannable(#[source] ScanError),
    /// The file breaks off: its hash would be that of a part.
    #[error("the file breaks off or is damaged")]
    Broken,
    /// There is too much to decode just now: send it again.
    #[error("the media workers are busy")]
    Busy,
    /// More entries are disabled than can be compared.
    #[error("more than {DISABLED_MAX} entries are disabled, too many to look a hash up among them: remove some")]
    TooManyDisabled,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BankError> for HmaError {
    fn from(error: BankError) -> Self {
        match error {
            BankError::Denied(denied) => HmaError::Denied(denied),
            BankError::NotFound => HmaError::NotFound,
            BankError::NameTaken => HmaError::NameTaken,
            BankError::Invalid { field, what } => HmaError::Invalid {
                what: format!("`{field}` {what}"),
            },
            BankError::Unscannable(error) => HmaError::Unscannable(error),
            BankError::Busy => HmaError::Busy,
            // No flow here passes a key on.
            BankError::KeyReused => HmaError::Busy,
            BankError::Store(error) => HmaError::Store(error),
        }
    }
}

/// The bank, by its name. One that a client removed is not there, though its row still is.
async fn find_bank(conn: &mut AnyConnection, name: &str) -> Result<Option<Bank>, StoreError> {
    let Some(bank) = bank_room::find_bank_by_name(conn, name).await? else {
        return Ok(None);
    };
    let notes = hma::bank_notes(conn, bank.id).await?;
    Ok(Some(bank).filter(|_| !notes.is_some_and(|notes| notes.is_removed)))
}
