//! A file of rules as a tree. After a mistake it goes on with the next `rule`, `let`, `list` or `test`, so that one look shows
//! them all. Hostile files are refused by the limits here, before anything is built.

use super::ast::{Constant, Expr, File, Let, List, Mode, Name, Outcome, Rule};
use super::lexer::{Token, lex};
use super::source::{Report, Span, nearest};

/// Longest file, in bytes.
pub const FILE_BYTES_MAX: usize = 2 << 20;
/// Most rules, definitions, lists and tests in a file.
pub const ENTRIES_MAX: usize = 20_000;
/// Most entries of a list that stands in a file; longer ones are kept outside.
pub const LIST_ENTRIES_MAX: usize = 1_000;
/// How many expressions may stand in each other.
pub const DEPTH_MAX: u16 = 64;

/// Reads a file. What is wrong goes to the report; what could be read comes back.
pub fn parse(text: &str, file: usize, report: &mut Report) -> File {
    if text.len() > FILE_BYTES_MAX {
        report
            .error(
                "file-too-long",
                file,
                Span::default(),
                format!("the file is longer than {FILE_BYTES_MAX} bytes"),
            )
            .help("split it; a long list is kept outside of the rules");
        return File::default();
    }
    let tokens = lex(text, file, report);
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        file,
        report,
        depth: 0,
    };
    parser.file()
}

/// A mistake that was reported; the parser goes on at the next entry.
pub(super) struct Stop;

pub(super) type Parsed<T> = Result<T, Stop>;

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: Vec<(Token, Span)>,
    at: usize,
    file: usize,
    pub(super) report: &'a mut Report,
    pub(super) depth: u16,
}

const ENTRIES: &[&str] = &["rule", "let", "list", "test"];
const KEYS: &[&str] = &[
    "on", "policy", "when", "then", "reason", "severity", "owner", "review", "expires", "mode", "floor", "surge",
];

