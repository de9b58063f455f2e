//! Agreement between people who judged the same things: Krippendorff's alpha and Cohen's kappa.
//!
//! Alpha: K. Krippendorff, *Content Analysis*, 4th ed. (2018), chapter 12, and "Computing Krippendorff's Alpha-Reliability" (2011), whose worked examples are
//! tests below. Any number of raters, who need not have judged everything. Kappa: J. Cohen, "A Coefficient of Agreement for Nominal Scales" (1960): two raters.

use super::Undefined;

/// How far apart two answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Equal or not.
    Nominal,
    /// Answers have an order; what lies between two of them, by how often it was given, is how far they are apart.
    Ordinal,
}

/// Krippendorff's alpha: 1 − observed ÷ expected disagreement. 1 is full agreement, 0 is what chance would give, below 0 is worse than chance.
///
/// Each unit is the answers that it was given, `0..`, in any order; who gave none is left out. A unit with fewer than two answers says nothing of agreement and
/// is passed over, as the definition asks. Answers of the ordinal metric are ordered by their number.
pub fn alpha<'a>(units: impl IntoIterator<Item = &'a [u32]>, metric: Metric) -> Result<f64, Undefined> {
    let mut coincidences = Coincidences::default();
    for unit in units {
        coincidences.add(unit);
    }
    coincidences.alpha(metric)
}

/// How often each two answers stood beside each other in one unit, each unit counting as its number of answers.
#[derive(Debug, Default)]
struct Coincidences {
    n_answers: usize,
    /// Row by row, `n_answers` squared.
    cells: Vec<f64>,
}

impl Coincidences {
    fn add(&mut self, unit: &[u32]) {
        if unit.len() < 2 {
            return;
        }
        let most = unit.iter().max().map_or(0, |most| *most as usize + 1);
        self.grow(most);
        let each = 1.0 / (unit.len() - 1) as f64;
        for (place, one) in unit.iter().enumerate() {
            for (other_place, other) in unit.iter().enumerate() {
                if place != other_place {
                    self.cells[*one as usize * self.n_answers + *other as usize] += each;
                }
            }
        }
    }

    fn grow(&mut self, n_answers: usize) {
        if n_answers <= self.n_answers {
            return;
        }
        let mut cells = vec![0.0; n_answers * n_answers];
        for row in 0..self.n_answers {
            for column in 0..self.n_answers {
                cells[row * n_answers + column] = self.cells[row * self.n_answers + column];
            }
        }
        self.n_answers = n_answers;
        self.cells = cells;
    }

    fn alpha(&self, metric: Metric) -> Result<f64, Undefined> {
        let k = self.n_answers;
        let totals: Vec<f64> = (0..k)
            .map(|row| self.cells[row * k..(row + 1) * k].iter().sum())
            .collect();
        let n: f64 = totals.iter().sum();
        // Two answers of one unit are the least, and count two.
        if n < 1.5 {
            return Err(Undefined::NoPair);
        }
        let (mut observed, mut expected) = (0.0, 0.0);
        for one in 0..k {
            for other in 0..k {
                let apart = match metric {
                    Metric::Nominal => f64::from(u8::from(one != other)),
                    Metric::Ordinal => {
                        let (low, high) = (one.min(other), one.max(other));
                        let between: f64 = totals[low..=high].iter().sum();
                        (between - (totals[low] + totals[high]) / 2.0).powi(2)
                    }
                };
                observed += self.cells[one * k + other] * apart;
                expected += totals[one] * totals[other] * apart;
            }
        }
        match expected > 0.0 {
            true => Ok(1.0 - (n - 1.0) * observed / expected),
            false => Err(Undefined::OneCategory),
        }
    }
}

/// Cohen's kappa of two raters, who judged the same things: (observed − expected) ÷ (1 − expected) agreement.
pub fn kappa(pairs: impl IntoIterator<Item = (u32, u32)>) -> Result<f64, Undefined> {
    let (mut first, mut second): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut n, mut equal) = (0.0, 0.0);
    for (one, other) in pairs {
        let most = one.max(other) as usize + 1;
        if first.len() < most {
            first.resize(most, 0.0);
            second.resize(most, 0.0);
        }
        first[one as usize] += 1.0;
        second[other as usize] += 1.0;
        n += 1.0;
        equal += f64::from(u8::from(one == other));
    }
    if n < 0.5 {
        return Err(Undefined::NoPair);
    }
    // All of it in counts, which are whole: so that "always the same one thing" is exactly 0 below.
    let by_chance: f64 = first.iter().zip(&second).map(|(a, b)| a * b).sum();
    match n * n - by_chance {
        rest if rest > 0.0 => Ok((n * equal - by_chance) / rest),
        _ => Err(Undefined::OneCategory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows are raters, columns units; `.` is no answer.
    fn units(raters: &[&str]) -> Vec<Vec<u32>> {
        let rows: Vec<Vec<char>> = raters
            .iter()
            .map(|row| row.chars().filter(|c| !c.is_whitespace()).collect())
            .collect();
        (0..rows[0].len())
            .map(|unit| rows.iter().filter_map(|row| row[unit].to_digit(10)).collect())
            .collect()
    }

    fn alpha_of(raters: &[&str], metric: Metric) -> Result<f64, Undefined> {
        alpha(units(raters).iter().map(Vec::as_slice), metric)
    }

    fn near(found: Result<f64, Undefined>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 5e-4, "{found}, not {expected}");
    }

    #[test]
    fn the_worked_examples_of_krippendorff_come_out() {
        // "Computing Krippendorff's Alpha-Reliability" (2011): A, two raters and two answers; B, two raters and five; C, four raters with gaps.
        near(alpha_of(&["0100000010", "1110010000"], Metric::Nominal), 0.095);
        near(alpha_of(&["001132224330", "101112224333"], Metric::Nominal), 0.692);
        let gaps = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."];
        near(alpha_of(&gaps, Metric::Nominal), 0.743);
        near(alpha_of(&gaps, Metric::Ordinal), 0.815);
    }

    #[test]
    fn a_known_table_gives_its_kappa() {
        let cells = [((1, 1), 20), ((1, 0), 5), ((0, 1), 10), ((0, 0), 15)];
        let pairs = cells.iter().flat_map(|(pair, n)| std::iter::repeat_n(*pair, *n));
        assert!((kappa(pairs).unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(kappa([(1, 1), (0, 0), (2, 2)]), Ok(1.0));
        assert_eq!(kappa([(0, 1), (1, 0)]), Ok(-1.0));
    }

    #[test]
    fn what_cannot_be_said_is_named() {
        assert_eq!(alpha_of(&["11.", "..1"], Metric::Nominal), Err(Undefined::NoPair));
        assert_eq!(alpha_of(&["111", "11."], Metric::Nominal), Err(Undefined::OneCategory));
        // What only one person judged adds nothing, even where it is another answer.
        assert_eq!(alpha_of(&["112", "11."], Metric::Ordinal), Err(Undefined::OneCategory));
        assert_eq!(alpha([], Metric::Nominal), Err(Undefined::NoPair));
        assert_eq!(kappa([]), Err(Undefined::NoPair));
        assert_eq!(kappa([(3, 3), (3, 3)]), Err(Undefined::OneCategory));
        // One of two raters always says the same: kappa is 0, and said.
        assert_eq!(kappa([(0, 0), (0, 1)]), Ok(0.0));
    }
}
