//! Plots as shapes that a template draws: no script, no style of their own, the same figures in a table beside them. Time runs the way the language is written.
//! Start with [`Columns`].

use super::shell::Shell;

/// The width of every plot, in units of its own.
pub const WIDTH: f64 = 720.0;
/// The height of every plot with an axis.
pub const HEIGHT: f64 = 180.0;
/// Room below for words.
const FOOT: f64 = 22.0;
/// Room above.
const HEAD: f64 = 14.0;

/// A rectangle.
pub struct Rect {
    /// Left.
    pub x: String,
    /// Top.
    pub y: String,
    /// Width.
    pub width: String,
    /// Height.
    pub height: String,
}

/// A word in a plot.
pub struct Tick {
    /// Where, from the left.
    pub x: String,
    /// How it lies there: `start`, `middle`, `end`.
    pub anchor: &'static str,
    /// What.
    pub words: String,
}

/// Columns over time, and a line over them.
pub struct Columns {
    /// The columns.
    pub bars: Vec<Rect>,
    /// The points of the line.
    pub line: String,
    /// The height of the lower edge.
    pub base: String,
    /// What the upper edge stands for.
    pub top: String,
    /// Words below.
    pub ticks: Vec<Tick>,
}

/// Shares over time with the intervals in which they may well lie.
pub struct Dots {
    /// Each: from the left, the heights of the share and of the ends of its interval.
    pub dots: Vec<Dot>,
    /// The height of 0 %.
    pub base: String,
    /// The height of 100 %.
    pub top: String,
    /// Words below.
    pub ticks: Vec<Tick>,
}

/// A share.
pub struct Dot {
    /// From the left.
    pub x: String,
    /// The share.
    pub y: String,
    /// The lower end.
    pub low: String,
    /// The upper end.
    pub high: String,
}

/// A cell of a week.
pub struct Cell {
    /// Where.
    pub at: Rect,
    /// How much, from 0 to 5.
    pub level: usize,
}

fn at(value: f64) -> String {
    format!("{value:.1}")
}

fn is_mirrored(shell: &Shell) -> bool {
    shell.dir() == "rtl"
}

/// From the left, the way the language is written.
fn across(shell: &Shell, x: f64) -> f64 {
    if is_mirrored(shell) { WIDTH - x } else { x }
}

fn up(share: f64) -> f64 {
    HEIGHT - FOOT - share.clamp(0.0, 1.0) * (HEIGHT - FOOT - HEAD)
}

/// Words below the first, the middle and the last of `words`.
fn ticks(shell: &Shell, words: &[String]) -> Vec<Tick> {
    let Some(last) = words.len().checked_sub(1) else {
        return Vec::new();
    };
    let step = WIDTH / words.len() as f64;
    let (first_anchor, last_anchor) = if is_mirrored(shell) {
        ("end", "start")
    } else {
        ("start", "end")
    };
    [
        (0, 0.0, first_anchor),
        (last / 2, (last / 2) as f64 * step + step / 2.0, "middle"),
        (last, WIDTH, last_anchor),
    ]
    .into_iter()
    .map(|(place, x, anchor)| Tick {
        x: at(across(shell, x)),
        anchor,
        words: words[place].clone(),
    })
    .collect()
}

impl Columns {
    /// `bars` and `line` are of the same times, whose words are `words`.
    pub fn of(shell: &Shell, bars: &[f64], line: &[f64], words: &[String]) -> Self {
        let most = bars.iter().chain(line).fold(1.0, |most: f64, value| most.max(*value));
        let step = WIDTH / bars.len().max(1) as f64;
        let rect = |(place, value): (usize, &f64)| {
            let (left, top) = (place as f64 * step + step * 0.15, up(value / most));
            let width = step * 0.7;
            let x = if is_mirrored(shell) { WIDTH - left - width } else { left };
            Rect {
                x: at(x),
                y: at(top),
                width: at(width),
                height: at(HEIGHT - FOOT - top),
            }
        };
        let point = |(place, value): (usize, &f64)| {
            let x = across(shell, place as f64 * step + step / 2.0);
            format!("{},{}", at(x), at(up(value / most)))
        };
        Self {
            bars: bars.iter().enumerate().map(rect).collect(),
            line: line.iter().enumerate().map(point).collect::<Vec<_>>().join(" "),
            base: at(HEIGHT - FOOT),
            top: format!("{most:.0}"),
            ticks: ticks(shell, words),
        }
    }
}

