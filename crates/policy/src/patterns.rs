//! Patterns in linear time, and a first look at a text for all of them at once.
//!
//! Nearly every pattern needs certain letters to be there. One automaton (Aho–Corasick) looks for those of all patterns that are asked
//! of the same text, in one pass; only the patterns whose letters were seen are run. Patterns are never matched by trying and going back.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{Extractor, Seq};
use regex_syntax::hir::{Hir, HirKind};

use crate::graph::NodeId;

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 4_096;
/// Largest compiled pattern, in bytes.
const PROGRAM_BYTES_MAX: usize = 1 << 20;
/// Memory of a pattern while it runs, in bytes.
const CACHE_BYTES_MAX: usize = 1 << 20;
/// Most literals by which a pattern is told apart, and the fewest bytes of each.
const LITERALS_MAX: usize = 64;
const LITERAL_BYTES_MIN: usize = 2;

/// All patterns of a set of rules.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    patterns: Vec<Pattern>,
    known: HashMap<String, u32>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    /// One of these must be in the text; none if nothing is known.
    literals: Option<Vec<Vec<u8>>>,
}

/// The patterns that are asked of one text.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) source: NodeId,
    automaton: AhoCorasick,
    /// For each literal, the patterns that need it.
    needs: Vec<Vec<u32>>,
    /// Patterns that have to be run always.
    always: Vec<u32>,
}

/// What is wrong with a pattern, in one line.
pub(crate) struct BadPattern(pub(crate) String);

impl Patterns {
    pub(crate) fn add(&mut self, pattern: &str) -> Result<u32, BadPattern> {
        if let Some(idx) = self.known.get(pattern) {
            return Ok(*idx);
        }
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(BadPattern(format!("it is longer than {PATTERN_BYTES_MAX} bytes")));
        }
        let built = RegexBuilder::new(pattern)
            .size_limit(PROGRAM_BYTES_MAX)
            .dfa_size_limit(CACHE_BYTES_MAX)
            .nest_limit(50)
            .build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => BadPattern("its repetitions make it too large".to_owned()),
            other => {
                let text = other.to_string();
                let last = text
                    .lines()
                    .last()
                    .unwrap_or("it does not read")
                    .trim_start_matches("error: ");
                BadPattern(last.to_owned())
            }
        })?;
        let literals = regex_syntax::parse(pattern).ok().and_then(|hir| needed(&hir));
        let idx = self.patterns.len() as u32;
        self.patterns.push(Pattern { regex, literals });
        self.known.insert(pattern.to_owned(), idx);
        Ok(idx)
    }

    pub(crate) fn source(&self, pattern: u32) -> &str {
        self.patterns[pattern as usize].regex.as_str()
    }

    /// Puts the patterns that are asked of the same text together.
    pub(crate) fn group(&mut self, asked: &[(NodeId, u32)]) {
        let mut by_source: Vec<(NodeId, Vec<u32>)> = Vec::new();
        for (source, pattern) in asked {
            match by_source.iter_mut().find(|(known, _)| known == source) {
                Some((_, patterns)) => patterns.push(*pattern),
                None => by_source.push((*source, vec![*pattern])),
            }
        }
        for (source, patterns) in by_source {
            let mut literals: Vec<Vec<u8>> = Vec::new();
            let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
            let mut needs: Vec<Vec<u32>> = Vec::new();
            let mut always = Vec::new();
            for pattern in patterns {
                let Some(needed) = &self.patterns[pattern as usize].literals else {
                    always.push(pattern);
                    continue;
                };
                for literal in needed {
                    let literal = literal.to_ascii_lowercase();
                    let place = *places.entry(literal.clone()).or_insert_with(|| {
                        literals.push(literal);
                        needs.push(Vec::new());
                        literals.len() - 1
                    });
                    if !needs[place].contains(&pattern) {
                        needs[place].push(pattern);
                    }
                }
            }
            let automaton = AhoCorasickBuilder::new()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .build(&literals);
            // Too many literals for an automaton: then every pattern is run.
            if let Ok(automaton) = automaton {
                self.groups.push(Group {
                    source,
                    automaton,
                    needs,
                    always,
                });
            }
        }
    }

    /// The group of the patterns that are asked of a node.
    pub(crate) fn group_of(&self, source: NodeId) -> Option<usize> {
        self.groups.iter().position(|group| group.source == source)
    }

    pub(crate) fn n_groups(&self) -> usize {
        self.groups.len()
    }

    /// Marks the patterns that could match the text.
    pub(crate) fn candidates(&self, group: usize, text: &str, marks: &mut Vec<u64>) {
        marks.clear();
        marks.resize(self.patterns.len().div_ceil(64), 0);
        let group = &self.groups[group];
        let mut mark = |pattern: u32| marks[pattern as usize / 64] |= 1 << (pattern % 64);
        group.always.iter().copied().for_each(&mut mark);
        for found in group.automaton.find_overlapping_iter(text) {
            group.needs[found.pattern().as_usize()]
                .iter()
                .copied()
                .for_each(&mut mark);
        }
    }

    /// Whether a pattern matches; unknown if that depends on the part that was cut off.
    pub(crate) fn is_match(&self, pattern: u32, text: &str, is_cut: bool) -> Option<bool> {
        let regex = &self.patterns[pattern as usize].regex;
        if !is_cut {
            return Some(regex.is_match(text));
        }
        match regex.find(text) {
            Some(found) if found.end() < text.len() => Some(true),
            _ => None,
        }
    }
}

