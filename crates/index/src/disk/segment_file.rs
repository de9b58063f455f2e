//! A segment file: a header of 64 bytes, then the columns as they lie in memory, each from a multiple of 64 on.
//!
//! Header, little-endian: `"swindexs"`, format (u32), whether keys are wide (u32), id (u64), number of codes (u64), number of further pairs (u64), the
//! CRC-32 of each column (5 × u32), and the CRC-32 of the header before it. Columns: first halves of codes, second halves, keys (u32 or u64),
//! slots of further pairs (u32), their keys (u64). Tables are not kept: they are made faster than they are read.

use super::{Disk, FORMAT, Unusable};
use crate::codes::{Codes, Line};
use crate::memory::{Column, Region};
use crate::segment::{Extras, Keys, Layout, Segment};
use bytemuck::Pod;
use std::io;
use std::ops::Range;

const MAGIC: [u8; 8] = *b"swindexs";
const ALIGN: usize = 64;
const N_COLUMNS: usize = 5;
/// Where in the header the columns' checksums begin, and where its own lies.
const CHECKSUMS: usize = 40;
const HEADER_CHECKSUM: usize = 60;
/// Slots and pairs are numbered in 32 bits.
const PAIRS_MAX: u64 = u32::MAX as u64;

pub(crate) fn write(disk: &dyn Disk, name: &str, segment: &Segment) -> io::Result<()> {
    let codes = segment.codes.slices();
    let slots: Vec<u32> = segment.extras.pairs.iter().map(|(slot, _)| *slot).collect();
    let keys: Vec<u64> = segment.extras.pairs.iter().map(|(_, key)| *key).collect();
    let own_keys: &[u8] = match &segment.keys {
        Keys::Narrow(keys) => bytemuck::cast_slice(keys),
        Keys::Wide(keys) => bytemuck::cast_slice(keys),
    };
    let columns: [&[u8]; N_COLUMNS] = [
        bytemuck::cast_slice(codes.front),
        bytemuck::cast_slice(codes.back),
        own_keys,
        bytemuck::cast_slice(&slots),
        bytemuck::cast_slice(&keys),
    ];

    let mut header = Vec::with_capacity(ALIGN);
    header.extend(MAGIC);
    header.extend(FORMAT.to_le_bytes());
    header.extend(u32::from(matches!(segment.keys, Keys::Wide(_))).to_le_bytes());
    header.extend(segment.id.to_le_bytes());
    header.extend((codes.len as u64).to_le_bytes());
    header.extend((slots.len() as u64).to_le_bytes());
    for column in columns {
        header.extend(crc32fast::hash(column).to_le_bytes());
    }
    header.extend(crc32fast::hash(&header).to_le_bytes());

    let padding = [0; ALIGN];
    let mut parts: Vec<&[u8]> = vec![&header];
    for column in columns {
        parts.push(column);
        parts.push(&padding[..column.len().next_multiple_of(ALIGN) - column.len()]);
    }
    disk.write(name, &parts)
}

/// The segment in a file, or why there is none. An error is of the memory, not of the file.
pub(crate) fn decode(region: &Region, layout: Layout) -> io::Result<Result<Segment, Unusable>> {
    let columns = match Columns::read(region) {
        Ok(columns) => columns,
        Err(unusable) => return Ok(Err(unusable)),
    };
    let Columns {
        id,
        n_codes,
        is_wide,
        ranges: [front, back, keys, extra_slots, extra_keys],
    } = columns;

    // Tables are searched at random and want huge pages; what is read in a row is read from the file.
    let is_tabled = (layout.tabled_codes_min..=layout.tabled_codes_max).contains(&n_codes);
    let column = |range| column_of::<Line>(region, range, is_tabled);
    let (Some(front), Some(back)) = (column(front)?, column(back)?) else {
        return Ok(Err(Unusable::Damaged("has columns that do not fit")));
    };
    let Some(codes) = Codes::of_columns(front, back, n_codes) else {
        return Ok(Err(Unusable::Damaged("has columns that do not fit")));
    };
    let keys = if is_wide {
        column_of::<u64>(region, keys, is_tabled)?.map(Keys::Wide)
    } else {
        column_of::<u32>(region, keys, is_tabled)?.map(Keys::Narrow)
    };
    let Some(keys) = keys.filter(|keys| keys.len() == n_codes && keys.is_sorted()) else {
        return Ok(Err(Unusable::Damaged("has keys out of order")));
    };
    let slots = Column::<u32>::of_file(region, extra_slots);
    let further = Column::<u64>::of_file(region, extra_keys);
    let (Some(slots), Some(further)) = (slots, further) else {
        return Ok(Err(Unusable::Damaged("has columns that do not fit")));
    };
    let pairs: Vec<(u32, u64)> = slots.iter().copied().zip(further.iter().copied()).collect();
    if !pairs.is_sorted_by(|a, b| a < b) || pairs.iter().any(|(slot, _)| *slot as usize >= n_codes) {
        return Ok(Err(Unusable::Damaged("has further keys out of order")));
    }
    Ok(Ok(Segment::assemble(id, codes, keys, Extras::new(pairs), layout)))
}

