//! Folds: which dialogues a policy learns from, which score its answers, and which it is tested on.
//!
//! Where the estimator that scores an answer is the one by which the answer was chosen, the errors
//! of the estimator count as reward: the highest of several estimates is too high. That is the
//! published protocol, `self`. With `cross-fitted`, the dialogues are dealt out to K folds; each
//! fold is tested once, half of the others are what the policy may learn from, and an estimator of
//! the rest scores. No dialogue is in two of the three. With `true`, the law that generated the
//! dialogues scores.

use super::evaluate::Scorer;
use super::model::{DialogueModel, ModelParams};
use super::workload::{Split, Workload};
use crate::config::csv::Table;
use crate::config::source::Source;
use crate::config::{Location, Problem};
use crate::core::rng::Rng;
use std::sync::Arc;

/// Who scores the answers of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Evaluation {
    /// The estimator that the policy decides by, as published.
    OwnEstimator,
    /// An estimator of dialogues that neither the policy nor the test has.
    #[default]
    CrossFitted,
    /// The law that generated the dialogues.
    True,
}

impl Evaluation {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 3] =
        [("cross-fitted", Self::CrossFitted), ("self", Self::OwnEstimator), ("true", Self::True)];

    /// The name in [`Self::ALL`].
    pub fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, evaluation)| *evaluation == self);
        named.map_or("", |(name, _)| name)
    }
}

/// The number of folds if none is asked for.
pub const FOLDS: usize = 5;
/// The most folds.
pub const MAX_FOLDS: usize = 1000;
/// The share of the dialogues that `self` tests, as published.
pub const TEST_SHARE: f64 = 0.2;

/// One test: indices into the dialogues of the workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The dialogues that a policy may learn from; its estimator is made of them.
    pub train: Vec<usize>,
    /// The dialogues of the estimator that scores; none if the generating law does.
    pub score: Vec<usize>,
    /// The dialogues that are tested.
    pub test: Vec<usize>,
}

/// How dialogues are dealt out.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldPlan {
    /// Who scores.
    pub evaluation: Evaluation,
    /// The number of folds of `cross-fitted` and `true`.
    pub folds: usize,
    /// The share of the dialogues that `self` tests.
    pub test_share: f64,
    /// By dialogue: its fold, if a file says it.
    pub assigned: Option<Vec<usize>>,
}

impl FoldPlan {
    /// Five folds, or a fifth of the dialogues for testing, drawn at random.
    pub fn new(evaluation: Evaluation) -> Self {
        Self { evaluation, folds: FOLDS, test_share: TEST_SHARE, assigned: None }
    }

    /// The tests of a replicate. `rng` deals the dialogues out, unless a file does; then `self`
    /// tests one fold of the file, the next one with every replicate.
    ///
    /// # Errors
    /// There are more folds than dialogues, or too few of them, or no law.
    pub fn tests(&self, data: &Workload, rng: Rng, replicate: u64) -> Result<Vec<Fold>, Problem> {
        if self.evaluation == Evaluation::True && data.truth.is_none() {
            let found = "dialogues that were not generated";
            let expected = "`self` or `cross-fitted`: nobody knows the true score of their answers";
            return Err(Problem::new(Location::file("evaluation `true`"), found, expected));
        }
        let own = self.evaluation == Evaluation::OwnEstimator;
        if own && self.assigned.is_none() {
            let split = data.split(rng, self.test_share);
            let Split { train, test } = split;
            return Ok(vec![Fold { score: train.clone(), train, test }]);
        }
        let parts = self.parts(data, rng)?;
        let least = if self.evaluation == Evaluation::CrossFitted { 3 } else { 2 };
        if parts.len() < least {
            let found = format!("{} folds", parts.len());
            let expected = format!("{least} or more with evaluation `{}`", self.evaluation.name());
            return Err(Problem::new(Location::file("folds"), found, expected));
        }
        let tested = if own {
            let only = (replicate % parts.len() as u64) as usize;
            only..only + 1
        } else {
            0..parts.len()
        };
        Ok(tested.map(|at| self.fold(&parts, at)).collect())
    }

