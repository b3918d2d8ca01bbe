use super::*;

fn search(limit: MetricLimit) -> CapacitySearch {
    let (key, metric) = ("k".to_owned(), "slo_attainment".to_owned());
    let (ends, whole, place) = ([1.0, 1000.0], false, Location::default());
    let places = [place.clone(), place.clone()];
    CapacitySearch { key, metric, limit, ends, places, width: 0.01, whole, place }
}

/// Searches a function; where it ends and how many values it looked at.
fn bisect(search: &CapacitySearch, f: impl Fn(f64) -> f64) -> ([Option<f64>; 2], usize) {
    let mut bisection = Bisection::new(RunSpec { configuration: 0, replicate: 0 });
    loop {
        let next = bisection.next(search);
        if next.is_empty() {
            break;
        }
        bisection.known.extend(next.iter().map(|value| (value.to_bits(), f(*value))));
    }
    (bisection.sides(search).map(|side| side.map(|(at, _)| at)), bisection.known.len())
}

#[test]
fn the_edge_is_found_from_either_side() {
    let at_least = search(MetricLimit::AtLeast(0.5));
    let ([Some(keeps), Some(breaks)], count) = bisect(&at_least, |x| 1.0 - x / 274.0) else {
        panic!("an edge")
    };
    assert!(keeps <= 137.0 && 137.0 < breaks && breaks <= keeps * 1.01, "{keeps} {breaks}");
    assert!(count as u64 <= at_least.probes() + 1, "{count}");
    let at_most = search(MetricLimit::AtMost(0.1));
    let ([Some(keeps), Some(breaks)], _) = bisect(&at_most, |x| 1.0 / x) else { panic!("an edge") };
    assert!(breaks < 10.0 && 10.0 <= keeps && keeps <= breaks * 1.01, "{keeps} {breaks}");
}

#[test]
fn ends_that_agree_end_the_search() {
    let search = search(MetricLimit::AtLeast(0.5));
    assert_eq!(bisect(&search, |_| 1.0), ([Some(1000.0), None], 2));
    assert_eq!(bisect(&search, |_| 0.0), ([None, Some(1.0)], 2));
    // Nothing is known of what was always empty; what is empty at one end keeps no limit.
    assert_eq!(bisect(&search, |_| f64::NAN), ([None, None], 2));
    let some = |x: f64| if x > 10.0 { f64::NAN } else { 1.0 };
    let ([Some(keeps), Some(breaks)], _) = bisect(&search, some) else { panic!("an edge") };
    assert!(keeps <= 10.0 && 10.0 < breaks && breaks <= keeps * 1.01, "{keeps} {breaks}");
    let none = |x: f64| if x > 10.0 { f64::NAN } else { 0.0 };
    assert_eq!(bisect(&search, none), ([None, Some(1.0)], 2));
}

#[test]
fn whole_numbers_are_halved_to_neighbours() {
    for edge in 1..1000 {
        let whole =
            CapacitySearch { whole: true, width: 1e-6, ..search(MetricLimit::AtLeast(0.5)) };
        let f = |x: f64| {
            assert_eq!(x.fract(), 0.0);
            f64::from(u8::from(x <= f64::from(edge)))
        };
        let (sides, count) = bisect(&whole, f);
        assert_eq!(sides, [Some(f64::from(edge)), Some(f64::from(edge + 1))]);
        assert!(count as u64 <= whole.probes() + 2, "{count} {}", whole.probes());
    }
    let wide = CapacitySearch { whole: true, width: 0.5, ..search(MetricLimit::AtLeast(0.5)) };
    let ([Some(keeps), Some(breaks)], _) = bisect(&wide, |x| 1.0 - x / 274.0) else {
        panic!("an edge")
    };
    assert!(keeps <= 137.0 && 137.0 < breaks && breaks <= keeps * 1.5, "{keeps} {breaks}");
}

#[test]
fn a_width_below_the_digits_still_ends() {
    let search = CapacitySearch { width: 1e-6, ..search(MetricLimit::AtLeast(0.5)) };
    let ([Some(keeps), Some(breaks)], _) = bisect(&search, |x| 1.0 - x / 274.0) else {
        panic!("an edge")
    };
    assert!(breaks - keeps <= 1e-6 * keeps);
}
