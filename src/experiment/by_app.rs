//! Settings by application: a table whose keys name applications.

use crate::config::{ConfigNode, Problem, Problems, decode};
use crate::system::catalog::AppSpec;

/// Calls `each` for the applications named by the keys of a table.
pub(super) fn by_app(
    node: &ConfigNode,
    apps: &mut [AppSpec],
    problems: &mut Problems,
    mut each: impl FnMut(&mut AppSpec, &ConfigNode, &mut Problems),
) {
    for (name, node) in decode::table(node, problems) {
        match apps.iter_mut().find(|app| app.profile.name == *name) {
            Some(app) => each(app, node, problems),
            None => {
                let known = apps.iter().map(|app| app.profile.name.as_str());
                problems.push(Problem::unknown(node.place.clone(), "application", name, known));
            }
        }
    }
}
