//! What a rule says when something breaks it: where, which rule, and what to do. It knows no rule.

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the root of the workspace.
    pub file: String,
    /// Counted from 1; 0 when it concerns the file as a whole.
    pub line: usize,
    /// Name of the rule, as its module is called.
    pub rule: &'static str,
    /// What was found.
    pub what: String,
    /// What its author should do.
    pub remedy: String,
}

/// All findings as text for a person, one paragraph each, in the order of files and lines.
pub fn list(findings: &[Finding]) -> String {
    let mut sorted = findings.to_vec();
    sorted.sort();
    sorted.dedup();
    let mut text = String::new();
    for finding in &sorted {
        let Finding {
            file,
            line,
            rule,
            what,
            remedy,
        } = finding;
        text.push_str(&format!("{file}:{line}: {rule}: {what}\n    {remedy}\n"));
    }
    text.push_str(&format!("{} found", sorted.len()));
    text
}

/// Fails a test with the whole list.
#[cfg(test)]
#[track_caller]
pub fn assert_none(findings: &[Finding]) {
    assert!(findings.is_empty(), "\n{}", list(findings));
}

/// Fails a test unless exactly these were found, each given as `file:line` and a part of what it says.
#[cfg(test)]
#[track_caller]
pub fn assert_found(findings: &[Finding], expected: &[(&str, &str)]) {
    let mut sorted = findings.to_vec();
    sorted.sort();
    assert_eq!(sorted.len(), expected.len(), "\n{}", list(findings));
    for (finding, (place, part)) in sorted.iter().zip(expected) {
        assert_eq!(
            format!("{}:{}", finding.file, finding.line),
            *place,
            "\n{}",
            list(findings)
        );
        assert!(finding.what.contains(part), "expected `{part}` in\n{}", list(findings));
    }
}
