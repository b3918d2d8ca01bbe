//! Shards: the runs of a sweep that one of several processes makes.
//!
//! Runs are distributed in the order of their ids. These are hashes, so that each shard has cheap
//! and expensive runs, and sizes differ by one run at most. The experiment and `i/n` alone decide.

use crate::config::source::hash;
use crate::config::{Location, Problem, Problems};
use std::collections::BTreeSet;

/// Some of the runs of a sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shard {
    /// Every run.
    Whole,
    /// One of several shards of the same size.
    Shard {
        /// The shard, from 0.
        index: u64,
        /// The number of shards.
        count: u64,
    },
    /// The runs of these ids.
    Runs(BTreeSet<String>),
}

impl Shard {
    /// Reads `I/N`.
    ///
    /// # Errors
    ///
    /// If the text is not of this form, or I is not below N.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let numbers = text.split_once('/').and_then(|(index, count)| {
            Some((index.trim().parse::<u64>().ok()?, count.trim().parse::<u64>().ok()?))
        });
        match numbers {
            Some((index, count)) if index < count => Ok(Self::Shard { index, count }),
            _ => {
                let expected = "I/N with I from 0 to N − 1, such as 0/7";
                Err(Problem::new(Location::file("--shard"), format!("`{text}`"), expected))
            }
        }
    }

    /// The shard of a task of a Slurm array or of a pod of an indexed Kubernetes job, which needs
    /// `JOB_COMPLETIONS`; `variable` looks into the environment.
    ///
    /// # Errors
    ///
    /// If there is no such task or pod, or a variable is not as expected.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let place = || Location::file("--shard");
        let number = |name: &str| whole_number(name, variable(name));
        if variable("SLURM_ARRAY_TASK_ID").is_some() {
            let [id, least, most, count] =
                ["ID", "MIN", "MAX", "COUNT"].map(|end| number(&format!("SLURM_ARRAY_TASK_{end}")));
            let (id, least, most, count) = (id?, least?, most?, count?);
            // With gaps, tasks could not know which shards the others have.
            if least > id || id > most || (most - least).checked_add(1) != Some(count) {
                let found = format!("task {id} of {count} from {least} to {most}");
                let place = place().field("SLURM_ARRAY_TASK_ID");
                return Err(Problem::new(place, found, "an array without gaps"));
            }
            return Self::parse(&format!("{}/{count}", id - least));
        }
        if variable("JOB_COMPLETION_INDEX").is_some() {
            let (index, count) = (number("JOB_COMPLETION_INDEX")?, number("JOB_COMPLETIONS")?);
            return Self::parse(&format!("{index}/{count}"));
        }
        let found = "no value, and neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set";
        Err(Problem::new(place(), found, "I/N, or a task of an array or of an indexed job"))
    }

    /// Reads ids separated by commas or blanks; each must be among `known`.
    ///
    /// # Errors
    ///
    /// If there is none, or an unknown one.
    pub fn runs(text: &str, known: &BTreeSet<String>) -> Result<Self, Problems> {
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        let ids: BTreeSet<String> =
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let mut problems = Problems::default();
        if ids.is_empty() {
            problems.push(Problem::new(Location::file("--run-ids"), "no id", "at least one"));
        }
        for id in ids.iter().filter(|id| !known.contains(*id)) {
            let expected = "ids of this experiment, as `peeksim shard-plan` gives them";
            // Text of another kind of file is not shown.
            let is_id = id.len() <= 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            let found = if is_id { format!("`{id}`") } else { "a word that is no id".to_owned() };
            problems.push(Problem::new(Location::file("--run-ids"), found, expected));
        }
        problems.check(Some(Self::Runs(ids)))
    }

    /// Those of `ids` that belong to this shard.
    pub fn select(&self, ids: BTreeSet<String>) -> BTreeSet<String> {
        match self {
            Self::Whole => ids,
            Self::Shard { index, count } => {
                let (index, count) = (*index as usize, *count as usize);
                ids.into_iter().skip(index).step_by(count).collect()
            }
            Self::Runs(wanted) => ids.intersection(wanted).cloned().collect(),
        }
    }

    /// The name of the journal of this shard within the folder of the results.
    pub fn journal(&self) -> String {
        match self {
            Self::Whole => "runs".to_owned(),
            Self::Shard { index, count } => format!("shards/{index}-of-{count}"),
            Self::Runs(ids) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                format!("shards/ids-{}", &hash(&ids.join(","))[..16])
            }
        }
    }
}

