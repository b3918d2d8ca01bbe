//! Ways to choose one option for each of several places. Of neighbours that are alike only choices
//! in ascending order count.

/// How many there are, from the options of each place.
pub fn count(options: &[usize], is_alike: impl Fn(usize) -> bool) -> f64 {
    let (mut ways, mut alike) = (1.0, 0);
    for (at, own) in options.iter().enumerate() {
        alike = if at > 0 && is_alike(at) { alike + 1 } else { 0 };
        ways *= (own + alike) as f64 / (alike + 1) as f64;
    }
    ways
}

/// The next way, the last place first; false after the last. `is_alike` says of a place whether it
/// is as the one before.
pub fn next(way: &mut [usize], options: &[usize], is_alike: impl Fn(usize) -> bool) -> bool {
    let Some(at) = (0..way.len()).rev().find(|at| way[*at] + 1 < options[*at]) else {
        return false;
    };
    way[at] += 1;
    for later in at + 1..way.len() {
        way[later] = if is_alike(later) { way[later - 1] } else { 0 };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_alike_count_once() {
        for alike in [[false; 3], [false, true, false], [false, true, true]] {
            let options = [3, 3, if alike[2] { 3 } else { 2 }];
            let (mut way, mut found) = (vec![0; 3], 1.0);
            while next(&mut way, &options, |at| alike[at]) {
                found += 1.0;
            }
            assert_eq!(found, count(&options, |at| alike[at]));
        }
    }
}
