//! The hyperbolic tangent of many numbers at once, with the same bits on every machine.

use crate::core::vector::widest;

/// From here on the result is 1.
const SATURATED: f32 = 9.1;
/// ln 2 in two parts, of which the first times an integer up to 27 is exact.
const LN2: [f32; 2] = [0.693_138_1, 9.058_001e-6];
/// Coefficients of (eʳ − 1 − r) / r² by powers of r: minimax for the relative error of eʳ − 1
/// where |r| is at most half of ln 2, the first one fixed.
const EXP: [f32; 5] = [0.5, 0.166_665_48, 0.041_666_854, 0.008_366_067, 0.001_389_823_2];
/// 1.5 · 2^23: added to a small number, it leaves the nearest integer in the lowest bits.
const SHIFT: f32 = 12_582_912.0;
const ONE: u32 = 0x3f80_0000;
const SIGN: u32 = 0x8000_0000;

/// At most 4 units in the last place from the exact value, odd, within ±1.
///
/// t / (t + 2) with t = e^2|x| − 1, and e^2|x| = 2^k e^r with |r| ≤ ½ ln 2. No branch, so that
/// loops over it are vectorised; no function of a library and no fused operation.
#[inline]
fn tanh(x: f32) -> f32 {
    let size = f32::from_bits(x.to_bits() & !SIGN);
    let twice = 2.0 * if size > SATURATED { SATURATED } else { size };
    let shifted = twice * std::f32::consts::LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = twice - k * LN2[0] - k * LN2[1];
    let high = EXP[2] + r * (EXP[3] + r * EXP[4]);
    let above_one = r + r * r * (EXP[0] + r * (EXP[1] + r * high));
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(ONE));
    let t = power * above_one + (power - 1.0);
    f32::from_bits((t / (t + 2.0)).to_bits() | x.to_bits() & SIGN)
}

/// Replaces every number by its hyperbolic tangent.
pub(super) fn tanh_all(values: &mut [f32]) {
    widest(
        #[inline(always)]
        || values.iter_mut().for_each(|x| *x = tanh(*x)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units in the last place of a number in single precision.
    fn units(found: f32, exact: f64) -> f64 {
        let near = exact.abs().max(f64::from(f32::MIN_POSITIVE)) as f32;
        let unit = f64::from(f32::from_bits(near.to_bits() & 0x7f80_0000)) * libm::exp2(-23.0);
        (f64::from(found) - exact).abs() / unit
    }

    /// Every 97th number there is that is not negative, and the ends of the ranges.
    fn numbers() -> Vec<f32> {
        let bits = (0..=f32::INFINITY.to_bits()).step_by(97);
        let ends = [f32::INFINITY, f32::MAX, SATURATED, 9.010_914, f32::MIN_POSITIVE, 1e-45];
        bits.map(f32::from_bits).chain(ends).collect()
    }

    #[test]
    fn tangents_of_all_magnitudes_are_within_four_units() {
        let numbers = numbers();
        let mut found = numbers.clone();
        tanh_all(&mut found);
        for (x, y) in numbers.iter().zip(&found) {
            let exact = libm::tanh(f64::from(*x));
            let far = units(*y, exact);
            assert!(far <= 4.0 && (0.0..=1.0).contains(y), "{x:e}: {y:e}, not {exact:e}: {far}");
        }
    }

    #[test]
    fn tangents_are_odd_and_hardly_ever_fall() {
        let mut numbers = numbers();
        numbers.sort_by(f32::total_cmp);
        let (mut found, mut negative) = (numbers.clone(), numbers.clone());
        negative.iter_mut().for_each(|x| *x = -*x);
        tanh_all(&mut found);
        tanh_all(&mut negative);
        for (y, negative) in found.iter().zip(&negative) {
            assert_eq!((-y).to_bits(), negative.to_bits());
        }
        for pair in found.windows(2) {
            assert!(pair[1] >= pair[0] || units(pair[1], f64::from(pair[0])) <= 2.0, "{pair:?}");
        }
        let mut none = [f32::NAN, -f32::NAN];
        tanh_all(&mut none);
        assert!(none.iter().all(|x| x.is_nan()));
    }

    /// The loop chosen for this machine against the one of the plain instruction set.
    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let numbers = numbers();
        let mut found = numbers.clone();
        tanh_all(&mut found);
        for (x, y) in numbers.iter().zip(found) {
            assert_eq!(tanh(*x).to_bits(), y.to_bits(), "{x:e}");
        }
    }
}