fn column_of<T: Pod>(region: &Region, range: Range<usize>, copied: bool) -> io::Result<Option<Column<T>>> {
    match Column::of_file(region, range) {
        Some(column) if copied => Column::copy(&column).map(Some),
        column => Ok(column),
    }
}

/// Where the columns of a file lie, checked.
struct Columns {
    id: u64,
    n_codes: usize,
    is_wide: bool,
    ranges: [Range<usize>; N_COLUMNS],
}

impl Columns {
    fn read(region: &Region) -> Result<Self, Unusable> {
        let bytes = region.bytes();
        let header = Header(bytes.first_chunk().ok_or(Unusable::Damaged("is too short"))?);
        if header.0[..8] != MAGIC {
            return Err(Unusable::Damaged("is not a segment file"));
        }
        // Before the checksum: another format may have another one.
        if header.u32(8) != FORMAT {
            return Err(Unusable::Version(header.u32(8)));
        }
        if crc32fast::hash(&header.0[..HEADER_CHECKSUM]) != header.u32(HEADER_CHECKSUM) {
            return Err(Unusable::Damaged("has a header without its checksum"));
        }
        let columns = Self::place(header, bytes.len())?;
        for (column, range) in columns.ranges.iter().enumerate() {
            if crc32fast::hash(&bytes[range.clone()]) != header.u32(CHECKSUMS + 4 * column) {
                return Err(Unusable::Damaged("has a column without its checksum"));
            }
        }
        Ok(columns)
    }

    /// Where the columns of a file of so many bytes lie.
    fn place(header: Header<'_>, n_bytes: usize) -> Result<Self, Unusable> {
        let (n_codes, n_extras) = (header.u64(24), header.u64(32));
        if n_codes > PAIRS_MAX || n_extras > PAIRS_MAX - n_codes {
            return Err(Unusable::Damaged("has more pairs than can be"));
        }
        let (n_codes, n_extras, is_wide) = (n_codes as usize, n_extras as usize, header.u32(12) != 0);
        let n_lines = Codes::n_lines(n_codes);
        let sizes = [
            n_lines * size_of::<Line>(),
            n_lines * size_of::<Line>(),
            n_codes * if is_wide { 8 } else { 4 },
            n_extras * 4,
            n_extras * 8,
        ];
        let mut at = ALIGN;
        let ranges = sizes.map(|size| {
            let range = at..at + size;
            at += size.next_multiple_of(ALIGN);
            range
        });
        if n_bytes != at {
            return Err(Unusable::Damaged("does not have its length"));
        }
        Ok(Self {
            id: header.u64(16),
            n_codes,
            is_wide,
            ranges,
        })
    }
}

/// The first bytes of a file.
#[derive(Clone, Copy)]
struct Header<'a>(&'a [u8; ALIGN]);

impl Header<'_> {
    fn u32(self, at: usize) -> u32 {
        u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }

    fn u64(self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }
}

/// Gives bytes the beginning and the checksums of a segment file, so that a fuzzer gets past them.
#[cfg(feature = "fuzzing")]
pub(crate) fn seal(bytes: &mut [u8]) {
    let n_bytes = bytes.len();
    let Some(header) = bytes.first_chunk_mut::<ALIGN>() else {
        return;
    };
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    if let Ok(columns) = Columns::place(Header(&*header), n_bytes) {
        for (column, range) in columns.ranges.into_iter().enumerate() {
            let checksum = crc32fast::hash(&bytes[range]).to_le_bytes();
            let at = CHECKSUMS + 4 * column;
            bytes[at..at + 4].copy_from_slice(&checksum);
        }
    }
    let checksum = crc32fast::hash(&bytes[..HEADER_CHECKSUM]).to_le_bytes();
    bytes[HEADER_CHECKSUM..ALIGN].copy_from_slice(&checksum);
}
