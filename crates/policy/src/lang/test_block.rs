//! Tests that authors write beside their rules, as a tree.

use super::ast::{Constant, Expected, Literal, Name, Sample, Step, Test};
use super::lexer::Token;
use super::parser::{Parsed, Parser, Stop};

/// Most steps of a test, facts of an event and entries of a list in it.
const STEPS_MAX: usize = 10_000;

impl Parser<'_> {
    pub(super) fn test(&mut self) -> Parsed<Test> {
        self.advance();
        let name = self.name("the test's name")?;
        let mut test = Test {
            span: name.span,
            name,
            steps: Vec::new(),
            samples: Vec::new(),
        };
        self.sign("{")?;
        while !self.take("}") {
            if test.steps.len() >= STEPS_MAX {
                return self.expected("the end of a test this long");
            }
            if self.take_word("sample") {
                let file = self.text_value("the name of a file")?;
                if !self.take_word("never") {
                    return self.expected("`never`, then the rules that must not fire");
                }
                let never = self.names()?;
                test.samples.push(Sample { file, never });
                continue;
            }
            test.steps.push(self.step()?);
        }
        test.span = test.span.to(self.last_span());
        Ok(test)
    }

    fn step(&mut self) -> Parsed<Step> {
        let start = self.span();
        if !self.take_word("at") {
            return self.expected("`at`, `sample` or `}`");
        }
        let at_ms = match *self.token() {
            Token::Value(Constant::Duration(ms) | Constant::Time(ms)) => ms,
            Token::Value(Constant::Int(0)) => 0,
            _ => return self.expected("a time, such as 2min or 2027-05-01T10:00:00Z"),
        };
        self.advance();
        self.sign("{")?;
        let facts = self.fields()?;
        let expected = if self.take("->") {
            Some(self.expectation()?)
        } else {
            None
        };
        Ok(Step {
            at_ms,
            facts,
            expected,
            span: start.to(self.last_span()),
        })
    }

    /// Up to and with the closing bracket.
    fn fields(&mut self) -> Parsed<Vec<(Name, Literal)>> {
        let mut fields = Vec::new();
        while !self.take("}") {
            let mut name = self.name("a fact")?;
            while self.take(".") {
                let part = self.name("a fact")?;
                name.text = format!("{}.{}", name.text, part.text);
                name.span = name.span.to(part.span);
            }
            self.sign(":")?;
            let value = self.literal()?;
            fields.push((name, value));
            if fields.len() > STEPS_MAX {
                return self.expected("fewer facts");
            }
            if !self.take(",") {
                self.sign("}")?;
                break;
            }
        }
        Ok(fields)
    }

    fn literal(&mut self) -> Parsed<Literal> {
        self.depth += 1;
        if self.depth > 4 {
            return self.expected("lists that do not stand in each other so deeply");
        }
        let span = self.span();
        let value = match self.token().clone() {
            Token::Value(constant) => {
                self.advance();
                Literal::Plain(constant, span)
            }
            Token::Sign("-") => {
                self.advance();
                let value = match self.token().clone() {
                    Token::Value(Constant::Int(n)) => Constant::Int(-n),
                    Token::Value(Constant::Float(n)) => Constant::Float(-n),
                    _ => return self.expected("a number"),
                };
                self.advance();
                Literal::Plain(value, span)
            }
            Token::Word if matches!(self.word(), Some("true" | "false")) => {
                let is_true = self.word() == Some("true");
                self.advance();
                Literal::Plain(Constant::Bool(is_true), span)
            }
            Token::Sign("{") => {
                self.advance();
                let fields = self.fields()?;
                Literal::Row(fields, span.to(self.last_span()))
            }
            Token::Sign("[") => {
                self.advance();
                let mut entries = Vec::new();
                while !self.take("]") {
                    entries.push(self.literal()?);
                    if entries.len() > STEPS_MAX {
                        return self.expected("fewer entries");
                    }
                    if !self.take(",") {
                        self.sign("]")?;
                        break;
                    }
                }
                Literal::List(entries, span.to(self.last_span()))
            }
            _ => return self.expected("a value"),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn expectation(&mut self) -> Parsed<Expected> {
        let start = self.span();
        let mut expected = Expected {
            fired: Vec::new(),
            unknown: Vec::new(),
            outcome: None,
            because: None,
            span: start,
        };
        if self.take_word("nothing") {
            expected.span = start;
        } else {
            loop {
                if self.take_word("unknown") {
                    let name = self.name("a rule")?;
                    expected.unknown.push(name);
                } else {
                    let name = self.name("`nothing`, or the rules that fire")?;
                    expected.fired.push(name);
                }
                if !self.take(",") {
                    break;
                }
            }
        }
        if self.take_word("then") {
            expected.outcome = Some(self.outcome_in_test()?);
        }
        if self.take_word("because") {
            expected.because = Some(self.text_value("a part of the reason")?);
        }
        expected.span = start.to(self.last_span());
        Ok(expected)
    }

    /// An outcome ends where the next step begins.
    fn outcome_in_test(&mut self) -> Parsed<super::ast::Outcome> {
        let verb = self.name("an outcome")?;
        let mut outcome = super::ast::Outcome {
            span: verb.span,
            verb,
            words: Vec::new(),
            number: None,
            duration_ms: None,
        };
        while !matches!(self.word(), None | Some("at" | "because" | "sample")) {
            let word = self.name("a word")?;
            outcome.words.push(word);
        }
        if let Token::Value(Constant::Duration(ms)) = *self.token() {
            self.advance();
            outcome.duration_ms = Some((ms, self.last_span()));
        }
        if outcome.words.len() > 4 {
            return Err(Stop);
        }
        outcome.span = outcome.span.to(self.last_span());
        Ok(outcome)
    }
}
