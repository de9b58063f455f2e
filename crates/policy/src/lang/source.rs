//! Places in a file, and what is said about them, in the form that people know from compilers: message, file, line, caret.

use std::fmt::Write;

/// A part of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Span {
    /// Where it begins.
    pub start: u32,
    /// Where it ends; not part of it.
    pub end: u32,
}

impl Span {
    /// From the start of one to the end of the other.
    pub fn to(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// A file with rules.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, as people know it.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

impl Source {
    /// A file.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// The text of a part.
    pub fn at(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Line and column of a place, both from one; columns count characters.
    pub fn line_and_column(&self, at: u32) -> (usize, usize) {
        let mut at = (at as usize).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The rules cannot be used.
    Error,
    /// The rules can be used, and are likely not what was meant.
    Warning,
}

impl Level {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
        }
    }
}

/// Something to say about a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// A short name that never changes, for scripts.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Which of the files.
    pub file: usize,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// The message with file, line and caret.
    pub fn render(&self, sources: &[Source]) -> String {
        let mut out = format!("{}[{}]: {}\n", self.level.as_str(), self.code, self.message);
        if let Some(source) = sources.get(self.file) {
            let (line, column) = source.line_and_column(self.span.start);
            let text = source.text.lines().nth(line - 1).unwrap_or("");
            let shown: String = text.chars().take(LINE_SHOWN_MAX).map(shown).collect();
            let gutter = line.to_string().len();
            let n_carets = source
                .at(self.span)
                .lines()
                .next()
                .map_or(1, |part| part.chars().count())
                .clamp(1, LINE_SHOWN_MAX);
            let blank = " ".repeat((column - 1).min(LINE_SHOWN_MAX));
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{:gutter$}--> {}:{line}:{column}", "", source.name);
            let _ = writeln!(out, "{:gutter$} |", "");
            let _ = writeln!(out, "{line} | {shown}");
            let _ = writeln!(out, "{:gutter$} | {blank}{}", "", "^".repeat(n_carets));
            if let Some(help) = &self.help {
                let _ = writeln!(out, "{:gutter$} = help: {help}", "");
            }
        } else if let Some(help) = &self.help {
            let _ = writeln!(out, " = help: {help}");
        }
        out
    }
}

/// A line longer than this is cut where it is shown.
const LINE_SHOWN_MAX: usize = 200;

/// What a terminal may be shown: a file must not move the cursor or turn text around.
fn shown(c: char) -> char {
    if c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
        ' '
    } else {
        c
    }
}

/// All that is said about some files.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// In the order in which it was found; of very many, the first.
    pub diagnostics: Vec<Diagnostic>,
    /// How many errors there are, those that are not shown included.
    n_errors: usize,
    /// What was said last when there was no more place.
    rest: Option<Box<Diagnostic>>,
}

impl Report {
    /// Adds an error.
    pub fn error(
        &mut self,
        code: &'static str,
        file: usize,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Level::Error, code, file, span, message.into())
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        code: &'static str,
        file: usize,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Level::Warning, code, file, span, message.into())
    }

    fn push(&mut self, level: Level, code: &'static str, file: usize, span: Span, message: String) -> &mut Diagnostic {
        self.n_errors += usize::from(level == Level::Error);
        let diagnostic = Diagnostic {
            level,
            code,
            message,
            file,
            span,
            help: None,
        };
        if self.is_full() {
            let warning = self.diagnostics.iter().rposition(|shown| shown.level == Level::Warning);
            return match warning.filter(|_| level == Level::Error) {
                Some(idx) => {
                    self.diagnostics[idx] = diagnostic;
                    &mut self.diagnostics[idx]
                }
                None => self.rest.insert(Box::new(diagnostic)),
            };
        }
        let idx = self.diagnostics.len();
        self.diagnostics.push(diagnostic);
        &mut self.diagnostics[idx]
    }

    /// Whether no more is shown. Errors still count.
    pub fn is_full(&self) -> bool {
        self.diagnostics.len() >= DIAGNOSTICS_MAX
    }

    /// Whether the rules cannot be used.
    pub fn has_errors(&self) -> bool {
        self.n_errors > 0
    }

    /// Errors first, then by place.
    pub fn sort(&mut self) {
        self.diagnostics
            .sort_by_key(|d| (d.level, d.file, d.span.start, d.code));
    }

    /// All of it as text.
    pub fn render(&self, sources: &[Source]) -> String {
        let parts: Vec<String> = self.diagnostics.iter().map(|d| d.render(sources)).collect();
        parts.join("\n")
    }
}

/// More than this helps nobody.
const DIAGNOSTICS_MAX: usize = 200;

impl Diagnostic {
    /// Says what to do about it.
    pub fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }
}

/// Among more names than these nobody looks for the one that was meant.
const NEAREST_MAX: usize = 2_000;

/// The known name that was most likely meant, if one is near enough.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name_max = name.chars().count().min(64);
    let limit = (name_max / 3).max(1);
    known
        .into_iter()
        .take(NEAREST_MAX)
        .filter(|candidate| candidate.chars().count().abs_diff(name_max) <= limit)
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// Letters to change, add, leave out or swap.
fn edit_distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