impl Dots {
    /// `shares` are of the times whose words are `words`: low, share, high.
    pub fn of(shell: &Shell, shares: &[Option<(f64, f64, f64)>], words: &[String]) -> Self {
        let step = WIDTH / shares.len().max(1) as f64;
        let dot = |(place, share): (usize, &Option<(f64, f64, f64)>)| {
            share.map(|(low, share, high)| Dot {
                x: at(across(shell, place as f64 * step + step / 2.0)),
                y: at(up(share)),
                low: at(up(low)),
                high: at(up(high)),
            })
        };
        Self {
            dots: shares.iter().enumerate().filter_map(dot).collect(),
            base: at(up(0.0)),
            top: at(up(1.0)),
            ticks: ticks(shell, words),
        }
    }
}

/// The cells of a week: rows are days, columns hours.
pub fn week(shell: &Shell, hours: &[f64]) -> Vec<Cell> {
    let most = hours.iter().fold(0.0, |most: f64, value| most.max(*value));
    let (width, height) = (WIDTH / 24.0, 22.0);
    hours
        .iter()
        .enumerate()
        .map(|(hour, value)| {
            let left = (hour % 24) as f64 * width;
            let x = if is_mirrored(shell) { WIDTH - left - width } else { left };
            let share = if most > 0.0 { value / most } else { 0.0 };
            let level = (1..=5).rev().find(|level| share * 5.0 > f64::from(*level) - 1.0);
            Cell {
                at: Rect {
                    x: at(x + 1.0),
                    y: at((hour / 24) as f64 * height + 1.0),
                    width: at(width - 2.0),
                    height: at(height - 2.0),
                },
                level: level.map_or(0, |level: u8| usize::from(level)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::prefs::Prefs;
    use super::super::words::{Lang, Words};
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
    fn time_runs_the_way_the_language_is_written() {
        let words: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        let of = |lang| Columns::of(&shell(lang), &[1.0, 0.0, 0.0, 4.0], &[2.0, 2.0, 2.0, 2.0], &words);
        let (en, ar) = (of(Lang::En), of(Lang::Ar));
        assert_eq!((en.bars[0].x.as_str(), ar.bars[3].x.as_str()), ("27.0", "27.0"));
        assert_eq!((en.bars[3].y.as_str(), en.bars[1].height.as_str()), ("14.0", "0.0"));
        assert!(en.line.starts_with("90.0,86.0") && ar.line.starts_with("630.0,86.0"));
        assert_eq!(
            (en.ticks[0].anchor, ar.ticks[0].anchor, ar.ticks[0].x.as_str()),
            ("start", "end", "720.0")
        );
        assert_eq!(en.top, "4");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let none = Columns::of(&shell(Lang::En), &[], &[], &[]);
        assert!(none.bars.is_empty() && none.ticks.is_empty());
        let cells = week(&shell(Lang::En), &[0.0; 168]);
        assert!(cells.iter().all(|cell| cell.level == 0));
        let dots = Dots::of(&shell(Lang::En), &[None, Some((0.2, 0.5, 0.9))], &[]);
        assert_eq!((dots.dots.len(), dots.dots[0].x.as_str()), (1, "540.0"));
    }

    #[test]
    fn the_busiest_hour_is_the_darkest() {
        let mut hours = [0.0; 168];
        (hours[0], hours[1], hours[2]) = (10.0, 0.1, 6.1);
        let levels: Vec<usize> = week(&shell(Lang::En), &hours)
            .iter()
            .take(4)
            .map(|cell| cell.level)
            .collect();
        assert_eq!(levels, [5, 1, 4, 0]);
    }
}
