//! Totals of a dialogue under random policies, in closed form.
//!
//! Of n counted calls, c go to the cloud, c ~ Binomial(n, p). A cloud call uploads every view with
//! probability 1/2, so the views of all of them together are Binomial(c X, 1/2), and seconds and
//! dollars are linear in c and the views. Means and mean excesses are exact sums.

/// n calls, each in the cloud with probability `cloud`, with X views, at the sweep's costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calls {
    /// Number of calls, n.
    pub calls: usize,
    /// Number of views, X.
    pub views: usize,
    /// Probability of the cloud.
    pub cloud: f64,
}

/// Probability of `k` successes of `n` with probability `p`.
fn binomial(n: usize, k: usize, p: f64) -> f64 {
    let choices = (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64);
    choices * libm::pow(p, k as f64) * libm::pow(1.0 - p, (n - k) as f64)
}

impl Calls {
    /// Mean, and mean excess over `budget` of the totals beyond it, of calls that take `local` on
    /// the device and `base + per_view · views` in the cloud.
    pub fn total(&self, local: f64, base: f64, per_view: f64, budget: f64) -> (f64, f64) {
        let (mut mean, mut excess, mut beyond) = (0.0, 0.0, 0.0);
        for cloud in 0..=self.calls {
            let calls = binomial(self.calls, cloud, self.cloud);
            for views in 0..=cloud * self.views {
                let p = calls * binomial(cloud * self.views, views, 0.5);
                let device = local * (self.calls - cloud) as f64;
                let total = device + base * cloud as f64 + per_view * views as f64;
                mean += p * total;
                if total > budget * (1.0 + 1e-9) {
                    excess += p * (total - budget);
                    beyond += p;
                }
            }
        }
        (mean, if beyond > 0.0 { excess / beyond } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_closed_forms_come_out() {
        let local = (0.011_428_6, 7.9429e-9);
        // Views, calls; L, U (1e-3 USD) and mean excesses of cloud and of random.
        let rows = [
            (3, 5, [13.750, 32.50, 0.0, 1.458], [6.904, 16.25, 0.0, 1.364]),
            (2, 2, [4.0, 9.0, 0.0, 0.0], [2.011, 4.5, 0.0, 0.0]),
            (4, 4, [14.0, 34.0, 0.0, 4.890], [7.023, 17.0, 0.0, 4.890]),
            (6, 6, [30.0, 75.0, 4.108, 25.444], [15.034, 37.5, 2.930, 10.411]),
            (10, 3, [24.0, 61.5, 2.502, 15.040], [12.017, 30.75, 2.502, 11.973]),
            (3, 3, [8.25, 19.5, 0.0, 0.0], [4.142, 9.75, 0.0, 0.0]),
            (3, 6, [16.5, 39.0, 0.0, 3.289], [8.284, 19.5, 0.0, 2.390]),
        ];
        for (views, calls, cloud, random) in rows {
            for (p, printed) in [(1.0, cloud), (0.5, random)] {
                let calls = Calls { calls, views, cloud: p };
                let latency = calls.total(local.0, 0.5, 1.5, 30.0);
                let usage = calls.total(local.1, 0.0005, 0.004, 0.05);
                let found = [latency.0, usage.0 * 1e3, latency.1, usage.1 * 1e3];
                for (found, printed) in found.into_iter().zip(printed) {
                    assert!((found - printed).abs() < 6e-4, "{views} {calls:?}: {found} {printed}");
                }
            }
        }
    }
}
