//! The second look at what hashes say: by which part of an entry it was found, and of templates, whether the pixels say the same.

use std::collections::HashMap;

use signal::looks::confirm;
use signal::views::Share;
use signal::{KeptLook, Looks, Pdq, Rect, SignalType};

use super::{Piece, not_whole, off_thread, remembered};
use crate::Seawall;
use crate::banks::EntryLook;
use crate::model::EntryId;
use crate::store::StoreError;

/// Leaves out what a hash says of a template where the pixels say otherwise: cards of one layout are near each other.
pub(super) async fn leave_out_unlike(
    app: &Seawall,
    looks: &Looks,
    strongest: &mut HashMap<(EntryId, SignalType), Piece>,
) -> Result<(), StoreError> {
    let is_asked = |piece: &Piece| piece.reach.is_some_and(|reach| reach.is_template);
    let handles: Vec<u64> = strongest
        .values()
        .filter(|piece| is_asked(piece))
        .filter_map(|piece| piece.handle)
        .collect();
    if handles.is_empty() {
        return Ok(());
    }
    let kept = remembered::looks_of(app, &handles).await?;
    off_thread(|| {
        strongest.retain(|_, piece| {
            let look = piece.handle.and_then(|handle| kept.get(&handle));
            !is_asked(piece) || look.is_none_or(|look| stands(looks, look, piece))
        });
    });
    Ok(())
}

/// Where an entry was found by one of its crops, names the crop.
pub(super) async fn name_entry_parts(app: &Seawall, pieces: &mut [Piece]) -> Result<(), StoreError> {
    let handles: Vec<u64> = pieces.iter().filter_map(|piece| piece.handle).collect();
    let looks = remembered::looks_of(app, &handles).await?;
    for piece in pieces {
        let look = piece.handle.and_then(|handle| looks.get(&handle));
        piece.m.entry_part = look.and_then(|look| entry_part(look, piece));
    }
    Ok(())
}

/// Whether the pixels agree with the hash. What cannot be compared stands.
fn stands(looks: &Looks, entry: &EntryLook, piece: &Piece) -> bool {
    let Some(reach) = piece.reach else { return true };
    let hash: Result<Pdq, _> = piece.m.value.parse();
    // Frames beyond the first, and those that lie otherwise than they are seen, have no pixels here.
    let Some(view) = looks.views.iter().find(|seen| Ok(seen.pdq.hash) == hash) else {
        return true;
    };
    let likeness = match entry_part(entry, piece) {
        None => confirm(looks, view, &entry.kept),
        Some(part) => {
            let picture = &entry.kept.picture;
            let pixels = |share: u16, side: usize| (usize::from(share) * side + 5_000) / 10_000;
            let rect = Rect {
                left: pixels(part.left, picture.width()),
                top: pixels(part.top, picture.height()),
                width: pixels(part.width, picture.width()),
                height: pixels(part.height, picture.height()),
            };
            let cropped = KeptLook {
                keypoints: Vec::new(),
                picture: picture.crop(rect),
            };
            confirm(looks, view, &cropped)
        }
    };
    reach.stands(&likeness)
}

/// The part of the entry that lies as near as was found, if it is not the whole.
fn entry_part(entry: &EntryLook, piece: &Piece) -> Option<Share> {
    let hash: Pdq = piece.m.value.parse().ok()?;
    let is_it = |known: Pdq| known.distance(hash) == piece.m.distance;
    if entry.hashes.iter().any(|known| is_it(*known)) {
        return None;
    }
    let (share, _) = entry.crops.iter().find(|(_, pdq)| is_it(pdq.hash))?;
    not_whole(*share)
}
