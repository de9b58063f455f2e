//! Reads lines of JSON, each an array of units, each unit the answers of its raters in their order: a number, or null for none. Writes a line for each with what the
//! `quality` room makes of it: `nominal`, `ordinal`, and of two raters without gaps `kappa`; null is what cannot be said. For `conformance/agreement`.

use std::io::{BufRead, Write};

use moderation::quality::stats::{Metric, alpha, kappa};
use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let units: Vec<Vec<Option<u32>>> = serde_json::from_str::<Value>(&line?)
            .map_err(std::io::Error::other)?
            .as_array()
            .into_iter()
            .flatten()
            .map(|unit| {
                let answers = unit.as_array().into_iter().flatten();
                answers
                    .map(|answer| answer.as_u64().and_then(|answer| u32::try_from(answer).ok()))
                    .collect()
            })
            .collect();
        let given: Vec<Vec<u32>> = units
            .iter()
            .map(|unit| unit.iter().flatten().copied().collect())
            .collect();
        let of = |metric| alpha(given.iter().map(Vec::as_slice), metric).ok();
        let pairs: Option<Vec<(u32, u32)>> = units
            .iter()
            .map(|unit| match unit[..] {
                [Some(one), Some(other)] => Some((one, other)),
                _ => None,
            })
            .collect();
        let kappa = pairs.and_then(|pairs| kappa(pairs).ok());
        let found = json!({ "nominal": of(Metric::Nominal), "ordinal": of(Metric::Ordinal), "kappa": kappa });
        writeln!(out, "{found}")?;
    }
    Ok(())
}