    /// The dialogues of each fold.
    fn parts(&self, data: &Workload, rng: Rng) -> Result<Vec<Vec<usize>>, Problem> {
        let count = data.dialogues.len();
        if let Some(assigned) = &self.assigned {
            let folds = assigned.iter().max().map_or(0, |last| last + 1);
            let mut parts = vec![Vec::new(); folds];
            assigned.iter().enumerate().for_each(|(dialogue, fold)| parts[*fold].push(dialogue));
            return Ok(parts);
        }
        if self.folds > count {
            let found = format!("{} folds of {count} dialogues", self.folds);
            let expected = format!("at most {count}: a fold has one dialogue or more");
            return Err(Problem::new(Location::file("folds"), found, expected));
        }
        let mut parts = vec![Vec::new(); self.folds];
        for (at, dialogue) in data.shuffled(rng).into_iter().enumerate() {
            parts[at % self.folds].push(dialogue);
        }
        Ok(parts)
    }

    /// The test of one of the parts.
    fn fold(&self, parts: &[Vec<usize>], at: usize) -> Fold {
        let others: Vec<&Vec<usize>> =
            (1..parts.len()).map(|step| &parts[(at + step) % parts.len()]).collect();
        let all = |parts: &[&Vec<usize>]| {
            let mut all: Vec<usize> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            all.sort_unstable();
            all
        };
        let (train, score) = match self.evaluation {
            Evaluation::OwnEstimator => (all(&others), all(&others)),
            Evaluation::CrossFitted => {
                let (train, score) = others.split_at(others.len().div_ceil(2));
                (all(train), all(score))
            }
            Evaluation::True => (all(&others), Vec::new()),
        };
        Fold { train, score, test: all(&[&parts[at]]) }
    }
}

/// Reads a table `dialogue,fold`: the fold, from 0, of every dialogue of a workload.
///
/// # Errors
/// A dialogue is unknown, is named twice or not at all, or a fold has no dialogue.
pub fn read_folds(source: &Source, data: &Workload) -> Result<Vec<usize>, Problem> {
    let table = Table::parse(source)?;
    let names = ["dialogue", "fold"];
    if let Some(problem) = table.refuse_unknown(|name| names.contains(&name), &names) {
        return Err(problem);
    }
    let [dialogue, fold] = table.columns(names)?;
    let ids: Vec<String> = data.dialogues.iter().map(|dialogue| dialogue.id.clone()).collect();
    let mut folds = vec![None; ids.len()];
    for row in table.rows() {
        let at = row.name(dialogue, "dialogue", &ids)?;
        let number = row.integer(fold, 0..=MAX_FOLDS as u64 - 1)? as usize;
        if folds[at].replace(number).is_some() {
            return Err(row.problem(dialogue, "each dialogue once"));
        }
    }
    let whole = |found: String, expected: &str| {
        Err(Problem::new(Location::file(&source.path), found, expected))
    };
    if let Some(at) = folds.iter().position(Option::is_none) {
        return whole(format!("no fold for dialogue `{}`", ids[at]), "one for every dialogue");
    }
    let folds: Vec<usize> = folds.into_iter().flatten().collect();
    let last = folds.iter().max().copied().unwrap_or(0);
    if let Some(empty) = (0..=last).find(|fold| !folds.contains(fold)) {
        return whole(format!("no dialogue in fold {empty}"), "folds from 0 on without a gap");
    }
    Ok(folds)
}

/// What a policy is tested with on one fold: the model it decides by, and who scores.
#[derive(Clone, Debug)]
pub struct FoldModels {
    /// The dialogues.
    pub fold: Fold,
    /// The model of the training dialogues.
    pub model: DialogueModel,
    /// The model that scores, if it is another one.
    scoring: Option<DialogueModel>,
    evaluation: Evaluation,
}

impl FoldModels {
    /// Fits the estimators of a fold.
    ///
    /// # Errors
    /// There are no costs for the number of views.
    pub fn new(
        data: &Arc<Workload>,
        fold: Fold,
        evaluation: Evaluation,
        params: &ModelParams,
    ) -> Result<Self, Problem> {
        let fit = |of: &[usize]| DialogueModel::new(Arc::clone(data), of, params.clone());
        let model = fit(&fold.train)?;
        let crossed = evaluation == Evaluation::CrossFitted;
        let scoring = crossed.then(|| fit(&fold.score)).transpose()?;
        Ok(Self { fold, model, scoring, evaluation })
    }

