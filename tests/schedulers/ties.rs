//! Equal in theory is equal: last bits decide nothing where the rule is "higher utility, then
//! earlier finish", or an order of requests. All times are in milliseconds.

use crate::support::common::{V, World, draw};
use peeksim::contract::AccuracySource;

/// Two variants that are as accurate: one knows both classes alike, the other does not and takes
/// longer. Their accuracies are computed from recalls in different ways.
fn equals(low: u32, high: u32, slow_first: bool) -> World {
    let tenths = |tenths: u32| f64::from(tenths) / 10.0;
    let uneven = [tenths(low), tenths(high)];
    let even = [f64::from(low + high) / 20.0; 2];
    let slow = V("slow", 1, &[(1, 6.0)], 0.0, &uneven);
    let fast = V("fast", 1, &[(1, 5.0)], 0.0, &even);
    let list = if slow_first { [slow, fast] } else { [fast, slow] };
    World::new().app("a", &list).request(0, 0.0, 100.0, 0)
}

#[test]
fn of_two_variants_of_equal_accuracy_the_faster_is_taken() {
    let mut unequal_bits = 0;
    for low in 1..10 {
        for high in low..=10 {
            for slow_first in [false, true] {
                let world = equals(low, high, slow_first);
                let bits = |at: usize| world.setup.apps[0].profile.variants[at].accuracy.to_bits();
                unequal_bits += usize::from(bits(0) != bits(1));
                for entry in draw::built_in()
                    .filter(|entry| entry.accuracy == Some(AccuracySource::Profiled))
                {
                    // Without a policy it takes what is listed first of what seems as good.
                    if entry.name == "tmo-rl" {
                        continue;
                    }
                    fast_is_taken(&world, &format!("{{ name = '{}' }}", entry.name));
                }
                for more in [
                    "'peek-plus', accuracy = 'profiled'",
                    "'sneakpeek', accuracy = 'profiled'",
                    "'lo-edf', mode = 'dispatch'",
                    "'maxacc-edf', mode = 'dispatch'",
                    "'grouped', group_by = 'by-variant'",
                    "'grouped', search = 'exact'",
                ] {
                    fast_is_taken(&world, &format!("{{ name = {more} }}"));
                }
            }
        }
    }
    assert!(unequal_bits > 10, "{unequal_bits}");
}

fn fast_is_taken(world: &World, scheduler: &str) {
    let timeline = world.run(scheduler).timeline();
    let accuracy: Vec<f64> =
        world.setup.apps[0].profile.variants.iter().map(|variant| variant.accuracy).collect();
    assert_eq!(timeline[0].2, "fast", "{scheduler} of {accuracy:?}");
}

/// The variance of three accuracies does not depend on their order. Of these its last bits do, and
/// decide nothing: of equal priorities and deadlines the earlier arrival goes first.
#[test]
fn equal_priorities_keep_the_order_of_arrival() {
    for [a, b, c] in [[0.4, 0.7, 0.8], [0.4, 0.8, 0.7], [0.6, 0.3, 0.8], [0.6, 0.8, 0.3]] {
        for class in [0, 1] {
            let recalls = [[a, c], [b, a], [c, b]];
            let point = [(1, 5.0)];
            let list: Vec<V<'_>> =
                recalls.iter().map(|recall| V("v", 1, &point, 0.0, recall)).collect();
            let world = World::new().app("a", &list).request(0, 0.0, 100.0, class).request(
                0,
                0.0,
                100.0,
                1 - class,
            );
            for form in ["acc-deadline", "acc-slack"] {
                let log = world.run(&format!(
                    "{{ name = 'lo-priority', priority = '{form}', accuracy = 'oracle-label', \
                     priority_accuracy = 'scheduler' }}"
                ));
                let served: Vec<u32> = log.timeline().iter().flat_map(|b| b.3.clone()).collect();
                assert_eq!(served, [0, 1], "{form}: {recalls:?}, class {class} first");
            }
        }
    }
}
