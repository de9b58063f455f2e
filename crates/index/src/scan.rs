//! The linear scan: every code of a segment against one query, in plain loops that the compiler turns into vectors.
//!
//! The same loop is compiled more than once, for what every machine has and for what this one may have besides; which one
//! runs is decided at run time and never changes the answer.

use signal::Pdq;

/// Codes looked at together. Only when one of them may be near is each looked at alone.
const GROUP_CODES: usize = 16;

/// Up to this radius half a code tells enough: of unrelated codes about one in 100,000 has 40 or fewer different bits
/// among the first 128.
const HALF_RADIUS_MAX: u32 = 40;

/// Calls `found(slot, distance)` for every code at most `radius` from `query`, in order of slots.
pub(crate) fn near(planes: [&[u64]; 4], query: Pdq, radius: u32, found: impl FnMut(usize, u32)) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("popcnt") {
        #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
        // SAFETY: the processor has the two features that the function is compiled for.
        return unsafe { near_avx2(planes, query, radius, found) };
    }
    near_portable(planes, query, radius, found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt")]
fn near_avx2(planes: [&[u64]; 4], query: Pdq, radius: u32, found: impl FnMut(usize, u32)) {
    near_portable(planes, query, radius, found);
}

#[inline(always)]
fn near_portable(planes: [&[u64]; 4], query: Pdq, radius: u32, found: impl FnMut(usize, u32)) {
    if radius <= HALF_RADIUS_MAX {
        groups::<2>(planes, query, radius, found);
    } else {
        groups::<4>(planes, query, radius, found);
    }
}

/// Looks at the first `WORDS` words of each code of a group, then at all of each code if that leaves one near.
#[inline(always)]
fn groups<const WORDS: usize>(planes: [&[u64]; 4], query: Pdq, radius: u32, mut found: impl FnMut(usize, u32)) {
    let len = planes[0].len();
    let planes = planes.map(|plane| &plane[..len]);
    let words = query.words();
    let mut each = |slots: std::ops::Range<usize>| {
        for slot in slots {
            let distance = query.distance(Pdq::from_words(planes.map(|plane| plane[slot])));
            if distance <= radius {
                found(slot, distance);
            }
        }
    };
    let mut start = 0;
    while start + GROUP_CODES <= len {
        let mut distances = [0_u64; GROUP_CODES];
        for (plane, word) in planes.iter().zip(words).take(WORDS) {
            for (distance, code) in distances.iter_mut().zip(&plane[start..start + GROUP_CODES]) {
                *distance += u64::from((code ^ word).count_ones());
            }
        }
        let any_near = distances
            .iter()
            .fold(false, |any, &distance| any | (distance <= u64::from(radius)));
        if any_near {
            each(start..start + GROUP_CODES);
        }
        start += GROUP_CODES;
    }
    each(start..len);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Codes around a few centres, so that every radius has codes inside and outside.
    fn codes() -> impl Strategy<Value = Vec<Pdq>> {
        let code = (any::<bool>(), proptest::collection::vec(0..256_usize, 0..120)).prop_map(|(negative, flips)| {
            let mut words = if negative { [u64::MAX; 4] } else { [0; 4] };
            for bit in flips {
                words[bit / 64] ^= 1 << (bit % 64);
            }
            Pdq::from_words(words)
        });
        proptest::collection::vec(code, 0..70)
    }

    proptest! {
        #[test]
        fn every_variant_agrees_with_the_plain_distance(codes in codes(), query in codes(), radius in 0..=260_u32) {
            let planes = [0, 1, 2, 3].map(|word| codes.iter().map(|code| code.words()[word]).collect::<Vec<_>>());
            let planes = planes.each_ref().map(|plane| &**plane);
            let query = query.first().copied().unwrap_or(Pdq::from_words([0; 4]));

            let distances = codes.iter().map(|code| code.distance(query)).enumerate();
            let expected: Vec<_> = distances.filter(|&(_, distance)| distance <= radius).collect();

            let mut portable = Vec::new();
            near_portable(planes, query, radius, |slot, distance| portable.push((slot, distance)));
            prop_assert_eq!(&portable, &expected);
            let mut detected = Vec::new();
            near(planes, query, radius, |slot, distance| detected.push((slot, distance)));
            prop_assert_eq!(&detected, &expected);
        }
    }
}
