//! Pictures that need not be decoded: no frame is taken where they are shown, and no other picture is made of them. Half of what common encoders make is such.
//!
//! Packets come in the order of decoding. Which number a picture has among those shown, and so whether its frame is taken, is known once no packet can come that is shown before it; so
//! long a packet that might be left out waits, and those after it. What is decoded comes out as if all had been decoded. Only the test for scenes sees
//! fewer frames, never two of them further apart than [`GAP_MS`] for that reason; what changes there is seen with the next frame that is decoded.

use std::collections::{BTreeMap, VecDeque};

use ac_ffmpeg::packet::Packet;
use ac_ffmpeg::time::Timestamp;
use media::av::wire::LastFrame;

use crate::choice::Choice;
use crate::references::References;

/// No more time is left out at a stretch.
const GAP_MS: i64 = 150;
/// Packets that wait at most, and their bytes. Beyond, what waits longest is decoded.
const WAITING_MAX: usize = 64;
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Packets that wait, and what is known of when they are shown.
pub struct Lookahead {
    references: References,
    /// In the order of decoding.
    waiting: VecDeque<Waiting>,
    n_bytes: usize,
    /// Those that a packet to come may be shown before, and whether they are needless. In the order of showing, by their microseconds.
    unsettled: BTreeMap<i64, (Stamp, bool)>,
    settled: Settled,
    /// Pictures that are decoded and did not come out yet, and which of the packets they were.
    kept: VecDeque<(Stamp, u64)>,
    /// Those that were left out and are not counted yet.
    left_out: VecDeque<Stamp>,
    anchor: Option<Anchor>,
    /// This frame must come out: a scan goes on after it.
    goes_on_after: Option<LastFrame>,
    /// Time stamps were not what they should be: all is decoded.
    is_off: bool,
}

struct Waiting {
    packet: Packet,
    at: i64,
    /// None while that is not known.
    is_needed: Option<bool>,
}

/// A time stamp in two units. The second is not the first divided: each is rounded from what the container says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    us: i64,
    ms: i64,
}

impl Stamp {
    fn of(timestamp: Timestamp) -> Option<Self> {
        Some(Self {
            us: timestamp.as_micros()?,
            ms: timestamp.as_millis()?,
        })
    }
}

/// The packets of which it is known when they are shown.
#[derive(Default)]
struct Settled {
    n: u64,
    last: Option<Stamp>,
    last_kept_ms: i64,
}

/// A frame that came out: what its stamp means in the file's own time, and how far the numbers of packets are from those of frames.
#[derive(Clone, Copy)]
struct Anchor {
    stamp_ms: i64,
    at_ms: u32,
    offset: i64,
}

impl Anchor {
    fn at_ms(self, stamp: Stamp) -> i64 {
        i64::from(self.at_ms).saturating_add(stamp.ms.saturating_sub(self.stamp_ms))
    }
}

impl Lookahead {
    /// For a track whose pictures say whether others are made of them.
    pub fn new(references: References, goes_on_after: Option<LastFrame>) -> Self {
        Self {
            references,
            waiting: VecDeque::new(),
            n_bytes: 0,
            unsettled: BTreeMap::new(),
            settled: Settled::default(),
            kept: VecDeque::new(),
            left_out: VecDeque::new(),
            anchor: None,
            goes_on_after,
            is_off: false,
        }
    }

