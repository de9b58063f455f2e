//! A picture's looks on the wire, read as hostile bytes.

use super::BadMessage;
use super::bytes::{Reader, Writer};
use signal::keypoints::{Keypoint, Place};
use signal::looks::QUERY_KEYPOINTS_MAX;
use signal::pdq::{Dihedral, PdqSignal};
use signal::views::{self, Part, Share, View, ViewSignal};
use signal::{Looks, Luma, Pdq};

pub(super) fn encode_looks(writer: &mut Writer, looks: &Looks) {
    writer.u16(looks.picture.width() as u16);
    writer.u16(looks.picture.height() as u16);
    writer.bytes(looks.picture.pixels());
    encode_views(writer, &looks.views);
    encode_keypoints(writer, &looks.keypoints);
}

pub(crate) fn encode_views(writer: &mut Writer, views: &[ViewSignal]) {
    writer.u8(views.len() as u8);
    for found in views {
        let [kind, a, b, c] = match found.view.part {
            Part::Whole => [0, 0, 0, 0],
            Part::Trimmed => [1, 0, 0, 0],
            Part::Box => [2, 0, 0, 0],
            Part::SecondBox => [3, 0, 0, 0],
            Part::Tile { across, down, at } => [4, across, down, at],
            Part::Centre { percent } => [5, percent, 0, 0],
        };
        writer.bytes(&[kind, a, b, c, found.view.turn as u8, found.view.is_negative.into()]);
        for share in [found.share.left, found.share.top, found.share.width, found.share.height] {
            writer.u16(share);
        }
        writer.bytes(&found.pdq.hash.to_bytes());
        writer.u8(found.pdq.quality);
    }
}

pub(crate) fn encode_keypoints(writer: &mut Writer, keypoints: &[Keypoint]) {
    writer.u16(keypoints.len() as u16);
    for point in keypoints {
        writer.bytes(&point.code.to_bytes());
        writer.bytes(&point.mirrored.to_bytes());
        for number in [point.place.x, point.place.y, point.place.sigma, point.place.direction] {
            writer.u32(number.to_bits());
        }
    }
}

pub(super) fn decode_looks(reader: &mut Reader<'_>) -> Result<Looks, BadMessage> {
    let (width, height) = (usize::from(reader.u16()?), usize::from(reader.u16()?));
    let sides = 1..=Luma::WORK_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(BadMessage("looks of impossible size"));
    }
    let pixels = reader.take(width * height)?.to_vec();
    let picture = Luma::new(width, height, pixels).map_err(|_| BadMessage("looks of impossible size"))?;
    Ok(Looks {
        views: decode_views(reader)?,
        keypoints: decode_keypoints(reader, QUERY_KEYPOINTS_MAX)?,
        picture,
    })
}

pub(crate) fn decode_views(reader: &mut Reader<'_>) -> Result<Vec<ViewSignal>, BadMessage> {
    let n_views = usize::from(reader.u8()?);
    if n_views > views::CODES_MAX {
        return Err(BadMessage("an impossible number of views"));
    }
    (0..n_views).map(|_| decode_view(reader)).collect()
}

pub(crate) fn decode_keypoints(reader: &mut Reader<'_>, max: usize) -> Result<Vec<Keypoint>, BadMessage> {
    let n_keypoints = usize::from(reader.u16()?);
    if n_keypoints > max {
        return Err(BadMessage("an impossible number of keypoints"));
    }
    (0..n_keypoints).map(|_| decode_keypoint(reader)).collect()
}

fn decode_view(reader: &mut Reader<'_>) -> Result<ViewSignal, BadMessage> {
    let [kind, a, b, c, turn, is_negative] = reader.array()?;
    let part = match [kind, a, b, c] {
        [0, 0, 0, 0] => Part::Whole,
        [1, 0, 0, 0] => Part::Trimmed,
        [2, 0, 0, 0] => Part::Box,
        [3, 0, 0, 0] => Part::SecondBox,
        [4, across @ 1..=9, down @ 1..=9, at] if at < across * down => Part::Tile { across, down, at },
        [5, percent @ 1..=99, 0, 0] => Part::Centre { percent },
        _ => return Err(BadMessage("an unknown part of a picture")),
    };
    let turn = *Dihedral::ALL
        .get(usize::from(turn))
        .ok_or(BadMessage("an unknown turn"))?;
    let is_negative = match is_negative {
        0 => false,
        1 => true,
        _ => return Err(BadMessage("neither negative nor not")),
    };
    let share = Share {
        left: reader.u16()?,
        top: reader.u16()?,
        width: reader.u16()?,
        height: reader.u16()?,
    };
    let is_inside = |from: u16, size: u16| size > 0 && u32::from(from) + u32::from(size) <= 10_001;
    if !is_inside(share.left, share.width) || !is_inside(share.top, share.height) {
        return Err(BadMessage("a view outside its picture"));
    }
    let hash = Pdq::from_bytes(reader.array()?);
    let quality = reader.u8()?;
    if quality > 100 {
        return Err(BadMessage("a quality above 100"));
    }
    let view = View {
        part,
        turn,
        is_negative,
    };
    Ok(ViewSignal {
        view,
        share,
        pdq: PdqSignal { hash, quality },
    })
}

