//! Patterns in linear time, and a first look at a text for all of them at once.
//!
//! Nearly every pattern needs certain letters to be there, and many begin with certain letters. One automaton (Aho–Corasick) looks for
//! those of all patterns that are asked of the same text, in one pass. Only patterns whose letters were seen are run, and those that
//! begin with them only where they stand. Patterns are never matched by trying and going back.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex_automata::meta::{self, Regex};
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{
    Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition,
};

use crate::graph::NodeId;

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 4_096;
/// Largest compiled pattern, in bytes.
const PROGRAM_BYTES_MAX: usize = 1 << 20;
/// Memory of a pattern while it runs, in bytes.
const CACHE_BYTES_MAX: usize = 1 << 20;
/// How deeply a pattern's groups may stand in each other.
const NESTED_MAX: u32 = 50;
/// Most literals by which a pattern is told apart, and the fewest bytes of each.
const LITERALS_MAX: usize = 64;
const LITERAL_BYTES_MIN: usize = 2;
/// Most parts of a pattern that literals are looked for in, and how many are taken together.
const PARTS_MAX: usize = 64;
const RUN_MAX: usize = 8;
/// Most places where a pattern that begins with its letters is tried. With more the text is looked at once, whole, so that time stays
/// linear in its length.
const PLACES_MAX: usize = 4;
/// Up to so many bytes of literals the automaton is the fastest there is, and needs some hundred times their memory.
const FAST_BYTES_MAX: usize = 16 << 10;

/// All patterns of a set of rules.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    patterns: Vec<Pattern>,
    known: HashMap<String, u32>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Pattern {
    written: String,
    regex: Regex,
    /// One of these must be in the text, with small letters for capitals of ASCII; none if nothing is known.
    needs: Option<Vec<Vec<u8>>>,
    /// The same, of where a match begins.
    begins: Option<Vec<Vec<u8>>>,
}

/// The patterns that are asked of one text.
#[derive(Debug)]
struct Group {
    source: NodeId,
    automaton: AhoCorasick,
    /// For each pattern of the rules, its literals; nothing for those that are not asked here.
    asked: Vec<Literals>,
}

/// Literals of a pattern, by their places in the automaton.
#[derive(Debug, Clone, Default)]
struct Literals {
    needs: Option<Box<[u32]>>,
    begins: Option<Box<[u32]>>,
}

