//! Cards: pictures of one layout with different text, which a hash of low frequencies takes for copies of each other. Quotes, news
//! banners, chats, memes; no two cards of a run have the same text. Words are syllables that mean nothing.
//!
//! A *template* is a kind with drawn colours, sizes and places. The halves have templates and words of their own.

use crate::{
    chance::Chance,
    paint::{self, Letters, Weight},
    photos::{Half, Photo},
    picture::{Colour, Picture, WHITE},
};

/// Templates of a half.
pub const TEMPLATES: usize = 20;

type Kind = fn(&Template<'_>, &Words, &mut Chance) -> Picture;

/// Kinds of layout; a template is one of them in turn.
const KINDS: [(&str, Kind); 5] = [
    ("notice", notice),
    ("quote", quote),
    ("news", news),
    ("chat", chat),
    ("meme", meme),
];

/// Nonsense words.
pub struct Words(Vec<String>);

impl Words {
    const VOCABULARY: usize = 400;

    pub fn of(chance: &mut Chance) -> Self {
        const BEGINNINGS: [&str; 24] = [
            "b", "br", "c", "d", "dr", "f", "g", "gl", "h", "j", "l", "m", "n", "p", "pl", "qu", "r", "s", "st", "t",
            "tr", "v", "w", "",
        ];
        const VOWELS: [&str; 9] = ["a", "e", "i", "o", "u", "ae", "ia", "ou", "e"];
        const ENDINGS: [&str; 12] = ["", "", "", "n", "m", "r", "s", "t", "l", "nt", "x", "rd"];
        let word = |chance: &mut Chance| -> String {
            let syllables = 1 + chance.below(3);
            (0..syllables)
                .map(|_| {
                    format!(
                        "{}{}{}",
                        chance.pick(&BEGINNINGS),
                        chance.pick(&VOWELS),
                        chance.pick(&ENDINGS)
                    )
                })
                .collect()
        };
        Self((0..Self::VOCABULARY).map(|_| word(chance)).collect())
    }

    /// About `n` words, the first with a capital.
    pub fn sentence(&self, n: usize, chance: &mut Chance) -> Vec<String> {
        let n = (n + chance.below(n / 2 + 1)).max(1);
        let mut words: Vec<String> = (0..n).map(|_| chance.pick(&self.0).clone()).collect();
        if let Some(first) = words.first_mut() {
            *first = capitalised(first);
        }
        words
    }

    fn name(&self, chance: &mut Chance) -> String {
        format!(
            "{} {}",
            capitalised(chance.pick::<String>(&self.0)),
            capitalised(chance.pick::<String>(&self.0))
        )
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// A layout with its colours, sizes and places.
pub struct Template<'a> {
    /// `news-7`, say.
    pub name: String,
    kind: Kind,
    width: usize,
    height: usize,
    paper: Colour,
    ink: Colour,
    accent: Colour,
    /// Measures of the layout, 0–1, for each kind to use as it likes.
    measures: [f64; 6],
    /// Behind a meme; without one it is a drawn ground.
    photo: Option<&'a Picture>,
}

/// The templates of a half. Every other meme stands on one of the photos.
pub fn templates(half: Half, photos: &[Photo]) -> Vec<Template<'_>> {
    (0..TEMPLATES)
        .map(|n| {
            let (kind_name, kind) = KINDS[n % KINDS.len()];
            let name = format!("{kind_name}-{n}");
            let mut chance = Chance::of(&["template", half.as_str(), &name], 0);
            let sizes = [(480, 480), (600, 400), (400, 500), (640, 360), (480, 600)];
            let (width, height) = if kind_name == "chat" {
                (400, 700)
            } else {
                *chance.pick(&sizes)
            };
            let is_dark = chance.below(2) == 0;
            let shade = |chance: &mut Chance, low: f64, high: f64| [0; 3].map(|_: u8| chance.between(low, high) as u8);
            let (light, dark) = (shade(&mut chance, 215.0, 256.0), shade(&mut chance, 0.0, 60.0));
            let (paper, ink) = if is_dark { (dark, light) } else { (light, dark) };
            let accent = chance.colour();
            let measures = [0.0; 6].map(|_: f64| chance.share());
            let stands_on_photo = kind_name == "meme" && (n / KINDS.len()).is_multiple_of(2);
            let photo = stands_on_photo
                .then(|| photos.get(n / KINDS.len() % photos.len().max(1)))
                .flatten();
            Template {
                name,
                kind,
                width,
                height,
                paper,
                ink,
                accent,
                measures,
                photo: photo.map(|photo| &photo.picture),
            }
        })
        .collect()
}

/// The words that cards of a half are written with.
pub fn words(half: Half) -> Words {
    Words::of(&mut Chance::of(&["words", half.as_str()], 0))
}

/// The `n`-th card of a template; every `n` has other text.
pub fn card(template: &Template<'_>, words: &Words, n: usize) -> Picture {
    let mut chance = Chance::of(&["card", &template.name], n as u64);
    (template.kind)(template, words, &mut chance)
}

impl Template<'_> {
    /// The kind of layout, and for memes whether they stand on a photo.
    pub fn kind_name(&self) -> String {
        let kind = self.name.split('-').next().unwrap_or(&self.name);
        if kind == "meme" && self.photo.is_some() {
            "meme on a photo".into()
        } else {
            kind.into()
        }
    }

    fn page(&self) -> Picture {
        Picture::filled(self.width, self.height, self.paper)
    }

    fn letters(&self, share_of_height: f64, weight: Weight) -> Letters {
        Letters {
            size: self.height as f64 * share_of_height,
            weight,
            colour: self.ink,
            opacity: 1.0,
        }
    }

    fn across(&self, share: f64) -> f64 {
        self.width as f64 * share
    }

    fn down(&self, share: f64) -> f64 {
        self.height as f64 * share
    }

    fn band(&self, page: &mut Picture, top: f64, height: f64, colour: Colour) {
        paint::rectangle(
            page,
            0,
            self.down(top) as isize,
            self.width,
            self.down(height) as usize,
            colour,
        );
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Middle,
}

/// Lines from `top` on within left and right shares of the width, as many as fit above `bottom`.
fn write(
    page: &mut Picture,
    words: &[String],
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
    letters: Letters,
    align: Align,
) {
    let mut y = top;
    for line in paint::lines(words, right - left, letters) {
        if y + letters.size > bottom {
            return;
        }
        let spare = right - left - paint::text_width(&line, letters);
        let x = if align == Align::Middle {
            left + spare / 2.0
        } else {
            left
        };
        paint::text(page, &line, x, y, letters);
        y += 1.15 * letters.size;
    }
}

fn upper(words: Vec<String>) -> Vec<String> {
    words.into_iter().map(|word| word.to_uppercase()).collect()
}

/// A title, a text, a foot.
fn notice(template: &Template<'_>, words: &Words, chance: &mut Chance) -> Picture {
    let mut page = template.page();
    let [margin, head, ..] = template.measures;
    let (margin, head) = (0.05 + 0.05 * margin, 0.12 + 0.1 * head);
    template.band(&mut page, 0.0, head, template.accent);
    let sides = (template.across(margin), template.across(1.0 - margin));
    let title = Letters {
        colour: WHITE,
        ..template.letters(0.08, Weight::Bold)
    };
    write(
        &mut page,
        &words.sentence(3, chance),
        sides,
        (template.down(head / 2.0 - 0.04), template.down(head)),
        title,
        Align::Left,
    );
    let text = template.letters(0.05, Weight::Regular);
    write(
        &mut page,
        &words.sentence(30, chance),
        sides,
        (template.down(head + 0.05), template.down(0.88)),
        text,
        Align::Left,
    );
    let foot = template.letters(0.035, Weight::Bold);
    write(
        &mut page,
        &words.sentence(4, chance),
        sides,
        (template.down(0.92), template.down(1.0)),
        foot,
        Align::Left,
    );
    page
}

/// A large text in the middle, a name under a line.
fn quote(template: &Template<'_>, words: &Words, chance: &mut Chance) -> Picture {
    let mut page = template.page();
    let [size, top, ..] = template.measures;
    let (size, top) = (0.07 + 0.03 * size, 0.12 + 0.1 * top);
    let sides = (template.across(0.1), template.across(0.9));
    let mark = Letters {
        colour: template.accent,
        ..template.letters(0.2, Weight::Bold)
    };
    paint::text(&mut page, "\"", template.across(0.05), template.down(0.02), mark);
    let text = template.letters(size, Weight::Bold);
    write(
        &mut page,
        &words.sentence(12, chance),
        sides,
        (template.down(top), template.down(0.78)),
        text,
        Align::Middle,
    );
    let (left, line_width) = (template.across(0.35) as isize, template.across(0.3) as usize);
    paint::rectangle(
        &mut page,
        left,
        template.down(0.82) as isize,
        line_width,
        3,
        template.accent,
    );
    let name = [words.name(chance)];
    write(
        &mut page,
        &name,
        sides,
        (template.down(0.85), template.down(1.0)),
        template.letters(0.05, Weight::Regular),
        Align::Middle,
    );
    page
}

/// A drawn ground above, a headline in a band below, a ticker.
fn news(template: &Template<'_>, words: &Words, chance: &mut Chance) -> Picture {
    let mut page = template.page();
    ground(template, &mut page);
    let [band, ..] = template.measures;
    let top = 0.55 + 0.15 * band;
    template.band(&mut page, top, 0.9 - top, template.accent);
    template.band(&mut page, 0.9, 0.1, template.ink);
    let sides = (template.across(0.04), template.across(0.96));
    let headline = Letters {
        colour: WHITE,
        ..template.letters(0.085, Weight::Bold)
    };
    write(
        &mut page,
        &upper(words.sentence(6, chance)),
        sides,
        (template.down(top + 0.02), template.down(0.9)),
        headline,
        Align::Left,
    );
    let ticker = Letters {
        colour: template.paper,
        ..template.letters(0.055, Weight::Regular)
    };
    write(
        &mut page,
        &words.sentence(7, chance),
        sides,
        (template.down(0.92), template.down(1.0)),
        ticker,
        Align::Left,
    );
    page
}

/// Bubbles left and right under a name.
fn chat(template: &Template<'_>, words: &Words, chance: &mut Chance) -> Picture {
    let mut page = template.page();
    template.band(&mut page, 0.0, 0.09, template.accent);
    paint::disc(
        &mut page,
        (template.across(0.1), template.down(0.045)),
        template.down(0.03),
        WHITE,
    );
    let name = Letters {
        colour: WHITE,
        ..template.letters(0.035, Weight::Bold)
    };
    paint::text(
        &mut page,
        &words.name(chance),
        template.across(0.2),
        template.down(0.025),
        name,
    );
    let text = template.letters(0.026 + 0.006 * template.measures[0], Weight::Regular);
    let mut y = template.down(0.12);
    for n in 0..12 {
        let said = paint::lines(&words.sentence(5, chance), template.across(0.6), text);
        let height = text.size * (1.15 * said.len() as f64 + 0.8);
        if y + height > template.down(0.98) {
            break;
        }
        let widest = said
            .iter()
            .map(|line| paint::text_width(line, text))
            .fold(0.0, f64::max);
        let is_own = (n + usize::from(template.measures[1] > 0.5)) % 2 == 0;
        let left = if is_own {
            template.across(0.95) - widest - text.size
        } else {
            template.across(0.05)
        };
        let bubble = template
            .paper
            .map(|value| if value > 127 { value - 30 } else { value + 30 });
        let colour = if is_own { mixed(template.accent, bubble) } else { bubble };
        paint::rectangle(
            &mut page,
            left as isize,
            y as isize,
            (widest + text.size) as usize,
            height as usize,
            colour,
        );
        for (line, row) in said.iter().zip(0..) {
            paint::text(
                &mut page,
                line,
                left + text.size / 2.0,
                y + text.size * (0.4 + 1.15 * f64::from(row)),
                text,
            );
        }
        y += height + text.size * 0.6;
    }
    page
}

/// Capitals above and below on a photo or a drawn ground.
fn meme(template: &Template<'_>, words: &Words, chance: &mut Chance) -> Picture {
    let mut page = match template.photo {
        Some(photo) => photo.scaled(template.width, photo.height * template.width / photo.width),
        None => {
            let mut page = template.page();
            ground(template, &mut page);
            page
        }
    };
    let height = page.height as f64;
    let sides = (template.across(0.04), template.across(0.96));
    let letters = Letters {
        size: height * 0.11,
        weight: Weight::Bold,
        colour: WHITE,
        opacity: 1.0,
    };
    for (n_words, top, bottom) in [(3, 0.02, 0.27), (3, 0.74, 1.0)] {
        let said = upper(words.sentence(n_words, chance));
        // A dark rim makes white letters readable on anything.
        for (x, y) in [(-2.0, 0.0), (2.0, 0.0), (0.0, -2.0), (0.0, 2.0)] {
            let rim = Letters {
                colour: [0; 3],
                ..letters
            };
            let moved = (sides.0 + x, sides.1 + x);
            write(
                &mut page,
                &said,
                moved,
                (height * top + y, height * bottom + y),
                rim,
                Align::Middle,
            );
        }
        write(
            &mut page,
            &said,
            sides,
            (height * top, height * bottom),
            letters,
            Align::Middle,
        );
    }
    page
}

/// Hills, a disc and a sky, from the template's measures alone.
fn ground(template: &Template<'_>, page: &mut Picture) {
    let [a, b, c, d, e, _] = template.measures;
    let (width, height) = (page.width as f64, page.height as f64);
    let sky = mixed(template.accent, WHITE);
    for y in 0..page.height {
        let share = y as f32 / height as f32;
        for x in 0..page.width {
            page.mix(x as isize, y as isize, sky, 1.0 - share);
        }
    }
    paint::disc(
        page,
        (width * a, height * 0.3 * b + 0.1),
        height * (0.08 + 0.1 * c),
        [250, 240, 180],
    );
    for (n, (middle, tall)) in [(d, 0.5), (e, 0.4), (1.0 - d, 0.3)].into_iter().enumerate() {
        let colour = mixed(template.ink, [60, 120 + 30 * n as u8, 70]);
        paint::ellipse(page, (width * middle, height), (width * 0.5, height * tall), colour);
    }
}

fn mixed(a: Colour, b: Colour) -> Colour {
    [0, 1, 2].map(|n| a[n].midpoint(b[n]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn cards_of_a_template_share_the_layout_and_differ_in_text() {
        let words = words(Half::Tuning);
        for template in templates(Half::Tuning, &[]) {
            let (one, same, other) = (
                card(&template, &words, 1),
                card(&template, &words, 1),
                card(&template, &words, 2),
            );
            assert_eq!(one, same, "{}", template.name);
            assert_eq!(
                (one.width, one.height),
                (other.width, other.height),
                "{}",
                template.name
            );
            let changed = one
                .rgb
                .chunks_exact(3)
                .zip(other.rgb.chunks_exact(3))
                .filter(|(a, b)| a != b)
                .count();
            let share = changed as f64 / (one.width * one.height) as f64;
            assert!((0.01..0.5).contains(&share), "{}: {share}", template.name);
        }
    }

    #[test]
    fn no_two_texts_are_the_same() {
        let words = words(Half::HeldOut);
        let texts = (0..5_000u64).map(|n| words.sentence(6, &mut Chance::of(&["card", "meme-4"], n)).join(" "));
        assert_eq!(texts.collect::<HashSet<_>>().len(), 5_000);
    }

    #[test]
    fn the_halves_share_no_template_and_few_words() {
        let [tuning, held_out] = [Half::Tuning, Half::HeldOut].map(words);
        let shared = tuning
            .0
            .iter()
            .filter(|word| word.len() > 4 && held_out.0.contains(word))
            .count();
        assert!(shared < 10, "{shared}");
        let draw = |half| card(&templates(half, &[])[0], &tuning, 0);
        assert_ne!(draw(Half::Tuning), draw(Half::HeldOut));
    }
}
