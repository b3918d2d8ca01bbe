//! The natural logarithm of many numbers at once, with the bits of `libm::log`.

use super::vector::widest;

/// ln 2 in two parts, of which the first times a small integer is exact.
const LN2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
/// Coefficients of (ln(1+f) − ln(1−f)) / s − 2 by powers of s², from the second on.
const LG: [f64; 7] = [
    0.666_666_666_666_673_5,
    0.399_999_999_994_094_2,
    0.285_714_287_436_623_9,
    0.222_221_984_321_497_84,
    0.181_835_721_616_180_5,
    0.153_138_376_992_093_73,
    0.147_981_986_051_165_86,
];
/// The bits of √½ without those of the last half.
const ROOT_HALF: u64 = 0x3fe6_a09e_0000_0000;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
/// 2^52: added to its bits, a small integer becomes the mantissa of a number.
const TWO_52: f64 = (1_u64 << 52) as f64;

/// The logarithm of a normal positive number.
///
/// x = 2^k (1 + f) with 1 + f between √½ and √2, s = f / (2 + f), and a minimax polynomial in s²:
/// the method and constants of the C library FDLIBM (`e_log.c`, Sun Microsystems 1993), whose
/// operations `libm` has in the same order. No branch, so that loops over it are vectorised.
#[inline]
fn ln(x: f64) -> f64 {
    let bits = x.to_bits() + (ONE - ROOT_HALF);
    let k = f64::from_bits(TWO_52.to_bits() | bits >> 52) - (TWO_52 + 1023.0);
    let f = f64::from_bits((bits & MANTISSA) + ROOT_HALF) - 1.0;
    let half = 0.5 * f * f;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let even = s4 * (LG[1] + s4 * (LG[3] + s4 * LG[5]));
    let odd = s2 * (LG[0] + s4 * (LG[2] + s4 * (LG[4] + s4 * LG[6])));
    s * (half + (odd + even)) + k * LN2[1] - half + f + k * LN2[0]
}

/// Turns numbers in [0, 1) into draws of the exponential law with mean 1, each as
/// [`exponential`](super::rng::exponential) does.
pub fn exponentials(units: &mut [f64]) {
    widest(
        #[inline(always)]
        || units.iter_mut().for_each(|unit| *unit = -ln(1.0 - *unit)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::exponential;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn logarithms_have_the_bits_of_libm() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut units: Vec<f64> = (0..1_000_000).map(|_| rng.random()).collect();
        // The ends, both sides of √½, and numbers of every magnitude.
        units.extend([0.0, 0.5, 1.0 - f64::EPSILON / 2.0, f64::EPSILON, 0.292_893_2, 0.292_893_3]);
        units.extend((1..53).map(|bits| 1.0 - libm::exp2(-f64::from(bits))));
        let expected: Vec<u64> = units.iter().map(|unit| exponential(*unit).to_bits()).collect();
        exponentials(&mut units);
        assert_eq!(units.iter().map(|gap| gap.to_bits()).collect::<Vec<_>>(), expected);
    }
}