/// The number in a variable of the environment.
fn whole_number(name: &str, text: Option<String>) -> Result<u64, Problem> {
    text.as_deref().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
        let found = text.map_or("nothing".to_owned(), |text| format!("`{text}`"));
        Problem::new(Location::file("--shard").field(name), found, "a whole number")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: usize) -> BTreeSet<String> {
        (0..count).map(|at| format!("{:04x}", at * 7919 % 65536)).collect()
    }

    #[test]
    fn shards_are_disjoint_and_cover_everything() {
        for (runs, count) in [(0, 1), (1, 7), (60, 1), (60, 2), (60, 7), (61, 60), (5, 9)] {
            let parts: Vec<BTreeSet<String>> =
                (0..count).map(|index| Shard::Shard { index, count }.select(ids(runs))).collect();
            let sizes = parts.iter().map(BTreeSet::len);
            assert_eq!(sizes.clone().sum::<usize>(), runs);
            assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
            let all: BTreeSet<String> = parts.into_iter().flatten().collect();
            assert_eq!(all, ids(runs));
        }
    }

    #[test]
    fn shards_are_read_and_nonsense_is_refused() {
        assert_eq!(Shard::parse("2/7").unwrap(), Shard::Shard { index: 2, count: 7 });
        for text in ["", "2", "7/7", "-1/7", "1/0", "a/b", "1/2/3", "1.5/2"] {
            assert!(Shard::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_environment_names_a_shard() {
        let part = |set: &[(&str, &str)]| {
            let get = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into());
            Shard::from_environment(get).map_err(|problem| problem.to_string())
        };
        let slurm = |id, min, max, count| {
            let names = ["ID", "MIN", "MAX", "COUNT"].map(|end| format!("SLURM_ARRAY_TASK_{end}"));
            let values = [id, min, max, count];
            let set: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
            part(&set)
        };
        assert_eq!(slurm("3", "0", "6", "7"), Ok(Shard::Shard { index: 3, count: 7 }));
        assert_eq!(slurm("1", "1", "2", "2"), Ok(Shard::Shard { index: 0, count: 2 }));
        assert!(slurm("3", "3", "5", "2").unwrap_err().contains("without gaps"));
        assert!(slurm("9", "0", "6", "7").is_err());
        assert!(slurm("0", "0", "18446744073709551615", "0").is_err());
        assert!(slurm("x", "0", "6", "7").unwrap_err().contains("found `x`"));
        let pod = [("JOB_COMPLETION_INDEX", "2"), ("JOB_COMPLETIONS", "8")];
        assert_eq!(part(&pod), Ok(Shard::Shard { index: 2, count: 8 }));
        assert!(part(&pod[..1]).unwrap_err().contains("`JOB_COMPLETIONS`: found nothing"));
        assert!(part(&[]).is_err());
    }

    #[test]
    fn ids_are_read_and_unknown_ones_refused() {
        let known = ids(3);
        let list: Vec<&str> = known.iter().map(String::as_str).collect();
        let part = Shard::runs(&format!("{},\n {}\n", list[0], list[2]), &known).unwrap();
        assert_eq!(part.select(known.clone()).len(), 2);
        let other = Shard::runs(&format!("{} {}", list[2], list[0]), &known).unwrap();
        assert_eq!(part.journal(), other.journal());
        assert!(Shard::runs("abc", &known).is_err() && Shard::runs(" ,", &known).is_err());
    }
}
