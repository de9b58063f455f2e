//! The stages, each with all that the one before it has. A new one is a line in [`all`] and a [`Method`].

use crate::whole::Seawall;
use crate::{
    method::{Found, Method, Named, Stage, Tier},
    picture::Picture,
};
use anyhow::Result;
use signal::pdq::{self, Dihedral, Pdq, PdqSignal};
use signal::views::Grid;

/// Codes of pictures with less structure are not compared.
pub const QUALITY_MIN: u8 = 50;
const MATCH_BITS_MAX: u32 = 31;
const LEAD_BITS_MAX: u32 = 60;

pub fn all() -> Vec<Box<dyn Stage>> {
    vec![
        Box::new(Named {
            name: "pdq",
            about: "one code each, as Meta's reference compares them",
            method: Codes {
                orientations: &Dihedral::ALL[..1],
                complement: Complement::Ignored,
            },
        }),
        Box::new(Named {
            name: "orientations",
            about: "the query turned and mirrored in eight ways",
            method: Codes {
                orientations: &Dihedral::ALL,
                complement: Complement::Ignored,
            },
        }),
        Box::new(Named {
            name: "complement",
            about: "and with its colours inverted",
            method: Codes {
                orientations: &Dihedral::ALL,
                complement: Complement::Compared,
            },
        }),
        Box::new(Named {
            name: "views",
            about: "and every other view: without borders, the boxes that stand out, tiles, the middle",
            method: Seawall::default(),
        }),
        Box::new(Named {
            name: "crops",
            about: "and crops of the entry",
            method: Seawall {
                grid: Grid::Few,
                ..Seawall::default()
            },
        }),
        Box::new(Named {
            name: "keypoints",
            about: "and keypoints, with the second look at the pixels",
            method: Seawall {
                grid: Grid::Few,
                has_keypoints: true,
                ..Seawall::default()
            },
        }),
        Box::new(Named {
            name: "seawall",
            about: "and the reach of each entry as the benign sample allows: the whole",
            method: Seawall {
                grid: Grid::Few,
                has_keypoints: true,
                is_calibrated: true,
            },
        }),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Complement {
    Ignored,
    Compared,
}

/// PDQ codes of the whole picture.
struct Codes {
    orientations: &'static [Dihedral],
    complement: Complement,
}

impl Method for Codes {
    type Entry = Option<Pdq>;
    type Query = Vec<(Dihedral, Pdq)>;

    fn entry(&self, picture: &Picture) -> Result<Self::Entry> {
        let PdqSignal { hash, quality } = pdq::hash_rgb(picture.as_rgb()?);
        Ok((quality >= QUALITY_MIN).then_some(hash))
    }

    fn query(&self, picture: &Picture) -> Result<Self::Query> {
        let turned: Vec<PdqSignal> = match self.orientations {
            [Dihedral::Original] => vec![pdq::hash_rgb(picture.as_rgb()?)],
            _ => pdq::hash_rgb_dihedral(picture.as_rgb()?).to_vec(),
        };
        let usable =
            |(turn, signal): (&Dihedral, PdqSignal)| (signal.quality >= QUALITY_MIN).then_some((*turn, signal.hash));
        Ok(self.orientations.iter().zip(turned).filter_map(usable).collect())
    }

    fn compare(&self, query: &Self::Query, entry: &Self::Entry) -> Option<Found> {
        let entry = (*entry)?;
        let (distance, turn, is_inverted) = query
            .iter()
            .map(|(turn, code)| {
                let distance = code.distance(entry);
                match self.complement {
                    Complement::Compared if distance > Pdq::BITS / 2 => (Pdq::BITS - distance, turn, true),
                    Complement::Compared | Complement::Ignored => (distance, turn, false),
                }
            })
            .min_by_key(|(distance, _, _)| *distance)?;
        let tier = if distance <= MATCH_BITS_MAX {
            Tier::Match
        } else if distance <= LEAD_BITS_MAX {
            Tier::Lead
        } else {
            return None;
        };
        let view = if is_inverted {
            format!("{turn}, inverted").into()
        } else {
            turn.as_str().into()
        };
        Some(Found { tier, distance, view })
    }

    fn n_codes(&self, query: &Self::Query) -> usize {
        match self.complement {
            Complement::Ignored => query.len(),
            Complement::Compared => 2 * query.len(),
        }
    }

    fn entry_bytes(&self, entry: &Self::Entry) -> usize {
        if entry.is_some() { 32 } else { 0 }
    }
}
