//! How long things take where some are not over yet: the estimator of Kaplan and Meier (1958).

/// How long something took, or has taken so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// For how long, in milliseconds.
    pub ms: i64,
    /// Whether it is over. If not, it will take longer than this, and nobody knows how much.
    pub is_over: bool,
}

/// The time within which this share of all is over, those that still go on included: leaving them out would say that the slow ones are not there.
/// None if so many are not over yet that it cannot be said.
pub fn survival_quantile(spans: &[Span], share: f64) -> Option<i64> {
    let mut spans = spans.to_vec();
    // Of equal times what is over comes first: what goes on was still there when it ended.
    spans.sort_by_key(|span| (span.ms, !span.is_over));
    let mut going_on = 1.0;
    for (place, span) in spans.iter().enumerate() {
        if !span.is_over {
            continue;
        }
        let at_risk = (spans.len() - place) as f64;
        going_on *= 1.0 - 1.0 / at_risk;
        // A hair of room for the rounding of the product.
        if going_on <= 1.0 - share + 1e-12 {
            return Some(span.ms);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<Span> {
        text.split(' ')
            .map(|word| Span {
                ms: word.trim_end_matches('+').parse().unwrap(),
                is_over: !word.ends_with('+'),
            })
            .collect()
    }

    #[test]
    fn the_published_remissions_have_their_median() {
        // Freireich et al. (1963), weeks in remission under 6-MP and under placebo: the medians are 23 and 8.
        let treated = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+";
        assert_eq!(survival_quantile(&spans(treated), 0.5), Some(23));
        assert_eq!(survival_quantile(&spans(treated), 0.9), None, "too many go on");
        let placebo = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23";
        assert_eq!(survival_quantile(&spans(placebo), 0.5), Some(8));
    }

    #[test]
    fn what_is_all_over_has_plain_quantiles() {
        assert_eq!(survival_quantile(&spans("3 1 2 4"), 0.5), Some(2));
        assert_eq!(survival_quantile(&spans("3 1 2 4"), 1.0), Some(4));
        assert_eq!(survival_quantile(&spans("5+ 9+"), 0.5), None);
        assert_eq!(survival_quantile(&[], 0.5), None);
    }
}
