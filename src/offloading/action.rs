//! Actions: answer a turn on the device, or in the cloud with some of the views.
//!
//! Policies choose among [`Actions`], by index: 0 is the device, then the cloud with sets of views,
//! ordered by size, then lexicographically. Without a list these are all sets; for three views
//! 1 = {}, 2 = {0}, 3 = {1}, 4 = {2}, 5 = {0,1}, 6 = {0,2}, 7 = {1,2}, 8 = {0,1,2} (the authors'
//! `tmo/env.py`). Recorded turns may have any [`Action`], also one that policies cannot choose.

use crate::config::{Location, Problem};
use std::fmt;

/// Largest number of views: a set of views has a bit for each.
pub const MAX_VIEWS: usize = 64;
/// Largest number of views of which all sets are actions; there are 2^views of them.
pub const MAX_VIEWS_OF_ALL: usize = 12;
/// Largest number of actions of a list.
pub const MAX_LISTED: usize = 1000;

/// A set of views, one bit each.
pub type Views = u64;

/// Where a turn is answered, and with which views.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// On the device.
    #[default]
    Local,
    /// In the cloud, with these views uploaded.
    Cloud(Views),
}

impl Action {
    /// The views that it uploads.
    pub fn views(self) -> Views {
        match self {
            Self::Local => 0,
            Self::Cloud(views) => views,
        }
    }

    /// Number of views that it uploads.
    pub fn uploaded(self) -> usize {
        self.views().count_ones() as usize
    }

    /// Whether it uploads this view.
    pub fn uploads(self, view: usize) -> bool {
        self.views() >> view & 1 == 1
    }

    /// The kind of call on which costs depend: 0 is local, 1 + k the cloud with k views.
    pub fn call_kind(self) -> usize {
        if self == Self::Local { 0 } else { 1 + self.uploaded() }
    }

    /// Reads `local`, `cloud`, or `cloud+0+2`, with views below `views` in any order.
    pub fn parse(name: &str, views: usize) -> Option<Self> {
        if name == "local" {
            return Some(Self::Local);
        }
        let uploads = name.strip_prefix("cloud")?;
        let set = match uploads.strip_prefix('+') {
            None => uploads.is_empty().then_some(0),
            Some(uploads) => set_of_views(uploads, views).filter(|set| *set != 0),
        };
        set.map(Self::Cloud)
    }

    /// Device first, then by number of views, then lexicographically.
    fn order(self) -> (usize, std::cmp::Reverse<Views>) {
        // The lowest view first, as the highest bit.
        (self.call_kind(), std::cmp::Reverse(self.views().reverse_bits()))
    }
}

/// `local`, `cloud`, `cloud+0+2`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Local { "local" } else { "cloud" })?;
        let mut uploads = (0..MAX_VIEWS).filter(|view| self.uploads(*view));
        uploads.try_for_each(|view| write!(f, "+{view}"))
    }
}

/// The set of views below `views` that is written as `0+2`; an empty text is the empty set.
pub fn set_of_views(text: &str, views: usize) -> Option<Views> {
    let mut members = text.split('+').filter(|_| !text.is_empty());
    members.try_fold(0, |set: Views, view| {
        let view = view.parse().ok().filter(|view: &usize| *view < views.min(MAX_VIEWS))?;
        (set >> view & 1 == 0).then_some(set | 1 << view)
    })
}

/// The names of some actions, and where they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionList {
    /// `local`, `cloud`, `cloud+0+2`, in any order.
    pub names: Vec<String>,
    /// The place that messages name.
    pub place: Location,
}

impl ActionList {
    /// Splits `local,cloud,cloud+0+2`.
    pub fn split(text: &str, place: Location) -> Self {
        Self { names: text.split(',').map(|name| name.trim().to_owned()).collect(), place }
    }
}

/// The actions that policies choose among.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actions {
    views: usize,
    /// By index; the first is local.
    all: Vec<Action>,
    /// Whether every set of views is an action.
    complete: bool,
}

