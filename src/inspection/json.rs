//! The story of a request for programs: times in seconds, spans in milliseconds.

use super::explanation::Explanation;
use super::record::{Choice, End, Occupation, Verdict, Work};
use crate::core::units::{Span, Time};
use serde_json::{Map, Value, json};

fn seconds(time: Time) -> f64 {
    time.as_s()
}

impl Explanation {
    /// All of it as one object.
    pub fn json(&self) -> Value {
        let request = &self.followed.request;
        let app = self.catalog.app(request.app);
        let votes: Map<String, Value> =
            app.classes.iter().cloned().zip(self.votes.iter().map(|vote| json!(vote))).collect();
        let parts = self.breakdown().parts();
        let parts: Map<String, Value> =
            parts.map(|(part, span)| (part.name().to_owned(), json!(span.as_ms()))).collect();
        let cause = self.cause.as_ref().map(|cause| {
            json!({ "cause": cause.part.name(), "ms": cause.span.as_ms(), "text": cause.text })
        });
        let before: Vec<Value> =
            self.before.iter().map(|(own, span)| self.occupation(own, *span)).collect();
        let alternatives = self.alternatives.iter().map(|own| {
            json!({
                "variant": self.name(own.variant), "correct": own.is_correct,
                "finish_s": seconds(own.finish), "utility": own.utility, "own": own.is_own,
            })
        });
        let decisions = self.followed.choices.iter().map(|own| self.choice_json(own));
        json!({
            "request": request.id.number(),
            "app": app.name,
            "arrival_s": seconds(request.arrival),
            "deadline_s": seconds(request.deadline),
            "class": self.class,
            "queue_length": self.breakdown().waiting,
            "ready_s": self.followed.ready.map(seconds),
            "votes": votes,
            "decisions": decisions.collect::<Vec<_>>(),
            "end": self.end(),
            "late_ms": self.tardiness.as_ms(),
            "late_because": cause,
            "latency_ms": parts,
            "before": before,
            "alternatives": alternatives.collect::<Vec<_>>(),
            "utility": self.utility,
            "regret": self.regret(),
        })
    }

    fn occupation(&self, own: &Occupation, span: Span) -> Value {
        let (kind, number, size) = match own.work {
            Work::Batch(number, size) => ("batch", Some(number), Some(size)),
            Work::Peek(size) => ("peek", None, Some(size)),
            Work::Load => ("load", None, None),
            Work::Outage => ("outage", None, None),
        };
        json!({
            "kind": kind, "batch": number, "size": size,
            "worker": self.catalog.worker(own.worker).name,
            "variant": own.variant.map(|variant| self.name(variant)),
            "start_s": seconds(own.start), "end_s": seconds(own.end), "lost": own.is_lost,
            "overlap_ms": span.as_ms(),
        })
    }

    fn choice_json(&self, choice: &Choice) -> Value {
        let candidates = choice.candidates.iter().map(|own| {
            json!({
                "worker": self.catalog.worker(own.worker).name,
                "variant": self.name(own.variant), "batch_size": own.batch,
                "expected_finish_s": (own.finish < Time::MAX).then(|| seconds(own.finish)),
                "accuracy": own.accuracy,
                "utility": own.utility, "chosen": own.is_chosen,
            })
        });
        let verdict = match choice.verdict {
            Verdict::Assigned(worker, variant, size) => json!({
                "assigned": self.name(variant), "batch_size": size,
                "worker": self.catalog.worker(worker).name,
            }),
            Verdict::Rejected(reason) => json!({ "rejected": reason.name() }),
        };
        json!({
            "at_s": seconds(choice.at), "waiting": choice.waiting, "decision": verdict,
            "upload_s": choice.upload.map(|(start, end)| [start, end].map(seconds)),
            "lost_s": choice.lost.map(seconds),
            "posterior": choice.posterior, "candidates": candidates.collect::<Vec<_>>(),
        })
    }

    fn end(&self) -> Value {
        match self.followed.end {
            None => Value::Null,
            Some(End::Completed {
                worker, variant, batch, started, finished, is_correct, ..
            }) => json!({
                "outcome": "completed",
                "worker": worker.map(|own| &self.catalog.worker(own).name),
                "variant": self.name(variant), "batch_size": batch, "correct": is_correct,
                "start_s": seconds(started), "finish_s": seconds(finished),
            }),
            Some(End::Rejected(at, reason)) => {
                json!({ "outcome": "rejected", "at_s": seconds(at), "reason": reason.name() })
            }
            Some(End::Unfinished(at)) => json!({ "outcome": "unfinished", "at_s": seconds(at) }),
        }
    }
}
