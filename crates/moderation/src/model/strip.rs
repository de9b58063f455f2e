//! Small pictures of a video in the order of time, of what was posted or of what is known.

/// A picture of a strip: which, and when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripPlace {
    /// Its number, from 0.
    pub idx: u32,
    /// Milliseconds from the file's beginning.
    pub at_ms: u32,
}

/// A picture of a strip to be kept (JPEG).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStripPicture {
    /// When it is shown.
    pub at_ms: u32,
    /// As it is.
    pub small: Vec<u8>,
    /// Blurred until no detail is left.
    pub blurred: Vec<u8>,
}
