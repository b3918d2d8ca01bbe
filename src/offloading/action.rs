//! Actions: answer a turn on the device, or in the cloud with a subset of the views.
//!
//! Action 0 is local. Action 1 + i is the cloud with the i-th subset of views, subsets ordered by
//! size, then lexicographically; for three views 1 = {}, 2 = {0}, 3 = {1}, 4 = {2}, 5 = {0,1},
//! 6 = {0,2}, 7 = {1,2}, 8 = {0,1,2} (the authors' `tmo/env.py`).

/// Largest number of views; the number of actions is exponential in it.
pub const MAX_VIEWS: usize = 12;

/// A set of views, one bit each.
pub type Views = u16;

/// The 2^X + 1 actions over X views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actions {
    views: usize,
    /// By cloud action: the views it uploads.
    subsets: Vec<Views>,
    /// By set of views: the cloud action.
    cloud: Vec<u16>,
}

impl Actions {
    /// All actions over `views` views, of which there are at most [`MAX_VIEWS`].
    pub fn new(views: usize) -> Self {
        let views = views.min(MAX_VIEWS);
        let mut subsets: Vec<Views> = (0..1 << views).collect();
        // Lexicographic order of sorted members: the lowest view first, as the highest bit.
        let members = |set: Views| std::cmp::Reverse(set.reverse_bits());
        subsets.sort_by_key(|set| (set.count_ones(), members(*set)));
        let mut cloud = vec![0; subsets.len()];
        for (at, set) in subsets.iter().enumerate() {
            cloud[usize::from(*set)] = at as u16 + 1;
        }
        Self { views, subsets, cloud }
    }

    /// Number of views.
    pub fn views(&self) -> usize {
        self.views
    }

    /// Number of actions.
    #[expect(clippy::len_without_is_empty, reason = "there are always two actions or more")]
    pub fn len(&self) -> usize {
        self.subsets.len() + 1
    }

    /// The views that an action uploads.
    pub fn subset(&self, action: usize) -> Views {
        if action == 0 { 0 } else { self.subsets[action - 1] }
    }

    /// Number of views that an action uploads.
    pub fn uploaded(&self, action: usize) -> usize {
        self.subset(action).count_ones() as usize
    }

    /// The kind of call on which costs depend: 0 is local, 1 + k the cloud with k views.
    pub fn call_kind(&self, action: usize) -> usize {
        if action == 0 { 0 } else { 1 + self.uploaded(action) }
    }

    /// The cloud action with these views; views that do not exist are ignored.
    pub fn cloud(&self, subset: Views) -> usize {
        usize::from(self.cloud[usize::from(subset) & (self.cloud.len() - 1)])
    }

    /// `local`, `cloud`, `cloud+0+2`.
    pub fn name(&self, action: usize) -> String {
        if action == 0 {
            return "local".to_owned();
        }
        let subset = self.subset(action);
        let names = (0..self.views).filter(|view| subset >> view & 1 == 1);
        names.fold("cloud".to_owned(), |name, view| format!("{name}+{view}"))
    }

    /// The action called `name`; views may be in any order.
    pub fn parse(&self, name: &str) -> Option<usize> {
        if name == "local" {
            return Some(0);
        }
        let views = name.strip_prefix("cloud")?;
        let set = match views.strip_prefix('+') {
            None => views.is_empty().then_some(0),
            Some(views) => self.subset_of(views).filter(|set| *set != 0),
        };
        set.map(|set| self.cloud(set))
    }

    /// The set written as `0+2`; an empty text is the empty set.
    pub fn subset_of(&self, text: &str) -> Option<Views> {
        let mut views = text.split('+').filter(|_| !text.is_empty());
        views.try_fold(0, |set: Views, view| {
            let view: usize = view.parse().ok().filter(|view| *view < self.views)?;
            (set >> view & 1 == 0).then_some(set | 1 << view)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for views in 0..=MAX_VIEWS {
            let actions = Actions::new(views);
            assert_eq!(actions.len(), (1 << views) + 1);
            for action in 0..actions.len() {
                assert_eq!(actions.parse(&actions.name(action)), Some(action));
                assert!(action == 0 || actions.cloud(actions.subset(action)) == action);
            }
        }
        assert_eq!(actions.parse("cloud+2+0"), Some(6));
        for bad in ["", "edge", "cloud+3", "cloud+0+0", "cloud+", "cloud0", "cloud+x", "cloud++0"] {
            assert_eq!(actions.parse(bad), None, "{bad}");
        }
    }
}
