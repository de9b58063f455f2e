//! Differences between files as pages show them: every line with its number and a sign, so that colour is not needed.

use moderation::views::{FileDiff, LineKind};

/// A file that is different.
pub struct DiffFile {
    /// Its name.
    pub name: String,
    /// `added`, `removed` or `changed`.
    pub kind: &'static str,
    /// Its lines; a gap stands between two parts.
    pub lines: Vec<DiffRow>,
    /// How many came and went.
    pub n_new: usize,
    /// How many went.
    pub n_old: usize,
}

/// A line of a difference.
pub struct DiffRow {
    /// `same`, `old`, `new` or `gap`.
    pub kind: &'static str,
    /// The number before; empty, if it was not there.
    pub old: String,
    /// The number now.
    pub new: String,
    /// The sign.
    pub sign: char,
    /// The text.
    pub text: String,
}

impl DiffFile {
    /// The difference as it is shown.
    pub fn of(diff: FileDiff) -> Self {
        let mut lines = Vec::new();
        let (mut n_new, mut n_old) = (0, 0);
        for (idx, hunk) in diff.hunks.into_iter().enumerate() {
            if idx > 0 {
                lines.push(DiffRow {
                    kind: "gap",
                    old: String::new(),
                    new: String::new(),
                    sign: '…',
                    text: String::new(),
                });
            }
            let (mut old, mut new) = (hunk.old_start, hunk.new_start);
            for line in hunk.lines {
                let (kind, is_old, is_new) = match line.kind {
                    LineKind::Same => ("same", true, true),
                    LineKind::Old => ("old", true, false),
                    LineKind::New => ("new", false, true),
                };
                lines.push(DiffRow {
                    kind,
                    old: if is_old { old.to_string() } else { String::new() },
                    new: if is_new { new.to_string() } else { String::new() },
                    sign: line.kind.sign(),
                    text: line.text,
                });
                n_new += usize::from(!is_old);
                n_old += usize::from(!is_new);
                old += usize::from(is_old);
                new += usize::from(is_new);
            }
        }
        Self {
            name: diff.name,
            kind: diff.kind.as_str(),
            lines,
            n_new,
            n_old,
        }
    }
}
