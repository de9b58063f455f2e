//! What is different between two versions of the rules, line by line.

use crate::model::RuleFile;

/// Lines that are shown around a difference.
const CONTEXT: usize = 3;
/// Beyond so many steps of work a file is shown as taken away and added whole.
const WORK_MAX: usize = 20_000_000;

/// A file that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub kind: FileDiffKind,
    /// The parts that are different, with some lines around them.
    pub hunks: Vec<Hunk>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileDiffKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its text is different.
    Changed,
}

impl FileDiffKind {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            FileDiffKind::Added => "added",
            FileDiffKind::Removed => "removed",
            FileDiffKind::Changed => "changed",
        }
    }
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The line on which it begins before, from one.
    pub old_start: usize,
    /// The line on which it begins now.
    pub new_start: usize,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// Whether it stayed, went or came.
    pub kind: LineKind,
    /// Its text.
    pub text: String,
}

/// Whether a line stayed, went or came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// It stayed.
    Same,
    /// It went.
    Old,
    /// It came.
    New,
}

impl LineKind {
    /// The sign before the line, as in patches.
    pub const fn sign(self) -> char {
        match self {
            LineKind::Same => ' ',
            LineKind::Old => '-',
            LineKind::New => '+',
        }
    }
}

/// The files that are different, in the order of their names.
pub fn diff_files(old: &[RuleFile], new: &[RuleFile]) -> Vec<FileDiff> {
    let mut names: Vec<&str> = old.iter().chain(new).map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let text = |files: &'_ [RuleFile], name: &str| {
        files
            .iter()
            .find(|file| file.name == name)
            .map(|file| file.text.clone())
    };
    let mut diffs = Vec::new();
    for name in names {
        let (before, after) = (text(old, name), text(new, name));
        let kind = match (&before, &after) {
            (None, _) => FileDiffKind::Added,
            (_, None) => FileDiffKind::Removed,
            (before, after) if before == after => continue,
            (_, _) => FileDiffKind::Changed,
        };
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        diffs.push(FileDiff {
            name: name.to_owned(),
            kind,
            hunks: hunks(&lines(&before, &after)),
        });
    }
    diffs
}

/// All lines of both texts, in order.
fn lines(old: &str, new: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let n_same_first = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[n_same_first..], &new[n_same_first..]);
    let n_same_last = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let old_middle = &old_rest[..old_rest.len() - n_same_last];
    let new_middle = &new_rest[..new_rest.len() - n_same_last];
    let line = |kind: LineKind| {
        move |text: &&str| DiffLine {
            kind,
            text: (*text).to_owned(),
        }
    };
    let mut all: Vec<DiffLine> = old[..n_same_first].iter().map(line(LineKind::Same)).collect();
    if old_middle.len().saturating_mul(new_middle.len()) > WORK_MAX {
        all.extend(old_middle.iter().map(line(LineKind::Old)));
        all.extend(new_middle.iter().map(line(LineKind::New)));
    } else {
        all.extend(middle(old_middle, new_middle));
    }
    all.extend(old[old.len() - n_same_last..].iter().map(line(LineKind::Same)));
    all
}

/// The longest run of lines that both have in common stays.
fn middle(old: &[&str], new: &[&str]) -> Vec<DiffLine> {
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = if old[i] == new[j] {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut all = Vec::new();
    let mut push = |kind, text: &str| {
        all.push(DiffLine {
            kind,
            text: text.to_owned(),
        });
    };
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            push(LineKind::Same, old[i]);
            (i, j) = (i + 1, j + 1);
        } else if j >= new.len() || i < old.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            push(LineKind::Old, old[i]);
            i += 1;
        } else {
            push(LineKind::New, new[j]);
            j += 1;
        }
    }
    all
}

fn hunks(all: &[DiffLine]) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut old_line, mut new_line) = (1, 1);
    let mut shown_to = 0;
    let is_near = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        let to = (at + CONTEXT + 1).min(all.len());
        all[from..to].iter().any(|line| line.kind != LineKind::Same)
    };
    for (at, line) in all.iter().enumerate() {
        if is_near(at) {
            if hunks.is_empty() || shown_to != at {
                hunks.push(Hunk {
                    old_start: old_line,
                    new_start: new_line,
                    lines: Vec::new(),
                });
            }
            if let Some(hunk) = hunks.last_mut() {
                hunk.lines.push(line.clone());
            }
            shown_to = at + 1;
        }
        old_line += usize::from(line.kind != LineKind::New);
        new_line += usize::from(line.kind != LineKind::Old);
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let file = |text: &str| RuleFile {
            name: "a.rules".to_owned(),
            text: text.to_owned(),
        };
        let diffs = diff_files(&[file(old)], &[file(new)]);
        let hunks = diffs.iter().flat_map(|diff| &diff.hunks);
        let texts = hunks.map(|hunk| {
            let lines = hunk
                .lines
                .iter()
                .map(|line| format!("{}{}", line.kind.sign(), line.text));
            format!(
                "@ {} {}\n{}",
                hunk.old_start,
                hunk.new_start,
                lines.collect::<Vec<_>>().join("\n")
            )
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_stayed_is_shown_around_what_changed() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n14\n14b\n15";
        assert_eq!(
            shown(old, new),
            "@ 2 2\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@ 12 12\n 12\n 13\n 14\n+14b\n 15"
        );
        assert_eq!(shown(old, old), "");
        assert_eq!(shown("", "a\nb"), "@ 1 1\n+a\n+b");
    }

    #[test]
    fn files_that_came_and_went_are_named() {
        let file = |name: &str| RuleFile {
            name: name.to_owned(),
            text: "x".to_owned(),
        };
        let diffs = diff_files(&[file("a"), file("b")], &[file("b"), file("c")]);
        let kinds: Vec<(&str, FileDiffKind)> = diffs.iter().map(|diff| (diff.name.as_str(), diff.kind)).collect();
        assert_eq!(kinds, [("a", FileDiffKind::Removed), ("c", FileDiffKind::Added)]);
    }
}
