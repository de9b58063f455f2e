//! What the libraries do once in a process's life, done before it is locked up: it may read files then.

use std::io::Cursor;

use ac_ffmpeg::format::demuxer::{Demuxer, InputFormat};
use ac_ffmpeg::format::io::IO;

use crate::log;

/// Listens to FFmpeg, and reads a file that makes the C library read its table of time zones: dates in containers are told in them.
pub fn rehearse() {
    log::listen();
    let io = IO::from_seekable_read_stream(Cursor::new(file_with_a_date()));
    let opened = Demuxer::builder()
        .input_format(InputFormat::find_by_name("mov"))
        .build(io);
    // Whether it is opened does not matter, only that its date was looked at.
    drop(opened);
    log::forget();
}

/// An MP4 that is nothing but a header with a date.
fn file_with_a_date() -> Vec<u8> {
    /// Seconds since 1904, in 2014.
    const DATE: u32 = 3_500_000_000;
    let atom = |name: &[u8; 4], body: &[u8]| {
        let size = (8 + body.len()) as u32;
        [&size.to_be_bytes(), &name[..], body].concat()
    };
    let mut header = vec![0; 100];
    header[4..8].copy_from_slice(&DATE.to_be_bytes());
    header[15] = 1;
    let movie = atom(b"moov", &atom(b"mvhd", &header));
    [atom(b"ftyp", b"isom\0\0\0\0isom"), movie, atom(b"mdat", &[0; 8])].concat()
}
