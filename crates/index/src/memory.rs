//! Columns of plain values: in huge pages where they are searched at random, in a mapped file where they are read in a row.
//!
//! A search by substrings touches thousands of places of several hundred megabytes. With pages of 4 KiB nearly each of them costs a walk
//! through the page tables besides the miss itself, hence the huge pages; the kernel gives none for mapped files.

use bytemuck::{Pod, Zeroable};
use memmap2::{Advice, Mmap, MmapMut};
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// From this size on a column gets memory of its own from the kernel, in huge pages where it can.
const OWN_PAGES_MIN: usize = 1 << 20;

/// Bytes of a file, aligned for any column.
#[derive(Clone)]
pub(crate) enum Region {
    /// The file itself.
    Mapped(Arc<Mmap>),
    /// A copy of so many bytes.
    Copied(Arc<Column<Block>>, usize),
}

/// 64 bytes: a cache line, and the alignment of everything in a file.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Block([u8; 64]);

impl Region {
    /// A copy of `bytes`.
    pub(crate) fn copy(bytes: &[u8]) -> io::Result<Self> {
        let mut blocks = Column::<Block>::zeroed(bytes.len().div_ceil(64))?;
        bytemuck::cast_slice_mut(blocks.values_mut())[..bytes.len()].copy_from_slice(bytes);
        Ok(Region::Copied(Arc::new(blocks), bytes.len()))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Region::Mapped(map) => map,
            Region::Copied(blocks, len) => &bytemuck::cast_slice(blocks)[..*len],
        }
    }
}

/// Values in a row, which do not move.
pub(crate) struct Column<T> {
    memory: Memory<T>,
    len: usize,
}

enum Memory<T> {
    Boxed(Box<[T]>),
    Pages(MmapMut, PhantomData<T>),
    File(Region, Range<usize>),
}

impl<T: Pod> Column<T> {
    /// So many zeroes.
    pub(crate) fn zeroed(len: usize) -> io::Result<Self> {
        let n_bytes = len
            .checked_mul(size_of::<T>())
            .ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let memory = if n_bytes < OWN_PAGES_MIN {
            Memory::Boxed(vec![T::zeroed(); len].into_boxed_slice())
        } else {
            let pages = MmapMut::map_anon(n_bytes)?;
            // A kernel without huge pages is slower, not wrong.
            let _ = pages.advise(Advice::HugePage);
            Memory::Pages(pages, PhantomData)
        };
        Ok(Self { memory, len })
    }

    /// A copy of `values`.
    pub(crate) fn copy(values: &[T]) -> io::Result<Self> {
        let mut column = Self::zeroed(values.len())?;
        column.values_mut().copy_from_slice(values);
        Ok(column)
    }

    /// A part of a file. `None` if it does not lie within the file, aligned, and whole.
    pub(crate) fn of_file(region: &Region, bytes: Range<usize>) -> Option<Self> {
        let values: &[T] = bytemuck::try_cast_slice(region.bytes().get(bytes.clone())?).ok()?;
        let len = values.len();
        Some(Self {
            memory: Memory::File(region.clone(), bytes),
            len,
        })
    }

    /// The values, to be written before anyone else sees them. Empty for a part of a file, which is never written.
    pub(crate) fn values_mut(&mut self) -> &mut [T] {
        match &mut self.memory {
            Memory::Boxed(values) => values,
            Memory::Pages(pages, _) => &mut bytemuck::cast_slice_mut(pages)[..self.len],
            Memory::File(..) => &mut [],
        }
    }

    /// Bytes of memory that it takes, or of the file that it lies in.
    pub(crate) fn n_bytes(&self) -> usize {
        self.len * size_of::<T>()
    }
}

impl<T: Pod> Deref for Column<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.memory {
            Memory::Boxed(values) => values,
            Memory::Pages(pages, _) => &bytemuck::cast_slice(pages)[..self.len],
            Memory::File(region, range) => bytemuck::cast_slice(&region.bytes()[range.clone()]),
        }
    }
}
