//! The bytes of the file or stream: standard input, read through a buffer of our own.

use std::io::{Cursor, Error, ErrorKind, Read, Result, Seek, SeekFrom};

use nix::errno::Errno;
use nix::unistd::{Whence, lseek, read};

/// FFmpeg asks for four kilobytes at a time; the system is asked for this much.
const BUFFER_BYTES: usize = 64 << 10;

/// A file, a pipe, or bytes in memory.
pub struct Input {
    source: Source,
    /// Size, where it is known.
    len: Option<u64>,
    buffer: Vec<u8>,
    /// Where in the input the buffer begins.
    buffer_at: u64,
    /// Where in the buffer the next byte stands.
    at: usize,
    bytes_read: u64,
}

enum Source {
    Standard,
    Memory(Cursor<Vec<u8>>),
}

impl Input {
    /// Standard input, from its beginning where it has one.
    pub fn standard() -> Self {
        // A pipe cannot be sought, so it has no size. The position is a file's own, which the host opened for this process alone.
        let len = lseek(std::io::stdin(), 0, Whence::SeekEnd).ok();
        let at_start = len.and_then(|len| {
            lseek(std::io::stdin(), 0, Whence::SeekSet).ok()?;
            u64::try_from(len).ok()
        });
        Self::new(Source::Standard, at_start)
    }

    /// Bytes in memory, for tests and fuzzing.
    pub fn memory(bytes: Vec<u8>) -> Self {
        let len = bytes.len() as u64;
        Self::new(Source::Memory(Cursor::new(bytes)), Some(len))
    }

    fn new(source: Source, len: Option<u64>) -> Self {
        Self {
            source,
            len,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            buffer_at: 0,
            at: 0,
            bytes_read: 0,
        }
    }

    /// Whether it can be read in any order.
    pub fn is_seekable(&self) -> bool {
        self.len.is_some()
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The first bytes, at most `n`, which stay to be read. To be asked before anything else is.
    pub fn first_bytes(&mut self, n: usize) -> Result<&[u8]> {
        let n = n.min(BUFFER_BYTES);
        while self.buffer.len() < n && self.fill_more()? > 0 {}
        Ok(&self.buffer[..self.buffer.len().min(n)])
    }

    /// Reads behind what is in the buffer; how much.
    fn fill_more(&mut self) -> Result<usize> {
        let filled = self.buffer.len();
        self.buffer.resize(BUFFER_BYTES, 0);
        let n = loop {
            match self.source.read(&mut self.buffer[filled..]) {
                Ok(n) => break n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(filled);
                    return Err(error);
                }
            }
        };
        self.buffer.truncate(filled + n);
        self.bytes_read += n as u64;
        Ok(n)
    }

    fn position(&self) -> u64 {
        self.buffer_at + self.at as u64
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Source::Standard => read(std::io::stdin(), buffer).map_err(Error::from),
            Source::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        match (self, to) {
            (Source::Memory(bytes), to) => bytes.seek(to),
            (Source::Standard, SeekFrom::Start(at)) => {
                let at = i64::try_from(at).map_err(|_| Error::from(Errno::EINVAL))?;
                let at = lseek(std::io::stdin(), at, Whence::SeekSet)?;
                Ok(at.try_into().unwrap_or(0))
            }
            (Source::Standard, _) => Err(Error::from(Errno::EINVAL)),
        }
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if self.at == self.buffer.len() {
            self.buffer_at = self.position();
            self.at = 0;
            self.buffer.clear();
            self.fill_more()?;
        }
        let from = &self.buffer[self.at..];
        let n = from.len().min(into.len());
        into[..n].copy_from_slice(&from[..n]);
        self.at += n;
        Ok(n)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let invalid = || Error::from(ErrorKind::InvalidInput);
        let to = match to {
            SeekFrom::Start(to) => Some(to),
            SeekFrom::Current(by) => self.position().checked_add_signed(by),
            SeekFrom::End(by) => self.len.and_then(|len| len.checked_add_signed(by)),
        };
        let to = to.ok_or_else(invalid)?;
        let in_buffer = to
            .checked_sub(self.buffer_at)
            .filter(|at| *at <= self.buffer.len() as u64);
        if let Some(at) = in_buffer {
            self.at = at as usize;
            return Ok(to);
        }
        // Asking for the size and coming back costs nothing: only the read that follows moves the file's position.
        if self.len.is_none() {
            return Err(invalid());
        }
        self.source.seek(SeekFrom::Start(to))?;
        self.buffer.clear();
        (self.buffer_at, self.at) = (to, 0);
        Ok(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_a_file_does() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
        let mut input = Input::memory(bytes.clone());
        assert_eq!(input.first_bytes(512).unwrap(), &bytes[..512]);
        let mut file = Cursor::new(bytes);
        let steps = [
            (SeekFrom::Start(0), 10),
            (SeekFrom::Start(70_000), 100),
            (SeekFrom::Current(-90), 300),
            (SeekFrom::End(-5), 50),
            (SeekFrom::Start(3), 65_536),
            (SeekFrom::Current(60_000), 70_000),
            (SeekFrom::End(10), 5),
        ];
        for (to, n) in steps {
            assert_eq!(input.seek(to).unwrap(), file.seek(to).unwrap(), "{to:?}");
            let (mut a, mut b) = (Vec::new(), Vec::new());
            (&mut input).take(n).read_to_end(&mut a).unwrap();
            (&mut file).take(n).read_to_end(&mut b).unwrap();
            assert_eq!(a, b, "{to:?}");
            assert_eq!(input.stream_position().unwrap(), file.stream_position().unwrap());
        }
        assert!(input.seek(SeekFrom::Current(-1_000_000)).is_err());
    }
}
