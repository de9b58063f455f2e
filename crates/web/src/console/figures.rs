//! Shares, figures and spans of time in words, as the language writes them. Start with [`percent`]. Digits and signs are kept in their order in languages that are written
//! from right to left by the template, which sets them apart.

use moderation::quality::figures::{Figure, Share};
use moderation::quality::stats::{Interval, Undefined};

use super::shell::{Count, Shell};
use super::words::Lang;

/// A number with so many digits after the point.
pub fn decimal(shell: &Shell, value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match shell.words.lang {
        Lang::En | Lang::Ar => text,
        Lang::De | Lang::Fr => text.replace('.', ","),
    }
}

/// A share of one in percent: whole from 10 % on, with a digit below.
pub fn percent(shell: &Shell, share: f64) -> String {
    let digits = if share > 0.0 && share < 0.1 { 1 } else { 0 };
    format!("{} %", decimal(shell, share * 100.0, digits))
}

/// From where to where, in percent.
pub fn percent_between(shell: &Shell, interval: Interval) -> String {
    format!("{} – {}", percent(shell, interval.low), percent(shell, interval.high))
}

/// A share as a row of a table says it.
pub struct ShareWords {
    /// The share in percent.
    pub share: String,
    /// So many of so many.
    pub of: String,
    /// Where it may well lie.
    pub between: String,
}

impl ShareWords {
    /// The share in words.
    pub fn of(shell: &Shell, share: Share) -> Self {
        Self {
            share: percent(shell, share.value()),
            of: format!("{} / {}", shell.number(share.hits), shell.number(share.n)),
            between: percent_between(shell, share.interval),
        }
    }
}

/// A figure of agreement, or why there is none.
pub fn agreement_words(shell: &Shell, figure: Result<Figure, Undefined>) -> String {
    match figure {
        Ok(figure) => {
            let value = decimal(shell, figure.value, 2);
            match figure.interval {
                Some(Interval { low, high }) => {
                    format!("{value} ({} – {})", decimal(shell, low, 2), decimal(shell, high, 2))
                }
                None => value,
            }
        }
        Err(Undefined::OneCategory) => shell.t("quality.one_answer").to_owned(),
        Err(Undefined::NoPair) => shell.t("quality.too_few").to_owned(),
    }
}

/// A span of time in minutes, hours or days.
pub fn span_words(shell: &Shell, minutes: f64) -> String {
    let (key, n) = match minutes {
        ..120.0 => ("time.minutes", minutes),
        ..2_880.0 => ("time.hours", minutes / 60.0),
        _ => ("time.days", minutes / 1_440.0),
    };
    let digits = usize::from(n < 10.0);
    shell.with(key, "n", decimal(shell, n, digits))
}

/// A count for a plot.
pub fn tall(n: impl Count) -> f64 {
    // A plot is a few hundred pixels high.
    n.n() as f64
}

#[cfg(test)]
mod tests {
    use super::super::prefs::Prefs;
    use super::super::words::Words;
    use super::*;
    use moderation::model::Timestamp;

    fn shell(lang: Lang) -> Shell {
        Shell {
            words: Words::of(lang),
            prefs: Prefs::default(),
            zone_of_platform: moderation::model::Zone::UTC,
            now: Timestamp::from_unix_ms(0),
            here: "/".to_owned(),
            session: None,
            flash: None,
            rests_until: None,
            n_proposals: 0,
        }
    }

    #[test]
    fn numbers_are_written_as_the_language_does() {
        let (en, de) = (shell(Lang::En), shell(Lang::De));
        assert_eq!(percent(&en, 0.6249), "62 %");
        assert_eq!(percent(&de, 0.0162), "1,6 %");
        assert_eq!(percent(&en, 0.0), "0 %");
        let figure = Figure {
            value: 0.4,
            interval: Some(Interval { low: 0.125, high: 0.6 }),
        };
        assert_eq!(agreement_words(&de, Ok(figure)), "0,40 (0,12 – 0,60)");
        assert!(!agreement_words(&en, Err(Undefined::OneCategory)).contains("NaN"));
        let bare = |text: String| text.replace(['\u{2068}', '\u{2069}'], "");
        assert_eq!(bare(span_words(&en, 3.25)), "3.2 min");
        assert_eq!(bare(span_words(&en, 150.0)), "2.5 h");
    }
}