/// Literals of which every match holds one.
fn needed(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let parts: &[Hir] = match hir.kind() {
        HirKind::Concat(parts) => parts,
        HirKind::Capture(capture) => return needed(&capture.sub),
        _ => std::slice::from_ref(hir),
    };
    let mut extractor = Extractor::new();
    extractor.limit_total(LITERALS_MAX).limit_class(8).limit_repeat(4);
    let of_part = |part: &Hir| {
        let seq: Seq = extractor.extract(part);
        let literals: Vec<Vec<u8>> = seq
            .literals()?
            .iter()
            .map(|literal| literal.as_bytes().to_vec())
            .collect();
        let shortest = literals.iter().map(Vec::len).min()?;
        (shortest >= LITERAL_BYTES_MIN && literals.len() <= LITERALS_MAX).then_some((shortest, literals))
    };
    // The literals of a run of parts are longer than those of each: `[Ff]ree` is two parts.
    let whole = of_part(hir);
    let best = parts
        .iter()
        .filter_map(of_part)
        .chain(whole)
        .max_by_key(|(shortest, _)| *shortest);
    let nested = || {
        parts
            .iter()
            .find_map(|part| matches!(part.kind(), HirKind::Capture(_)).then(|| needed(part))?)
    };
    best.map(|(_, literals)| literals).or_else(nested)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_look_never_hides_a_match() {
        let sources = [
            r"(?i)free\s+coins",
            r"\bb[uy]y\d+",
            r"^x",
            r"[a-z]+://evil",
            r"(?i)straße",
            r"(foo|bar)baz",
            r"a|bc|def",
            r"\p{Cyrillic}{3}",
            r"(?i)ſecret",
            "κόσμε",
            r"(?:ab)?cd+",
            "",
            r"z{3,}",
        ];
        let texts = [
            "FREE   COINS",
            "buy77",
            "byy1 buy1",
            "x",
            "https://evil.example",
            "STRASSE straße STRAßE",
            "barbaz",
            "bc",
            "мир",
            "secret SECRET ſecret",
            "κόσμε",
            "cddd",
            "zzzz",
            "",
            "İstanbul",
            "K\u{212a}elvin",
        ];
        let mut patterns = Patterns::default();
        let ids: Vec<u32> = sources.iter().map(|s| patterns.add(s).ok().expect("reads")).collect();
        let asked: Vec<(NodeId, u32)> = ids.iter().map(|id| (NodeId(0), *id)).collect();
        patterns.group(&asked);
        let mut marks = Vec::new();
        for candidate in texts {
            patterns.candidates(0, candidate, &mut marks);
            for id in &ids {
                let is_marked = marks[*id as usize / 64] >> (id % 64) & 1 == 1;
                let is_match = patterns.is_match(*id, candidate, false) == Some(true);
                assert!(is_marked || !is_match, "{} hides {candidate:?}", sources[*id as usize]);
            }
        }
        assert!(
            patterns.patterns[0].literals.is_some(),
            "a common pattern is told apart by its letters"
        );
    }
}
