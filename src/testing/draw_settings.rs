//! Settings of an entry, drawn within their ranges.

use crate::config::settings::{EntrySettings, Preset};
use crate::config::{Kind, Setting};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// An entry as an experiment would write it. The first seed leaves every setting out.
pub(super) fn settings(seed: u64, entry: &EntrySettings, also: &[(&str, &str)]) -> String {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut text = format!("{{ name = '{}'", entry.name);
    for (key, value) in also {
        text += &format!(", {key} = '{value}'");
    }
    for setting in entry.settings.iter().filter(|setting| !is_given(setting, also)) {
        let wanted = setting.default == Preset::Required || seed > 0 && rng.random_bool(0.5);
        if let Some(value) = value(rng, setting).filter(|_| wanted) {
            text += &format!(", {} = {value}", setting.key);
        }
    }
    text + " }"
}

fn is_given(setting: &Setting, also: &[(&str, &str)]) -> bool {
    also.iter().any(|(key, _)| *key == setting.key)
}

/// A value within the range of a setting; none where its kind does not say what it may be.
fn value(rng: &mut ChaCha8Rng, setting: &Setting) -> Option<String> {
    match setting.kind {
        Kind::Number(low, high) => Some(format!("{:?}", number(rng, setting.default, [low, high]))),
        Kind::Integer(low, high) => {
            let high = high.min(i64::MAX as u64);
            let drawn = number(rng, setting.default, [low as f64, high as f64]) as u64;
            Some(drawn.clamp(low, high).to_string())
        }
        Kind::Flag => Some(rng.random_bool(0.5).to_string()),
        Kind::Choice([]) => None,
        Kind::Choice(names) => Some(format!("'{}'", names[rng.random_range(0..names.len())])),
        Kind::OneOf(kinds) => {
            kinds.iter().find_map(|kind| value(rng, &Setting { kind: *kind, ..*setting }))
        }
        _ => None,
    }
}

/// The default, half or twice as much, or an end of the range that is not far from it.
fn number(rng: &mut ChaCha8Rng, default: Preset, [low, high]: [f64; 2]) -> f64 {
    let usual = match default {
        Preset::Number(number) => number,
        Preset::Integer(number) => number as f64,
        _ => 1.0,
    };
    let near =
        |end: f64| if (end - usual).abs() <= 100.0 * (1.0 + usual.abs()) { end } else { usual };
    let values = [usual, usual / 2.0, usual * 2.0, near(low), near(high)];
    values[rng.random_range(0..values.len())].clamp(low, high)
}