/// Where the literals of a group stand in a text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    look: u32,
    /// For each literal the look that it was last seen in, and how often.
    counts: Vec<(u32, u32)>,
    /// For each literal the places where it was seen first.
    starts: Vec<[u32; PLACES_MAX]>,
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
        let parsed = ParserBuilder::new().nest_limit(NESTED_MAX).build().parse(pattern);
        let hir = parsed.map_err(|error| BadPattern(last_line(&error.to_string())))?;
        let config = meta::Config::new()
            .nfa_size_limit(Some(PROGRAM_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX);
        let built = Regex::builder().configure(config).build_from_hir(&hir);
        let regex = built.map_err(|error| match error.size_limit() {
            Some(_) => BadPattern("its repetitions make it too large".to_owned()),
            None => BadPattern(last_line(&error.to_string())),
        })?;
        let folded = folded(&hir);
        let idx = self.patterns.len() as u32;
        self.patterns.push(Pattern {
            written: pattern.to_owned(),
            regex,
            needs: needed(&folded),
            begins: begins(&folded),
        });
        self.known.insert(pattern.to_owned(), idx);
        Ok(idx)
    }

    pub(crate) fn source(&self, pattern: u32) -> &str {
        &self.patterns[pattern as usize].written
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
            let mut literals: Vec<&[u8]> = Vec::new();
            let mut places: HashMap<&[u8], u32> = HashMap::new();
            let mut place_of = |literal| {
                *places.entry(literal).or_insert_with(|| {
                    literals.push(literal);
                    literals.len() as u32 - 1
                })
            };
            let mut asked = vec![Literals::default(); self.patterns.len()];
            for idx in patterns {
                let pattern = &self.patterns[idx as usize];
                let begins = pattern.begins.as_ref();
                // Where those with which it begins are looked for, nothing else is asked first but others.
                let needs = pattern.needs.as_ref().filter(|needs| Some(*needs) != begins);
                asked[idx as usize] = Literals {
                    needs: needs.map(|all| all.iter().map(|literal| place_of(literal.as_slice())).collect()),
                    begins: begins.map(|all| all.iter().map(|literal| place_of(literal.as_slice())).collect()),
                };
            }
            let n_bytes: usize = literals.iter().map(|literal| literal.len()).sum();
            let automaton = AhoCorasickBuilder::new()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .kind((n_bytes <= FAST_BYTES_MAX).then_some(AhoCorasickKind::DFA))
                .build(&literals);
            // Too many literals for an automaton: then every pattern is run.
            if let Ok(automaton) = automaton {
                self.groups.push(Group {
                    source,
                    automaton,
                    asked,
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

    /// Looks which of the group's literals are in a text, and where.
    pub(crate) fn look(&self, group: usize, text: &str, seen: &mut Seen) {
        let automaton = &self.groups[group].automaton;
        if seen.counts.len() != automaton.patterns_len() || seen.look == u32::MAX {
            seen.counts = vec![(0, 0); automaton.patterns_len()];
            seen.starts = vec![[0; PLACES_MAX]; automaton.patterns_len()];
            seen.look = 0;
        }
        seen.look += 1;
        for found in automaton.find_overlapping_iter(text) {
            let literal = found.pattern().as_usize();
            let (look, n) = &mut seen.counts[literal];
            if *look != seen.look {
                (*look, *n) = (seen.look, 0);
            }
            if let Some(start) = seen.starts[literal].get_mut(*n as usize) {
                *start = found.start() as u32;
            }
            *n += 1;
        }
    }

    /// Whether a pattern of the group matches a text that was looked at.
    pub(crate) fn is_match_in(&self, group: usize, pattern: u32, text: &str, seen: &Seen) -> bool {
        let literals = &self.groups[group].asked[pattern as usize];
        let regex = &self.patterns[pattern as usize].regex;
        if literals.needs.as_ref().is_some_and(|needs| seen.n(needs) == 0) {
            return false;
        }
        match &literals.begins {
            Some(begins) if seen.n(begins) <= PLACES_MAX => begins
                .iter()
                .flat_map(|literal| seen.starts(*literal))
                .any(|start| regex.is_match(Input::new(text).range(*start as usize..).anchored(Anchored::Yes))),
            _ => regex.is_match(text),
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

impl Seen {
    /// How often one of these was seen.
    fn n(&self, literals: &[u32]) -> usize {
        literals.iter().map(|literal| self.n_of(*literal)).sum()
    }

    fn n_of(&self, literal: u32) -> usize {
        let (look, n) = self.counts[literal as usize];
        if look == self.look { n as usize } else { 0 }
    }

    /// The first places of a literal.
    fn starts(&self, literal: u32) -> &[u32] {
        &self.starts[literal as usize][..self.n_of(literal).min(PLACES_MAX)]
    }
}

fn last_line(error: &str) -> String {
    let last = error.lines().last().unwrap_or("it does not read");
    last.trim_start_matches("error: ").to_owned()
}

/// The same with small letters for the capitals of ASCII, and without groups: of whatever the pattern matches, this matches what it is
/// in small letters.
fn folded(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) => Hir::literal(literal.0.to_ascii_lowercase()),
        HirKind::Class(Class::Unicode(class)) => {
            let capitals = ClassUnicode::new([ClassUnicodeRange::new('A', 'Z')]);
            let (mut rest, mut folded) = (class.clone(), class.clone());
            rest.difference(&capitals);
            folded.intersect(&capitals);
            let small = |range: &ClassUnicodeRange| {
                ClassUnicodeRange::new(range.start().to_ascii_lowercase(), range.end().to_ascii_lowercase())
            };
            rest.union(&ClassUnicode::new(folded.ranges().iter().map(small)));
            Hir::class(Class::Unicode(rest))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let capitals = ClassBytes::new([ClassBytesRange::new(b'A', b'Z')]);
            let (mut rest, mut folded) = (class.clone(), class.clone());
            rest.difference(&capitals);
            folded.intersect(&capitals);
            let small = |range: &ClassBytesRange| {
                ClassBytesRange::new(range.start().to_ascii_lowercase(), range.end().to_ascii_lowercase())
            };
            rest.union(&ClassBytes::new(folded.ranges().iter().map(small)));
            Hir::class(Class::Bytes(rest))
        }
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(folded(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => folded(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(folded).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(folded).collect()),
    }
}

/// Literals with one of which every match begins.
fn begins(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let mut extractor = Extractor::new();
    extractor.limit_total(LITERALS_MAX).limit_class(10).limit_repeat(4);
    let seq = extractor.extract(hir);
    let literals = seq.literals()?.iter();
    let mut literals: Vec<Vec<u8>> = literals.map(|literal| literal.as_bytes().to_vec()).collect();
    literals.sort_unstable();
    literals.dedup();
    let fits = literals.len() <= LITERALS_MAX && literals.iter().all(|literal| literal.len() >= LITERAL_BYTES_MIN);
    fits.then_some(literals)
}

/// Literals of which every match holds one: of all that are known the longest.
fn needed(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let parts: &[Hir] = match hir.kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(hir),
    };
    let run = |at: usize| Hir::concat(parts[at..parts.len().min(at + RUN_MAX)].to_vec());
    let runs = (0..parts.len().min(PARTS_MAX)).filter_map(|at| begins(&run(at)));
    runs.max_by_key(|literals| {
        let shortest = literals.iter().map(Vec::len).min();
        (shortest, std::cmp::Reverse(literals.len()))
    })
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
        let mut seen = Seen::default();
        for candidate in texts {
            patterns.look(0, candidate, &mut seen);
            for id in &ids {
                let is_match = patterns.is_match(*id, candidate, false) == Some(true);
                let found = patterns.is_match_in(0, *id, candidate, &seen);
                assert_eq!(found, is_match, "{} in {candidate:?}", sources[*id as usize]);
            }
        }
        assert!(
            patterns.patterns[0].begins.is_some(),
            "a common pattern is told apart by its letters"
        );
    }
}
