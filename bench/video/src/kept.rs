//! Scans that are kept on disk, so that a second run, while matching is worked on, decodes nothing. Not a format that anyone else reads: whatever does not come
//! back as it went is scanned anew.

use anyhow::{Context, Result, bail};
use signal::audio::{Item, Played, QueryPrints, Speed};
use signal::keypoints::{Keypoint, Place};
use signal::pdq::{Dihedral, Pdq, PdqSignal};
use signal::video::{Frame, Glimpse};
use signal::views::{Part, Share, View, ViewSignal};

/// What a scan found, as far as matching needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub duration_ms: u32,
    pub frames: Vec<Frame>,
    pub sound: Option<QueryPrints>,
}

/// Raise it when the layout changes.
const LAYOUT: u32 = 1;

impl Kept {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.number(LAYOUT);
        out.number(self.duration_ms);
        out.number(self.frames.len() as u32);
        for frame in &self.frames {
            out.frame(frame);
        }
        let Some(sound) = &self.sound else {
            out.number(u32::MAX);
            return out.0;
        };
        out.number(sound.played.len() as u32);
        for played in &sound.played {
            out.floats(&[played.speed.pitch, played.speed.tempo]);
            out.number(played.first);
            out.number(played.items.len() as u32);
            for item in &played.items {
                out.number(item.bits);
                out.number(item.doubts);
            }
        }
        out.0
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut rest = Reader(bytes);
        if rest.number()? != LAYOUT {
            bail!("another layout");
        }
        let duration_ms = rest.number()?;
        let n_frames = rest.number()?;
        let frames = (0..n_frames).map(|_| rest.frame()).collect::<Result<_>>()?;
        let sound = match rest.number()? {
            u32::MAX => None,
            n_played => Some(QueryPrints {
                played: (0..n_played).map(|_| rest.played()).collect::<Result<_>>()?,
            }),
        };
        Ok(Self {
            duration_ms,
            frames,
            sound,
        })
    }
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn floats(&mut self, numbers: &[f32]) {
        for number in numbers {
            self.0.extend(number.to_le_bytes());
        }
    }

    fn pdq(&mut self, signal: PdqSignal) {
        self.0.extend(signal.hash.to_bytes());
        self.0.push(signal.quality);
    }

    fn frame(&mut self, frame: &Frame) {
        self.number(frame.at_ms);
        self.0.extend(frame.number.to_le_bytes());
        self.0.extend([u8::from(frame.is_scene), u8::from(frame.is_vpdq)]);
        self.pdq(frame.pdq);
        let Some(glimpse) = &frame.glimpse else {
            self.number(u32::MAX);
            return;
        };
        self.number(glimpse.views.len() as u32);
        for view in &glimpse.views {
            self.view(view);
        }
        self.number(glimpse.keypoints.len() as u32);
        for keypoint in &glimpse.keypoints {
            self.0.extend(keypoint.code.to_bytes());
            self.0.extend(keypoint.mirrored.to_bytes());
            let place = keypoint.place;
            self.floats(&[place.x, place.y, place.sigma, place.direction]);
        }
        self.number(glimpse.width.into());
        self.number(glimpse.height.into());
    }

    fn view(&mut self, signal: &ViewSignal) {
        let part = match signal.view.part {
            Part::Whole => [0, 0, 0, 0],
            Part::Trimmed => [1, 0, 0, 0],
            Part::Box => [2, 0, 0, 0],
            Part::SecondBox => [3, 0, 0, 0],
            Part::Tile { across, down, at } => [4, across, down, at],
            Part::Centre { percent } => [5, percent, 0, 0],
        };
        self.0.extend(part);
        let turn = Dihedral::ALL.iter().position(|&one| one == signal.view.turn);
        self.0
            .extend([turn.unwrap_or(0) as u8, u8::from(signal.view.is_negative)]);
        let share = signal.share;
        for number in [share.left, share.top, share.width, share.height] {
            self.0.extend(number.to_le_bytes());
        }
        self.pdq(signal.pdq);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().context("it ends early")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn small(&mut self) -> Result<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn float(&mut self) -> Result<f32> {
        self.take().map(f32::from_le_bytes)
    }

    fn hash(&mut self) -> Result<Pdq> {
        self.take().map(Pdq::from_bytes)
    }

    fn pdq(&mut self) -> Result<PdqSignal> {
        let hash = self.hash()?;
        let [quality] = self.take()?;
        Ok(PdqSignal { hash, quality })
    }

    fn frame(&mut self) -> Result<Frame> {
        let at_ms = self.number()?;
        let number = u64::from_le_bytes(self.take()?);
        let [is_scene, is_vpdq] = self.take::<2>()?.map(|byte| byte != 0);
        let pdq = self.pdq()?;
        let glimpse = match self.number()? {
            u32::MAX => None,
            n_views => Some(self.glimpse(n_views)?),
        };
        Ok(Frame {
            at_ms,
            number,
            is_scene,
            is_vpdq,
            pdq,
            glimpse,
        })
    }

    fn glimpse(&mut self, n_views: u32) -> Result<Glimpse> {
        let views = (0..n_views).map(|_| self.view()).collect::<Result<_>>()?;
        let n_keypoints = self.number()?;
        let keypoints = (0..n_keypoints).map(|_| self.keypoint()).collect::<Result<_>>()?;
        Ok(Glimpse {
            views,
            keypoints,
            width: self.number()? as u16,
            height: self.number()? as u16,
        })
    }

    fn keypoint(&mut self) -> Result<Keypoint> {
        Ok(Keypoint {
            code: self.hash()?,
            mirrored: self.hash()?,
            place: Place {
                x: self.float()?,
                y: self.float()?,
                sigma: self.float()?,
                direction: self.float()?,
            },
        })
    }

    fn view(&mut self) -> Result<ViewSignal> {
        let part = match self.take::<4>()? {
            [0, ..] => Part::Whole,
            [1, ..] => Part::Trimmed,
            [2, ..] => Part::Box,
            [3, ..] => Part::SecondBox,
            [4, across, down, at] => Part::Tile { across, down, at },
            [5, percent, ..] => Part::Centre { percent },
            _ => bail!("no such part"),
        };
        let [turn, is_negative] = self.take()?;
        let turn = *Dihedral::ALL.get(usize::from(turn)).context("no such turn")?;
        Ok(ViewSignal {
            view: View {
                part,
                turn,
                is_negative: is_negative != 0,
            },
            share: Share {
                left: self.small()?,
                top: self.small()?,
                width: self.small()?,
                height: self.small()?,
            },
            pdq: self.pdq()?,
        })
    }

    fn played(&mut self) -> Result<Played> {
        let speed = Speed {
            pitch: self.float()?,
            tempo: self.float()?,
        };
        let first = self.number()?;
        let n_items = self.number()?;
        let mut item = || {
            Ok(Item {
                bits: self.number()?,
                doubts: self.number()?,
            })
        };
        let items = (0..n_items).map(|_| item()).collect::<Result<_>>()?;
        Ok(Played { speed, first, items })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_comes_back_as_it_went() {
        let pdq = PdqSignal {
            hash: Pdq::from_words([1, 2, 3, u64::MAX]),
            quality: 77,
        };
        let tile = Part::Tile {
            across: 2,
            down: 1,
            at: 1,
        };
        let middle = Part::Centre { percent: 70 };
        let parts = [Part::Whole, Part::Trimmed, Part::Box, Part::SecondBox, tile, middle];
        let view = |part| ViewSignal {
            view: View {
                part,
                turn: Dihedral::FlipY,
                is_negative: true,
            },
            share: Share {
                left: 1,
                top: 2,
                width: 3,
                height: 4,
            },
            pdq,
        };
        let place = Place {
            x: 1.5,
            y: 2.5,
            sigma: 3.5,
            direction: -1.0,
        };
        let glimpse = Glimpse {
            views: parts.map(view).to_vec(),
            keypoints: vec![Keypoint {
                code: pdq.hash,
                mirrored: Pdq::from_words([9, 8, 7, 6]),
                place,
            }],
            width: 160,
            height: 90,
        };
        let frame = |glimpse| Frame {
            at_ms: 500,
            number: 12,
            is_scene: true,
            is_vpdq: false,
            pdq,
            glimpse,
        };
        let played = Played {
            speed: signal::audio::AS_IS,
            first: 3,
            items: vec![Item { bits: 5, doubts: 6 }],
        };
        let kept = Kept {
            duration_ms: 44_000,
            frames: vec![frame(Some(glimpse)), frame(None)],
            sound: Some(QueryPrints { played: vec![played] }),
        };
        assert_eq!(Kept::from_bytes(&kept.to_bytes()).unwrap(), kept);
        assert!(Kept::from_bytes(&kept.to_bytes()[..100]).is_err());
    }
}