    /// Who scores.
    pub fn scorer(&self) -> Scorer<'_> {
        match &self.model.workload.truth {
            Some(law) if self.evaluation == Evaluation::True => Scorer::True(law),
            _ => Scorer::Estimator(self.scoring.as_ref().unwrap_or(&self.model)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offloading::generate::like_m4a1;

    fn tests(evaluation: Evaluation, folds: usize, count: usize) -> Result<Vec<Fold>, Problem> {
        let data = like_m4a1(count, Rng::new(3, 0));
        let plan = FoldPlan { folds, ..FoldPlan::new(evaluation) };
        plan.tests(&data, Rng::new(4, 0), 0)
    }

    /// Whether two sorted lists share nothing.
    fn apart(a: &[usize], b: &[usize]) -> bool {
        a.iter().all(|one| !b.contains(one))
    }

    #[test]
    fn no_dialogue_teaches_scores_or_is_tested_in_two_ways() {
        for (folds, count) in [(3, 3), (4, 50), (5, 100), (7, 23)] {
            let tests = tests(Evaluation::CrossFitted, folds, count).unwrap();
            let mut tested: Vec<usize> = Vec::new();
            for fold in &tests {
                assert!(apart(&fold.train, &fold.score), "{fold:?}");
                assert!(apart(&fold.train, &fold.test) && apart(&fold.score, &fold.test));
                let all = fold.train.len() + fold.score.len() + fold.test.len();
                assert_eq!(all, count, "every dialogue is of use");
                assert!(!fold.train.is_empty() && !fold.score.is_empty());
                tested.extend(&fold.test);
            }
            tested.sort_unstable();
            assert!(tested.into_iter().eq(0..count), "each is tested once");
        }
        let sizes = tests(Evaluation::CrossFitted, 5, 100).unwrap();
        let size = |fold: &Fold| (fold.train.len(), fold.score.len(), fold.test.len());
        assert!(sizes.iter().all(|fold| size(fold) == (40, 40, 20)));
    }

    #[test]
    fn the_published_protocol_scores_by_what_it_learned_from() {
        let tests = tests(Evaluation::OwnEstimator, 5, 100).unwrap();
        let [fold] = &tests[..] else { panic!("one split") };
        assert_eq!((fold.train.len(), fold.test.len()), (80, 20));
        assert_eq!(fold.train, fold.score);
    }

    #[test]
    fn what_cannot_be_dealt_out_is_refused() {
        for (evaluation, folds, count, said) in [
            (Evaluation::CrossFitted, 6, 5, "folds: found 6 folds of 5 dialogues, expected at"),
            (Evaluation::CrossFitted, 2, 5, "folds: found 2 folds, expected 3 or more"),
            (Evaluation::True, 1, 5, "folds: found 1 folds, expected 2 or more"),
        ] {
            let problem = tests(evaluation, folds, count).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{problem}");
        }
        let recorded = Workload { truth: None, ..like_m4a1(9, Rng::new(3, 0)) };
        let plan = FoldPlan::new(Evaluation::True);
        let problem = plan.tests(&recorded, Rng::new(4, 0), 0).unwrap_err().to_string();
        assert!(problem.contains("dialogues that were not generated"), "{problem}");
    }

    #[test]
    fn a_file_deals_out() {
        let data = like_m4a1(4, Rng::new(3, 0));
        let read = |rows: &str| {
            let text = format!("dialogue,fold\n{rows}");
            read_folds(&Source { path: "f.csv".into(), text, sha256: String::new() }, &data)
        };
        let assigned = read("0,0\n2,1\n1,2\n3,0\n").unwrap();
        assert_eq!(assigned, [0, 2, 1, 0]);
        let plan = FoldPlan { assigned: Some(assigned), ..FoldPlan::new(Evaluation::CrossFitted) };
        let tests = plan.tests(&data, Rng::new(4, 0), 0).unwrap();
        assert_eq!(tests[0], Fold { train: vec![2], score: vec![1], test: vec![0, 3] });
        let own = FoldPlan { evaluation: Evaluation::OwnEstimator, ..plan };
        let third = own.tests(&data, Rng::new(4, 0), 2).unwrap();
        assert_eq!(third, [Fold { train: vec![0, 2, 3], score: vec![0, 2, 3], test: vec![1] }]);
        for (rows, said) in [
            ("0,0\n1,1\n2,2\n", "f.csv: found no fold for dialogue `3`"),
            ("0,0\n0,1\n", "f.csv:3: `dialogue`: found `0`, expected each dialogue once"),
            ("0,0\n1,2\n2,2\n3,0\n", "f.csv: found no dialogue in fold 1"),
            ("9,0\n", "f.csv:2: `dialogue`: found unknown dialogue `9`"),
        ] {
            let problem = read(rows).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{rows:?}: {problem}");
        }
    }
}
