//! Which of 32 values differ from one in at most so many bits? One question, answered by AVX-512, by AVX2 or by a plain loop, always the same.

/// Values that are compared together.
pub(crate) const LANES: usize = 32;

/// Of how many of 1,000,000 unrelated values is it true that they differ in at most so many bits?
const WITHIN_OF_MILLION: [f64; 17] = [
    15.0,
    259.0,
    2_090.0,
    10_635.0,
    38_406.0,
    105_057.0,
    227_249.0,
    401_810.0,
    598_190.0,
    772_751.0,
    894_943.0,
    961_594.0,
    989_365.0,
    997_910.0,
    999_741.0,
    999_985.0,
    1_000_000.0,
];

/// How likely an unrelated value differs in at most so many bits.
pub(crate) fn chance_within(limit: usize) -> f64 {
    WITHIN_OF_MILLION.get(limit).map_or(1.0, |of_million| of_million / 1e6)
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512bitalg")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("popcnt")
}

/// One bit for each value, the first lowest: whether it differs from `wanted` in at most `limit` bits.
#[inline(always)]
pub(crate) fn within_portable(values: &[u16; LANES], wanted: u16, limit: u16) -> u32 {
    let mut near = 0;
    for (at, value) in values.iter().enumerate() {
        near |= u32::from((value ^ wanted).count_ones() <= u32::from(limit)) << at;
    }
    near
}

/// With AVX-512 there is an instruction that counts bits, of all values at once.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512bitalg")]
#[inline]
pub(crate) fn within_avx512(values: &[u16; LANES], wanted: u16, limit: u16) -> u32 {
    use std::arch::x86_64::{_mm512_cmple_epu16_mask, _mm512_popcnt_epi16, _mm512_set1_epi16, _mm512_xor_si512};
    let differing = _mm512_xor_si512(bytemuck::cast(*values), _mm512_set1_epi16(wanted.cast_signed()));
    _mm512_cmple_epu16_mask(_mm512_popcnt_epi16(differing), _mm512_set1_epi16(limit.cast_signed()))
}

/// With AVX2 the bits of half bytes are looked up in a register.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn within_avx2(values: &[u16; LANES], wanted: u16, limit: u16) -> u32 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_cmpgt_epi16, _mm256_maddubs_epi16, _mm256_movemask_epi8,
        _mm256_packs_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_setr_epi8,
        _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_xor_si256,
    };
    let ones_of_half_byte = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    );
    let low_half = _mm256_set1_epi8(0x0f);
    let halves: [__m256i; 2] = bytemuck::cast(*values);
    let near = halves.map(|half| {
        let differing = _mm256_xor_si256(half, _mm256_set1_epi16(wanted.cast_signed()));
        let low = _mm256_shuffle_epi8(ones_of_half_byte, _mm256_and_si256(differing, low_half));
        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(differing), low_half);
        let ones = _mm256_add_epi8(low, _mm256_shuffle_epi8(ones_of_half_byte, high));
        let ones = _mm256_maddubs_epi16(ones, _mm256_set1_epi8(1));
        _mm256_cmpgt_epi16(_mm256_set1_epi16(limit.cast_signed() + 1), ones)
    });
    // Packed within lanes of 128 bits, so the middle quarters change places.
    let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(near[0], near[1]));
    _mm256_movemask_epi8(packed).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chances_are_those_of_a_fair_coin() {
        for limit in 0..=16 {
            let n_within = (0..=u16::MAX)
                .filter(|value| value.count_ones() as usize <= limit)
                .count();
            let of_all = n_within as f64 / 65_536.0;
            assert!((chance_within(limit) - of_all).abs() < 1e-6, "{limit}: {of_all}");
        }
        assert_eq!(chance_within(40), 1.0);
    }

    proptest! {
        #[test]
        fn every_variant_agrees_with_the_plain_distance(
            values in proptest::array::uniform32(any::<u16>()),
            wanted in any::<u16>(),
            limit in 0..=40_u16,
        ) {
            let mut expected = 0;
            for (at, value) in values.iter().enumerate() {
                if (value ^ wanted).count_ones() <= u32::from(limit) {
                    expected |= 1 << at;
                }
            }
            prop_assert_eq!(within_portable(&values, wanted, limit), expected);
            #[cfg(target_arch = "x86_64")]
            if has_avx2() {
                #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
                // SAFETY: the processor has the features that the function is compiled for.
                let near = unsafe { within_avx2(&values, wanted, limit) };
                prop_assert_eq!(near, expected);
            }
            #[cfg(target_arch = "x86_64")]
            if has_avx512() {
                #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
                // SAFETY: the processor has the features that the function is compiled for.
                let near = unsafe { within_avx512(&values, wanted, limit) };
                prop_assert_eq!(near, expected);
            }
        }
    }
}