impl Actions {
    /// The 2^views + 1 actions over `views` views, of which there are at most
    /// [`MAX_VIEWS_OF_ALL`].
    pub fn new(views: usize) -> Self {
        let views = views.min(MAX_VIEWS_OF_ALL);
        let sets = (0..1 << views).map(Action::Cloud);
        let mut all: Vec<Action> = std::iter::once(Action::Local).chain(sets).collect();
        all.sort_by_key(|action| action.order());
        Self { views, all, complete: true }
    }

    /// The actions of a list over `views` views; the order of the list does not matter.
    ///
    /// # Errors
    /// Names an action that does not exist or is there twice, and says whether `local` or the cloud
    /// is missing.
    pub fn of(views: usize, list: &ActionList) -> Result<Self, Problem> {
        let wrong = |found: String, expected: String| {
            Err(Problem::new(list.place.clone(), found, expected))
        };
        if views > MAX_VIEWS || list.names.len() > MAX_LISTED {
            let found = format!("{} actions over {views} views", list.names.len());
            return wrong(found, format!("at most {MAX_LISTED} over {MAX_VIEWS} views"));
        }
        let mut all = Vec::new();
        for name in &list.names {
            match Action::parse(name, views) {
                None => return wrong(format!("`{name}`"), expected_action(views)),
                Some(action) if all.contains(&action) => {
                    return wrong(format!("`{name}` twice"), "distinct actions".to_owned());
                }
                Some(action) => all.push(action),
            }
        }
        all.sort_by_key(|action| action.order());
        if all.first() != Some(&Action::Local) || all.len() < 2 {
            let names = list.names.join(",");
            return wrong(format!("`{names}`"), "`local` and one cloud action or more".to_owned());
        }
        let complete = all == Self::new(views).all;
        Ok(Self { views, all, complete })
    }

    /// The actions of a list, or all if there is no list. `place` is where the number of views was
    /// found.
    ///
    /// # Errors
    /// As [`Self::of`]; without a list there are too many views.
    pub fn chosen(
        views: usize,
        list: Option<&ActionList>,
        place: &Location,
    ) -> Result<Self, Problem> {
        match list {
            Some(list) => Self::of(views, list),
            None if views <= MAX_VIEWS_OF_ALL => Ok(Self::new(views)),
            None => {
                let expected = format!(
                    "at most {MAX_VIEWS_OF_ALL} without a list of actions, and {MAX_VIEWS} with \
                     one, as in `--actions local,cloud,cloud+0+1`"
                );
                Err(Problem::new(place.clone(), format!("{views} views"), expected))
            }
        }
    }

    /// Number of views.
    pub fn views(&self) -> usize {
        self.views
    }

    /// Number of actions.
    #[expect(clippy::len_without_is_empty, reason = "there are always two actions or more")]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether every set of views is an action.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The actions by index.
    pub fn iter(&self) -> impl Iterator<Item = Action> {
        self.all.iter().copied()
    }

    /// The action with this index.
    pub fn get(&self, index: usize) -> Action {
        self.all[index]
    }

    /// The index of an action; `None` if policies cannot choose it.
    pub fn index(&self, action: Action) -> Option<usize> {
        self.all.binary_search_by_key(&action.order(), |known| known.order()).ok()
    }

    /// The views that the action with this index uploads.
    pub fn subset(&self, index: usize) -> Views {
        self.get(index).views()
    }

    /// Number of views that the action with this index uploads.
    pub fn uploaded(&self, index: usize) -> usize {
        self.get(index).uploaded()
    }

    /// The kind of call of the action with this index, see [`Action::call_kind`].
    pub fn call_kind(&self, index: usize) -> usize {
        self.get(index).call_kind()
    }

    /// The kinds of calls of the actions, each once, in order.
    pub fn call_kinds(&self) -> Vec<usize> {
        let mut kinds: Vec<usize> = self.iter().map(Action::call_kind).collect();
        kinds.dedup();
        kinds
    }

    /// The largest number of views that an action uploads.
    pub fn most_uploaded(&self) -> usize {
        self.all.last().map_or(0, |action| action.uploaded())
    }

    /// The name of the action with this index: `local`, `cloud`, `cloud+0+2`.
    pub fn name(&self, index: usize) -> String {
        self.get(index).to_string()
    }

