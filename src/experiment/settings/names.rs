//! Values that are names of the experiment: of applications, variants and classes.

use crate::config::{ConfigNode, Location, Problem, Problems, Value, decode};
use crate::system::catalog::AppSpec;

/// The index of `name` in `known`, which are names of `what`.
pub(super) fn index_of(
    name: &str,
    known: &[String],
    what: &str,
    place: &Location,
    problems: &mut Problems,
) -> Option<usize> {
    let at = known.iter().position(|known| known == name);
    if at.is_none() {
        let known = known.iter().map(String::as_str);
        problems.push(Problem::unknown(place.clone(), what, name, known));
    }
    at
}

/// Calls `each` with the index in `known` of every key of a table.
pub(super) fn by_name(
    node: &ConfigNode,
    known: &[String],
    what: &str,
    problems: &mut Problems,
    mut each: impl FnMut(usize, &ConfigNode, &mut Problems),
) {
    for (name, node) in decode::table(node, problems) {
        if let Some(at) = index_of(name, known, what, &node.place, problems) {
            each(at, node, problems);
        }
    }
}

/// The names of applications.
pub(super) fn app_names(apps: &[AppSpec]) -> Vec<String> {
    apps.iter().map(|app| app.profile.name.clone()).collect()
}

/// Calls `each` with the value of every application: that of its key in the table `node`, if
/// `by_app`, or else `node` itself.
pub(super) fn for_apps(
    node: &ConfigNode,
    by_app: bool,
    apps: &mut [AppSpec],
    problems: &mut Problems,
    mut each: impl FnMut(&mut AppSpec, &ConfigNode, &mut Problems),
) {
    if by_app {
        by_name(node, &app_names(apps), "application", problems, |at, node, problems| {
            each(&mut apps[at], node, problems);
        });
    } else {
        apps.iter_mut().for_each(|app| each(app, node, problems));
    }
}

/// The items of a list that must have one.
pub(in crate::experiment) fn items<'a>(
    node: &'a ConfigNode,
    found: &str,
    expected: &str,
    problems: &mut Problems,
) -> &'a [ConfigNode] {
    let items = decode::array(node, problems);
    if matches!(&node.value, Value::Array(items) if items.is_empty()) {
        problems.push(Problem::new(node.place.clone(), found, expected));
    }
    items
}
