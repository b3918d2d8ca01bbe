//! What window planners do, on tiny worlds worked out by hand. All times are in milliseconds; the
//! format is described in `common/text.rs`.

mod common;

use common::text::check;

/// Four requests of one application, two of them due soon, and two variants: small is worth 0.6
/// and takes 2 (3 for two, 5 for four), big is worth 0.9 and takes 10 (12 for two).
fn soon_and_late(scheduler: &str, expect: &str) {
    let world = "variant a small 1:2,2:3,4:5 recall=0.6
         variant a big 1:10,2:12 recall=0.9
         worker
         penalty { name = 'step' }
         request a 0 9
         request a 0 100
         request a 0 9
         request a 0 100
         scheduler";
    check(&format!("{world} {scheduler}"), expect);
}

#[test]
fn a_group_has_one_variant() {
    // Small for all is worth 4 · 0.6 = 2.4, big 2 · 0.9 = 1.8.
    soon_and_late(
        "grouped",
        "0 load w0 small until 0
         0 loaded w0 small
         0 start w0.0 small [0 2 1 3]
         5 end w0.0 [0 2 1 3]",
    );
}

#[test]
fn requests_that_choose_the_same_variant_are_a_group() {
    // Alone and at once, big ends at 10: too late for 0 and 2, best for 1 and 3.
    soon_and_late(
        "{ name = 'grouped', groups = 'by-variant' }",
        "0 load w0 small until 0
         0 loaded w0 small
         0 start w0.0 small [0 2]
         3 end w0.0 [0 2]
         3 load w0 big until 3
         3 loaded w0 big
         3 start w0.0 big [1 3]
         15 end w0.0 [1 3]",
    );
}

#[test]
fn a_group_is_halved_where_that_is_worth_more() {
    // In order of deadlines the halves are 0 2 and 1 3: 2 · 0.6 + 2 · 0.9 = 3.0, more than 2.4.
    // Halved again neither half gains, so batches of two remain.
    soon_and_late(
        "{ name = 'grouped', split = true }",
        "0 load w0 small until 0
         0 loaded w0 small
         0 start w0.0 small [0 2]
         3 end w0.0 [0 2]
         3 load w0 big until 3
         3 loaded w0 big
         3 start w0.0 big [1 3]
         15 end w0.0 [1 3]",
    );
}