    /// The next packet of the track, in the order of decoding.
    pub fn push(&mut self, packet: Packet, choice: &Choice) {
        if self.is_off {
            return self.wait(packet, 0, Some(true));
        }
        let (stamp, decoded_us) = (Stamp::of(packet.pts()), packet.dts().as_micros());
        let Some(stamp) = stamp.filter(|stamp| self.is_in_order(*stamp)) else {
            self.wait(packet, 0, Some(true));
            return self.turn_off();
        };
        // Where nothing came out yet it is not known what time it is.
        let is_needless = self.references.is_needless(packet.data()) && self.anchor.is_some();
        self.unsettled.insert(stamp.us, (stamp, is_needless));
        self.wait(packet, stamp.us, (!is_needless).then_some(true));
        if let Some(decoded_us) = decoded_us {
            // Nothing is shown before it is decoded.
            self.settle(decoded_us, choice);
        }
        while self.waiting.len() > WAITING_MAX || self.n_bytes > WAITING_BYTES_MAX {
            let Some(first) = self.waiting.iter_mut().find(|waiting| waiting.is_needed.is_none()) else {
                return;
            };
            first.is_needed = Some(true);
            if let Some((_, is_needless)) = self.unsettled.get_mut(&first.at) {
                *is_needless = false;
            }
            if self.waiting.front().is_some_and(|first| first.is_needed.is_some()) {
                return;
            }
        }
    }

    /// No packet follows.
    pub fn finish(&mut self, choice: &Choice) {
        self.settle(i64::MAX, choice);
    }

    /// The next packet to be decoded.
    pub fn next(&mut self) -> Option<Packet> {
        loop {
            let is_needed = self.waiting.front()?.is_needed?;
            let first = self.waiting.pop_front()?;
            self.n_bytes -= first.packet.data().len();
            if is_needed {
                return Some(first.packet);
            }
        }
    }

    /// Of the pictures that were left out and are shown before this frame, which comes out now: when. At the end, of those after the last.
    pub fn take_left_out(&mut self, frame: Option<(Timestamp, u32)>) -> impl Iterator<Item = u32> {
        let (before_us, anchor) = match frame {
            Some((timestamp, at_ms)) => match Stamp::of(timestamp) {
                Some(stamp) => (
                    stamp.us,
                    Some(Anchor {
                        stamp_ms: stamp.ms,
                        at_ms,
                        offset: 0,
                    }),
                ),
                None => (i64::MIN, None),
            },
            None => (i64::MAX, self.anchor),
        };
        let n = self.left_out.iter().take_while(|stamp| stamp.us < before_us).count();
        let at_ms = move |stamp| {
            let at_ms = anchor.map_or(0, |anchor: Anchor| anchor.at_ms(stamp));
            u32::try_from(at_ms.max(0)).unwrap_or(u32::MAX)
        };
        self.left_out.drain(..n).map(at_ms)
    }

    /// This frame, shown then, has this number.
    pub fn note(&mut self, timestamp: Timestamp, at_ms: u32, number: u64) {
        let Some(stamp) = Stamp::of(timestamp) else { return };
        while let Some((kept, rank)) = self.kept.front().copied() {
            if kept.us > stamp.us {
                return;
            }
            self.kept.pop_front();
            if kept == stamp {
                self.anchor = Some(Anchor {
                    stamp_ms: stamp.ms,
                    at_ms,
                    offset: number.cast_signed().wrapping_sub(rank.cast_signed()),
                });
            }
        }
    }

    fn is_in_order(&self, stamp: Stamp) -> bool {
        self.settled.last.is_none_or(|last| stamp.us > last.us) && !self.unsettled.contains_key(&stamp.us)
    }

    fn wait(&mut self, packet: Packet, at: i64, is_needed: Option<bool>) {
        self.n_bytes += packet.data().len();
        self.waiting.push_back(Waiting { packet, at, is_needed });
    }

    fn turn_off(&mut self) {
        self.is_off = true;
        self.unsettled.clear();
        self.kept.clear();
        for waiting in &mut self.waiting {
            waiting.is_needed.get_or_insert(true);
        }
    }

