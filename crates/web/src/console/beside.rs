//! What pages show of an item's files that is not with the files themselves: how loud each is, and where the item stands on the platform.
//! Start with [`Beside::of`].

use std::collections::HashMap;

use moderation::model::{Actor, MediaId, MediaStatus};
use moderation::views::{self, MediaView};

use super::problem::ConsoleError;
use crate::WebState;

/// Files of one page whose loudness is drawn.
const WAVES_MAX: usize = 20;

/// What pages know of the files of an item besides the files themselves.
#[derive(Debug, Default)]
pub struct Beside {
    /// Where the item stands on the platform.
    pub url: Option<String>,
    /// How loud each file is: a byte for each tenth of a second.
    pub waves: HashMap<MediaId, Vec<u8>>,
}

impl Beside {
    /// Reads what there is of these files.
    pub async fn of(
        state: &WebState,
        actor: &Actor,
        url: Option<String>,
        media: &[MediaView],
    ) -> Result<Self, ConsoleError> {
        let is_heard = |view: &&MediaView| match &view.media.status {
            MediaStatus::Scanned { plays, .. } => plays.as_ref().is_some_and(|plays| plays.audio_codec.is_some()),
            MediaStatus::Given | MediaStatus::Unscanned { .. } => false,
        };
        let mut waves = HashMap::new();
        for view in media.iter().filter(is_heard).take(WAVES_MAX) {
            let id = view.media.id;
            if let Some(peaks) = views::waveform(&state.app, actor, id).await? {
                waves.insert(id, peaks);
            }
        }
        Ok(Self { url, waves })
    }
}