impl Parser<'_> {
    fn file(&mut self) -> File {
        let mut file = File::default();
        let mut n_entries = 0;
        while *self.token() != Token::End {
            n_entries += 1;
            if n_entries > ENTRIES_MAX {
                let span = self.span();
                self.error("too-many", span, format!("a file holds at most {ENTRIES_MAX} entries"));
                break;
            }
            let is_read = match self.word() {
                Some("rule") => self.rule().map(|rule| file.rules.push(rule)),
                Some("let") => self.definition().map(|value| file.lets.push(value)),
                Some("list") => self.list().map(|list| file.lists.push(list)),
                Some("test") => self.test().map(|test| file.tests.push(test)),
                other => {
                    let help = other.and_then(|word| nearest(word, ENTRIES.iter().copied()));
                    let help = help.map_or_else(
                        || "a file holds `rule`, `let`, `list` and `test`".to_owned(),
                        |near| format!("was `{near}` meant?"),
                    );
                    let span = self.span();
                    self.error("unexpected", span, "nothing begins like this".to_owned())
                        .help(help);
                    Err(Stop)
                }
            };
            if is_read.is_err() {
                self.skip_to_entry();
            }
        }
        file
    }

    fn skip_to_entry(&mut self) {
        self.depth = 0;
        self.at += 1;
        while *self.token() != Token::End {
            let is_entry = self.word().is_some_and(|word| ENTRIES.contains(&word));
            let before = &self.text[..self.span().start as usize];
            if is_entry
                && matches!(
                    before.trim_end_matches([' ', '\t']).as_bytes().last(),
                    None | Some(b'\n')
                )
            {
                return;
            }
            self.at += 1;
        }
    }

    fn definition(&mut self) -> Parsed<Let> {
        self.at += 1;
        let name = self.name("a name")?;
        self.sign("=")?;
        let value = self.expr()?;
        Ok(Let { name, value })
    }

    fn list(&mut self) -> Parsed<List> {
        self.at += 1;
        let name = self.name("a name")?;
        if !self.take("=") {
            return Ok(List { name, entries: None });
        }
        self.sign("[")?;
        let mut entries = Vec::new();
        while !self.take("]") {
            entries.push(self.text_value("a text")?);
            if entries.len() > LIST_ENTRIES_MAX {
                self.error(
                    "list-too-long",
                    name.span,
                    format!("a list in a file has at most {LIST_ENTRIES_MAX} entries"),
                )
                .help(format!("keep it outside: `list {}`, and upload its entries", name.text));
                return Err(Stop);
            }
            if !self.take(",") {
                self.sign("]")?;
                break;
            }
        }
        Ok(List {
            name,
            entries: Some(entries),
        })
    }

    fn rule(&mut self) -> Parsed<Rule> {
        let begin = self.span();
        self.at += 1;
        let mut rule = Rule {
            name: self.name("the rule's name")?,
            on: Vec::new(),
            policy: None,
            when: None,
            then: Vec::new(),
            reason: None,
            severity: None,
            owner: None,
            review: None,
            expires: None,
            mode: None,
            floor: None,
            surge: None,
            span: begin,
        };
        self.sign("{")?;
        let mut seen: Vec<String> = Vec::new();
        while !self.take("}") {
            let key = self.name("a key, such as `when`")?;
            if seen.contains(&key.text) {
                self.error("twice", key.span, format!("`{}` stands here twice", key.text));
            }
            self.sign(":")?;
            match key.text.as_str() {
                "on" => rule.on = self.names()?,
                "policy" => rule.policy = Some(self.expr()?),
                "when" => rule.when = Some(self.expr()?),
                "then" => loop {
                    rule.then.push(self.outcome()?);
                    if !self.take(",") {
                        break;
                    }
                },
                "reason" => rule.reason = Some(self.text_value("the reason, a text")?),
                "severity" => rule.severity = Some(self.name("a severity")?),
                "owner" => rule.owner = Some(self.text_value("who answers for the rule, a text")?),
                "review" => rule.review = Some(self.date()?),
                "expires" => rule.expires = Some(self.date()?),
                "mode" => {
                    let word = self.name("`draft`, `shadow` or `live`")?;
                    let share = match self.token().clone() {
                        Token::Value(Constant::Float(share)) => {
                            self.at += 1;
                            Some((share, self.last_span()))
                        }
                        _ => None,
                    };
                    let span = word.span.to(self.last_span());
                    rule.mode = Some(Mode { word, span, share });
                }
                "floor" => {
                    let Token::Value(Constant::Float(share)) = self.token().clone() else {
                        let span = self.span();
                        self.error("unexpected", span, "a share is expected here".to_owned())
                            .help("write `floor: 80%`");
                        return Err(Stop);
                    };
                    self.at += 1;
                    rule.floor = Some((share, self.last_span()));
                }
                "surge" => rule.surge = Some(self.name("`suspend` or `keep`")?),
                other => {
                    let help = nearest(other, KEYS.iter().copied()).map_or_else(
                        || format!("a rule has {}", KEYS.join(", ")),
                        |near| format!("was `{near}` meant?"),
                    );
                    self.error("unknown-key", key.span, format!("a rule has no `{other}`"))
                        .help(help);
                    return Err(Stop);
                }
            }
            seen.push(key.text);
        }
        rule.span = begin.to(self.last_span());
        Ok(rule)
    }

    pub(super) fn outcome(&mut self) -> Parsed<Outcome> {
        let verb = self.name("`allow`, `case`, `restrict` or `label`")?;
        let mut outcome = Outcome {
            span: verb.span,
            verb,
            words: Vec::new(),
            number: None,
            duration_ms: None,
        };
        loop {
            match self.token().clone() {
                // A word with a colon is the next key.
                Token::Word if self.tokens[self.at + 1].0 != Token::Sign(":") && self.word() != Some("because") => {
                    let word = self.name("a word")?;
                    outcome.words.push(word);
                }
                Token::Value(Constant::Int(number)) => {
                    self.at += 1;
                    outcome.number = Some((number, self.last_span()));
                }
                Token::Value(Constant::Duration(ms)) => {
                    self.at += 1;
                    outcome.duration_ms = Some((ms, self.last_span()));
                }
                _ => break,
            }
            outcome.span = outcome.span.to(self.last_span());
        }
        Ok(outcome)
    }

    fn date(&mut self) -> Parsed<(i64, Span)> {
        match *self.token() {
            Token::Value(Constant::Time(ms)) => {
                self.at += 1;
                Ok((ms, self.last_span()))
            }
            _ => self.expected("a date, such as 2027-05-01"),
        }
    }

    pub(super) fn names(&mut self) -> Parsed<Vec<Name>> {
        let mut names = vec![self.name("a name")?];
        while self.take(",") {
            names.push(self.name("a name")?);
        }
        Ok(names)
    }

    pub(super) fn token(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].0
    }

    pub(super) fn span(&self) -> Span {
        self.tokens[self.at.min(self.tokens.len() - 1)].1
    }

    pub(super) fn last_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1).min(self.tokens.len() - 1)].1
    }

    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    pub(super) fn is_next(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at + 1), Some((Token::Sign(next), _)) if *next == sign)
    }

    /// The word that comes next.
    pub(super) fn word(&self) -> Option<&str> {
        (*self.token() == Token::Word).then(|| &self.text[self.span().start as usize..self.span().end as usize])
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.token(), Token::Sign(next) if *next == sign);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.word() == Some(word);
        self.at += usize::from(is_there);
        is_there
    }

    pub(super) fn sign(&mut self, sign: &'static str) -> Parsed<()> {
        if self.take(sign) {
            return Ok(());
        }
        self.expected(&format!("`{sign}`"))
    }

    pub(super) fn name(&mut self, what: &str) -> Parsed<Name> {
        match self.word() {
            Some(word) => {
                let name = Name {
                    text: word.to_owned(),
                    span: self.span(),
                };
                self.at += 1;
                Ok(name)
            }
            None => self.expected(what),
        }
    }

    pub(super) fn text_value(&mut self, what: &str) -> Parsed<(String, Span)> {
        match self.token().clone() {
            Token::Value(Constant::Text(text)) => {
                self.at += 1;
                Ok((text, self.last_span()))
            }
            _ => self.expected(what),
        }
    }

    pub(super) fn expected<T>(&mut self, what: &str) -> Parsed<T> {
        let span = self.span();
        let found = match self.token() {
            Token::End => "the file ends".to_owned(),
            _ => {
                let found: String = self.text[span.start as usize..span.end as usize]
                    .chars()
                    .take(40)
                    .collect();
                format!("there is `{found}`")
            }
        };
        self.error("unexpected", span, format!("here should be {what}, and {found}"));
        Err(Stop)
    }

    pub(super) fn error(&mut self, code: &'static str, span: Span, message: String) -> &mut super::source::Diagnostic {
        self.report.error(code, self.file, span, message)
    }

    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.expression(0)
    }
}