    /// The index of the action called `name`; views may be in any order.
    pub fn parse(&self, name: &str) -> Option<usize> {
        self.index(Action::parse(name, self.views)?)
    }

    /// What names of actions look like, for messages.
    pub fn expected(&self) -> String {
        if self.complete {
            return expected_action(self.views);
        }
        let names: Vec<String> = self.iter().take(24).map(|action| action.to_string()).collect();
        let more = if self.len() > names.len() { ", …" } else { "" };
        format!("one of the actions {}{more}", names.join(", "))
    }
}

/// What names of actions over `views` views look like, for messages.
pub fn expected_action(views: usize) -> String {
    match views {
        0 => "`local` or `cloud`: there are no views".to_owned(),
        _ => format!(
            "`local`, `cloud`, or `cloud` and views from 0 to {} as in `cloud+0`",
            views - 1
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &str) -> ActionList {
        ActionList::split(names, Location::file("--actions"))
    }

    #[test]
    fn three_views_are_the_published_nine_actions() {
        let actions = Actions::new(3);
        let names: Vec<String> = (0..actions.len()).map(|a| actions.name(a)).collect();
        let published = [
            "local",
            "cloud",
            "cloud+0",
            "cloud+1",
            "cloud+2",
            "cloud+0+1",
            "cloud+0+2",
            "cloud+1+2",
            "cloud+0+1+2",
        ];
        assert_eq!(names, published);
        for views in 0..=MAX_VIEWS_OF_ALL {
            let actions = Actions::new(views);
            assert_eq!(actions.len(), (1 << views) + 1);
            for action in 0..actions.len() {
                assert_eq!(actions.parse(&actions.name(action)), Some(action));
                assert_eq!(actions.index(actions.get(action)), Some(action));
            }
        }
        assert_eq!(actions.parse("cloud+2+0"), Some(6));
        for bad in ["", "edge", "cloud+3", "cloud+0+0", "cloud+", "cloud0", "cloud+x", "cloud++0"] {
            assert_eq!(actions.parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_list_is_a_choice_of_the_sets_of_many_views() {
        let actions = Actions::of(64, &list("cloud+63+2, cloud,local,cloud+5")).unwrap();
        let names: Vec<String> = (0..actions.len()).map(|a| actions.name(a)).collect();
        assert_eq!(names, ["local", "cloud", "cloud+5", "cloud+2+63"]);
        assert_eq!((actions.parse("cloud+2+63"), actions.parse("cloud+2")), (Some(3), None));
        assert_eq!((actions.call_kinds(), actions.most_uploaded()), (vec![0, 1, 2, 3], 2));
        assert!(!actions.is_complete());
        let all = (0..9).map(|a| Actions::new(3).name(a)).collect::<Vec<_>>().join(",");
        assert_eq!(Actions::of(3, &list(&all)), Ok(Actions::new(3)));
        assert_eq!(Actions::of(2, &list("local,cloud+0")).unwrap().call_kinds(), [0, 2]);
    }

    #[test]
    fn lists_without_local_or_cloud_and_views_that_do_not_exist_are_refused() {
        for (views, names, said) in [
            (3, "local", "--actions: found `local`, expected `local` and one cloud action or more"),
            (3, "cloud,cloud+0", "--actions: found `cloud,cloud+0`, expected `local` and one"),
            (
                3,
                "local,cloud+3",
                "--actions: found `cloud+3`, expected `local`, `cloud`, or `cloud",
            ),
            (0, "local,edge", "--actions: found `edge`, expected `local` or `cloud`: there are no"),
            (3, "local,cloud+0+1,cloud+1+0", "--actions: found `cloud+1+0` twice, expected distin"),
            (65, "local,cloud", "--actions: found 2 actions over 65 views, expected at most 1000"),
        ] {
            let problem = Actions::of(views, &list(names)).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{problem}");
        }
        let place = Location::file("d.csv");
        let problem = Actions::chosen(13, None, &place).unwrap_err().to_string();
        assert!(problem.starts_with("d.csv: found 13 views, expected at most 12 without a list"));
    }
}