fn decode_keypoint(reader: &mut Reader<'_>) -> Result<Keypoint, BadMessage> {
    let code = Pdq::from_bytes(reader.array()?);
    let mirrored = Pdq::from_bytes(reader.array()?);
    let mut number = || {
        let number = f32::from_bits(reader.u32()?);
        // Also false for what is no number.
        let is_sane = (-1.0..=2.0 * Luma::WORK_SIDE as f32).contains(&number);
        is_sane.then_some(number).ok_or(BadMessage("a keypoint nowhere"))
    };
    let place = Place {
        x: number()?,
        y: number()?,
        sigma: number()?,
        direction: number()?,
    };
    if place.sigma <= 0.0 {
        return Err(BadMessage("a keypoint nowhere"));
    }
    Ok(Keypoint { code, mirrored, place })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn view(view: View) -> ViewSignal {
        ViewSignal {
            view,
            share: Share::WHOLE,
            pdq: PdqSignal {
                hash: Pdq::from_bytes([9; 32]),
                quality: 77,
            },
        }
    }

    fn keypoint() -> Keypoint {
        Keypoint {
            code: Pdq::from_bytes([1; 32]),
            mirrored: Pdq::from_bytes([2; 32]),
            place: Place {
                x: 1.5,
                y: 0.25,
                sigma: 3.0,
                direction: 6.0,
            },
        }
    }

    /// Each kind of part once.
    pub(crate) fn looks() -> Looks {
        let tile = Part::Tile {
            across: 2,
            down: 2,
            at: 3,
        };
        let centre = Part::Centre { percent: 70 };
        let parts = [Part::Whole, Part::Trimmed, Part::Box, Part::SecondBox, tile, centre];
        let views = parts.into_iter().enumerate().map(|(at, part)| {
            view(View {
                part,
                turn: Dihedral::ALL[at],
                is_negative: at % 2 == 1,
            })
        });
        Looks {
            views: views.collect(),
            keypoints: vec![keypoint()],
            picture: Luma::new(2, 1, vec![3, 4]).unwrap(),
        }
    }

    pub(crate) fn largest() -> Looks {
        let side = Luma::WORK_SIDE;
        Looks {
            views: vec![view(View::AS_IS); views::CODES_MAX],
            keypoints: vec![keypoint(); QUERY_KEYPOINTS_MAX],
            picture: Luma::new(side, side, vec![0; side * side]).unwrap(),
        }
    }

    fn read(change: impl Fn(&mut Looks)) -> Result<Looks, BadMessage> {
        let mut looks = looks();
        change(&mut looks);
        let mut writer = Writer(Vec::new());
        encode_looks(&mut writer, &looks);
        let mut reader = Reader(&writer.0);
        let read = decode_looks(&mut reader)?;
        reader.end()?;
        assert_eq!(read, looks);
        Ok(read)
    }

    #[test]
    fn lying_looks_are_refused() {
        read(|_| ()).unwrap();
        let refused = |change: fn(&mut Looks), reason| assert_eq!(read(change), Err(BadMessage(reason)));
        refused(
            |looks| looks.picture = Luma::new(513, 1, vec![0; 513]).unwrap(),
            "looks of impossible size",
        );
        refused(
            |looks| looks.views = vec![view(View::AS_IS); 65],
            "an impossible number of views",
        );
        refused(
            |looks| looks.keypoints = vec![keypoint(); 129],
            "an impossible number of keypoints",
        );
        refused(|looks| looks.views[0].share.left = 2, "a view outside its picture");
        refused(|looks| looks.views[0].share.width = 0, "a view outside its picture");
        refused(|looks| looks.views[0].pdq.quality = 101, "a quality above 100");
        refused(
            |looks| {
                looks.views[0].view.part = Part::Tile {
                    across: 2,
                    down: 2,
                    at: 4,
                }
            },
            "an unknown part of a picture",
        );
        refused(|looks| looks.keypoints[0].place.x = f32::NAN, "a keypoint nowhere");
        refused(|looks| looks.keypoints[0].place.y = f32::INFINITY, "a keypoint nowhere");
        refused(|looks| looks.keypoints[0].place.sigma = 0.0, "a keypoint nowhere");
    }
}
