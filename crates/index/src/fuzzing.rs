//! The parsers of the file format, opened to the fuzz targets. They must never panic, whatever the bytes.

use crate::memory::Region;
use crate::segment::Layout;

/// Opens bytes as a segment file, with the checksums that it should have, and looks for everything in it. Returns whether it was one.
pub fn open_segment(bytes: &[u8]) -> bool {
    let mut bytes = bytes.to_vec();
    crate::disk::seal_segment(&mut bytes);
    let Ok(region) = Region::copy(&bytes) else { return false };
    let layout = Layout {
        tabled_codes_min: 16,
        ..Layout::default()
    };
    match crate::disk::decode_segment(&region, layout) {
        Ok(Ok(segment)) => {
            for pair in 0..segment.n_pairs() {
                let (key, _) = segment.pair(pair);
                assert!(
                    segment.pairs_of(key).any(|other| other == pair),
                    "a pair is found by its key"
                );
            }
            true
        }
        Ok(Err(_)) | Err(_) => false,
    }
}

/// Opens bytes as a segment file as they are. Returns whether it was one.
pub fn open_unsealed_segment(bytes: &[u8]) -> bool {
    Region::copy(bytes).is_ok_and(|region| matches!(crate::disk::decode_segment(&region, Layout::default()), Ok(Ok(_))))
}

/// Opens bytes as a meta file. Returns whether it was one; one that is read is written the same again.
pub fn open_meta(bytes: &[u8]) -> bool {
    match crate::disk::MetaFile::decode(bytes) {
        Ok(meta) => {
            assert_eq!(crate::disk::MetaFile::decode(&meta.encode()), Ok(meta));
            true
        }
        Err(_) => false,
    }
}
