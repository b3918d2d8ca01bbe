//! Counts of integers in buckets of three significant digits, and their quantiles.
//!
//! The buckets are those of `HdrHistogram` (Tene): values below 2048 each have their own; above,
//! the eleven leading bits of a value choose it. Quantiles are the highest value of their bucket,
//! the quantile 0 the lowest. Constant memory, half a megabyte.

/// Leading bits that are kept.
const BITS: u32 = 11;
/// Buckets from one power of two to the next.
const HALF: usize = 1 << (BITS - 1);
/// Buckets of all integers of 64 bits.
const BUCKETS: usize = (64 - BITS as usize + 2) * HALF;

/// A histogram of integers.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }
}

/// The bucket of a value.
#[inline]
fn bucket(value: u64) -> usize {
    let dropped = (value | (2 * HALF as u64 - 1)).ilog2() - (BITS - 1);
    dropped as usize * HALF + (value >> dropped) as usize
}

/// The least and the largest value of a bucket.
fn ends(bucket: usize) -> (u64, u64) {
    let dropped = (bucket / HALF).saturating_sub(1);
    let leading = (bucket - dropped * HALF) as u64;
    let least = leading << dropped;
    (least, least + ((1 << dropped) - 1))
}

impl Histogram {
    /// Counts a value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        self.total += 1;
    }

    /// Counts values.
    #[inline]
    pub fn extend(&mut self, values: impl ExactSizeIterator<Item = u64>) {
        self.total += values.len() as u64;
        values.for_each(|value| self.counts[bucket(value)] += 1);
    }

    /// The value that the share `q` of all values does not exceed, 0 ≤ `q` ≤ 1; 0 if there is none.
    pub fn quantile(&self, q: f64) -> u64 {
        let wanted = ((q * self.total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let reached = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        reached.map_or(0, |bucket| if q == 0.0 { ends(bucket).0 } else { ends(bucket).1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn every_bucket_holds_its_ends_and_the_next_begins_after_them() {
        for at in 0..BUCKETS - HALF {
            let (least, largest) = ends(at);
            assert_eq!((bucket(least), bucket(largest)), (at, at));
            if largest < u64::MAX {
                assert_eq!(bucket(largest + 1), at + 1, "{at}");
            }
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_are_those_of_hdrhistogram_with_three_digits() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for bits in [4, 11, 12, 20, 40, 60] {
            let mut ours = Histogram::default();
            let mut theirs =
                hdrhistogram::Histogram::<u64>::new_with_bounds(1, 1 << 62, 3).unwrap();
            for _ in 0..2000 {
                let value = rng.random_range(0..1_u64 << bits);
                ours.record(value);
                theirs.record(value).unwrap();
            }
            for at in 0..=1000 {
                let q = f64::from(at) / 1000.0;
                assert_eq!(ours.quantile(q), theirs.value_at_quantile(q), "{bits} bits, {q}");
            }
        }
    }
}
