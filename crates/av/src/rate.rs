//! Frames a second, told as FFmpeg tells them: vPDQ takes every n-th frame, n being the whole part of this number, so 30 must not become 29.99.

/// Rates that differ from a usual one by less than this are meant to be it.
const SAME: f64 = 1e-4;
/// Estimates are worse; FFmpeg too takes the nearest usual rate within a hundredth.
const NEAR: f64 = 0.01;
const FASTEST: f64 = 1_000.0;

/// What the container says, made exact.
pub fn told(rate: f64) -> Option<f64> {
    let rate = Some(rate).filter(|rate| *rate > 0.0 && *rate <= FASTEST)?;
    Some(nearest(rate, SAME).unwrap_or(rate))
}

/// From the time stamps of the first frames in the order of decoding, in seconds.
pub fn estimated(seconds: &[f64]) -> Option<f64> {
    let (first, last) = (seconds.first()?, seconds.last()?);
    let n = seconds.len() - 1;
    let rate =
        Some(n as f64 / (last - first)).filter(|rate| n > 0 && rate.is_finite() && *rate > 0.0 && *rate <= FASTEST)?;
    Some(nearest(rate, NEAR).unwrap_or(rate))
}

/// The usual rates: whole ones, and those of television that are a thousandth slower.
fn nearest(rate: f64, within: f64) -> Option<f64> {
    let whole = (1..=60).map(f64::from).chain([72.0, 90.0, 100.0, 120.0, 144.0, 240.0]);
    let television = [12.0, 15.0, 24.0, 30.0, 48.0, 60.0, 120.0].map(|rate| rate * 1_000.0 / 1_001.0);
    let error = |usual: &f64| ((usual - rate) / rate).abs();
    whole
        .chain(television)
        .filter(|usual| error(usual) < within)
        .min_by(|a, b| error(a).total_cmp(&error(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_made_exact() {
        let check = |rate: f64, expected| assert_eq!(told(rate), expected, "{rate}");
        check(1e9 / 33_333_333.0, Some(30.0));
        check(1e9 / 33_366_666.0, Some(30_000.0 / 1_001.0));
        check(25.0, Some(25.0));
        check(23.98, Some(23.98));
        check(12.34, Some(12.34));
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            check(rate, None);
        }
    }

    #[test]
    fn what_is_counted_is_rounded_to_what_is_usual() {
        let stamps = |rate: f64, n: u32| {
            (0..n)
                .map(|at| (f64::from(at) * 1_000.0 / rate).round() / 1_000.0)
                .collect::<Vec<_>>()
        };
        for rate in [
            10.0,
            24.0,
            25.0,
            29.0,
            30.0,
            50.0,
            60.0,
            24_000.0 / 1_001.0,
            30_000.0 / 1_001.0,
        ] {
            assert_eq!(estimated(&stamps(rate, 60)), Some(rate));
        }
        assert_eq!(estimated(&[]), None);
        assert_eq!(estimated(&[1.0]), None);
        assert_eq!(estimated(&[1.0, 1.0]), None);
        assert_eq!(estimated(&[2.0, 1.0]), None);
    }
}
