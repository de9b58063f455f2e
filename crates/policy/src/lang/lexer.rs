//! A file as words, numbers with their units, texts and signs. One pass, no backtracking.

use super::ast::Constant;
use super::source::{Report, Span};

/// What a piece of text is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word,
    /// A value.
    Value(Constant),
    /// A sign, of one or two characters.
    Sign(&'static str),
    /// The end of the file.
    End,
}

/// Signs, longer ones first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "->", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{", "}",
    ",", ".", ":", "?", "=",
];

/// Units of time, in milliseconds.
const UNITS: &[(&str, i64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 7 * 86_400_000),
];

/// Units as people write them elsewhere.
const LONG_UNITS: &[&str] = &[
    "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks", "month", "months",
    "year", "years",
];

/// Every token with its place; the last is [`Token::End`].
pub(super) fn lex(text: &str, file: usize, report: &mut Report) -> Vec<(Token, Span)> {
    let mut lexer = Lexer {
        text,
        at: 0,
        file,
        report,
    };
    let mut tokens = Vec::with_capacity(text.len() / 4 + 1);
    loop {
        lexer.skip_blank();
        let start = lexer.at;
        let token = lexer.next();
        let is_end = token == Some(Token::End);
        if let Some(token) = token {
            tokens.push((token, lexer.span(start)));
        }
        if is_end {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    file: usize,
    report: &'a mut Report,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn span(&self, start: usize) -> Span {
        Span {
            start: start as u32,
            end: self.at as u32,
        }
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !keep(c)).unwrap_or(rest.len());
    }

    fn skip_blank(&mut self) {
        loop {
            self.skip_while(char::is_whitespace);
            if !self.rest().starts_with("//") {
                return;
            }
            self.skip_while(|c| c != '\n');
        }
    }

    fn next(&mut self) -> Option<Token> {
        let Some(c) = self.peek() else {
            return Some(Token::End);
        };
        if c == '"' || c == '\'' {
            return self.quoted(false);
        }
        if c == 'r' && self.rest()[1..].starts_with(['"', '\'']) {
            self.at += 1;
            return self.quoted(true);
        }
        if c.is_ascii_digit() {
            return self.number();
        }
        if c.is_ascii_alphabetic() || c == '_' {
            self.skip_while(|c| c.is_ascii_alphanumeric() || c == '_');
            return Some(Token::Word);
        }
        for sign in SIGNS {
            if self.rest().starts_with(sign) {
                self.at += sign.len();
                return Some(Token::Sign(sign));
            }
        }
        let start = self.at;
        self.at += c.len_utf8();
        let span = self.span(start);
        let shown = c.escape_unicode();
        let help = match c {
            '“' | '”' | '„' | '‘' | '’' => "texts stand between straight quotes: \"",
            '&' => "and is `&&`",
            '|' => "or is `||`",
            '#' => "comments begin with `//`",
            _ => "names are made of a to z, digits and `_`",
        };
        self.report
            .error(
                "unknown-character",
                self.file,
                span,
                format!("nothing begins with `{shown}`"),
            )
            .help(help);
        None
    }

    fn quoted(&mut self, is_raw: bool) -> Option<Token> {
        let start = self.at;
        let quote = self.peek()?;
        self.at += 1;
        let mut value = String::new();
        loop {
            let Some(c) = self.peek().filter(|c| *c != '\n') else {
                let span = self.span(start);
                self.report
                    .error("open-text", self.file, span, "this text does not end on its line")
                    .help(format!("close it with {quote}; a line break in a text is \\n"));
                return Some(Token::Value(Constant::Text(value)));
            };
            self.at += c.len_utf8();
            if c == quote {
                return Some(Token::Value(Constant::Text(value)));
            }
            if c != '\\' || is_raw {
                value.push(c);
                continue;
            }
            let escape_at = self.at - 1;
            let escaped = self.peek().unwrap_or('\n');
            if escaped != '\n' {
                self.at += escaped.len_utf8();
            }
            let plain = match escaped {
                'n' => Some('\n'),
                't' => Some('\t'),
                '\\' | '"' | '\'' => Some(escaped),
                'u' => self.unicode_escape(),
                _ => None,
            };
            match plain {
                Some(plain) => value.push(plain),
                None => {
                    let span = self.span(escape_at);
                    self.report
                        .error("unknown-escape", self.file, span, "no such escape")
                        .help(
                            "there are \\n \\t \\\\ \\\" \\' \\u{…}; a pattern is easier as r\"…\", where \\ is itself",
                        );
                }
            }
        }
    }

    fn unicode_escape(&mut self) -> Option<char> {
        let rest = self.rest().strip_prefix('{')?;
        let end = rest.find('}').filter(|end| *end <= 6)?;
        let value = u32::from_str_radix(&rest[..end], 16).ok().and_then(char::from_u32);
        self.at += end + 2;
        value
    }

    fn number(&mut self) -> Option<Token> {
        let start = self.at;
        if let Some((length, ms)) = super::source_time(self.rest()) {
            self.at += length;
            return Some(Token::Value(Constant::Time(ms)));
        }
        self.skip_while(|c| c.is_ascii_digit() || c == '_');
        let mut is_whole = true;
        if self.rest().starts_with('.') && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) {
            is_whole = false;
            self.at += 1;
            self.skip_while(|c| c.is_ascii_digit() || c == '_');
        }
        let digits: String = self.text[start..self.at].chars().filter(|c| *c != '_').collect();
        let unit_at = self.at;
        self.skip_while(|c| c.is_ascii_alphabetic());
        let unit = &self.text[unit_at..self.at];
        if unit.is_empty() && self.rest().starts_with('%') && !self.rest()[1..].starts_with(is_operand_start) {
            self.at += 1;
            let share = digits.parse::<f64>().unwrap_or(0.0) / 100.0;
            return Some(Token::Value(Constant::Float(share)));
        }
        if unit.is_empty() {
            // `31 bits`: a unit may stand apart.
            let blank = self.rest().len() - self.rest().trim_start_matches(' ').len();
            let next = &self.rest()[blank..];
            if next.starts_with("bits") && !next[4..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
                self.at += blank + 4;
                return self
                    .whole(&digits, is_whole, start)
                    .map(|n| Token::Value(Constant::Bits(n)));
            }
            let word_end = next.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(next.len());
            if blank > 0 && LONG_UNITS.contains(&&next[..word_end]) {
                self.at += blank + word_end;
                let span = self.span(start);
                self.report
                    .error(
                        "unknown-unit",
                        self.file,
                        span,
                        "units of time are short, and stand at the number",
                    )
                    .help("write 90s, 10min, 24h, 30d or 2w");
                return Some(Token::Value(Constant::Duration(1)));
            }
            if is_whole {
                return self.whole(&digits, true, start).map(|n| Token::Value(Constant::Int(n)));
            }
            return Some(Token::Value(Constant::Float(digits.parse().unwrap_or(0.0))));
        }
        if unit == "bits" || unit == "bit" {
            return self
                .whole(&digits, is_whole, start)
                .map(|n| Token::Value(Constant::Bits(n)));
        }
        if let Some((_, ms)) = UNITS.iter().find(|(name, _)| *name == unit) {
            let value = if is_whole {
                digits.parse::<i64>().ok().and_then(|n| n.checked_mul(*ms))
            } else {
                digits.parse::<f64>().ok().map(|n| (n * *ms as f64).round() as i64)
            };
            let value = value.filter(|ms| *ms <= DURATION_MS_MAX);
            if value.is_none() {
                self.too_large(start);
            }
            return value.map(|ms| Token::Value(Constant::Duration(ms)));
        }
        let help = match unit {
            "m" => "minutes are `min`; a month is written in days, `30d`",
            "y" | "year" | "years" | "month" | "months" => "years and months differ in length: write days, `365d`",
            "day" | "days" => "days are `d`",
            "hour" | "hours" | "hr" => "hours are `h`",
            "minutes" | "mins" | "minute" => "minutes are `min`",
            "seconds" | "sec" | "secs" | "second" => "seconds are `s`",
            "weeks" | "week" => "weeks are `w`",
            _ => "units are ms, s, min, h, d, w, bits and %",
        };
        let unit = unit.to_owned();
        let span = self.span(start);
        self.report
            .error("unknown-unit", self.file, span, format!("no unit is called `{unit}`"))
            .help(help);
        Some(Token::Value(Constant::Duration(1)))
    }

    fn whole(&mut self, digits: &str, is_whole: bool, start: usize) -> Option<i64> {
        let value = digits.parse::<i64>().ok().filter(|_| is_whole);
        if value.is_none() {
            self.too_large(start);
        }
        value
    }

    fn too_large(&mut self, start: usize) {
        let span = self.span(start);
        self.report.error(
            "number-too-large",
            self.file,
            span,
            "this number is too large, or not a whole one",
        );
    }
}

/// A thousand years: nothing that is added to it overflows.
const DURATION_MS_MAX: i64 = 1_000 * 366 * 86_400_000;

fn is_operand_start(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '('
}