    /// Decides on all that no packet to come is shown before.
    fn settle(&mut self, to_us: i64, choice: &Choice) {
        while let Some(first) = self.unsettled.first_entry()
            && *first.key() <= to_us
        {
            let (stamp, is_needless) = first.remove();
            let is_left_out = is_needless && self.can_go(stamp, choice);
            if is_left_out {
                self.left_out.push_back(stamp);
            } else {
                self.kept.push_back((stamp, self.settled.n));
                self.settled.last_kept_ms = stamp.ms;
            }
            self.settled.n += 1;
            self.settled.last = Some(stamp);
            if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.at == stamp.us) {
                waiting.is_needed.get_or_insert(!is_left_out);
            }
        }
    }

    fn can_go(&self, stamp: Stamp, choice: &Choice) -> bool {
        let (Some(anchor), Some(before)) = (self.anchor, self.settled.last) else {
            return false;
        };
        let ms = |stamp| u32::try_from(anchor.at_ms(stamp));
        let (Ok(at_ms), Ok(before_ms)) = (ms(stamp), ms(before)) else {
            return false;
        };
        let Some(number) = self.settled.n.checked_add_signed(anchor.offset) else {
            return false;
        };
        let is_gone_on_after = self.goes_on_after.is_some_and(|last| last.at_ms == at_ms);
        stamp.ms.saturating_sub(self.settled.last_kept_ms) < GAP_MS
            && !is_gone_on_after
            && !choice.may_take(number, before_ms, at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::EVERY_MS;
    use ac_ffmpeg::packet::PacketMut;

    /// Of x264, 320 x 240.
    const RECORD: &[u8] = &[
        1, 0x64, 0, 0x0d, 0xff, 0xe1, 0, 25, 0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0xfb, 0x01, 0x10, 0x00,
        0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60, 0,
    ];

    /// A packet shown as the so-manieth frame and decoded as the so-manieth, at 25 frames a second.
    fn packet(shown: i64, decoded: i64, is_needless: bool) -> Packet {
        let header = if is_needless { 0x01 } else { 0x41 };
        PacketMut::from(&[0_u8, 0, 0, 2, header, 7][..])
            .with_pts(Timestamp::from_millis(1_000 + shown * 40))
            .with_dts(Timestamp::from_millis(1_000 + (decoded - 2) * 40))
            .freeze()
    }

    /// Groups of four: one that the next group is made of, one that the two beside it are made of, and those two.
    fn groups(n: i64) -> Vec<(i64, bool)> {
        let group = |group: i64| {
            [(4, false), (2, false), (1, true), (3, true)].map(|(at, is_needless)| (4 * group + at, is_needless))
        };
        let rest = (0..n).flat_map(group);
        std::iter::once((0, false)).chain(rest).collect()
    }

    /// Which frames are decoded, and what the numbers of those that come out are, where a decoder shows them in order.
    fn decode(packets: &[(i64, bool)]) -> (Vec<i64>, Vec<(u32, u64)>) {
        let references = References::new("h264", RECORD).unwrap();
        let mut lookahead = Lookahead::new(references, None);
        let mut choice = Choice::new(25.0, 0, true, EVERY_MS);
        let (mut decoded, mut numbers, mut inside) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut last_ms = 0;
        let mut show =
            |inside: &mut BTreeMap<i64, Timestamp>, lookahead: &mut Lookahead, choice: &mut Choice, n_kept: usize| {
                while inside.len() > n_kept {
                    let Some((_, timestamp)) = inside.pop_first() else {
                        return;
                    };
                    let at_ms = last_ms.max((timestamp.as_millis().unwrap() - 1_000) as u32);
                    last_ms = at_ms;
                    for at_ms in lookahead.take_left_out(Some((timestamp, at_ms))) {
                        choice.pass_over(at_ms);
                    }
                    lookahead.note(timestamp, at_ms, choice.upcoming(at_ms));
                    numbers.push((at_ms, choice.upcoming(at_ms)));
                    choice.next(at_ms, false);
                }
            };
        for (at, (shown, is_needless)) in packets.iter().enumerate() {
            lookahead.push(packet(*shown, at as i64, *is_needless), &choice);
            while let Some(packet) = lookahead.next() {
                decoded.push((packet.pts().as_millis().unwrap() - 1_000) / 40);
                inside.insert(packet.pts().as_millis().unwrap(), packet.pts());
                show(&mut inside, &mut lookahead, &mut choice, 2);
            }
        }
        lookahead.finish(&choice);
        while let Some(packet) = lookahead.next() {
            decoded.push((packet.pts().as_millis().unwrap() - 1_000) / 40);
            inside.insert(packet.pts().as_millis().unwrap(), packet.pts());
        }
        show(&mut inside, &mut lookahead, &mut choice, 0);
        (decoded, numbers)
    }

    #[test]
    fn what_nothing_is_made_of_is_left_out_but_where_a_frame_is_taken() {
        let packets = groups(50);
        let (decoded, numbers) = decode(&packets);
        let taken = |at: i64| at % 25 == 0 || (at * 40 + 20) / 500 > ((at - 1) * 40 + 20) / 500;
        let expected: Vec<i64> = packets
            .iter()
            .filter(|(at, is_needless)| !is_needless || taken(*at))
            .map(|(at, _)| *at)
            .collect();
        // Of the first few nothing can be said yet.
        let later = |frames: &[i64]| frames.iter().copied().filter(|at| *at > 12).collect::<Vec<_>>();
        assert_eq!(later(&decoded), later(&expected));
        assert!(
            decoded.len() * 10 < packets.len() * 6,
            "{} of {}",
            decoded.len(),
            packets.len()
        );
        assert!(
            numbers.iter().all(|(at_ms, number)| u64::from(*at_ms) == number * 40),
            "{numbers:?}"
        );
        assert_eq!(numbers.len(), decoded.len());
    }

    #[test]
    fn no_more_than_a_moment_is_left_out() {
        // Nothing is made of any but the first.
        let packets: Vec<(i64, bool)> = (0..200).map(|at| (at, at > 0)).collect();
        let (mut decoded, _) = decode(&packets);
        decoded.sort_unstable();
        assert!(decoded.windows(2).all(|pair| pair[1] - pair[0] <= 4), "{decoded:?}");
        assert!(decoded.len() < 80);
    }

    #[test]
    fn time_stamps_that_make_no_sense_end_it() {
        let everything = |packets: &[(i64, bool)]| {
            let (decoded, _) = decode(packets);
            decoded == packets.iter().map(|(at, _)| *at).collect::<Vec<_>>()
        };
        // One time for two pictures, and one that was shown already.
        let mut twice = groups(50);
        twice.insert(12, (8, true));
        let (decoded, _) = decode(&twice);
        assert_eq!(
            decoded[decoded.len() - 150..],
            twice.iter().map(|(at, _)| *at).collect::<Vec<_>>()[twice.len() - 150..]
        );
        assert!(everything(&(0..40).map(|_| (3, true)).collect::<Vec<_>>()));
        let mut back = groups(50);
        back.push((10, true));
        let (decoded, _) = decode(&back);
        assert_eq!(decoded.last(), Some(&10));
    }

    #[test]
    fn little_waits() {
        let references = References::new("h264", RECORD).unwrap();
        let mut lookahead = Lookahead::new(references, None);
        let mut choice = Choice::new(25.0, 0, true, EVERY_MS);
        lookahead.push(packet(0, 2, false), &choice);
        let first = lookahead.next().unwrap();
        lookahead.note(first.pts(), 0, choice.upcoming(0));
        choice.next(0, true);
        let mut n_out = 0;
        // Decoded long before it is shown, all of it.
        for at in 1..1_000 {
            let packet = PacketMut::from(&[0_u8, 0, 0, 2, 1, 7][..]);
            let packet = packet.with_pts(Timestamp::from_millis(1_000 + at * 40)).freeze();
            lookahead.push(packet, &choice);
            while lookahead.next().is_some() {
                n_out += 1;
            }
            assert!(lookahead.waiting.len() <= WAITING_MAX);
        }
        assert_eq!(n_out, 999 - WAITING_MAX);
        lookahead.finish(&choice);
        while lookahead.next().is_some() {
            n_out += 1;
        }
        assert!(lookahead.waiting.is_empty() && lookahead.n_bytes == 0);
        assert!(n_out > 999 - WAITING_MAX);
    }
}
