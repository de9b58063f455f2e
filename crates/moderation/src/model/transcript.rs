//! What is said in a video or a sound, as the platform, or whatever listens for it, wrote it down.

/// Something that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriptLine {
    /// When it begins, in the file's own time.
    pub from_ms: u32,
    /// When it ends.
    pub to_ms: u32,
    /// What is said.
    pub text: String,
    /// Its language, such as `en`.
    pub language: Option<String>,
}

impl TranscriptLine {
    /// The most lines of one file.
    pub const LINES_MAX: usize = 2_000;
    /// The most characters of a line.
    pub const LENGTH_MAX: usize = 2_000;
    /// The most characters of all lines of an item: as many as its text may have.
    pub const TEXT_LENGTH_MAX: usize = 100_000;
    /// The most characters of a language's name.
    pub const LANGUAGE_LENGTH_MAX: usize = 35;
}

/// All that is said, a line each; none where nothing was written down.
pub fn spoken<'a>(lines: impl Iterator<Item = &'a TranscriptLine>) -> Option<String> {
    let texts: Vec<&str> = lines.map(|line| line.text.as_str()).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}
