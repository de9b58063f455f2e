//! Standard output and error: whole lines, and quiet when nobody reads them any more.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::exit::OutputClosed;

/// Prints one line of data.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    written.map_err(of_write_error)
}

/// Prints one value as one line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Says one line to people, on standard error. If nobody listens there, there is nobody to tell.
pub fn talk(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// A file name, a bank's name or a decoder's words, safe to show on a terminal: control characters are escaped, so that a
/// name cannot move the cursor, change colours or fake a line.
pub fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if is_unsafe(c) {
                c.escape_unicode().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

fn is_unsafe(c: char) -> bool {
    // Bidirectional controls reorder what stands around them: a name could read as another.
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn of_write_error(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::BrokenPipe => OutputClosed.into(),
        _ => anyhow::Error::new(error).context("cannot write to standard output"),
    }
}

/// Columns of text, each as wide as its widest cell; the last is not padded.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| printable(cell)).collect())
        .collect();
    let width = |column: usize| {
        let widest = cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        widest.max(header[column].chars().count())
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let print = |row: &[String]| {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        line(padded.join("  ").trim_end())
    };
    print(&header.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    cells.iter().try_for_each(|row| print(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\u{a}c");
        assert_eq!(printable("evil\u{202e}gpj.exe"), "evil\\u{202e}gpj.exe");
        assert_eq!(printable("مرحبا é 图"), "مرحبا é 图");
    }
}
