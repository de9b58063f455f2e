//! Rules as text are changed by programs in one way only: a rule is taken back to shadow. And what tells one text of a rule from another.

use crate::lang::parser::parse;
use crate::lang::source::{Report, Source, Span};
use crate::window::stable_id;

/// The same files, with `mode: shadow` for a rule that is live. None if there is no such rule, or it is not live.
pub fn to_shadow(sources: &[Source], rule: &str) -> Option<Vec<Source>> {
    let mut edited = sources.to_vec();
    for (idx, source) in sources.iter().enumerate() {
        let mut report = Report::default();
        let file = parse(&source.text, idx, &mut report);
        let found = file.rules.iter().find(|known| known.name.text == rule);
        let Some(mode) = found.and_then(|rule| rule.mode.as_ref()) else {
            continue;
        };
        if mode.word.text != "live" {
            return None;
        }
        let (start, end) = (mode.span.start as usize, mode.span.end as usize);
        edited[idx].text.replace_range(start..end, "shadow");
        return Some(edited);
    }
    None
}

/// Where the text of a rule stands: its file, and the text from `rule` to the last brace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText {
    /// Its name.
    pub rule: String,
    /// Which of the files.
    pub file: usize,
    /// The line on which it begins, from one.
    pub line: usize,
    /// The text.
    pub text: String,
    /// Whether it is asked: a draft is not.
    pub is_asked: bool,
    /// The same for two texts that do the same: they differ in blanks, in their mode, owner and review date only. What is measured of a
    /// rule belongs to what it does.
    pub fingerprint: String,
}

/// The texts of all rules.
pub fn rule_texts(sources: &[Source]) -> Vec<RuleText> {
    let mut texts = Vec::new();
    for (idx, source) in sources.iter().enumerate() {
        let mut report = Report::default();
        for rule in parse(&source.text, idx, &mut report).rules {
            let text = source.at(rule.span).to_owned();
            let mode = rule.mode.as_ref().map(|mode| mode.span);
            let owner = rule.owner.as_ref().map(|(_, span)| *span);
            let review = rule.review.as_ref().map(|(_, span)| *span);
            let mut passed_over: Vec<Span> = [mode, owner, review].into_iter().flatten().collect();
            passed_over.sort_by_key(|span| std::cmp::Reverse(span.start));
            let mut does = text.clone();
            // From the end, so that what stands before keeps its place.
            for span in passed_over {
                let (start, end) = (span.start - rule.span.start, span.end - rule.span.start);
                does.replace_range(start as usize..end as usize, "");
            }
            let words: Vec<&str> = does.split_whitespace().collect();
            texts.push(RuleText {
                fingerprint: format!("{:016x}", stable_id(&words.join(" "))),
                is_asked: rule.mode.as_ref().is_some_and(|mode| mode.word.text != "draft"),
                rule: rule.name.text,
                file: idx,
                line: source.line_and_column(rule.span.start).0,
                text,
            });
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// mode: live\nrule a {\n  when: true\n  mode: live 10% // for now\n  reason: \"a {item.id} mode: live\"\n}\nrule b { when: true mode: live }\n";

    #[test]
    fn one_rule_goes_to_shadow_and_nothing_else_changes() {
        let sources = [
            Source::new("x.rules", "rule c { mode: draft }"),
            Source::new("y.rules", TEXT),
        ];
        let edited = to_shadow(&sources, "a").unwrap();
        assert_eq!(edited[1].text, TEXT.replace("live 10%", "shadow"));
        assert_eq!(edited[0].text, sources[0].text);
        let edited = to_shadow(&edited, "b").unwrap();
        assert!(edited[1].text.contains("rule b { when: true mode: shadow }"));
        assert!(
            to_shadow(&edited, "a").is_none() && to_shadow(&edited, "c").is_none() && to_shadow(&edited, "d").is_none()
        );
    }

    #[test]
    fn the_mode_the_review_and_blanks_are_no_part_of_what_a_rule_is() {
        let of = |text: &str| rule_texts(&[Source::new("x.rules", text)]);
        let texts = of(TEXT);
        assert_eq!((texts[0].rule.as_str(), texts[0].line, texts[1].line), ("a", 2, 7));
        assert!(texts[0].text.starts_with("rule a {") && texts[0].text.ends_with('}'));
        let shadow = of("rule b {\n  when: true\n  mode: shadow\n}");
        assert_eq!(shadow[0].fingerprint, texts[1].fingerprint);
        let other = of("rule b { when: false mode: live }");
        assert_ne!(other[0].fingerprint, texts[1].fingerprint);
        let dated = of("rule a { review: 2027-01-01 when: true mode: live owner: \"ann\" }");
        let later = of("rule a { review: 2028-01-01 when: true mode: shadow owner: \"ben\" }");
        assert_eq!(dated[0].fingerprint, later[0].fingerprint);
    }
}
