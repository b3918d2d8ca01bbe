//! Equivalent spellings: bare names for tables, numbers with other digits.

use crate::config::{ConfigNode, Problem, Value, decode, path};

/// The key of the table for which a bare name may stand, if the setting at this path may be one.
fn key_of_name(setting: &[String]) -> Option<&'static str> {
    match setting.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["scheduler" | "penalty" | "policy"]
        | ["workload", "arrivals"]
        | ["workload", "arrivals", _] => Some("name"),
        ["workload"] => Some("arrivals"),
        ["peek"] | ["peek", _] => Some("kind"),
        _ => None,
    }
}

/// Gives a setting of `[base]` a value. A bare name above it becomes the table for which it stands,
/// so that it is kept.
pub(super) fn set(base: &mut ConfigNode, key: &str, value: ConfigNode) -> Result<(), Problem> {
    let parts = path::parts(key).unwrap_or_default();
    for length in 1..parts.len() {
        let Some(name) = key_of_name(&parts[..length]) else { continue };
        let above = parts[..length].iter().try_fold(&mut *base, |node, part| node.get_mut(part));
        if let Some(above) = above.filter(|node| matches!(node.value, Value::Text(_))) {
            *above = decode::named(above, name).into_owned();
        }
    }
    base.set(key, value)
}

/// Whether a label is the requested one: the same text, or the same number, as `20` and `20.0`.
pub fn is_label(label: &str, asked: &str) -> bool {
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
    label == asked || number(asked).is_some_and(|asked| number(label) == Some(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_stays_when_a_setting_is_put_below_it() {
        for (base, key, found) in [
            (
                "{ scheduler = 'grouped' }",
                "scheduler.w",
                "{ scheduler = { name = \"grouped\", w = 7 } }",
            ),
            ("{ penalty = 'step' }", "penalty.w", "{ penalty = { name = \"step\", w = 7 } }"),
            ("{ peek = 'rule' }", "peek.w", "{ peek = { kind = \"rule\", w = 7 } }"),
            (
                "{ peek = { a = 'rule' } }",
                "peek.a.w",
                "{ peek = { a = { kind = \"rule\", w = 7 } } }",
            ),
            (
                "{ workload = 'gamma' }",
                "workload.arrivals.cv",
                "{ workload = { arrivals = { cv = 7, name = \"gamma\" } } }",
            ),
            ("{ workload = 'gamma' }", "workload", "{ workload = 7 }"),
            ("{ workload = { n = 1 } }", "workload.n", "{ workload = { n = 7 } }"),
        ] {
            let mut base = ConfigNode::parse_override(base);
            set(&mut base, key, ConfigNode::parse_override("7")).unwrap();
            assert_eq!(base.canonical(), found, "{key}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        for (label, asked) in [("20", "20.0"), ("20", "2e1"), ("0.5", ".5"), ("edf", "edf")] {
            assert!(is_label(label, asked), "{label} {asked}");
        }
        for (label, asked) in [("20", "20.1"), ("edf", "EDF"), ("nan", "NaN"), ("", "0")] {
            assert!(!is_label(label, asked), "{label} {asked}");
        }
    }
}
